// SPDX-License-Identifier: GPL-2.0
/*
 * Software GPUs that speak the uAPI of real drivers and can break one rule of
 * the dma-fence contract on command. This module is what they share.
 */
#include <linux/debugfs.h>
#include <linux/module.h>

#include "bus.h"
#include "device.h"
#include "job.h"
#include "knobs.h"
#include "wrappers.h"

static struct dentry *debugfs_root;
static struct dentry *debugfs_slots[TWIN_SLOTS];

static const char * const slot_names[TWIN_SLOTS] = {
	[TWIN_AMDGPU] = "amdgpu",
	[TWIN_I915] = "i915",
};

static int twin_unplug_set(void *data, u64 value)
{
	if (value != 1)
		return -EINVAL;
	twin_bus_unplug((unsigned long)data);
	return 0;
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_unplug_fops, NULL, twin_unplug_set, "%llu\n");

static int twin_plug_set(void *data, u64 value)
{
	if (value != 1)
		return -EINVAL;
	return twin_bus_plug((unsigned long)data);
}
DEFINE_DEBUGFS_ATTRIBUTE(twin_plug_fops, NULL, twin_plug_set, "%llu\n");

static void twin_debugfs_init(void)
{
	unsigned long slot;

	debugfs_root = debugfs_create_dir("fencelab", NULL);
	twin_knobs_init(debugfs_root);
	for (slot = 0; slot < TWIN_SLOTS; slot++) {
		struct dentry *dir;

		dir = debugfs_create_dir(slot_names[slot], debugfs_root);
		debugfs_create_file_unsafe("unplug", 0200, dir, (void *)slot,
					   &twin_unplug_fops);
		debugfs_create_file_unsafe("plug", 0200, dir, (void *)slot,
					   &twin_plug_fops);
		debugfs_slots[slot] = dir;
	}
}

/**
 * twin_debugfs_dir - a twin's folder below fencelab in debugfs
 * @slot: which twin
 *
 * Return: the folder, which stays while the device comes and goes.
 */
struct dentry *twin_debugfs_dir(enum twin_slot slot)
{
	return debugfs_slots[slot];
}
EXPORT_SYMBOL_GPL(twin_debugfs_dir);

static int __init twin_init(void)
{
	int ret = twin_jobs_init();

	if (ret)
		return ret;
	ret = twin_bus_init();
	if (ret) {
		twin_jobs_exit();
		return ret;
	}
	twin_debugfs_init();
	return 0;
}

static void __exit twin_exit(void)
{
	debugfs_remove_recursive(debugfs_root);
	twin_bus_exit();
	twin_jobs_exit();
	/* Fences are freed by RCU callbacks of this module. */
	rcu_barrier();
}

module_init(twin_init);
module_exit(twin_exit);

MODULE_DESCRIPTION("fencelab: what the software GPUs share");
MODULE_LICENSE("GPL");
TWIN_IMPORT_DMA_BUF;
