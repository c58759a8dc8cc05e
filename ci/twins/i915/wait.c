// SPDX-License-Identifier: GPL-2.0
/* Waiting for buffers. */
#include <linux/dma-resv.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>

#include "i915.h"

static long twin_wait_jiffies(s64 timeout_ns)
{
	if (timeout_ns < 0)
		return MAX_SCHEDULE_TIMEOUT;
	if (!timeout_ns)
		return 0;
	return min_t(u64, nsecs_to_jiffies64(timeout_ns) + 1,
		     MAX_SCHEDULE_TIMEOUT - 1);
}

TWIN_IOCTL(twin_wait_ioctl)
{
	struct drm_i915_gem_wait *args = data;
	ktime_t start = ktime_get();
	struct drm_gem_object *obj;
	long ret;

	if (args->flags)
		return -EINVAL;
	obj = drm_gem_object_lookup(filp, args->bo_handle);
	if (!obj)
		return -ENOENT;
	ret = dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_READ, true,
				    twin_wait_jiffies(args->timeout_ns));
	drm_gem_object_put(obj);
	if (args->timeout_ns > 0) {
		s64 spent = ktime_to_ns(ktime_sub(ktime_get(), start));

		args->timeout_ns = max(args->timeout_ns - spent, 0LL);
	}
	if (ret < 0)
		return ret;
	return ret ? 0 : -ETIME;
}

/* The class of the engine that a fence of this driver comes from. */
static u32 twin_busy_engines(struct dma_fence *fence, bool write)
{
	u32 id;

	if (!twin_fence_is_of(fence, THIS_MODULE) ||
	    dma_fence_is_signaled(fence))
		return 0;
	id = to_twin_fence(fence)->tag;
	return 0x10000U << id | (write ? id + 1 : 0);
}

TWIN_IOCTL(twin_busy_ioctl)
{
	struct drm_i915_gem_busy *args = data;
	struct dma_resv_iter cursor;
	struct drm_gem_object *obj;
	struct dma_fence *fence;

	obj = drm_gem_object_lookup(filp, args->handle);
	if (!obj)
		return -ENOENT;
	args->busy = 0;
	dma_resv_iter_begin(&cursor, obj->resv, DMA_RESV_USAGE_READ);
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		enum dma_resv_usage usage = dma_resv_iter_usage(&cursor);

		if (dma_resv_iter_is_restarted(&cursor))
			args->busy = 0;
		args->busy |= twin_busy_engines(fence,
						usage <= DMA_RESV_USAGE_WRITE);
	}
	dma_resv_iter_end(&cursor);
	drm_gem_object_put(obj);
	return 0;
}
