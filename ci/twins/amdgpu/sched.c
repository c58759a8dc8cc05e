// SPDX-License-Identifier: GPL-2.0
/*
 * Jobs on the kernel's own GPU scheduler. Its callbacks are on the way to
 * fences, so each is a signalling section, as patch 08 of the annotation series
 * has it in the scheduler itself.
 */
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include "amdgpu.h"
#include "sched_faults.h"
#include "wrappers.h"

/* Jobs that a ring holds at once: amdgpu.sched_hw_submission. */
#define TWIN_HW_SUBMISSION	2

static unsigned int job_timeout_ms = 1000;
module_param(job_timeout_ms, uint, 0444);
MODULE_PARM_DESC(job_timeout_ms, "milliseconds that a job may take");

static LIST_HEAD(all_engines);
static DEFINE_MUTEX(all_engines_lock);

static const char * const engine_names[TWIN_ENGINES] = {
	[TWIN_GFX] = "gfx",
	[TWIN_COMPUTE_0] = "comp_1.0.0",
	[TWIN_COMPUTE_1] = "comp_1.1.0",
	[TWIN_SDMA_0] = "sdma0",
	[TWIN_SDMA_1] = "sdma1",
};

static struct twin_amdgpu_job *to_job(struct drm_sched_job *base)
{
	return container_of(base, struct twin_amdgpu_job, base);
}

static struct dma_fence *twin_prepare_job(struct drm_sched_job *base,
					  struct drm_sched_entity *entity)
{
	bool cookie = dma_fence_begin_signalling();

	twin_prepare_faults();
	dma_fence_end_signalling(cookie);
	return NULL;
}

static struct dma_fence *twin_run_job(struct drm_sched_job *base)
{
	struct twin_engine *engine =
		container_of(base->sched, struct twin_engine, sched);
	struct twin_amdgpu_job *job = to_job(base);
	struct dma_fence *fence = &job->job->fence->base;
	bool cookie = dma_fence_begin_signalling();
	int idx;

	twin_run_faults(job);
	if (!drm_dev_enter(&job->adev->base.drm, &idx)) {
		fence = ERR_PTR(-ENODEV);
		goto end;
	}
	/* Its context was found guilty meanwhile: nothing runs. */
	if (base->s_fence->finished.error) {
		fence = NULL;
		goto exit;
	}
	twin_fence_init(job->job->fence, engine->context, ++engine->seqno);
	dma_fence_get(fence);
	twin_fence_faults(job);
	twin_ring_push(&engine->ring, job->job);
exit:
	drm_dev_exit(idx);
end:
	dma_fence_end_signalling(cookie);
	return fence;
}

static void twin_free_job(struct drm_sched_job *base)
{
	twin_amdgpu_job_free(to_job(base));
}

static const struct drm_sched_backend_ops twin_sched_ops = {
	.prepare_job = twin_prepare_job,
	.run_job = twin_run_job,
	.timedout_job = twin_timedout_job,
	.free_job = twin_free_job,
};

/**
 * twin_amdgpu_job_alloc - a job for an entity
 * @adev: the device
 * @filp: whose job
 * @entity: where it will be queued
 *
 * Return: the job, or an ERR_PTR.
 */
struct twin_amdgpu_job *twin_amdgpu_job_alloc(struct amdgpu_twin *adev,
					      struct drm_file *filp,
					      struct drm_sched_entity *entity)
{
	struct twin_fpriv *fpriv = filp->driver_priv;
	struct twin_amdgpu_job *job = kzalloc(sizeof(*job), GFP_KERNEL);
	const char *ring;
	int ret;

	if (!job)
		return ERR_PTR(-ENOMEM);
	ring = container_of(entity->rq->sched, struct twin_engine, sched)->name;
	job->adev = adev;
	job->fpriv = fpriv;
	job->job = twin_job_alloc(twin_fence_alloc(THIS_MODULE, "amdgpu",
						   ring));
	if (!job->job) {
		kfree(job);
		return ERR_PTR(-ENOMEM);
	}
	ret = twin_sched_job_setup(&job->base, entity, &fpriv->vm, filp);
	if (ret) {
		twin_job_put(job->job);
		kfree(job);
		return ERR_PTR(ret);
	}
	atomic_inc(&adev->engines->jobs);
	twin_job_faults(job);
	return job;
}

/**
 * twin_amdgpu_job_free - free a job that is done, or was never pushed
 * @job: the job, or NULL
 */
