/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_AMDGPU_CTX_H_
#define _TWIN_AMDGPU_CTX_H_

#include <linux/kref.h>
#include <linux/spinlock.h>

#include "amdgpu.h"

/* Jobs of an entity whose fences are remembered: amdgpu.sched_jobs. */
#define TWIN_CTX_FENCES		32
/* Rings of one kind of hardware, at most. */
#define TWIN_CTX_RINGS		4

/**
 * struct twin_entity - a queue of jobs
 * @base: the scheduler's
 * @sequence: of the next job
 * @fences: of the last jobs
 */
struct twin_entity {
	struct drm_sched_entity base;
	u64 sequence;
	struct dma_fence *fences[TWIN_CTX_FENCES];
};

/**
 * struct twin_ctx - a context
 * @ref: of the file and of who looks at it
 * @adev: the device
 * @lock: protects entities' sequence and fences
 * @guilty: a job of this context hung; nothing more runs
 * @reset_counter: resets when it was created
 * @reset_seen: resets when user space last asked
 * @stable_pstate: as user space set it
 * @entities: made on first use
 */
struct twin_ctx {
	struct kref ref;
	struct amdgpu_twin *adev;
	spinlock_t lock; /* see above */
	atomic_t guilty;
	int reset_counter;
	int reset_seen;
	u32 stable_pstate;
	struct twin_entity *entities[AMDGPU_HW_IP_DMA + 1][TWIN_CTX_RINGS];
};

struct twin_ctx *twin_ctx_get(struct twin_fpriv *fpriv, u32 id);
void twin_ctx_put(struct twin_ctx *ctx);
void twin_ctx_fini_all(struct twin_fpriv *fpriv);
int twin_ctx_entity(struct twin_ctx *ctx, u32 ip, u32 instance, u32 ring,
		    struct twin_entity **entity);
u64 twin_ctx_add_fence(struct twin_ctx *ctx, struct twin_entity *entity,
		       struct dma_fence *fence);
struct dma_fence *twin_ctx_fence(struct twin_ctx *ctx,
				 struct twin_entity *entity, u64 seq);
int twin_ctx_wait_prev(struct twin_ctx *ctx, struct twin_entity *entity);

#endif
