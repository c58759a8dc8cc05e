// SPDX-License-Identifier: GPL-2.0
/* How a twin comes and goes: what both drivers do in probe and remove. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-fence.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <drm/drm_drv.h>
#include <drm/drm_managed.h>

#include "control.h"
#include "device.h"

/* Without ids, a driver binds to what names it: see bus.c. */
const struct pci_device_id twin_no_ids[] = { {} };
EXPORT_SYMBOL_GPL(twin_no_ids);

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
 * @ops: of its driver
 *
 * Return: 0 or a negative errno.
 */
int twin_device_init(struct twin_device *twin, struct pci_dev *pdev,
		     enum twin_slot slot, const struct twin_ops *ops)
{
	int ret;

	twin->pdev = pdev;
	twin->slot = slot;
	twin->ops = ops;
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

/**
 * twin_device_register - show a complete device to user space
 * @twin: the device
 *
 * Return: 0 or a negative errno.
 */
int twin_device_register(struct twin_device *twin)
{
	int ret = drm_dev_register(&twin->drm, 0);

	if (!ret)
		twin_control_init(twin);
	return ret;
}
EXPORT_SYMBOL_GPL(twin_device_register);

/**
 * twin_device_remove - &pci_driver.remove
 * @pdev: its PCI device, which may be gone already
 */
void twin_device_remove(struct pci_dev *pdev)
{
	struct twin_device *twin = pci_get_drvdata(pdev);

	twin_control_exit(twin);
	drm_dev_unplug(&twin->drm);
	/* Nobody waits for a device that is gone. */
	twin->ops->stop(twin);
}
EXPORT_SYMBOL_GPL(twin_device_remove);
