// SPDX-License-Identifier: GPL-2.0
/* What a request waits for, and what waits for it. */
#include <linux/dma-fence-chain.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <drm/drm_syncobj.h>

#include "exec.h"

static int eb_in_fence(struct eb *eb)
{
	struct dma_fence *fence;
	int ret;

	if (!(eb->args->flags & I915_EXEC_FENCE_IN))
		return 0;
	fence = sync_file_get_fence(lower_32_bits(eb->args->rsvd2));
	if (!fence)
		return -EINVAL;
	ret = twin_request_await(eb->rq, fence);
	dma_fence_put(fence);
	return ret;
}

static int eb_out_fence(struct eb *eb)
{
	if (!(eb->args->flags & I915_EXEC_FENCE_OUT))
		return 0;
	eb->out_fd = get_unused_fd_flags(O_CLOEXEC);
	return eb->out_fd < 0 ? eb->out_fd : 0;
}

static int eb_wait_point(struct eb *eb, struct drm_syncobj *syncobj, u64 point)
{
	struct dma_fence *fence = drm_syncobj_fence_get(syncobj);
	int ret;

	if (!fence)
		return -EINVAL;
	ret = dma_fence_chain_find_seqno(&fence, point);
	/* A point that was signalled long ago leaves no fence. */
	if (!ret)
		ret = twin_request_await(eb->rq, fence);
	dma_fence_put(fence);
	return ret;
}

static int eb_add_fence(struct eb *eb, struct drm_i915_gem_exec_fence *user,
			u64 point)
{
	struct eb_fence *f = &eb->fences[eb->num_fences];

	if (user->flags & __I915_EXEC_FENCE_UNKNOWN_FLAGS)
		return -EINVAL;
	f->syncobj = drm_syncobj_find(eb->filp, user->handle);
	if (!f->syncobj)
		return -ENOENT;
	eb->num_fences++;
	f->point = point;
	f->signal = user->flags & I915_EXEC_FENCE_SIGNAL;
	if (f->signal && point) {
		/* A point cannot come before itself. */
		if (user->flags & I915_EXEC_FENCE_WAIT)
			return -EINVAL;
		f->chain = dma_fence_chain_alloc();
		if (!f->chain)
			return -ENOMEM;
	}
	if (user->flags & I915_EXEC_FENCE_WAIT)
		return eb_wait_point(eb, f->syncobj, point);
	return 0;
}

static int eb_grow_fences(struct eb *eb, u64 more)
{
	struct eb_fence *fences;

	if (more > TWIN_MAX_ARGUMENTS / sizeof(*fences) - eb->num_fences)
		return -ENOMEM;
	fences = kvcalloc(eb->num_fences + more, sizeof(*fences),
			  TWIN_GFP_USER);
	if (!fences)
		return -ENOMEM;
	if (eb->num_fences)
		memcpy(fences, eb->fences, eb->num_fences * sizeof(*fences));
	kvfree(eb->fences);
	eb->fences = fences;
	return 0;
}

static int eb_read_array(struct eb *eb, u64 handles, u64 values, u64 count)
{
	struct drm_i915_gem_exec_fence __user *user = u64_to_user_ptr(handles);
	u64 __user *user_value = u64_to_user_ptr(values);
	struct drm_i915_gem_exec_fence fence;
	u64 point = 0;
	int ret;

	if (!count)
		return 0;
	ret = eb_grow_fences(eb, count);
	while (!ret && count--) {
		if (copy_from_user(&fence, user++, sizeof(fence)))
			return -EFAULT;
		if (values && get_user(point, user_value++))
			return -EFAULT;
		ret = eb_add_fence(eb, &fence, point);
	}
	return ret;
}

static int eb_read_timeline(struct eb *eb, u64 address, u64 *next)
{
	struct drm_i915_gem_execbuffer_ext_timeline_fences ext;

	if (copy_from_user(&ext, u64_to_user_ptr(address), sizeof(ext)))
		return -EFAULT;
	*next = ext.base.next_extension;
	/* Points without values are no points. */
	if (ext.fence_count && !ext.values_ptr)
		return -EFAULT;
	return eb_read_array(eb, ext.handles_ptr, ext.values_ptr,
			     ext.fence_count);
}

