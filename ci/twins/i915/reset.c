// SPDX-License-Identifier: GPL-2.0
/*
 * Engines are looked at now and then; a request that takes too long is given
 * up, and its engine goes on with the next one.
 */
#include <linux/debugfs.h>
#include <linux/dma-fence.h>
#include <linux/jiffies.h>
#include <linux/module.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "faults.h"
#include "i915.h"

static unsigned int job_timeout_ms = 1000;
module_param(job_timeout_ms, uint, 0444);
MODULE_PARM_DESC(job_timeout_ms, "milliseconds that a request may take");

static unsigned long twin_heartbeat_interval(void)
{
	return msecs_to_jiffies(READ_ONCE(job_timeout_ms) / 4 + 1);
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
				  READ_ONCE(job_timeout_ms));
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
 * twin_get_timeout - &twin_ops.get_timeout
 * @twin: the device
 *
 * Return: the milliseconds that a request may take.
 */
unsigned int twin_get_timeout(struct twin_device *twin)
{
	return READ_ONCE(job_timeout_ms);
}

/**
 * twin_set_timeout - &twin_ops.set_timeout
 * @twin: the device
 * @ms: the milliseconds that a request may take from now on
 */
void twin_set_timeout(struct twin_device *twin, unsigned int ms)
{
	WRITE_ONCE(job_timeout_ms, ms);
}

static void twin_reset_engines(struct i915_twin *i915, u32 engines)
{
	unsigned int engine;

	for (engine = 0; engine < TWIN_ENGINES; engine++)
		if (engines & BIT(engine))
			twin_reset_engine(i915, engine, 0);
}

/**
 * twin_reset_all - &twin_ops.reset: reset every engine, whatever it does
 * @twin: the device
 * @modeset: there is no display
 */
void twin_reset_all(struct twin_device *twin, bool modeset)
{
	twin_reset_engines(container_of(twin, struct i915_twin, base), ~0U);
}

/* The mask of engines to declare hung; the twin is never wedged for good. */
static int twin_wedged_set(void *data, u64 value)
{
	twin_reset_engines(data, value);
	return 0;
}

static int twin_wedged_get(void *data, u64 *value)
{
	*value = 0;
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_wedged_fops, twin_wedged_get, twin_wedged_set,
			 "%llu\n");

/**
 * twin_reset_debugfs - &drm_driver.debugfs_init
 * @minor: of the device
 */
void twin_reset_debugfs(struct drm_minor *minor)
{
	debugfs_create_file("i915_wedged", 0644, minor->debugfs_root,
			    to_i915(minor->dev), &twin_wedged_fops);
}
