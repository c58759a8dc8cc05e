/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_DEVICE_H_
#define _TWIN_DEVICE_H_

#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <drm/drm_device.h>

#include "bus.h"

struct twin_bo;
struct pci_dev;

/**
 * struct twin_device - what both twins have
 * @drm: the DRM device
 * @pdev: the device on the bus in memory
 * @slot: which twin this is
 * @notifier_lock: between the mmu notifiers and the submission of jobs. No
 *	allocation and no reservation under it.
 * @bos_lock: protects @bos
 * @bos: all buffers that may move
 */
struct twin_device {
	struct drm_device drm;
	struct pci_dev *pdev;
	enum twin_slot slot;
	struct mutex notifier_lock; /* see above */
	spinlock_t bos_lock; /* see above */
	struct list_head bos;
};

static inline struct twin_device *to_twin_device(struct drm_device *drm)
{
	return container_of(drm, struct twin_device, drm);
}

int twin_device_init(struct twin_device *twin, struct pci_dev *pdev,
		     enum twin_slot slot);
bool twin_real_driver_is_loaded(const char *name);
struct dentry *twin_debugfs_dir(enum twin_slot slot);

#endif
