// SPDX-License-Identifier: GPL-2.0
/*
 * The rings of the software GPUs. A worker executes a ring's jobs in order;
 * each end is signalled from a hard interrupt, as hardware does.
 */
#include <linux/hrtimer.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "faults.h"
#include "job.h"
#include "ring.h"

static void twin_job_interrupt(struct irq_work *work)
{
	struct twin_job *job = container_of(work, struct twin_job, interrupt);

	if (job->error)
		dma_fence_set_error(&job->fence->base, job->error);
	dma_fence_signal(&job->fence->base);
}

void twin_job_init_interrupt(struct twin_job *job)
{
	init_irq_work(&job->interrupt, twin_job_interrupt);
}

/**
 * twin_job_is_aborted - whether the ring has given a job up
 * @job: the running job
 *
 * Return: true if it should end as soon as it can.
 */
bool twin_job_is_aborted(struct twin_job *job)
{
	return READ_ONCE(job->aborted);
}

/**
 * twin_job_sleep - let time pass for a running job
 * @job: the job
 * @ns: nanoseconds; U64_MAX for ever
 *
 * Return: 0, or -ECANCELED if the job was given up.
 */
int twin_job_sleep(struct twin_job *job, u64 ns)
{
	wait_queue_head_t *wait = &job->ring->wait;
	ktime_t time = ns > KTIME_MAX ? KTIME_MAX : ns_to_ktime(ns);

	wait_event_hrtimeout(*wait, twin_job_is_aborted(job), time);
	return twin_job_is_aborted(job) ? -ECANCELED : 0;
}

static struct twin_job *twin_ring_head(struct twin_ring *ring)
{
	struct twin_job *job;

	spin_lock_irq(&ring->lock);
	job = list_first_entry_or_null(&ring->queue, struct twin_job, node);
	if (job)
		job->started = jiffies ?: 1;
	spin_unlock_irq(&ring->lock);
	return job;
}

static void twin_ring_retire(struct twin_ring *ring, struct twin_job *job)
{
	/* One interrupt at a time, or fences would signal out of order. */
	irq_work_queue(&job->interrupt);
	irq_work_sync(&job->interrupt);

	spin_lock_irq(&ring->lock);
	list_del_init(&job->node);
	spin_unlock_irq(&ring->lock);
	wake_up_all(&ring->wait);
	twin_job_put(job);
}

static void twin_ring_execute(struct twin_ring *ring, struct twin_job *job)
{
	if (job->stall)
		wait_for_completion_timeout(job->stall, 45 * HZ);
	job->error = twin_job_is_aborted(job) ? -ECANCELED :
						twin_commands_run(job);
	/* Whoever gave the job up said with which error. */
	if (twin_job_is_aborted(job))
		job->error = READ_ONCE(job->aborted);
	twin_fault_mutex(TWIN_SIGNAL_MUTEX, &ring->signal_mutex);
	twin_fault_resv(TWIN_SIGNAL_RESV, &ring->resv);
	twin_ring_retire(ring, job);
}

/* From a job's beginning to its fence: one signalling section. */
static void twin_ring_work(struct work_struct *work)
{
	struct twin_ring *ring = container_of(work, struct twin_ring, worker);
	struct twin_job *job;
	bool cookie;

	cookie = dma_fence_begin_signalling();
	while ((job = twin_ring_head(ring)))
		twin_ring_execute(ring, job);
	if (!twin_fault_once(TWIN_SECTION_LEAK_WORKER))
		dma_fence_end_signalling(cookie);
}

/**
 * twin_ring_push - queue a job
 * @ring: the ring
 * @job: its fence is initialised, in the order of pushing; the ring takes a
 *	reference
 *
 * Callable in any context.
 */
void twin_ring_push(struct twin_ring *ring, struct twin_job *job)
{
	unsigned long flags;

	job->ring = ring;
	twin_job_get(job);
	spin_lock_irqsave(&ring->lock, flags);
	list_add_tail(&job->node, &ring->queue);
	spin_unlock_irqrestore(&ring->lock, flags);
	queue_work(ring->wq, &ring->worker);
}
EXPORT_SYMBOL_GPL(twin_ring_push);

