// SPDX-License-Identifier: GPL-2.0
/* The life of a job. */
#include <linux/dma-fence.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>

#include "job.h"
#include "ring.h"

/*
 * The last reference to a job is often dropped inside a signalling section,
 * where the last one to a buffer may not be.
 */
static struct workqueue_struct *cleanup_wq;

static void twin_job_cleanup(struct work_struct *work)
{
	struct twin_job *job = container_of(work, struct twin_job, cleanup);
	struct drm_device *drm = job->drm;
	unsigned int i;

	for (i = 0; i < job->num_maps; i++)
		twin_pages_put(job->maps[i].pages);
	twin_pages_put(job->note_pages);
	for (i = 0; i < job->num_objs; i++)
		drm_gem_object_put(job->objs[i]);
	if (job->fence->published)
		dma_fence_put(&job->fence->base);
	else
		twin_fence_free(job->fence);
	if (job->release)
		job->release(job->owner);
	kvfree(job->maps);
	kvfree(job->objs);
	kfree(job);
	/* The device outlives its buffers. */
	if (drm)
		drm_dev_put(drm);
}

/**
 * twin_job_alloc - a job with no commands
 * @fence: from twin_fence_alloc(), which the job takes over; or NULL
 *
 * Return: the job, or NULL; then the fence is freed.
 */
struct twin_job *twin_job_alloc(struct twin_fence *fence)
{
	struct twin_job *job = kzalloc(sizeof(*job), GFP_KERNEL);

	if (!job || !fence) {
		twin_fence_free(fence);
		kfree(job);
		return NULL;
	}
	kref_init(&job->ref);
	INIT_LIST_HEAD(&job->node);
	INIT_WORK(&job->cleanup, twin_job_cleanup);
	twin_job_init_interrupt(job);
	job->fence = fence;
	return job;
}
EXPORT_SYMBOL_GPL(twin_job_alloc);

/**
 * twin_job_get - another reference
 * @job: the job
 *
 * Return: @job.
 */
struct twin_job *twin_job_get(struct twin_job *job)
{
	kref_get(&job->ref);
	return job;
}
EXPORT_SYMBOL_GPL(twin_job_get);

static void twin_job_release(struct kref *ref)
{
	struct twin_job *job = container_of(ref, struct twin_job, ref);

	queue_work(cleanup_wq, &job->cleanup);
}

/**
 * twin_job_put - drop a reference, in any context
 * @job: the job, or NULL
 */
void twin_job_put(struct twin_job *job)
{
	if (job)
		kref_put(&job->ref, twin_job_release);
}
EXPORT_SYMBOL_GPL(twin_job_put);

/**
 * twin_job_set_maps - room for address ranges
 * @job: a job that has none
 * @count: how many
 *
 * Return: 0 or -ENOMEM.
 */
int twin_job_set_maps(struct twin_job *job, unsigned int count)
{
	job->maps = kvcalloc(count, sizeof(*job->maps), GFP_KERNEL);
	return job->maps ? 0 : -ENOMEM;
}
EXPORT_SYMBOL_GPL(twin_job_set_maps);

/**
 * twin_job_set_objs - buffers that the job keeps
 * @job: a job that keeps none
 * @objs: the buffers
 * @count: how many
 *
 * Return: 0 or -ENOMEM.
 */
int twin_job_set_objs(struct twin_job *job, struct drm_gem_object **objs,
		      unsigned int count)
{
	unsigned int i;

	job->objs = kvcalloc(count, sizeof(*objs), GFP_KERNEL);
	if (!job->objs)
		return -ENOMEM;
	for (i = 0; i < count; i++) {
		drm_gem_object_get(objs[i]);
		job->objs[i] = objs[i];
	}
	job->num_objs = count;
	if (count) {
		job->drm = objs[0]->dev;
		drm_dev_get(job->drm);
	}
	return 0;
}
EXPORT_SYMBOL_GPL(twin_job_set_objs);

/**
 * twin_job_add_ib - commands for the job
 * @job: the job
 * @va: GPU address
 * @size: bytes
 *
 * Return: 0 or -EINVAL if there are too many.
 */
int twin_job_add_ib(struct twin_job *job, u64 va, u64 size)
{
	if (job->num_ibs == TWIN_JOB_IBS)
		return -EINVAL;
	job->ibs[job->num_ibs++] = (struct twin_ib){ .va = va, .size = size };
	return 0;
}
EXPORT_SYMBOL_GPL(twin_job_add_ib);

int twin_jobs_init(void)
{
	cleanup_wq = alloc_workqueue("fencelab-twin-cleanup", WQ_UNBOUND, 0);
	return cleanup_wq ? 0 : -ENOMEM;
}

/**
 * twin_jobs_flush - wait until no job holds a buffer any more
 *
 * For a driver that is unloaded, after its rings are idle.
 */
void twin_jobs_flush(void)
{
	flush_workqueue(cleanup_wq);
}
EXPORT_SYMBOL_GPL(twin_jobs_flush);

void twin_jobs_exit(void)
{
	destroy_workqueue(cleanup_wq);
}
