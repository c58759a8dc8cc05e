// SPDX-License-Identifier: GPL-2.0
/* What a job waits for, and what waits for it. */
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <drm/drm_syncobj.h>

#include "cs.h"

static int twin_cs_add_fence(struct twin_cs *cs, struct dma_fence *fence)
{
	/* Takes over the reference, also when it fails. */
	return drm_sched_job_add_dependency(&cs->job->base, fence);
}

static int twin_cs_add_dependency(struct twin_cs *cs,
				  struct drm_amdgpu_cs_chunk_dep *dep,
				  bool scheduled)
{
	struct dma_fence *fence, *finished;
	struct twin_entity *entity;
	struct twin_ctx *ctx;
	int ret;

	ctx = twin_ctx_get(cs->fpriv, dep->ctx_id);
	if (!ctx)
		return -EINVAL;
	ret = twin_ctx_entity(ctx, dep->ip_type, dep->ip_instance, dep->ring,
			      &entity);
	if (ret) {
		twin_ctx_put(ctx);
		return ret;
	}
	fence = twin_ctx_fence(ctx, entity, dep->handle);
	twin_ctx_put(ctx);
	if (IS_ERR_OR_NULL(fence))
		return PTR_ERR_OR_ZERO(fence);
	if (scheduled) {
		finished = fence;
		fence = dma_fence_get(&to_drm_sched_fence(finished)->scheduled);
		dma_fence_put(finished);
	}
	return twin_cs_add_fence(cs, fence);
}

/**
 * twin_cs_add_dependencies - wait for jobs, or for their beginning
 * @cs: the submission
 * @chunk: struct drm_amdgpu_cs_chunk_dep, any number
 *
 * Return: 0 or a negative errno.
 */
int twin_cs_add_dependencies(struct twin_cs *cs, struct twin_chunk *chunk)
{
	struct drm_amdgpu_cs_chunk_dep *deps = chunk->data;
	size_t i, count = chunk->size / sizeof(*deps);
	bool scheduled = chunk->id == AMDGPU_CHUNK_ID_SCHEDULED_DEPENDENCIES;
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = twin_cs_add_dependency(cs, &deps[i], scheduled);
	return ret;
}

static int twin_cs_add_point(struct twin_cs *cs, u32 handle, u64 point,
			     u64 flags)
{
	struct dma_fence *fence;
	int ret;

	ret = drm_syncobj_find_fence(cs->filp, handle, point, flags, &fence);
	return ret ?: twin_cs_add_fence(cs, fence);
}

/**
 * twin_cs_add_syncobjs - wait for binary syncobjs
 * @cs: the submission
 * @chunk: struct drm_amdgpu_cs_chunk_sem, any number
 *
 * Return: 0 or a negative errno.
 */
int twin_cs_add_syncobjs(struct twin_cs *cs, struct twin_chunk *chunk)
{
	struct drm_amdgpu_cs_chunk_sem *deps = chunk->data;
	size_t i, count = chunk->size / sizeof(*deps);
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = twin_cs_add_point(cs, deps[i].handle, 0, 0);
	return ret;
}

/**
 * twin_cs_add_points - wait for points of timelines
 * @cs: the submission
 * @chunk: struct drm_amdgpu_cs_chunk_syncobj, any number
 *
 * Return: 0 or a negative errno.
 */
int twin_cs_add_points(struct twin_cs *cs, struct twin_chunk *chunk)
{
	struct drm_amdgpu_cs_chunk_syncobj *deps = chunk->data;
	size_t i, count = chunk->size / sizeof(*deps);
	int ret = 0;

	for (i = 0; i < count && !ret; i++)
		ret = twin_cs_add_point(cs, deps[i].handle, deps[i].point,
					deps[i].flags);
	return ret;
}

static int twin_cs_alloc_posts(struct twin_cs *cs, size_t count)
{
	if (cs->posts)
		return -EINVAL;
	cs->posts = kvcalloc(count ?: 1, sizeof(*cs->posts),
			     TWIN_GFP_USER);
	return cs->posts ? 0 : -ENOMEM;
}

