// SPDX-License-Identifier: GPL-2.0
/* Reads the chunks of a submission. The errors are the real driver's. */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "cs.h"

/* The length of an IB in the ring's packets has 20 bits, of dwords. */
#define TWIN_IB_MAX_DW	0xfffff

static int twin_cs_ib_entity(struct twin_cs *cs,
			     struct drm_amdgpu_cs_chunk_ib *ib)
{
	struct twin_entity *entity;
	int ret;

	ret = twin_ctx_entity(cs->ctx, ib->ip_type, ib->ip_instance, ib->ring,
			      &entity);
	if (ret)
		return ret;
	/* No gangs: one submission goes to one ring, as on SR-IOV. */
	if (cs->entity && cs->entity != entity)
		return -EINVAL;
	cs->entity = entity;
	return 0;
}

static int twin_cs_user_fence(struct twin_cs *cs,
			      struct drm_amdgpu_cs_chunk_fence *data)
{
	struct drm_gem_object *obj;

	if (cs->user_fence)
		return -EINVAL;
	obj = drm_gem_object_lookup(cs->filp, data->handle);
	if (!obj)
		return -EINVAL;
	cs->user_fence = to_twin_bo(obj);
	cs->user_fence_offset = data->offset;
	if (obj->size != PAGE_SIZE || data->offset > PAGE_SIZE - sizeof(u64) ||
	    data->offset % sizeof(u64) || cs->user_fence->userptr)
		return -EINVAL;
	return 0;
}

static int twin_cs_bo_handles(struct twin_cs *cs,
			      struct drm_amdgpu_bo_list_in *in)
{
	struct twin_bo_list *list;

	if (cs->list)
		return -EINVAL;
	list = twin_bo_list_create(cs->filp, in);
	if (IS_ERR(list))
		return PTR_ERR(list);
	cs->list = list;
	return 0;
}

/* What must be known before there is a job. */
static int twin_cs_first_look(struct twin_cs *cs, struct twin_chunk *chunk)
{
	switch (chunk->id) {
	case AMDGPU_CHUNK_ID_IB:
		if (chunk->size < sizeof(struct drm_amdgpu_cs_chunk_ib))
			return -EINVAL;
		return twin_cs_ib_entity(cs, chunk->data);
	case AMDGPU_CHUNK_ID_FENCE:
		if (chunk->size < sizeof(struct drm_amdgpu_cs_chunk_fence))
			return -EINVAL;
		return twin_cs_user_fence(cs, chunk->data);
	case AMDGPU_CHUNK_ID_BO_HANDLES:
		if (chunk->size < sizeof(struct drm_amdgpu_bo_list_in))
			return -EINVAL;
		return twin_cs_bo_handles(cs, chunk->data);
	case AMDGPU_CHUNK_ID_CP_GFX_SHADOW:
		if (chunk->size <
		    sizeof(struct drm_amdgpu_cs_chunk_cp_gfx_shadow))
			return -EINVAL;
		return 0;
	case AMDGPU_CHUNK_ID_DEPENDENCIES:
	case AMDGPU_CHUNK_ID_SYNCOBJ_IN:
	case AMDGPU_CHUNK_ID_SYNCOBJ_OUT:
	case AMDGPU_CHUNK_ID_SCHEDULED_DEPENDENCIES:
	case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT:
	case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL:
		return 0;
	default:
		return -EINVAL;
	}
}

/* Counts what the submission copies, and says when it is too much. */
static bool twin_cs_is_too_large(struct twin_cs *cs, size_t size)
{
	if (size > TWIN_MAX_ARGUMENTS - cs->size)
		return true;
	cs->size += size;
	return false;
}

static int twin_cs_read_chunk(struct twin_cs *cs, struct twin_chunk *chunk,
			      u64 address)
{
	struct drm_amdgpu_cs_chunk user;

	if (copy_from_user(&user, u64_to_user_ptr(address), sizeof(user)))
		return -EFAULT;
	chunk->id = user.chunk_id;
	chunk->size = (size_t)user.length_dw * 4;
	if (twin_cs_is_too_large(cs, chunk->size))
		return -ENOMEM;
	chunk->data = kvmalloc(chunk->size ?: 1, TWIN_GFP_USER);
	if (!chunk->data)
		return -ENOMEM;
	if (copy_from_user(chunk->data, u64_to_user_ptr(user.chunk_data),
			   chunk->size))
		return -EFAULT;
	return 0;
}

