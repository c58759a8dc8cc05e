/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_I915_H_
#define _TWIN_I915_H_

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>
#include <drm/drm_file.h>
/* In 6.8, <drm/i915_drm.h> is a header of the kernel. */
#include <uapi/drm/i915_drm.h>

#include "bo.h"
#include "job.h"
#include "ring.h"

/* One engine of each class; the values are I915_ENGINE_CLASS_*. */
#define TWIN_ENGINES	4

/* Hangs in quick succession until a context is banned. */
#define TWIN_BAN_HANGS	3
#define TWIN_BAN_WINDOW	(120 * HZ)

/**
 * struct i915_vm - GPU addresses
 * @mutex: protects them; held over allocations
 */
struct i915_vm {
	struct mutex mutex; /* see above */
};

/**
 * struct i915_twin - the device
 * @base: what both twins have
 * @vm: the addresses, which each submission chooses anew
 * @ring: the engines, by class
 * @heartbeat: looks for jobs that hang
 * @reset_count: resets so far
 */
struct i915_twin {
	struct twin_device base;
	struct i915_vm vm;
	struct twin_ring ring[TWIN_ENGINES];
	struct delayed_work heartbeat;
	atomic_t reset_count;
};

static inline struct i915_twin *to_i915(struct drm_device *drm)
{
	return container_of(to_twin_device(drm), struct i915_twin, base);
}

/**
 * struct twin_timeline - requests of a context on an engine, one after another
 * @mutex: from a request's number to its publication
 * @context: fence context
 * @seqno: of the last request
 * @last: fence of the last request, or NULL
 */
struct twin_timeline {
	struct mutex mutex; /* see above */
	u64 context;
	u64 seqno;
	struct dma_fence *last;
};

/**
 * struct i915_ctx - a context
 * @ref: of the file and of requests
 * @timeline: by engine class
 * @banned: nothing more runs
 * @recoverable: it survives a hang
 * @active: requests of its own that hung
 * @pending: requests that waited for one that hung
 * @hangs: those since @first_hang
 * @first_hang: in jiffies
 */
struct i915_ctx {
	struct kref ref;
	struct twin_timeline timeline[TWIN_ENGINES];
	bool banned;
	bool recoverable;
	atomic_t active;
	atomic_t pending;
	unsigned int hangs;
	unsigned long first_hang;
};

/**
 * struct i915_fpriv - an open file
 * @ctxs: contexts by id; 0 is there from the beginning
 */
struct i915_fpriv {
	struct xarray ctxs;
};

/* context.c */
int twin_ctxs_init(struct i915_fpriv *fpriv);
void twin_ctxs_fini(struct i915_fpriv *fpriv);
struct i915_ctx *twin_ctx_get(struct i915_fpriv *fpriv, u32 id);
void twin_ctx_put(struct i915_ctx *ctx);
void twin_ctx_mark_guilty(struct i915_ctx *ctx);

/* gem.c */
extern const struct drm_gem_object_funcs twin_i915_gem_funcs;
struct drm_gem_object *twin_i915_import(struct drm_device *drm,
					struct dma_buf *buf);
int twin_dumb_create(struct drm_file *filp, struct drm_device *drm,
		     struct drm_mode_create_dumb *args);
int twin_dumb_mmap(struct drm_file *filp, struct drm_device *drm, u32 handle,
		   u64 *offset);

/* request.c */
struct i915_request;
int twin_requests_init(void);
void twin_requests_exit(void);
struct i915_request *twin_request_create(struct i915_twin *i915,
					 struct i915_ctx *ctx,
					 unsigned int engine);
struct twin_job *twin_request_job(struct i915_request *rq);
int twin_request_await(struct i915_request *rq, struct dma_fence *fence);
struct dma_fence *twin_request_begin(struct i915_request *rq);
void twin_request_submit(struct i915_request *rq);
void twin_request_cancel(struct i915_request *rq);

/* reset.c */
void twin_heartbeat_init(struct i915_twin *i915);
void twin_heartbeat_start(struct i915_twin *i915);
unsigned int twin_get_timeout(struct twin_device *twin);
void twin_set_timeout(struct twin_device *twin, unsigned int ms);
void twin_reset_all(struct twin_device *twin, bool modeset);
void twin_reset_debugfs(struct drm_minor *minor);

/* The ioctls. */
TWIN_IOCTL(twin_getparam_ioctl);
TWIN_IOCTL(twin_context_create_ioctl);
TWIN_IOCTL(twin_context_destroy_ioctl);
TWIN_IOCTL(twin_context_getparam_ioctl);
TWIN_IOCTL(twin_context_setparam_ioctl);
TWIN_IOCTL(twin_reset_stats_ioctl);
TWIN_IOCTL(twin_create_ioctl);
TWIN_IOCTL(twin_mmap_offset_ioctl);
TWIN_IOCTL(twin_set_domain_ioctl);
TWIN_IOCTL(twin_userptr_ioctl);
TWIN_IOCTL(twin_execbuffer_ioctl);
TWIN_IOCTL(twin_wait_ioctl);
TWIN_IOCTL(twin_busy_ioctl);

#endif