static int twin_cs_add_post(struct twin_cs *cs, u32 handle, u64 point)
{
	struct twin_post *post = &cs->posts[cs->num_posts];

	post->syncobj = drm_syncobj_find(cs->filp, handle);
	if (!post->syncobj)
		return -EINVAL;
	cs->num_posts++;
	post->point = point;
	if (!point)
		return 0;
	post->chain = dma_fence_chain_alloc();
	return post->chain ? 0 : -ENOMEM;
}

/**
 * twin_cs_signal_syncobjs - give binary syncobjs the job's fence
 * @cs: the submission
 * @chunk: struct drm_amdgpu_cs_chunk_sem, any number
 *
 * Return: 0 or a negative errno.
 */
int twin_cs_signal_syncobjs(struct twin_cs *cs, struct twin_chunk *chunk)
{
	struct drm_amdgpu_cs_chunk_sem *deps = chunk->data;
	size_t i, count = chunk->size / sizeof(*deps);
	int ret = twin_cs_alloc_posts(cs, count);

	for (i = 0; i < count && !ret; i++)
		ret = twin_cs_add_post(cs, deps[i].handle, 0);
	return ret;
}

/**
 * twin_cs_signal_points - make the job's fence a point of timelines
 * @cs: the submission
 * @chunk: struct drm_amdgpu_cs_chunk_syncobj, any number
 *
 * Return: 0 or a negative errno.
 */
int twin_cs_signal_points(struct twin_cs *cs, struct twin_chunk *chunk)
{
	struct drm_amdgpu_cs_chunk_syncobj *deps = chunk->data;
	size_t i, count = chunk->size / sizeof(*deps);
	int ret = twin_cs_alloc_posts(cs, count);

	for (i = 0; i < count && !ret; i++)
		ret = twin_cs_add_post(cs, deps[i].handle, deps[i].point);
	return ret;
}

/*
 * Jobs of one VM are ordered by what user space says. Everybody else's access
 * to a buffer comes first.
 */
static bool twin_cs_is_foreign(struct twin_cs *cs, struct dma_fence *fence)
{
	struct drm_sched_fence *s_fence = to_drm_sched_fence(fence);

	return !s_fence || s_fence->owner != &cs->fpriv->vm;
}

static int twin_cs_add_resv(struct twin_cs *cs, struct dma_resv *resv)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret;

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_READ, fence) {
		if (!twin_cs_is_foreign(cs, fence))
			continue;
		ret = twin_cs_add_fence(cs, dma_fence_get(fence));
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * twin_cs_add_implicit - wait for what the buffers' reservations hold
 * @cs: the submission, its reservations locked
 *
 * Return: 0 or a negative errno.
 */
int twin_cs_add_implicit(struct twin_cs *cs)
{
	unsigned int i;
	int ret;

	for (i = 0; i < cs->exec.num_objects; i++) {
		struct drm_gem_object *obj = cs->exec.objects[i];

		if (to_twin_bo(obj)->flags & AMDGPU_GEM_CREATE_EXPLICIT_SYNC)
			continue;
		ret = twin_cs_add_resv(cs, obj->resv);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * twin_cs_post - publish the job's fence in syncobjs
 * @cs: the submission, its job armed
 *
 * Inside the signalling section: everything was allocated before.
 */
void twin_cs_post(struct twin_cs *cs)
{
	unsigned int i;

	for (i = 0; i < cs->num_posts; i++) {
		struct twin_post *post = &cs->posts[i];

		if (post->chain)
			drm_syncobj_add_point(post->syncobj, post->chain,
					      cs->fence, post->point);
		else
			drm_syncobj_replace_fence(post->syncobj, cs->fence);
		post->chain = NULL;
	}
}

/**
 * twin_cs_free_posts - free what was not used
 * @cs: the submission
 */
void twin_cs_free_posts(struct twin_cs *cs)
{
	unsigned int i;

	for (i = 0; i < cs->num_posts; i++) {
		drm_syncobj_put(cs->posts[i].syncobj);
		dma_fence_chain_free(cs->posts[i].chain);
	}
	kvfree(cs->posts);
}
