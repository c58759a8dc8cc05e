// SPDX-License-Identifier: GPL-2.0
/*
 * Reset. From the moment that the rings are stopped until their fences have
 * signalled, everybody waits for this code: patches 13 to 16 of the annotation
 * series. It takes no modeset lock, no console_lock, and allocates nothing; the
 * display is dealt with before and after.
 */
#include <linux/console.h>
#include <linux/debugfs.h>
#include <linux/dma-fence.h>
#include <linux/slab.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_managed.h>
#include <drm/drm_modeset_lock.h>
#include <drm/drm_print.h>

#include "amdgpu.h"
#include "faults.h"
#include "wrappers.h"

static void twin_take_modeset_locks(struct drm_device *drm)
{
	struct drm_modeset_acquire_ctx ctx;
	int ret;

	DRM_MODESET_LOCK_ALL_BEGIN(drm, ctx, 0, ret);
	DRM_MODESET_LOCK_ALL_END(drm, ctx, ret);
}

static void twin_fault_console(void)
{
	switch (twin_knob(TWIN_RESET_CONSOLE)) {
	case TWIN_FAULT:
		console_lock();
		console_unlock();
		break;
	case TWIN_CONTROL:
		if (console_trylock())
			console_unlock();
		break;
	case TWIN_OFF:
		break;
	}
}

static void twin_reset_faults(struct drm_device *drm)
{
	twin_fault_alloc(TWIN_TDR_KERNEL, GFP_KERNEL);
	if (twin_fault(TWIN_TDR_MODESET))
		twin_take_modeset_locks(drm);
	twin_fault_console();
	if (twin_fault(TWIN_RESET_SUSPEND))
		twin_cycle_display(drm);
}

/* The lawful place for what needs locks of the display. */
static void twin_reset_controls(struct drm_device *drm)
{
	if (twin_knob(TWIN_TDR_MODESET) == TWIN_CONTROL)
		twin_take_modeset_locks(drm);
	if (twin_knob(TWIN_RESET_SUSPEND) == TWIN_CONTROL)
		twin_cycle_display(drm);
}

static void twin_rings_abort(struct amdgpu_twin *adev)
{
	struct twin_engine *engine = adev->engines->engine;
	int i;

	for (i = 0; i < TWIN_ENGINES; i++)
		twin_ring_abort_all(&engine[i].ring, -ECANCELED);
	for (i = 0; i < TWIN_ENGINES; i++)
		twin_ring_wait_idle(&engine[i].ring);
}

/* On the domain's workqueue, so one at a time. */
static void twin_reset(struct amdgpu_twin *adev, struct drm_sched_job *bad)
{
	struct twin_reset_domain *reset_domain = &adev->reset_domain;
	struct twin_engine *engine = adev->engines->engine;
	bool cookie;
	int i;

	/* Takes finished jobs off the rings, and waits for the workers. */
	for (i = 0; i < TWIN_ENGINES; i++)
		drm_sched_stop(&engine[i].sched, bad);

	cookie = dma_fence_begin_signalling();
	twin_reset_faults(&adev->base.drm);
	atomic_set(&adev->in_reset, 1);
	down_write(&reset_domain->sem);
	/* One that was done just before the rings stopped is not to blame. */
	if (bad && !bad->s_fence->parent)
		drm_sched_increase_karma(bad);
	twin_rings_abort(adev);
	atomic_inc(&adev->reset_counter);
	up_write(&reset_domain->sem);
	atomic_set(&adev->in_reset, 0);
	for (i = 0; i < TWIN_ENGINES; i++)
		twin_sched_start(&engine[i].sched);
	dma_fence_end_signalling(cookie);
}

/**
 * twin_timedout_job - &drm_sched_backend_ops.timedout_job
 * @job: took too long
 *
 * Return: whether the device is still there.
 */
enum drm_gpu_sched_stat twin_timedout_job(struct drm_sched_job *job)
{
	struct twin_amdgpu_job *ours =
		container_of(job, struct twin_amdgpu_job, base);
	struct amdgpu_twin *adev = ours->adev;
	int idx;

