/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_DEVICE_H_
#define _TWIN_DEVICE_H_

#include <linux/mod_devicetable.h>
#include <linux/mutex.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <drm/drm_device.h>

#include "bus.h"

struct dentry;
struct drm_file;
struct pci_dev;
struct twin_device;

/*
 * For as much memory as user space asks for: it gets none before others are
 * killed for it.
 */
#define TWIN_GFP_USER \
	(GFP_KERNEL_ACCOUNT | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

/*
 * The most that an ioctl copies from user space, all arrays together: more than
 * any job needs, and little enough to be copied and freed in no time.
 */
#define TWIN_MAX_ARGUMENTS	SZ_4M

/* An ioctl of a driver. */
#define TWIN_IOCTL(name) \
	int name(struct drm_device *drm, void *data, struct drm_file *filp)

/**
 * struct twin_ops - what a driver does for what both share
 * @reset: reset the device; the display is switched off and on as well if the
 *	second argument says so
 * @get_timeout: the milliseconds that a job may take
 * @set_timeout: another number of them
 * @stop: the device is gone: give up its jobs
 */
struct twin_ops {
	void (*reset)(struct twin_device *twin, bool modeset);
	unsigned int (*get_timeout)(struct twin_device *twin);
	void (*set_timeout)(struct twin_device *twin, unsigned int ms);
	void (*stop)(struct twin_device *twin);
};

/**
 * struct twin_device - what both twins have
 * @drm: the DRM device
 * @pdev: the device on the bus in memory
 * @slot: which twin this is
 * @ops: of its driver
 * @notifier_lock: between the mmu notifiers and the submission of jobs. No
 *	allocation and no reservation under it.
 * @bos_lock: protects @bos
 * @bos: all buffers that may move
 */
struct twin_device {
	struct drm_device drm;
	struct pci_dev *pdev;
	enum twin_slot slot;
	const struct twin_ops *ops;
	struct mutex notifier_lock; /* see above */
	spinlock_t bos_lock; /* see above */
	struct list_head bos;
};

static inline struct twin_device *to_twin_device(struct drm_device *drm)
{
	return container_of(drm, struct twin_device, drm);
}

/* device.c */
extern const struct pci_device_id twin_no_ids[];
bool twin_real_driver_is_loaded(const char *name);
int twin_device_init(struct twin_device *twin, struct pci_dev *pdev,
		     enum twin_slot slot, const struct twin_ops *ops);
int twin_device_register(struct twin_device *twin);
void twin_device_remove(struct pci_dev *pdev);

/* module.c */
struct dentry *twin_debugfs_dir(enum twin_slot slot);

#endif
