/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_RING_H_
#define _TWIN_RING_H_

#include <linux/dma-resv.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct twin_job;

/**
 * struct twin_ring - executes jobs one after the other, as they come
 * @name: for fences and messages
 * @worker: executes the job at the head of @queue
 * @wq: where @worker runs
 * @lock: protects @queue and jobs' @aborted and @started; irq-safe
 * @queue: jobs, the running one first
 * @wait: wakes a job that sleeps, when it is given up; and who waits for idle
 * @signal_mutex: fault: taken by the worker, held over allocations elsewhere
 * @resv: a reservation of the ring's own, for faults
 */
struct twin_ring {
	const char *name;
	struct work_struct worker;
	struct workqueue_struct *wq;
	spinlock_t lock; /* see above */
	struct list_head queue;
	wait_queue_head_t wait;
	struct mutex signal_mutex; /* see above */
	struct dma_resv resv;
};

int twin_ring_init(struct twin_ring *ring, const char *name);
void twin_ring_fini(struct twin_ring *ring);
void twin_ring_push(struct twin_ring *ring, struct twin_job *job);
bool twin_ring_is_idle(struct twin_ring *ring);
void twin_ring_abort_all(struct twin_ring *ring, int error);
struct twin_job *twin_ring_find_hung(struct twin_ring *ring,
				     unsigned int timeout_ms);
void twin_ring_abort(struct twin_ring *ring, struct twin_job *job, int error);
void twin_ring_wait_idle(struct twin_ring *ring);
void twin_job_init_interrupt(struct twin_job *job);

#endif
