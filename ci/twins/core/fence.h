/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_FENCE_H_
#define _TWIN_FENCE_H_

#include <linux/dma-fence.h>
#include <linux/spinlock.h>

struct module;

/**
 * struct twin_fence - a fence that a ring signals
 * @base: the fence
 * @lock: the fence's lock; each fence has its own, so that a fence may outlive
 *	the ring and the device that it came from
 * @owner: module that stays loaded while the fence exists
 * @driver: name of the driver
 * @timeline: name of the ring
 * @tag: of the driver's
 * @published: it was initialised, so its last reference frees it
 */
struct twin_fence {
	struct dma_fence base;
	spinlock_t lock; /* see above */
	struct module *owner;
	const char *driver;
	char timeline[16];
	unsigned int tag;
	bool published;
};

struct twin_fence *twin_fence_alloc(struct module *owner, const char *driver,
				    const char *timeline);
void twin_fence_init(struct twin_fence *fence, u64 context, u64 seqno);
void twin_fence_free(struct twin_fence *fence);

struct twin_fence *to_twin_fence(struct dma_fence *fence);
bool twin_fence_is_of(struct dma_fence *fence, struct module *owner);

#endif