	/*
	 * Not held over the reset: where the scheduler itself begins the
	 * section, lockdep ties what is taken here to the last lock alone, and
	 * through this one, which only has readers, it sees no cycle.
	 */
	if (!drm_dev_enter(&adev->base.drm, &idx)) {
		twin_reset(adev, job);
		return DRM_GPU_SCHED_STAT_ENODEV;
	}
	drm_dbg(&adev->base.drm, "ring %s timeout\n", job->sched->name);
	drm_dev_exit(idx);
	twin_reset(adev, job);
	/* Not here, but in a worker of its own: see twin_reset_work(). */
	if (twin_knob(TWIN_TDR_MODESET) == TWIN_CONTROL ||
	    twin_knob(TWIN_RESET_SUSPEND) == TWIN_CONTROL)
		schedule_work(&adev->control_work);
	return TWIN_STAT_RESET;
}

static void twin_control_work(struct work_struct *work)
{
	struct amdgpu_twin *adev =
		container_of(work, struct amdgpu_twin, control_work);
	int idx;

	if (!drm_dev_enter(&adev->base.drm, &idx))
		return;
	twin_reset_controls(&adev->base.drm);
	drm_dev_exit(idx);
}

static void twin_reset_work(struct work_struct *work)
{
	struct amdgpu_twin *adev =
		container_of(work, struct amdgpu_twin, reset_work);
	struct drm_device *drm = &adev->base.drm;
	struct drm_atomic_state *state = NULL;
	int idx;

	if (!drm_dev_enter(drm, &idx))
		return;
	/* Off before, on after: neither is inside the section. */
	if (adev->reset_modeset)
		state = drm_atomic_helper_suspend(drm);
	twin_reset(adev, NULL);
	if (!IS_ERR_OR_NULL(state))
		drm_atomic_helper_resume(drm, state);
	drm_dev_exit(idx);
}

/**
 * twin_reset_request - &twin_ops.reset: reset the device, and wait for it
 * @twin: the device
 * @modeset: switch the display off and on as well
 */
void twin_reset_request(struct twin_device *twin, bool modeset)
{
	struct amdgpu_twin *adev = container_of(twin, struct amdgpu_twin, base);

	adev->reset_modeset = modeset;
	queue_work(adev->reset_domain.wq, &adev->reset_work);
	flush_work(&adev->reset_work);
}

/* Reading resets, as in the real driver. */
static int twin_gpu_recover_get(void *data, u64 *value)
{
	struct amdgpu_twin *adev = data;

	twin_reset_request(&adev->base, false);
	*value = atomic_read(&adev->reset_counter);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_gpu_recover_fops, twin_gpu_recover_get, NULL,
			 "%lld\n");

/**
 * twin_reset_debugfs - &drm_driver.debugfs_init
 * @minor: of the device
 */
void twin_reset_debugfs(struct drm_minor *minor)
{
	debugfs_create_file("amdgpu_gpu_recover", 0444, minor->debugfs_root,
			    to_amdgpu(minor->dev), &twin_gpu_recover_fops);
}

/*
 * Reset and submission take these locks in this order. Lockdep hears of it now,
 * so that it need not see a reset first.
 */
static void twin_reset_prime(struct twin_reset_domain *reset_domain)
{
	bool cookie = dma_fence_begin_signalling();

	down_write(&reset_domain->sem);
	up_write(&reset_domain->sem);
	dma_fence_end_signalling(cookie);
}

static void twin_reset_fini(struct drm_device *drm, void *unused)
{
	struct amdgpu_twin *adev = to_amdgpu(drm);

	cancel_work_sync(&adev->control_work);
	destroy_workqueue(adev->reset_domain.wq);
}

/**
 * twin_reset_init - set the reset domain up
 * @adev: the device
 *
 * Return: 0 or a negative errno.
 */
int twin_reset_init(struct amdgpu_twin *adev)
{
	struct twin_reset_domain *reset_domain = &adev->reset_domain;

	init_rwsem(&reset_domain->sem);
	INIT_WORK(&adev->reset_work, twin_reset_work);
	INIT_WORK(&adev->control_work, twin_control_work);
	reset_domain->wq = alloc_ordered_workqueue("amdgpu-reset-dev", 0);
	if (!reset_domain->wq)
		return -ENOMEM;
	twin_reset_prime(reset_domain);
	return drmm_add_action_or_reset(&adev->base.drm, twin_reset_fini,
					NULL);
}
