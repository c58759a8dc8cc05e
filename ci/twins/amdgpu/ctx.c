// SPDX-License-Identifier: GPL-2.0
/* Contexts: a queue for each ring, and the fences of their last jobs. */
#include <linux/capability.h>
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <drm/drm_auth.h>

#include "ctx.h"

/* AMDGPU_VM_MAX_NUM_CTX of the real driver. */
#define TWIN_MAX_CTX	4096

static const u8 rings_of_ip[AMDGPU_HW_IP_NUM] = {
	[AMDGPU_HW_IP_GFX] = 1,
	[AMDGPU_HW_IP_COMPUTE] = 4,
	[AMDGPU_HW_IP_DMA] = 2,
	[AMDGPU_HW_IP_UVD] = 1,
	[AMDGPU_HW_IP_VCE] = 1,
	[AMDGPU_HW_IP_UVD_ENC] = 1,
	[AMDGPU_HW_IP_VCN_DEC] = 1,
	[AMDGPU_HW_IP_VCN_ENC] = 1,
	[AMDGPU_HW_IP_VCN_JPEG] = 1,
};

static enum twin_engine_id twin_engine_of(u32 ip, u32 ring)
{
	switch (ip) {
	case AMDGPU_HW_IP_COMPUTE:
		return ring % 2 ? TWIN_COMPUTE_1 : TWIN_COMPUTE_0;
	case AMDGPU_HW_IP_DMA:
		return ring ? TWIN_SDMA_1 : TWIN_SDMA_0;
	default:
		return TWIN_GFX;
	}
}

static int twin_entity_create(struct twin_ctx *ctx, u32 ip, u32 ring)
{
	struct twin_engine *engine =
		&ctx->adev->engines->engine[twin_engine_of(ip, ring)];
	struct drm_gpu_scheduler *sched = &engine->sched;
	struct twin_entity *entity = kzalloc(sizeof(*entity), GFP_KERNEL);
	int ret;

	if (!entity)
		return -ENOMEM;
	entity->sequence = 1;
	ret = drm_sched_entity_init(&entity->base, DRM_SCHED_PRIORITY_NORMAL,
				    &sched, 1, &ctx->guilty);
	if (ret) {
		kfree(entity);
		return ret;
	}
	/* Somebody else may have been faster. */
	if (cmpxchg(&ctx->entities[ip][ring], NULL, entity)) {
		drm_sched_entity_destroy(&entity->base);
		kfree(entity);
	}
	return 0;
}

/**
 * twin_ctx_entity - the queue of a context for a ring
 * @ctx: the context
 * @ip: AMDGPU_HW_IP_*
 * @instance: 0
 * @ring: number of the ring
 * @entity: the queue
 *
 * Return: 0, -EINVAL if there is no such ring, the error of its last job.
 */
int twin_ctx_entity(struct twin_ctx *ctx, u32 ip, u32 instance, u32 ring,
		    struct twin_entity **entity)
{
	int ret;

	if (ip >= AMDGPU_HW_IP_NUM || instance || ring >= rings_of_ip[ip])
		return -EINVAL;
	/* This chip has no other engines. */
	if (ip > AMDGPU_HW_IP_DMA)
		return -EINVAL;
	if (!READ_ONCE(ctx->entities[ip][ring])) {
		ret = twin_entity_create(ctx, ip, ring);
		if (ret)
			return ret;
	}
	*entity = READ_ONCE(ctx->entities[ip][ring]);
	return drm_sched_entity_error(&(*entity)->base);
}

/**
 * twin_ctx_add_fence - remember the fence of a job
 * @ctx: the context
 * @entity: its queue
 * @fence: of the job
 *
 * Return: the job's number.
 */
u64 twin_ctx_add_fence(struct twin_ctx *ctx, struct twin_entity *entity,
		       struct dma_fence *fence)
{
	struct dma_fence *old;
	u64 seq;

	dma_fence_get(fence);
	spin_lock(&ctx->lock);
	seq = entity->sequence++;
	old = entity->fences[seq % TWIN_CTX_FENCES];
	entity->fences[seq % TWIN_CTX_FENCES] = fence;
	spin_unlock(&ctx->lock);
	dma_fence_put(old);
	return seq;
}

/**
 * twin_ctx_fence - the fence of a job
 * @ctx: the context
 * @entity: its queue
 * @seq: the job's number, all ones for the last
 *
 * Return: the fence with a reference, NULL if it has signalled long ago, or
 * ERR_PTR(-EINVAL) for a job that there was not.
 */
struct dma_fence *twin_ctx_fence(struct twin_ctx *ctx,
				 struct twin_entity *entity, u64 seq)
{
	struct dma_fence *fence = NULL;

