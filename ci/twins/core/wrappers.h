/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_WRAPPERS_H_
#define _TWIN_WRAPPERS_H_

/*
 * What kernels have in more than one form, in one. Which form this one has, is
 * in compat.h: probe.sh has looked. A wrapper names the mainline kernel that
 * changed it; a distribution may have had the change earlier.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched.h>
#include <linux/string.h>
#include <linux/workqueue.h>
#include <drm/drm_atomic.h>
#include <drm/drm_exec.h>
#include <drm/drm_file.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/gpu_scheduler.h>

#include "compat.h"

/* linux/module.h: the name became a string in 6.13. */
#if TWIN_IMPORT_NS_STRING
#define TWIN_IMPORT_DMA_BUF	MODULE_IMPORT_NS("DMA_BUF")
#else
#define TWIN_IMPORT_DMA_BUF	MODULE_IMPORT_NS(DMA_BUF)
#endif

/* linux/workqueue.h: 6.17 names the default; 7.2 warns of who names none. */
#if TWIN_PERCPU_FLAG
#define TWIN_WQ_PERCPU		WQ_PERCPU
#else
#define TWIN_WQ_PERCPU		0
#endif

/* drm/drm_drv.h: gone in 6.14. */
#if TWIN_DRIVER_DATE
#define TWIN_DATE(text)		.date = text,
#else
#define TWIN_DATE(...)
#endif

/* drm/gpu_scheduler.h: NOMINAL before 6.17. */
#if TWIN_SCHED_STAT_RESET
#define TWIN_STAT_RESET		DRM_GPU_SCHED_STAT_RESET
#else
#define TWIN_STAT_RESET		DRM_GPU_SCHED_STAT_NOMINAL
#endif

/* drm/drm_atomic.h: renamed after 6.17, by 7.2. */
#if TWIN_ATOMIC_COMMIT
#define drm_atomic_state	drm_atomic_commit
#endif

/* linux/dma-buf.h: move_notify() until 6.17, another name by 7.2. */
#if TWIN_MOVE_NOTIFY
#define TWIN_MOVE_OP(func)	.move_notify = func
#else
#define TWIN_MOVE_OP(func)	.invalidate_mappings = func
#endif

/* Tells importers; linux/dma-buf.h renamed it after 6.17, by 7.2. */
static inline void twin_buf_notify(struct dma_buf *buf)
{
#if TWIN_BUF_INVALIDATE
	dma_buf_invalidate_mappings(buf);
#else
	dma_buf_move_notify(buf);
#endif
}

/*
 * Tells importers that the memory goes. With the new name came the rule that
 * they may use it until the fences that there are afterwards have signalled;
 * until 6.17, those that there were before were enough.
 *
 * Return: negative if the wait was interrupted.
 */
static inline long twin_buf_move(struct dma_buf *buf)
{
	twin_buf_notify(buf);
#if TWIN_BUF_INVALIDATE
	return dma_resv_wait_timeout(buf->resv, DMA_RESV_USAGE_BOOKKEEP, true,
				     MAX_SCHEDULE_TIMEOUT);
#else
	return 1;
#endif
}

/*
 * linux/dma-fence.h: under RCU by 7.2, and NULL once a fence has signalled that
 * has no release(). The twins' fences have one.
 */
static inline const struct dma_fence_ops *
twin_fence_ops_of(struct dma_fence *fence)
{
#if TWIN_FENCE_OPS_RCU
	return rcu_access_pointer(fence->ops);
#else
	return fence->ops;
#endif
}

/* linux/mm.h: known by the flags until 7.2, by the mapping in 7.3. */
static inline bool twin_is_cow_mapping(struct vm_area_struct *vma)
{
#if TWIN_VMA_COW
	return vma_is_cow_mapping(vma);
#else
	return is_cow_mapping(vma->vm_flags);
#endif
}

/* linux/device.h: by 7.2 every device has it, not those of each bus. */
static inline int twin_set_override(struct pci_dev *pdev, const char *name)
{
#if TWIN_DEVICE_OVERRIDE
	return device_set_driver_override(&pdev->dev, name);
#else
	return driver_set_override(&pdev->dev, &pdev->driver_override, name,
				   strlen(name));
#endif
}

