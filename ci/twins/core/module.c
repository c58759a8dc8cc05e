// SPDX-License-Identifier: GPL-2.0
/*
 * Software GPUs that speak the uAPI of real drivers and can break one rule of
 * the dma-fence contract on command. This module is what they share.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/debugfs.h>
#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include "bo.h"
#include "bus.h"
#include "compat.h"
#include "device.h"
#include "job.h"
#include "knobs.h"

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

/**
 * twin_real_driver_is_loaded - whether the driver that a twin stands for is
 * there
 * @name: of the PCI driver
 *
 * Return: true if so; then the twin says so and stays away.
 */
bool twin_real_driver_is_loaded(const char *name)
{
	if (!driver_find(name, &pci_bus_type))
		return false;
	pr_err("the real %s driver is loaded; the twin does not run beside it\n",
	       name);
	return true;
}
EXPORT_SYMBOL_GPL(twin_real_driver_is_loaded);

/*
 * Reclaim calls mmu notifiers, and those wait for fences under the notifier
 * lock. Lockdep hears of it now, so that it need not see an invalidation first.
 */
static void twin_notifier_prime(struct mutex *notifier_lock)
{
	struct dma_fence *stub = dma_fence_get_stub();

	fs_reclaim_acquire(GFP_KERNEL);
	mutex_lock(notifier_lock);
	dma_fence_wait(stub, false);
	mutex_unlock(notifier_lock);
	fs_reclaim_release(GFP_KERNEL);
	dma_fence_put(stub);
}

/**
 * twin_device_init - what both drivers do first
 * @twin: from devm_drm_dev_alloc()
 * @pdev: its PCI device
 * @slot: which twin
 *
 * Return: 0 or a negative errno.
 */
int twin_device_init(struct twin_device *twin, struct pci_dev *pdev,
		     enum twin_slot slot)
{
	int ret;

	twin->pdev = pdev;
	twin->slot = slot;
	spin_lock_init(&twin->bos_lock);
	INIT_LIST_HEAD(&twin->bos);
	ret = drmm_mutex_init(&twin->drm, &twin->notifier_lock);
	if (ret)
		return ret;
	twin_notifier_prime(&twin->notifier_lock);
	pci_set_drvdata(pdev, twin);
	return dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
}
EXPORT_SYMBOL_GPL(twin_device_init);

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
#if TWIN_IMPORT_NS_STRING
MODULE_IMPORT_NS("DMA_BUF");
#else
MODULE_IMPORT_NS(DMA_BUF);
#endif