	spin_lock(&ctx->lock);
	if (seq == ~0ULL)
		seq = entity->sequence - 1;
	if (seq >= entity->sequence)
		fence = ERR_PTR(-EINVAL);
	else if (seq + TWIN_CTX_FENCES >= entity->sequence)
		fence = dma_fence_get(entity->fences[seq % TWIN_CTX_FENCES]);
	spin_unlock(&ctx->lock);
	return fence;
}

/**
 * twin_ctx_wait_prev - make room for the fence of a job
 * @ctx: the context
 * @entity: its queue
 *
 * Return: 0, or -ERESTARTSYS.
 */
int twin_ctx_wait_prev(struct twin_ctx *ctx, struct twin_entity *entity)
{
	struct dma_fence *fence;
	long ret;

	spin_lock(&ctx->lock);
	fence = entity->fences[entity->sequence % TWIN_CTX_FENCES];
	fence = dma_fence_get(fence);
	spin_unlock(&ctx->lock);
	if (!fence)
		return 0;
	ret = dma_fence_wait(fence, true);
	dma_fence_put(fence);
	return ret;
}

static void twin_entity_free(struct twin_entity *entity)
{
	int i;

	if (!entity)
		return;
	drm_sched_entity_destroy(&entity->base);
	for (i = 0; i < TWIN_CTX_FENCES; i++)
		dma_fence_put(entity->fences[i]);
	kfree(entity);
}

static void twin_ctx_release(struct kref *ref)
{
	struct twin_ctx *ctx = container_of(ref, struct twin_ctx, ref);
	int ip, ring;

	for (ip = 0; ip < ARRAY_SIZE(ctx->entities); ip++)
		for (ring = 0; ring < TWIN_CTX_RINGS; ring++)
			twin_entity_free(ctx->entities[ip][ring]);
	kfree(ctx);
}

/**
 * twin_ctx_get - a context of a file
 * @fpriv: the file
 * @id: the context
 *
 * Return: the context with a reference, or NULL.
 */
struct twin_ctx *twin_ctx_get(struct twin_fpriv *fpriv, u32 id)
{
	struct twin_ctx *ctx;

	mutex_lock(&fpriv->ctx_lock);
	ctx = idr_find(&fpriv->ctxs, id);
	if (ctx)
		kref_get(&ctx->ref);
	mutex_unlock(&fpriv->ctx_lock);
	return ctx;
}

/**
 * twin_ctx_put - drop a reference
 * @ctx: the context, or NULL
 */
void twin_ctx_put(struct twin_ctx *ctx)
{
	if (ctx)
		kref_put(&ctx->ref, twin_ctx_release);
}

/**
 * twin_ctx_fini_all - end of a file
 * @fpriv: the file
 */
void twin_ctx_fini_all(struct twin_fpriv *fpriv)
{
	struct twin_ctx *ctx;
	int id;

	idr_for_each_entry(&fpriv->ctxs, ctx, id)
		twin_ctx_put(ctx);
	idr_destroy(&fpriv->ctxs);
}

static bool twin_priority_is_valid(s32 priority)
{
	switch (priority) {
	case AMDGPU_CTX_PRIORITY_VERY_LOW:
	case AMDGPU_CTX_PRIORITY_LOW:
	case AMDGPU_CTX_PRIORITY_NORMAL:
	case AMDGPU_CTX_PRIORITY_HIGH:
	case AMDGPU_CTX_PRIORITY_VERY_HIGH:
		return true;
	default:
		return false;
	}
}

static int twin_ctx_alloc(struct amdgpu_twin *adev, struct drm_file *filp,
			  s32 priority, u32 *id)
{
	struct twin_fpriv *fpriv = filp->driver_priv;
	struct twin_ctx *ctx;
	int ret;

	/* Old user space leaves garbage in the field: that is NORMAL. */
	if (twin_priority_is_valid(priority) &&
	    priority > AMDGPU_CTX_PRIORITY_NORMAL && !capable(CAP_SYS_NICE) &&
	    !drm_is_current_master(filp))
		return -EACCES;
	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;
	kref_init(&ctx->ref);
	ctx->adev = adev;
	spin_lock_init(&ctx->lock);
	ctx->reset_counter = atomic_read(&adev->reset_counter);
	ctx->reset_seen = ctx->reset_counter;

	mutex_lock(&fpriv->ctx_lock);
	ret = idr_alloc(&fpriv->ctxs, ctx, 1, TWIN_MAX_CTX, GFP_KERNEL);
	mutex_unlock(&fpriv->ctx_lock);
	if (ret < 0) {
		kfree(ctx);
		return ret;
	}
	*id = ret;
	return 0;
}