/**
 * twin_cs_read_chunks - copy the chunks, and make a job
 * @cs: the submission
 * @args: of the ioctl
 *
 * Return: 0 or a negative errno.
 */
int twin_cs_read_chunks(struct twin_cs *cs, union drm_amdgpu_cs *args)
{
	const u64 __user *addresses = u64_to_user_ptr(args->in.chunks);
	unsigned int count = args->in.num_chunks;
	int ret;

	if (twin_cs_is_too_large(cs, array_size(count, sizeof(*cs->chunks))))
		return -ENOMEM;
	cs->chunks = kvcalloc(count, sizeof(*cs->chunks),
			      TWIN_GFP_USER);
	if (!cs->chunks)
		return -ENOMEM;
	while (cs->num_chunks < count) {
		struct twin_chunk *chunk = &cs->chunks[cs->num_chunks];
		u64 address;

		if (copy_from_user(&address, addresses++, sizeof(address)))
			return -EFAULT;
		cs->num_chunks++;
		ret = twin_cs_read_chunk(cs, chunk, address);
		if (!ret)
			ret = twin_cs_first_look(cs, chunk);
		if (ret)
			return ret;
	}
	if (!cs->entity)
		return -EINVAL;
	cs->job = twin_amdgpu_job_alloc(cs->adev, cs->filp, &cs->entity->base);
	if (IS_ERR(cs->job)) {
		ret = PTR_ERR(cs->job);
		cs->job = NULL;
		return ret;
	}
	return 0;
}

static int twin_cs_ib(struct twin_cs *cs, struct drm_amdgpu_cs_chunk_ib *ib)
{
	if (ib->ib_bytes / 4 > TWIN_IB_MAX_DW)
		return -EINVAL;
	if (ib->va_start % sizeof(u64))
		return -EINVAL;
	return twin_job_add_ib(cs->job->job, ib->va_start & TWIN_VA_MASK,
			       ib->ib_bytes);
}

static int twin_cs_shadow(struct drm_amdgpu_cs_chunk_cp_gfx_shadow *shadow)
{
	if (shadow->flags & ~(u64)AMDGPU_CS_CHUNK_CP_GFX_SHADOW_FLAGS_INIT_SHADOW)
		return -EINVAL;
	return 0;
}

static int twin_cs_second_look(struct twin_cs *cs, struct twin_chunk *chunk)
{
	switch (chunk->id) {
	case AMDGPU_CHUNK_ID_IB:
		return twin_cs_ib(cs, chunk->data);
	case AMDGPU_CHUNK_ID_DEPENDENCIES:
	case AMDGPU_CHUNK_ID_SCHEDULED_DEPENDENCIES:
		return twin_cs_add_dependencies(cs, chunk);
	case AMDGPU_CHUNK_ID_SYNCOBJ_IN:
		return twin_cs_add_syncobjs(cs, chunk);
	case AMDGPU_CHUNK_ID_SYNCOBJ_OUT:
		return twin_cs_signal_syncobjs(cs, chunk);
	case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_WAIT:
		return twin_cs_add_points(cs, chunk);
	case AMDGPU_CHUNK_ID_SYNCOBJ_TIMELINE_SIGNAL:
		return twin_cs_signal_points(cs, chunk);
	case AMDGPU_CHUNK_ID_CP_GFX_SHADOW:
		return twin_cs_shadow(chunk->data);
	default:
		return 0;
	}
}

/**
 * twin_cs_parse_chunks - give the job what the chunks say
 * @cs: the submission, with a job
 *
 * Return: 0 or a negative errno.
 */
int twin_cs_parse_chunks(struct twin_cs *cs)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < cs->num_chunks && !ret; i++)
		ret = twin_cs_second_look(cs, &cs->chunks[i]);
	return ret;
}

/**
 * twin_cs_free_chunks - free what was copied
 * @cs: the submission
 */
void twin_cs_free_chunks(struct twin_cs *cs)
{
	unsigned int i;

	for (i = 0; i < cs->num_chunks; i++)
		kvfree(cs->chunks[i].data);
	kvfree(cs->chunks);
}