void twin_amdgpu_job_free(struct twin_amdgpu_job *job)
{
	struct twin_engines *engines;

	if (!job)
		return;
	engines = job->adev->engines;
	drm_sched_job_cleanup(&job->base);
	twin_job_faults_free(job);
	twin_job_put(job->job);
	kfree(job);
	if (atomic_dec_and_test(&engines->jobs))
		wake_up_all(&engines->no_jobs);
}

/**
 * twin_get_timeout - &twin_ops.get_timeout
 * @twin: the device
 *
 * Return: the milliseconds that a job may take.
 */
unsigned int twin_get_timeout(struct twin_device *twin)
{
	return READ_ONCE(job_timeout_ms);
}

/**
 * twin_set_timeout - &twin_ops.set_timeout
 * @twin: the device
 * @ms: the milliseconds that a job may take from now on
 */
void twin_set_timeout(struct twin_device *twin, unsigned int ms)
{
	struct amdgpu_twin *adev = container_of(twin, struct amdgpu_twin, base);
	int i;

	WRITE_ONCE(job_timeout_ms, ms);
	for (i = 0; i < TWIN_ENGINES; i++)
		WRITE_ONCE(adev->engines->engine[i].sched.timeout,
			   msecs_to_jiffies(ms));
}

static int twin_sched_init(struct amdgpu_twin *adev, struct twin_engine *engine)
{
	struct twin_sched_args args = {
		.ops = &twin_sched_ops,
		.jobs = TWIN_HW_SUBMISSION,
		.timeout = msecs_to_jiffies(READ_ONCE(job_timeout_ms)),
		.timeout_wq = adev->reset_domain.wq,
		.name = engine->name,
		.dev = &adev->base.pdev->dev,
	};

	return twin_sched_setup(&engine->sched, &args);
}

static int twin_engine_init(struct amdgpu_twin *adev,
			    struct twin_engine *engine, const char *name)
{
	int ret;

	strscpy(engine->name, name, sizeof(engine->name));
	ret = twin_ring_init(&engine->ring, engine->name);
	if (ret)
		return ret;
	engine->context = dma_fence_context_alloc(1);
	ret = twin_sched_init(adev, engine);
	if (ret)
		twin_ring_fini(&engine->ring);
	return ret;
}

static void twin_scheds_fini(struct drm_device *drm, void *unused)
{
	struct twin_engines *engines = to_amdgpu(drm)->engines;
	int i;

	/* Jobs that are still on a ring end now, and are freed. */
	for (i = 0; i < TWIN_ENGINES; i++)
		twin_ring_abort_all(&engines->engine[i].ring, -ENODEV);
	wait_event(engines->no_jobs, !atomic_read(&engines->jobs));
	for (i = 0; i < TWIN_ENGINES; i++)
		drm_sched_fini(&engines->engine[i].sched);
}

/**
 * twin_engines_init - the rings of a device and their schedulers
 * @adev: the device, its reset domain set up
 *
 * Return: 0 or a negative errno.
 */
int twin_engines_init(struct amdgpu_twin *adev)
{
	struct twin_engines *engines = kzalloc(sizeof(*engines), GFP_KERNEL);
	int i, ret;

	if (!engines)
		return -ENOMEM;
	init_waitqueue_head(&engines->no_jobs);
	for (i = 0; i < TWIN_ENGINES; i++) {
		ret = twin_engine_init(adev, &engines->engine[i],
				       engine_names[i]);
		if (ret)
			goto fini;
	}
	adev->engines = engines;
	mutex_lock(&all_engines_lock);
	list_add(&engines->node, &all_engines);
	mutex_unlock(&all_engines_lock);
	return drmm_add_action_or_reset(&adev->base.drm, twin_scheds_fini,
					NULL);
fini:
	while (i--) {
		drm_sched_fini(&engines->engine[i].sched);
		twin_ring_fini(&engines->engine[i].ring);
	}
	kfree(engines);
	return ret;
}

/**
 * twin_engines_exit - end of the module: no device is left
 */
void twin_engines_exit(void)
{
	struct twin_engines *engines;
	int i;

	/* Their memory stays: see struct twin_engines. */
	list_for_each_entry(engines, &all_engines, node)
		for (i = 0; i < TWIN_ENGINES; i++)
			twin_ring_fini(&engines->engine[i].ring);
}