static int twin_ctx_free(struct twin_fpriv *fpriv, u32 id)
{
	struct twin_ctx *ctx;

	mutex_lock(&fpriv->ctx_lock);
	ctx = idr_remove(&fpriv->ctxs, id);
	mutex_unlock(&fpriv->ctx_lock);
	twin_ctx_put(ctx);
	return ctx ? 0 : -EINVAL;
}

static void twin_ctx_query(struct twin_ctx *ctx, union drm_amdgpu_ctx_out *out)
{
	int counter = atomic_read(&ctx->adev->reset_counter);

	memset(out, 0, sizeof(*out));
	out->state.reset_status = ctx->reset_seen == counter ?
				  AMDGPU_CTX_NO_RESET :
				  AMDGPU_CTX_UNKNOWN_RESET;
	ctx->reset_seen = counter;
}

static void twin_ctx_query2(struct twin_ctx *ctx,
			    union drm_amdgpu_ctx_out *out)
{
	memset(out, 0, sizeof(*out));
	if (ctx->reset_counter != atomic_read(&ctx->adev->reset_counter))
		out->state.flags |= AMDGPU_CTX_QUERY2_FLAGS_RESET;
	if (atomic_read(&ctx->guilty))
		out->state.flags |= AMDGPU_CTX_QUERY2_FLAGS_GUILTY;
	if (atomic_read(&ctx->adev->in_reset))
		out->state.flags |= AMDGPU_CTX_QUERY2_FLAGS_RESET_IN_PROGRESS;
}

/* The operations on a context that exists. */
static int twin_ctx_op(struct twin_fpriv *fpriv, union drm_amdgpu_ctx *args)
{
	struct twin_ctx *ctx = twin_ctx_get(fpriv, args->in.ctx_id);
	u32 flags = args->in.flags;

	if (!ctx)
		return -EINVAL;
	switch (args->in.op) {
	case AMDGPU_CTX_OP_QUERY_STATE:
		twin_ctx_query(ctx, &args->out);
		break;
	case AMDGPU_CTX_OP_QUERY_STATE2:
		twin_ctx_query2(ctx, &args->out);
		break;
	case AMDGPU_CTX_OP_GET_STABLE_PSTATE:
		args->out.pstate.flags = READ_ONCE(ctx->stable_pstate);
		break;
	case AMDGPU_CTX_OP_SET_STABLE_PSTATE:
		WRITE_ONCE(ctx->stable_pstate, flags);
		break;
	}
	twin_ctx_put(ctx);
	return 0;
}

TWIN_IOCTL(twin_ctx_ioctl)
{
	union drm_amdgpu_ctx *args = data;
	int ret;
	u32 id;

	switch (args->in.op) {
	case AMDGPU_CTX_OP_ALLOC_CTX:
		if (args->in.flags)
			return -EINVAL;
		ret = twin_ctx_alloc(to_amdgpu(drm), filp, args->in.priority,
				     &id);
		if (!ret)
			args->out.alloc.ctx_id = id;
		return ret;
	case AMDGPU_CTX_OP_FREE_CTX:
		if (args->in.flags)
			return -EINVAL;
		return twin_ctx_free(filp->driver_priv, args->in.ctx_id);
	case AMDGPU_CTX_OP_QUERY_STATE:
	case AMDGPU_CTX_OP_QUERY_STATE2:
	case AMDGPU_CTX_OP_GET_STABLE_PSTATE:
		if (args->in.flags)
			return -EINVAL;
		return twin_ctx_op(filp->driver_priv, args);
	case AMDGPU_CTX_OP_SET_STABLE_PSTATE:
		if (args->in.flags > AMDGPU_CTX_STABLE_PSTATE_PEAK)
			return -EINVAL;
		return twin_ctx_op(filp->driver_priv, args);
	default:
		return -EINVAL;
	}
}

TWIN_IOCTL(twin_vm_ioctl)
{
	union drm_amdgpu_vm *args = data;

	switch (args->in.op) {
	case AMDGPU_VM_OP_RESERVE_VMID:
	case AMDGPU_VM_OP_UNRESERVE_VMID:
		return args->in.flags ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* Only root may override priorities, and the twin has just one. */
TWIN_IOCTL(twin_sched_ioctl)
{
	union drm_amdgpu_sched *args = data;

	if (!twin_priority_is_valid(args->in.priority))
		return -EINVAL;
	switch (args->in.op) {
	case AMDGPU_SCHED_OP_PROCESS_PRIORITY_OVERRIDE:
	case AMDGPU_SCHED_OP_CONTEXT_PRIORITY_OVERRIDE:
		return 0;
	default:
		return -EINVAL;
	}
}