/**
 * twin_ring_is_idle - whether a ring has nothing to do
 * @ring: the ring
 *
 * Return: true if no job is running or queued.
 */
bool twin_ring_is_idle(struct twin_ring *ring)
{
	return list_empty_careful(&ring->queue);
}
EXPORT_SYMBOL_GPL(twin_ring_is_idle);

/**
 * twin_ring_abort_all - give up all jobs of a ring
 * @ring: the ring
 * @error: of their fences
 */
void twin_ring_abort_all(struct twin_ring *ring, int error)
{
	struct twin_job *job;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	list_for_each_entry(job, &ring->queue, node)
		if (!job->aborted)
			WRITE_ONCE(job->aborted, error);
	spin_unlock_irqrestore(&ring->lock, flags);
	wake_up_all(&ring->wait);
}
EXPORT_SYMBOL_GPL(twin_ring_abort_all);

/**
 * twin_ring_find_hung - the running job, if it takes too long
 * @ring: the ring
 * @timeout_ms: milliseconds that a job may take
 *
 * Return: the job with a reference, or NULL.
 */
struct twin_job *twin_ring_find_hung(struct twin_ring *ring,
				     unsigned int timeout_ms)
{
	unsigned long limit = msecs_to_jiffies(timeout_ms);
	struct twin_job *job;
	unsigned long flags;

	spin_lock_irqsave(&ring->lock, flags);
	job = list_first_entry_or_null(&ring->queue, struct twin_job, node);
	if (job && (!job->started || job->aborted ||
		    time_before(jiffies, job->started + limit)))
		job = NULL;
	if (job)
		twin_job_get(job);
	spin_unlock_irqrestore(&ring->lock, flags);
	return job;
}
EXPORT_SYMBOL_GPL(twin_ring_find_hung);

/**
 * twin_ring_abort - give up one job
 * @ring: where it was pushed
 * @job: the job
 * @error: of its fence
 */
void twin_ring_abort(struct twin_ring *ring, struct twin_job *job, int error)
{
	WRITE_ONCE(job->aborted, error);
	wake_up_all(&ring->wait);
}
EXPORT_SYMBOL_GPL(twin_ring_abort);

/**
 * twin_ring_wait_idle - wait until a ring has nothing to do
 * @ring: the ring, whose jobs were given up or are finite
 */
void twin_ring_wait_idle(struct twin_ring *ring)
{
	wait_event(ring->wait, twin_ring_is_idle(ring));
}
EXPORT_SYMBOL_GPL(twin_ring_wait_idle);

/*
 * What reclaim and this ring do in their own time, lockdep learns now: the
 * mutex is held over allocations. Only a planted fault makes that a cycle.
 */
static void twin_ring_taint(struct twin_ring *ring)
{
	mutex_lock(&ring->signal_mutex);
	might_alloc(GFP_KERNEL);
	mutex_unlock(&ring->signal_mutex);
}

/**
 * twin_ring_init - set a ring up
 * @ring: the ring
 * @name: in memory that outlives it
 *
 * Return: 0 or -ENOMEM.
 */
int twin_ring_init(struct twin_ring *ring, const char *name)
{
	ring->name = name;
	spin_lock_init(&ring->lock);
	INIT_LIST_HEAD(&ring->queue);
	init_waitqueue_head(&ring->wait);
	INIT_WORK(&ring->worker, twin_ring_work);
	mutex_init(&ring->signal_mutex);
	dma_resv_init(&ring->resv);
	ring->wq = alloc_ordered_workqueue("fencelab-%s", WQ_MEM_RECLAIM, name);
	if (!ring->wq) {
		dma_resv_fini(&ring->resv);
		return -ENOMEM;
	}
	twin_ring_taint(ring);
	return 0;
}
EXPORT_SYMBOL_GPL(twin_ring_init);

/**
 * twin_ring_fini - end of a ring
 * @ring: idle
 */
void twin_ring_fini(struct twin_ring *ring)
{
	destroy_workqueue(ring->wq);
	dma_resv_fini(&ring->resv);
	mutex_destroy(&ring->signal_mutex);
}
EXPORT_SYMBOL_GPL(twin_ring_fini);
