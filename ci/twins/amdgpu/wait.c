// SPDX-License-Identifier: GPL-2.0
/* Waiting for jobs, and their fences as handles. */
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>
#include <drm/drm_syncobj.h>

#include "ctx.h"
#include "wait_faults.h"

static struct dma_fence *twin_wait_fence(struct drm_file *filp, u32 ctx_id,
					 u32 ip, u32 instance, u32 ring,
					 u64 seq)
{
	struct twin_entity *entity;
	struct dma_fence *fence;
	struct twin_ctx *ctx;
	int ret;

	ctx = twin_ctx_get(filp->driver_priv, ctx_id);
	if (!ctx)
		return ERR_PTR(-EINVAL);
	ret = twin_ctx_entity(ctx, ip, instance, ring, &entity);
	fence = ret ? ERR_PTR(ret) : twin_ctx_fence(ctx, entity, seq);
	twin_ctx_put(ctx);
	return fence;
}

/* Positive if it signalled, 0 if the time was over, or a negative errno. */
static long twin_wait_one(struct dma_fence *fence, unsigned long timeout)
{
	long ret = dma_fence_wait_timeout(fence, true, timeout);

	return ret > 0 && fence->error ? fence->error : ret;
}

TWIN_IOCTL(twin_wait_cs_ioctl)
{
	union drm_amdgpu_wait_cs *args = data;
	unsigned long timeout = twin_timeout(args->in.timeout);
	struct dma_fence *fence;
	long ret = 1;

	fence = twin_wait_fence(filp, args->in.ctx_id, args->in.ip_type,
				args->in.ip_instance, args->in.ring,
				args->in.handle);
	if (IS_ERR(fence))
		return PTR_ERR(fence);
	if (fence) {
		twin_wait_faults(to_amdgpu(drm), fence);
		ret = twin_wait_one(fence, timeout);
		/* For a planted fault: the job may wait for this. */
		complete(&to_amdgpu(drm)->inversion);
		dma_fence_put(fence);
	}
	if (ret < 0)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.status = !ret;
	return 0;
}

static struct dma_fence *twin_user_fence(struct drm_file *filp,
					 struct drm_amdgpu_fence *user)
{
	return twin_wait_fence(filp, user->ctx_id, user->ip_type,
			       user->ip_instance, user->ring, user->seq_no);
}

static int twin_wait_all(struct drm_file *filp, struct drm_amdgpu_fence *users,
			 union drm_amdgpu_wait_fences *args)
{
	u32 i, count = args->in.fence_count;
	u64 timeout_ns = args->in.timeout_ns;
	long ret = 1;

	for (i = 0; i < count && ret > 0; i++) {
		struct dma_fence *fence = twin_user_fence(filp, &users[i]);

		if (IS_ERR(fence))
			return PTR_ERR(fence);
		if (!fence)
			continue;
		ret = twin_wait_one(fence, twin_timeout(timeout_ns));
		dma_fence_put(fence);
	}
	if (ret < 0)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.status = ret > 0;
	return 0;
}

/* Looks fences up until one has signalled long ago; then *first is it. */
static long twin_collect(struct drm_file *filp, struct drm_amdgpu_fence *users,
			 u32 count, struct dma_fence **fences, u32 *first)
{
	u32 i;

	for (i = 0; i < count; i++) {
		struct dma_fence *fence = twin_user_fence(filp, &users[i]);

		if (IS_ERR(fence))
			return PTR_ERR(fence);
		if (!fence) {
			*first = i;
			return 1;
		}
		fences[i] = fence;
	}
	return 0;
}

static int twin_wait_any(struct drm_file *filp, struct drm_amdgpu_fence *users,
			 union drm_amdgpu_wait_fences *args)
{
	unsigned long timeout = twin_timeout(args->in.timeout_ns);
	u32 i, first = ~0U, count = args->in.fence_count;
	struct dma_fence **fences;
	long ret;

	fences = kvcalloc(count, sizeof(*fences), TWIN_GFP_USER);
	if (!fences)
		return -ENOMEM;
	ret = twin_collect(filp, users, count, fences, &first);
	if (!ret)
		ret = dma_fence_wait_any_timeout(fences, count, true, timeout,
						 &first);
	if (ret > 0 && first < count && fences[first] && fences[first]->error)
		ret = fences[first]->error;
	for (i = 0; i < count; i++)
		dma_fence_put(fences[i]);
	kvfree(fences);
	if (ret < 0)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.status = ret > 0;
	args->out.first_signaled = first;
	return 0;
}

TWIN_IOCTL(twin_wait_fences_ioctl)
{
	union drm_amdgpu_wait_fences *args = data;
	struct drm_amdgpu_fence *users;
	size_t size;
	int ret;

	if (!args->in.fence_count)
		return -EINVAL;
	size = array_size(args->in.fence_count, sizeof(*users));
	if (size > TWIN_MAX_ARGUMENTS)
		return -ENOMEM;
	users = kvmalloc(size, TWIN_GFP_USER);
	if (!users)
		return -ENOMEM;
	if (copy_from_user(users, u64_to_user_ptr(args->in.fences), size))
		ret = -EFAULT;
	else if (args->in.wait_all)
		ret = twin_wait_all(filp, users, args);
	else
		ret = twin_wait_any(filp, users, args);
	kvfree(users);
	return ret;
}

static int twin_fence_to_syncobj(struct drm_file *filp,
				 struct dma_fence *fence, bool fd, u32 *handle)
{
	struct drm_syncobj *syncobj;
	int ret;

	ret = drm_syncobj_create(&syncobj, 0, fence);
	if (ret)
		return ret;
	if (fd)
		ret = drm_syncobj_get_fd(syncobj, (int *)handle);
	else
		ret = drm_syncobj_get_handle(filp, syncobj, handle);
	drm_syncobj_put(syncobj);
	return ret;
}

static int twin_fence_to_file(struct dma_fence *fence, u32 *handle)
{
	struct sync_file *file;
	int fd = get_unused_fd_flags(O_CLOEXEC);

	if (fd < 0)
		return fd;
	file = sync_file_create(fence);
	if (!file) {
		put_unused_fd(fd);
		return -ENOMEM;
	}
	fd_install(fd, file->file);
	*handle = fd;
	return 0;
}

TWIN_IOCTL(twin_fence_to_handle_ioctl)
{
	union drm_amdgpu_fence_to_handle *args = data;
	struct dma_fence *fence = twin_user_fence(filp, &args->in.fence);
	u32 what = args->in.what;
	int ret;

	if (IS_ERR(fence))
		return PTR_ERR(fence);
	if (!fence)
		fence = dma_fence_get_stub();
	switch (what) {
	case AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ:
	case AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ_FD:
		ret = twin_fence_to_syncobj(filp, fence,
					    what == AMDGPU_FENCE_TO_HANDLE_GET_SYNCOBJ_FD,
					    &args->out.handle);
		break;
	case AMDGPU_FENCE_TO_HANDLE_GET_SYNC_FILE_FD:
		ret = twin_fence_to_file(fence, &args->out.handle);
		break;
	default:
		ret = -EINVAL;
	}
	dma_fence_put(fence);
	return ret;
}
