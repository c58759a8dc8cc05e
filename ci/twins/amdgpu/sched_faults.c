// SPDX-License-Identifier: GPL-2.0
/* What the scheduler's callbacks do wrong on command. */
#include <linux/completion.h>
#include <linux/dma-fence.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "amdgpu.h"
#include "faults.h"
#include "sched_faults.h"
#include "wrappers.h"

/* SIG-FLUSH: this work waits for fences. */
static void twin_idle_work(struct work_struct *work)
{
	struct dma_fence *stub = dma_fence_get_stub();

	dma_fence_wait(stub, false);
	dma_fence_put(stub);
}

/**
 * twin_sched_faults_init - what planted faults need
 * @adev: the device
 *
 * Return: 0 or -ENOMEM.
 */
int twin_sched_faults_init(struct amdgpu_twin *adev)
{
	init_completion(&adev->inversion);
	INIT_WORK(&adev->idle_work, twin_idle_work);
	adev->idle_wq = alloc_workqueue("fencelab-idle",
					WQ_MEM_RECLAIM | TWIN_WQ_PERCPU, 0);
	if (!adev->idle_wq)
		return -ENOMEM;
	/* Outside of a section, this is lawful; and lockdep has seen it. */
	queue_work(adev->idle_wq, &adev->idle_work);
	flush_work(&adev->idle_work);
	return 0;
}

/**
 * twin_sched_faults_fini - the end of that
 * @adev: the device
 */
void twin_sched_faults_fini(struct amdgpu_twin *adev)
{
	destroy_workqueue(adev->idle_wq);
}

/**
 * twin_job_faults - with a new job, where allocating is allowed
 * @job: the job
 */
void twin_job_faults(struct twin_amdgpu_job *job)
{
	if (twin_knob(TWIN_FENCE_CB_NEST) != TWIN_OFF)
		job->other = twin_fence_alloc(THIS_MODULE, "amdgpu", "other");
	if (twin_knob(TWIN_RUNJOB_MMAP) != TWIN_OFF) {
		job->mm = current->mm;
		mmgrab(job->mm);
	}
	if (twin_fault_once(TWIN_COMPLETION_INVERSION)) {
		reinit_completion(&job->adev->inversion);
		job->job->stall = &job->adev->inversion;
	}
}

/**
 * twin_job_faults_free - the end of that
 * @job: the job
 */
void twin_job_faults_free(struct twin_amdgpu_job *job)
{
	twin_fence_free(job->other);
	if (job->mm)
		mmdrop(job->mm);
}

/**
 * twin_prepare_faults - in prepare_job, where the driver grabs a VMID
 */
void twin_prepare_faults(void)
{
	twin_fault_alloc(TWIN_PREPARE_KERNEL, GFP_KERNEL);
}

/* SIG-MMAP: page faults wait for fences under the mmap_lock. */
static void twin_fault_mmap_lock(struct mm_struct *mm)
{
	if (!mm)
		return;
	switch (twin_knob(TWIN_RUNJOB_MMAP)) {
	case TWIN_FAULT:
		mmap_read_lock(mm);
		mmap_read_unlock(mm);
		break;
	case TWIN_CONTROL:
		if (mmap_read_trylock(mm))
			mmap_read_unlock(mm);
		break;
	case TWIN_OFF:
		break;
	}
}

static void twin_fault_flush(struct amdgpu_twin *adev)
{
	enum twin_setting setting = twin_knob(TWIN_RUNJOB_FLUSH);

	if (setting == TWIN_OFF)
		return;
	queue_work(adev->idle_wq, &adev->idle_work);
	if (setting == TWIN_FAULT)
		flush_work(&adev->idle_work);
}

/**
 * twin_run_faults - in run_job
 * @job: about to be given to its ring
 */
