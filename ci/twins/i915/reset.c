// SPDX-License-Identifier: GPL-2.0
/*
 * Engines are looked at now and then; a request that takes too long is given
 * up, and its engine goes on with the next one.
 */
#include <linux/dma-fence.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <drm/drm_drv.h>
#include <drm/drm_print.h>

#include "faults.h"
#include "i915.h"

unsigned int twin_i915_timeout_ms = 1000;
module_param_named(job_timeout_ms, twin_i915_timeout_ms, uint, 0444);
MODULE_PARM_DESC(job_timeout_ms, "milliseconds that a request may take");

static unsigned long twin_heartbeat_interval(void)
{
	return msecs_to_jiffies(READ_ONCE(twin_i915_timeout_ms) / 4 + 1);
}

/* On the way to the request's fence: a signalling section. */
static void twin_reset_engine(struct i915_twin *i915, unsigned int engine,
			      unsigned int timeout_ms)
{
	struct twin_ring *ring = &i915->ring[engine];
	struct twin_job *job = twin_ring_find_hung(ring, timeout_ms);
	bool cookie;

	if (!job)
		return;
	drm_dbg(&i915->base.drm, "resetting %s\n", ring->name);
	cookie = dma_fence_begin_signalling();
	twin_fault_alloc(TWIN_RETIRE_KERNEL, GFP_KERNEL);
	twin_ctx_mark_guilty(job->owner);
	atomic_inc(&i915->reset_count);
	twin_ring_abort(ring, job, -EIO);
	dma_fence_end_signalling(cookie);
	twin_job_put(job);
}

static void twin_heartbeat(struct work_struct *work)
{
	struct i915_twin *i915 =
		container_of(work, struct i915_twin, heartbeat.work);
	unsigned int engine;
	int idx;

	if (!drm_dev_enter(&i915->base.drm, &idx))
		return;
	for (engine = 0; engine < TWIN_ENGINES; engine++)
		twin_reset_engine(i915, engine,
				  READ_ONCE(twin_i915_timeout_ms));
	schedule_delayed_work(&i915->heartbeat, twin_heartbeat_interval());
	drm_dev_exit(idx);
}

/**
 * twin_heartbeat_init - set the heartbeat up
 * @i915: the device
 */
void twin_heartbeat_init(struct i915_twin *i915)
{
	INIT_DELAYED_WORK(&i915->heartbeat, twin_heartbeat);
}

/**
 * twin_heartbeat_start - begin to look at the engines
 * @i915: the device, complete
 */
void twin_heartbeat_start(struct i915_twin *i915)
{
	schedule_delayed_work(&i915->heartbeat, twin_heartbeat_interval());
}

/**
 * twin_i915_reset - reset engines, whatever they do
 * @i915: the device
 * @engines: mask of their classes
 */
void twin_i915_reset(struct i915_twin *i915, u32 engines)
{
	unsigned int engine;

	for (engine = 0; engine < TWIN_ENGINES; engine++)
		if (engines & BIT(engine))
			twin_reset_engine(i915, engine, 0);
}