/* As i915_user_extensions(): what must be zero, and how many at most. */
static int eb_read_extensions(struct eb *eb)
{
	u64 address = eb->args->cliprects_ptr;
	struct i915_user_extension ext;
	unsigned int stack = 512;
	int ret, i;

	if (!(eb->args->flags & I915_EXEC_USE_EXTENSIONS))
		return 0;
	/* The array of fences has the same fields of the ioctl. */
	if (eb->args->flags & I915_EXEC_FENCE_ARRAY || eb->args->num_cliprects)
		return -EINVAL;
	while (address) {
		if (!stack--)
			return -E2BIG;
		if (copy_from_user(&ext, u64_to_user_ptr(address), sizeof(ext)))
			return -EFAULT;
		if (ext.flags)
			return -EINVAL;
		for (i = 0; i < ARRAY_SIZE(ext.rsvd); i++)
			if (ext.rsvd[i])
				return -EINVAL;
		if (ext.name != DRM_I915_GEM_EXECBUFFER_EXT_TIMELINE_FENCES)
			return -EINVAL;
		ret = eb_read_timeline(eb, address, &address);
		if (ret)
			return ret;
	}
	return 0;
}

static int eb_read_fence_array(struct eb *eb)
{
	if (!(eb->args->flags & I915_EXEC_FENCE_ARRAY))
		return 0;
	return eb_read_array(eb, eb->args->cliprects_ptr, 0,
			     eb->args->num_cliprects);
}

/**
 * eb_read_fences - fences in every form that user space may give
 * @eb: the submission, with a request
 *
 * Return: 0 or a negative errno.
 */
int eb_read_fences(struct eb *eb)
{
	return eb_read_extensions(eb) ?: eb_read_fence_array(eb) ?:
	       eb_in_fence(eb) ?: eb_out_fence(eb);
}

static int eb_await_resv(struct eb *eb, struct dma_resv *resv, bool write)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int ret;

	dma_resv_for_each_fence(&cursor, resv, dma_resv_usage_rw(write),
				fence) {
		ret = twin_request_await(eb->rq, fence);
		if (ret)
			return ret;
	}
	return 0;
}

/**
 * eb_await_objects - wait for what the buffers' reservations hold
 * @eb: the submission, its reservations locked
 *
 * Return: 0 or -ENOMEM.
 */
int eb_await_objects(struct eb *eb)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; !ret && i < eb->num_objects; i++) {
		struct eb_object *object = &eb->objects[i];

		if (object->flags & EXEC_OBJECT_ASYNC)
			continue;
		ret = eb_await_resv(eb, object->bo->base.resv,
				    object->flags & EXEC_OBJECT_WRITE);
	}
	return ret;
}

/**
 * eb_publish - show the request's fence to everybody
 * @eb: the submission, its reservations locked
 * @fence: the fence
 *
 * Inside the signalling section: everything was allocated before.
 */
void eb_publish(struct eb *eb, struct dma_fence *fence)
{
	unsigned int i;

	for (i = 0; i < eb->num_objects; i++) {
		struct eb_object *object = &eb->objects[i];
		bool write = object->flags & EXEC_OBJECT_WRITE;

		dma_resv_add_fence(object->bo->base.resv, fence,
				   write ? DMA_RESV_USAGE_WRITE :
					   DMA_RESV_USAGE_READ);
	}
	for (i = 0; i < eb->num_fences; i++) {
		struct eb_fence *f = &eb->fences[i];

		if (!f->signal)
			continue;
		if (f->chain)
			drm_syncobj_add_point(f->syncobj, f->chain, fence,
					      f->point);
		else
			drm_syncobj_replace_fence(f->syncobj, fence);
		f->chain = NULL;
	}
}

/**
 * eb_free_fences - free what was not used
 * @eb: the submission
 */
void eb_free_fences(struct eb *eb)
{
	unsigned int i;

	for (i = 0; i < eb->num_fences; i++) {
		drm_syncobj_put(eb->fences[i].syncobj);
		dma_fence_chain_free(eb->fences[i].chain);
	}
	kvfree(eb->fences);
	if (eb->out_file)
		fput(eb->out_file->file);
	if (eb->out_fd >= 0)
		put_unused_fd(eb->out_fd);
}
