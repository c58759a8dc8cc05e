/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * The command stream of the twins: what user space puts into an indirect
 * buffer (amdgpu) or a batch buffer (i915) instead of GPU packets.
 */
#ifndef _UAPI_FENCELAB_TWIN_H_
#define _UAPI_FENCELAB_TWIN_H_

#include <linux/types.h>

/* Ends the stream. Zeroed memory is an empty job. */
#define FENCELAB_TWIN_END	0
/* Writes the value @src to every 64-bit word of [@dst, @dst + @len). */
#define FENCELAB_TWIN_FILL	1
/* Copies @len bytes from @src to @dst, in ascending order. */
#define FENCELAB_TWIN_COPY	2
/* Writes the FNV-1a hash, by 64-bit words, of [@src, @src + @len) to @dst. */
#define FENCELAB_TWIN_CHECKSUM	3
/* Waits for @src nanoseconds. */
#define FENCELAB_TWIN_DELAY	4
/* Never completes: only a reset ends the job. */
#define FENCELAB_TWIN_HANG	5
/* Writes CLOCK_MONOTONIC in nanoseconds to the 64-bit word at @dst. */
#define FENCELAB_TWIN_STAMP	6

#define FENCELAB_TWIN_FNV_BASIS	0xcbf29ce484222325ULL
#define FENCELAB_TWIN_FNV_PRIME	0x100000001b3ULL

/**
 * struct fencelab_twin_op - one command
 * @op: FENCELAB_TWIN_*
 * @pad: must be zero
 * @len: bytes, a multiple of 8
 * @dst: GPU address, a multiple of 8
 * @src: GPU address, a multiple of 8; or the command's value
 *
 * A command that is not valid, or an address that is not mapped for the job,
 * ends the job; its fence then carries -EFAULT.
 */
struct fencelab_twin_op {
	__u32 op;
	__u32 pad;
	__u64 len;
	__u64 dst;
	__u64 src;
};

#endif
