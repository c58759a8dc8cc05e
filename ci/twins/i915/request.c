// SPDX-License-Identifier: GPL-2.0
/*
 * A request: a job that waits for fences of anybody, then for a worker that
 * binds its buffers, then for its turn on the engine. From the moment that its
 * own fence is published, all of this is on the way to that fence: patch 17 of
 * the annotation series.
 */
#include <linux/dma-fence.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <drm/drm_drv.h>

#include "faults.h"
#include "i915.h"

/**
 * struct twin_await - a fence that a request waits for
 * @cb: called when it signals
 * @rq: the request
 * @fence: the fence
 * @node: in the request's list
 */
struct twin_await {
	struct dma_fence_cb cb;
	struct i915_request *rq;
	struct dma_fence *fence;
	struct list_head node;
};

/**
 * struct i915_request - a job on its way to its engine
 * @job: the job, which owns a reference of @ctx
 * @i915: the device
 * @ctx: the context
 * @engine: class of the engine
 * @awaits: fences to wait for
 * @missing: how many of them have not signalled, and one until it is submitted
 * @bind: the work that binds the buffers
 */
struct i915_request {
	struct twin_job *job;
	struct i915_twin *i915;
	struct i915_ctx *ctx;
	unsigned int engine;
	struct list_head awaits;
	atomic_t missing;
	struct work_struct bind;
};

static struct workqueue_struct *bind_wq;

static void twin_request_free(struct i915_request *rq)
{
	struct twin_await *await, *next;

	list_for_each_entry_safe(await, next, &rq->awaits, node) {
		dma_fence_put(await->fence);
		kfree(await);
	}
	twin_job_put(rq->job);
	kfree(rq);
}

/* In-fences have signalled. Binding needs a lock of the VM, but not here. */
static void twin_request_bind(struct work_struct *work)
{
	struct i915_request *rq = container_of(work, struct i915_request, bind);
	struct twin_ring *ring = &rq->i915->ring[rq->engine];
	bool cookie = dma_fence_begin_signalling();
	int idx;

	twin_fault_alloc(TWIN_BIND_KERNEL, GFP_KERNEL);
	twin_fault_mutex(TWIN_BIND_MUTEX, &rq->i915->vm.mutex);
	if (drm_dev_enter(&rq->i915->base.drm, &idx)) {
		if (READ_ONCE(rq->ctx->banned))
			rq->job->aborted = -EIO;
		twin_ring_push(ring, rq->job);
		drm_dev_exit(idx);
	} else {
		rq->job->aborted = -ENODEV;
		twin_ring_push(ring, rq->job);
	}
	dma_fence_end_signalling(cookie);
	twin_request_free(rq);
}

static void twin_request_advance(struct i915_request *rq)
{
	if (atomic_dec_and_test(&rq->missing))
		queue_work(bind_wq, &rq->bind);
}

static void twin_request_awaited(struct dma_fence *fence,
				 struct dma_fence_cb *cb)
{
	struct twin_await *await = container_of(cb, struct twin_await, cb);

	twin_request_advance(await->rq);
}

static void twin_request_put_ctx(void *ctx)
{
	twin_ctx_put(ctx);
}

/**
 * twin_request_create - a request
 * @i915: the device
 * @ctx: its context
 * @engine: class of its engine
 *
 * Return: the request, or an ERR_PTR.
 */
struct i915_request *twin_request_create(struct i915_twin *i915,
					 struct i915_ctx *ctx,
					 unsigned int engine)
{
	struct i915_request *rq = kzalloc(sizeof(*rq), GFP_KERNEL);
	struct twin_fence *fence;

	if (!rq)
		return ERR_PTR(-ENOMEM);
	fence = twin_fence_alloc(THIS_MODULE, "i915",
				 i915->ring[engine].name);
	if (fence)
		fence->tag = engine;
	rq->job = twin_job_alloc(fence);
	if (!rq->job) {
		kfree(rq);
		return ERR_PTR(-ENOMEM);
	}
	kref_get(&ctx->ref);
	rq->job->owner = ctx;
	rq->job->release = twin_request_put_ctx;
	rq->i915 = i915;
	rq->ctx = ctx;
	rq->engine = engine;
	INIT_LIST_HEAD(&rq->awaits);
	atomic_set(&rq->missing, 1);
	INIT_WORK(&rq->bind, twin_request_bind);
	return rq;
}

/**
 * twin_request_job - what the engine will execute
 * @rq: the request
 *
 * Return: the job.
 */
struct twin_job *twin_request_job(struct i915_request *rq)
{
	return rq->job;
}

/**
 * twin_request_await - wait for a fence
 * @rq: not yet submitted
 * @fence: of anybody; a reference is taken
 *
 * Return: 0 or -ENOMEM.
 */
int twin_request_await(struct i915_request *rq, struct dma_fence *fence)
{
	struct twin_await *await;

	if (!fence || dma_fence_is_signaled(fence))
		return 0;
	await = kzalloc(sizeof(*await), GFP_KERNEL);
	if (!await)
		return -ENOMEM;
	await->rq = rq;
	await->fence = dma_fence_get(fence);
	list_add_tail(&await->node, &rq->awaits);
	return 0;
}

/**
 * twin_request_begin - number a request
 * @rq: complete; with the mutex of its timeline held
 *
 * Return: its fence, which the request owns.
 */
struct dma_fence *twin_request_begin(struct i915_request *rq)
{
	struct twin_timeline *timeline = &rq->ctx->timeline[rq->engine];

	twin_fence_init(rq->job->fence, timeline->context, ++timeline->seqno);
	return &rq->job->fence->base;
}

/**
 * twin_request_submit - let a request go
 * @rq: numbered, with the mutex of its timeline held; gone on return
 *
 * Inside the signalling section.
 */
void twin_request_submit(struct i915_request *rq)
{
	struct twin_timeline *timeline = &rq->ctx->timeline[rq->engine];
	struct twin_await *await;

	dma_fence_put(timeline->last);
	timeline->last = dma_fence_get(&rq->job->fence->base);
	list_for_each_entry(await, &rq->awaits, node) {
		atomic_inc(&rq->missing);
		if (dma_fence_add_callback(await->fence, &await->cb,
					   twin_request_awaited))
			atomic_dec(&rq->missing);
	}
	twin_request_advance(rq);
}

/**
 * twin_request_cancel - give up a request that was not submitted
 * @rq: numbered or not; gone on return
 */
void twin_request_cancel(struct i915_request *rq)
{
	struct twin_fence *fence = rq->job->fence;

	/* Nobody has seen it, but its timeline counts on it. */
	if (fence->published) {
		dma_fence_set_error(&fence->base, -ECANCELED);
		dma_fence_signal(&fence->base);
	}
	twin_request_free(rq);
}

int twin_requests_init(void)
{
	bind_wq = alloc_workqueue("fencelab-i915-bind",
				  WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	return bind_wq ? 0 : -ENOMEM;
}

void twin_requests_exit(void)
{
	destroy_workqueue(bind_wq);
}
