// SPDX-License-Identifier: GPL-2.0
/*
 * Fences. Others may hold one for as long as they like, so a fence depends on
 * no device and keeps the modules loaded whose code and names it needs.
 */
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "fence.h"
#include "wrappers.h"

static const char *twin_fence_driver_name(struct dma_fence *base)
{
	return to_twin_fence(base)->driver;
}

static const char *twin_fence_timeline_name(struct dma_fence *base)
{
	return to_twin_fence(base)->timeline;
}

/*
 * The exit of this module waits for these callbacks (rcu_barrier()), so that
 * none runs in code that is gone.
 */
static void twin_fence_free_rcu(struct rcu_head *rcu)
{
	struct dma_fence *base = container_of(rcu, struct dma_fence, rcu);

	twin_fence_free(to_twin_fence(base));
}

static void twin_fence_release(struct dma_fence *base)
{
	call_rcu(&base->rcu, twin_fence_free_rcu);
}

static const struct dma_fence_ops twin_fence_ops = {
	.get_driver_name = twin_fence_driver_name,
	.get_timeline_name = twin_fence_timeline_name,
	.release = twin_fence_release,
};

/**
 * to_twin_fence - the twins' fence behind a fence
 * @fence: any fence of the twins
 *
 * Return: the fence.
 */
struct twin_fence *to_twin_fence(struct dma_fence *fence)
{
	return container_of(fence, struct twin_fence, base);
}
EXPORT_SYMBOL_GPL(to_twin_fence);

/**
 * twin_fence_is_of - whether a fence is a driver's own
 * @fence: any fence
 * @owner: the driver's module
 *
 * Return: true if @fence is a twin's and @owner made it.
 */
bool twin_fence_is_of(struct dma_fence *fence, struct module *owner)
{
	return twin_fence_ops_of(fence) == &twin_fence_ops &&
	       to_twin_fence(fence)->owner == owner;
}
EXPORT_SYMBOL_GPL(twin_fence_is_of);

/**
 * twin_fence_alloc - memory for a fence
 * @owner: module to keep loaded
 * @driver: name of the driver, in memory of @owner
 * @timeline: name of the ring, copied
 *
 * May sleep. Initialising and signalling the fence needs no memory.
 *
 * Return: the fence, or NULL.
 */
struct twin_fence *twin_fence_alloc(struct module *owner, const char *driver,
				    const char *timeline)
{
	struct twin_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;
	__module_get(owner);
	fence->owner = owner;
	fence->driver = driver;
	strscpy(fence->timeline, timeline, sizeof(fence->timeline));
	spin_lock_init(&fence->lock);
	return fence;
}
EXPORT_SYMBOL_GPL(twin_fence_alloc);

/**
 * twin_fence_init - publish a fence
 * @fence: from twin_fence_alloc()
 * @context: fence context of the ring
 * @seqno: number in the order in which the ring signals
 *
 * From here on, the fence is freed by its last dma_fence_put().
 */
void twin_fence_init(struct twin_fence *fence, u64 context, u64 seqno)
{
	dma_fence_init(&fence->base, &twin_fence_ops, &fence->lock, context,
		       seqno);
	fence->published = true;
}
EXPORT_SYMBOL_GPL(twin_fence_init);

/**
 * twin_fence_free - free a fence that was not initialised
 * @fence: from twin_fence_alloc(), or NULL
 */
void twin_fence_free(struct twin_fence *fence)
{
	if (!fence)
		return;
	module_put(fence->owner);
	kfree(fence);
}
EXPORT_SYMBOL_GPL(twin_fence_free);
