// SPDX-License-Identifier: GPL-2.0
/*
 * EXECBUFFER2: a request from user space. As in the amdgpu twin, everything
 * that may fail, sleep or allocate comes first; then, under the notifier lock,
 * the signalling section.
 */
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/sync_file.h>
#include <drm/drm_drv.h>

#include "exec.h"
#include "wrappers.h"

static int eb_check(struct drm_i915_gem_execbuffer2 *args)
{
	if (args->flags & __I915_EXEC_UNKNOWN_FLAGS ||
	    args->flags & (I915_EXEC_CONSTANTS_MASK |
			   I915_EXEC_RESOURCE_STREAMER))
		return -EINVAL;
	if (!(args->flags & (I915_EXEC_FENCE_ARRAY |
			     I915_EXEC_USE_EXTENSIONS)) &&
	    (args->num_cliprects || args->cliprects_ptr))
		return -EINVAL;
	if (args->DR1 || (args->DR4 && args->DR4 != 0xffffffff))
		return -EINVAL;
	if ((args->batch_start_offset | args->batch_len) & 7)
		return -EINVAL;
	if (!args->buffer_count || args->buffer_count > INT_MAX)
		return -EINVAL;
	/* Fences that are in at the submission of another request: none. */
	if (args->flags & I915_EXEC_FENCE_SUBMIT)
		return -EINVAL;
	return 0;
}

static int eb_select_engine(struct drm_i915_gem_execbuffer2 *args)
{
	unsigned int ring = args->flags & I915_EXEC_RING_MASK;

	if (ring != I915_EXEC_BSD && args->flags & I915_EXEC_BSD_MASK)
		return -EINVAL;
	switch (ring) {
	case I915_EXEC_DEFAULT:
	case I915_EXEC_RENDER:
		return I915_ENGINE_CLASS_RENDER;
	case I915_EXEC_BLT:
		return I915_ENGINE_CLASS_COPY;
	case I915_EXEC_BSD:
		return I915_ENGINE_CLASS_VIDEO;
	case I915_EXEC_VEBOX:
		return I915_ENGINE_CLASS_VIDEO_ENHANCE;
	default:
		return -EINVAL;
	}
}

static int eb_init(struct eb *eb, struct drm_device *drm,
		   struct drm_file *filp, struct drm_i915_gem_execbuffer2 *args)
{
	int ret = eb_check(args);

	if (ret)
		return ret;
	memset(eb, 0, sizeof(*eb));
	eb->i915 = to_i915(drm);
	eb->filp = filp;
	eb->args = args;
	eb->out_fd = -1;
	ret = eb_select_engine(args);
	if (ret < 0)
		return ret;
	eb->engine = ret;
	eb->ctx = twin_ctx_get(filp->driver_priv,
			       i915_execbuffer2_get_context_id(*args));
	if (!eb->ctx)
		return -ENOENT;
	if (READ_ONCE(eb->ctx->banned)) {
		twin_ctx_put(eb->ctx);
		return -EIO;
	}
	twin_exec_init(&eb->exec);
	return 0;
}

static void eb_fini(struct eb *eb)
{
	if (eb->rq)
		twin_request_cancel(eb->rq);
	drm_exec_fini(&eb->exec);
	eb_free_objects(eb);
	eb_free_fences(eb);
	twin_ctx_put(eb->ctx);
}

static int eb_create_request(struct eb *eb)
{
	eb->rq = twin_request_create(eb->i915, eb->ctx, eb->engine);
	if (IS_ERR(eb->rq)) {
		int ret = PTR_ERR(eb->rq);

		eb->rq = NULL;
		return ret;
	}
	return 0;
}

static int eb_batch(struct eb *eb)
{
	bool first = eb->args->flags & I915_EXEC_BATCH_FIRST;
	struct eb_object *batch =
		&eb->objects[first ? 0 : eb->num_objects - 1];
	u64 size = batch->bo->base.size;
	u64 start = eb->args->batch_start_offset;
	u64 len = eb->args->batch_len;

	/* A batch that writes itself, as eb_add_vma() refuses it. */
	if (batch->flags & EXEC_OBJECT_WRITE)
		return -EINVAL;
	if (start > size || len > size - start)
		return -EINVAL;
	return twin_job_add_ib(twin_request_job(eb->rq), batch->start + start,
			       len ?: size - start);
}

static int eb_submit_locked(struct eb *eb, struct dma_fence *fence)
{
	struct mutex *notifier_lock = &eb->i915->base.notifier_lock;
	bool cookie;

	mutex_lock(notifier_lock);
	if (!eb_user_pages_are_valid(eb)) {
		mutex_unlock(notifier_lock);
		return -EAGAIN;
	}
	cookie = dma_fence_begin_signalling();
	eb_publish(eb, fence);
	twin_request_submit(eb->rq);
	eb->rq = NULL;
	dma_fence_end_signalling(cookie);
	mutex_unlock(notifier_lock);
	return 0;
}

static int eb_submit(struct eb *eb)
{
	struct twin_timeline *timeline = &eb->ctx->timeline[eb->engine];
	struct dma_fence *fence;
	int ret;

	mutex_lock(&timeline->mutex);
	ret = twin_request_await(eb->rq, timeline->last);
	if (ret)
		goto unlock;
	fence = twin_request_begin(eb->rq);
	if (eb->out_fd >= 0) {
		eb->out_file = sync_file_create(fence);
		if (!eb->out_file)
			ret = -ENOMEM;
	}
	if (!ret)
		ret = eb_submit_locked(eb, fence);
	if (ret) {
		/* Before the next request gets its number. */
		twin_request_cancel(eb->rq);
		eb->rq = NULL;
	}
unlock:
	mutex_unlock(&timeline->mutex);
	return ret;
}

static void eb_install_out_fence(struct eb *eb)
{
	if (eb->out_fd < 0)
		return;
	fd_install(eb->out_fd, eb->out_file->file);
	eb->args->rsvd2 &= GENMASK_ULL(31, 0);
	eb->args->rsvd2 |= (u64)eb->out_fd << 32;
	eb->out_fd = -1;
	eb->out_file = NULL;
}

static int eb_run(struct eb *eb)
{
	int ret = eb_create_request(eb) ?:
		  eb_read_fences(eb) ?:
		  eb_read_objects(eb) ?:
		  eb_lock_objects(eb) ?:
		  eb_map_objects(eb) ?:
		  eb_batch(eb) ?:
		  eb_await_objects(eb) ?:
		  eb_submit(eb);

	if (ret)
		return ret;
	eb_install_out_fence(eb);
	/* Reservations first: user memory may fault. */
	drm_exec_fini(&eb->exec);
	twin_exec_init(&eb->exec);
	return eb_write_offsets(eb);
}

TWIN_IOCTL(twin_execbuffer_ioctl)
{
	struct eb eb;
	int ret, idx;

	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	ret = eb_init(&eb, drm, filp, data);
	if (!ret) {
		ret = eb_run(&eb);
		eb_fini(&eb);
	}
	drm_dev_exit(idx);
	return ret;
}
