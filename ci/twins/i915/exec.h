/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_I915_EXEC_H_
#define _TWIN_I915_EXEC_H_

#include <drm/drm_exec.h>

#include "i915.h"
#include "userptr.h"

struct dma_fence_chain;
struct drm_syncobj;
struct sync_file;

/**
 * struct eb_object - a buffer of a submission
 * @bo: the buffer, with a reference
 * @start: its GPU address, page aligned
 * @flags: EXEC_OBJECT_*
 * @range: its pages, if it is user memory
 */
struct eb_object {
	struct twin_bo *bo;
	u64 start;
	u64 flags;
	struct twin_user_range range;
};

/**
 * struct eb_fence - a syncobj of a submission
 * @syncobj: with a reference
 * @chain: for a timeline point to be signalled; or NULL
 * @point: the point
 * @signal: it gets the request's fence
 */
struct eb_fence {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
	bool signal;
};

/**
 * struct eb - a submission on its way
 * @i915: the device
 * @filp: the file
 * @args: of the ioctl
 * @ctx: the context
 * @engine: class of the engine
 * @objects: the buffers
 * @num_objects: number of @objects
 * @fences: the syncobjs
 * @num_fences: number of @fences
 * @exec: the reservations
 * @rq: the request, until it is submitted
 * @out_fd: for the request's fence, or -1
 * @out_file: for @out_fd
 */
struct eb {
	struct i915_twin *i915;
	struct drm_file *filp;
	struct drm_i915_gem_execbuffer2 *args;
	struct i915_ctx *ctx;
	unsigned int engine;
	struct eb_object *objects;
	unsigned int num_objects;
	struct eb_fence *fences;
	unsigned int num_fences;
	struct drm_exec exec;
	struct i915_request *rq;
	int out_fd;
	struct sync_file *out_file;
};

/* exec_objects.c */
int eb_read_objects(struct eb *eb);
int eb_write_offsets(struct eb *eb);
int eb_lock_objects(struct eb *eb);
int eb_map_objects(struct eb *eb);
bool eb_user_pages_are_valid(struct eb *eb);
void eb_free_objects(struct eb *eb);

/* exec_fences.c */
int eb_read_fences(struct eb *eb);
int eb_await_objects(struct eb *eb);
void eb_publish(struct eb *eb, struct dma_fence *fence);
void eb_free_fences(struct eb *eb);

#endif