/* linux/hrtimer.h: one call since 6.13, the only one since 6.15. */
static inline void twin_hrtimer_setup(struct hrtimer *timer,
				      enum hrtimer_restart (*func)(struct hrtimer *))
{
#if TWIN_HRTIMER_SETUP
	hrtimer_setup(timer, func, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL);
	timer->function = func;
#endif
}

/*
 * One ww transaction over several reservations, interruptible. drm/drm_exec.h:
 * 6.8 asks how many.
 */
static inline void twin_exec_init(struct drm_exec *exec)
{
	u32 flags = DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES;

#if TWIN_EXEC_INIT_NR
	drm_exec_init(exec, flags, 0);
#else
	drm_exec_init(exec, flags);
#endif
}

/* In amdgpu/kms.c: the framebuffer, or an ERR_PTR if it may not be one. */
struct drm_framebuffer *twin_fb_check(struct drm_framebuffer *fb);

/*
 * &drm_mode_config_funcs.fb_create; drm/drm_mode_config.h: since 6.17, the
 * caller has looked the format up.
 */
#if TWIN_FB_CREATE_INFO
static inline struct drm_framebuffer *
twin_fb_create(struct drm_device *drm, struct drm_file *filp,
	       const struct drm_format_info *info,
	       const struct drm_mode_fb_cmd2 *cmd)
{
	return twin_fb_check(drm_gem_fb_create(drm, filp, info, cmd));
}
#else
static inline struct drm_framebuffer *
twin_fb_create(struct drm_device *drm, struct drm_file *filp,
	       const struct drm_mode_fb_cmd2 *cmd)
{
	return twin_fb_check(drm_gem_fb_create(drm, filp, cmd));
}
#endif

/**
 * struct twin_sched_args - what the twins say of a scheduler
 * @ops: its callbacks
 * @jobs: those that its ring holds at once
 * @timeout: jiffies that a job may take
 * @timeout_wq: where timeouts are handled
 * @name: in memory that outlives its fences
 * @dev: for messages
 */
struct twin_sched_args {
	const struct drm_sched_backend_ops *ops;
	unsigned int jobs;
	long timeout;
	struct workqueue_struct *timeout_wq;
	const char *name;
	struct device *dev;
};

/*
 * drm/gpu_scheduler.h: 6.7 asks for a workqueue and the number of queues, 6.15
 * has it all in a struct.
 */
static inline int twin_sched_setup(struct drm_gpu_scheduler *sched,
				   const struct twin_sched_args *args)
{
#if TWIN_SCHED_INIT_ARGS
	struct drm_sched_init_args init = {
		.ops = args->ops,
		.num_rqs = DRM_SCHED_PRIORITY_COUNT,
		.credit_limit = args->jobs,
		.timeout = args->timeout,
		.timeout_wq = args->timeout_wq,
		.name = args->name,
		.dev = args->dev,
	};

	return drm_sched_init(sched, &init);
#elif TWIN_SCHED_INIT_WQ
	return drm_sched_init(sched, args->ops, NULL, DRM_SCHED_PRIORITY_COUNT,
			      args->jobs, 0, args->timeout, args->timeout_wq,
			      NULL, args->name, args->dev);
#else
	return drm_sched_init(sched, args->ops, args->jobs, 0, args->timeout,
			      args->timeout_wq, NULL, args->name, args->dev);
#endif
}

/* drm/gpu_scheduler.h: credits since 6.8, whose job it is since 6.17. */
static inline int twin_sched_job_setup(struct drm_sched_job *job,
				       struct drm_sched_entity *entity,
				       void *owner, struct drm_file *filp)
{
#if TWIN_SCHED_JOB_CLIENT
	return drm_sched_job_init(job, entity, 1, owner, filp->client_id);
#elif TWIN_SCHED_JOB_CREDITS
	return drm_sched_job_init(job, entity, 1, owner);
#else
	return drm_sched_job_init(job, entity, owner);
#endif
}

/*
 * Jobs that the reset ended are done: -ECANCELED. drm/gpu_scheduler.h: 6.12
 * needs no telling, 6.13 asks for the error.
 */
static inline void twin_sched_start(struct drm_gpu_scheduler *sched)
{
#if TWIN_SCHED_START_ERRNO
	drm_sched_start(sched, -ECANCELED);
#elif TWIN_SCHED_START_BOOL
	drm_sched_start(sched, true);
#else
	drm_sched_start(sched);
#endif
}

#endif