void twin_run_faults(struct twin_amdgpu_job *job)
{
	twin_fault_alloc(TWIN_RUNJOB_KERNEL, GFP_KERNEL);
	twin_fault_alloc(TWIN_RUNJOB_NOFS, GFP_NOFS);
	twin_fault_alloc(TWIN_RUNJOB_NOIO, GFP_NOIO);
	twin_fault_resv(TWIN_RUNJOB_RESV, twin_vm_resv(&job->fpriv->vm));
	twin_fault_mutex(TWIN_RUNJOB_MUTEX, &job->fpriv->ctx_lock);
	twin_fault_mmap_lock(job->mm);
	twin_fault_flush(job->adev);
}

/* FENCE-IRQ-LOCK: the job's end takes this lock in an interrupt. */
static void twin_fault_irq_lock(struct twin_fence *fence)
{
	unsigned long flags;

	switch (twin_knob(TWIN_FENCE_IRQ_LOCK)) {
	case TWIN_FAULT:
		spin_lock(&fence->lock);
		spin_unlock(&fence->lock);
		break;
	case TWIN_CONTROL:
		spin_lock_irqsave(&fence->lock, flags);
		spin_unlock_irqrestore(&fence->lock, flags);
		break;
	case TWIN_OFF:
		break;
	}
}

/* FENCE-CB: a callback runs under the fence's lock, in an interrupt. */
struct twin_bad_cb {
	struct dma_fence_cb base;
	struct dma_fence *other;
};

static void twin_cb_sleep(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct twin_bad_cb *bad = container_of(cb, struct twin_bad_cb, base);

	/* Says what it would do, and does not: an interrupt cannot. */
	might_sleep();
	kfree(bad);
}

static void twin_cb_nest(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct twin_bad_cb *bad = container_of(cb, struct twin_bad_cb, base);

	dma_fence_signal(bad->other);
	dma_fence_put(bad->other);
	kfree(bad);
}

static void twin_cb_good(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	kfree(container_of(cb, struct twin_bad_cb, base));
}

static void twin_add_cb(struct dma_fence *fence, struct twin_bad_cb *cb,
			dma_fence_func_t func)
{
	if (dma_fence_add_callback(fence, &cb->base, func)) {
		dma_fence_put(cb->other);
		kfree(cb);
	}
}

static void twin_fault_cb_sleep(struct dma_fence *fence)
{
	enum twin_setting setting = twin_knob(TWIN_FENCE_CB_SLEEP);
	struct twin_bad_cb *cb;

	if (setting == TWIN_OFF)
		return;
	cb = kzalloc(sizeof(*cb), GFP_NOWAIT);
	if (cb)
		twin_add_cb(fence, cb, setting == TWIN_FAULT ? twin_cb_sleep :
							       twin_cb_good);
}

static void twin_fault_cb_nest(struct twin_amdgpu_job *job,
			       struct dma_fence *fence)
{
	enum twin_setting setting = twin_knob(TWIN_FENCE_CB_NEST);
	struct twin_fence *other = job->other;
	struct twin_bad_cb *cb;

	if (setting == TWIN_OFF || !other)
		return;
	cb = kzalloc(sizeof(*cb), GFP_NOWAIT);
	if (!cb)
		return;
	job->other = NULL;
	twin_fence_init(other, dma_fence_context_alloc(1), 1);
	if (setting == TWIN_FAULT) {
		cb->other = &other->base;
		twin_add_cb(fence, cb, twin_cb_nest);
	} else {
		dma_fence_signal(&other->base);
		dma_fence_put(&other->base);
		twin_add_cb(fence, cb, twin_cb_good);
	}
}

/**
 * twin_fence_faults - with the job's fence, before the ring has it
 * @job: the job
 */
void twin_fence_faults(struct twin_amdgpu_job *job)
{
	struct twin_fence *fence = job->job->fence;

	twin_fault_irq_lock(fence);
	twin_fault_cb_sleep(&fence->base);
	twin_fault_cb_nest(job, &fence->base);
}
