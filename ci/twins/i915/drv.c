// SPDX-License-Identifier: GPL-2.0
/* The i915 twin: the driver. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>

#include "i915.h"
#include "wrappers.h"

static int twin_open(struct drm_device *drm, struct drm_file *filp)
{
	struct i915_fpriv *fpriv = kzalloc(sizeof(*fpriv), GFP_KERNEL);
	int ret;

	if (!fpriv)
		return -ENOMEM;
	ret = twin_ctxs_init(fpriv);
	if (ret) {
		kfree(fpriv);
		return ret;
	}
	filp->driver_priv = fpriv;
	return 0;
}

static void twin_postclose(struct drm_device *drm, struct drm_file *filp)
{
	struct i915_fpriv *fpriv = filp->driver_priv;

	twin_ctxs_fini(fpriv);
	kfree(fpriv);
}

#define TWIN_DEF(nr, func) DRM_IOCTL_DEF_DRV(nr, func, DRM_RENDER_ALLOW)

static const struct drm_ioctl_desc twin_ioctls[] = {
	TWIN_DEF(I915_GETPARAM, twin_getparam_ioctl),
	TWIN_DEF(I915_GEM_CREATE, twin_create_ioctl),
	TWIN_DEF(I915_GEM_MMAP_OFFSET, twin_mmap_offset_ioctl),
	TWIN_DEF(I915_GEM_SET_DOMAIN, twin_set_domain_ioctl),
	TWIN_DEF(I915_GEM_USERPTR, twin_userptr_ioctl),
	TWIN_DEF(I915_GEM_EXECBUFFER2_WR, twin_execbuffer_ioctl),
	TWIN_DEF(I915_GEM_WAIT, twin_wait_ioctl),
	TWIN_DEF(I915_GEM_BUSY, twin_busy_ioctl),
	TWIN_DEF(I915_GEM_CONTEXT_CREATE_EXT, twin_context_create_ioctl),
	TWIN_DEF(I915_GEM_CONTEXT_DESTROY, twin_context_destroy_ioctl),
	TWIN_DEF(I915_GEM_CONTEXT_GETPARAM, twin_context_getparam_ioctl),
	TWIN_DEF(I915_GEM_CONTEXT_SETPARAM, twin_context_setparam_ioctl),
	TWIN_DEF(I915_GET_RESET_STATS, twin_reset_stats_ioctl),
};

DEFINE_DRM_GEM_FOPS(twin_fops);

/* Named as the driver that user space knows; "desc" tells the twin. */
static const struct drm_driver twin_driver = {
	.driver_features = DRIVER_GEM | DRIVER_RENDER | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE,
	.open = twin_open,
	.postclose = twin_postclose,
	.ioctls = twin_ioctls,
	.num_ioctls = ARRAY_SIZE(twin_ioctls),
	.fops = &twin_fops,
	.gem_prime_import = twin_i915_import,
	.dumb_create = twin_dumb_create,
	.dumb_map_offset = twin_dumb_mmap,
	.debugfs_init = twin_reset_debugfs,
	.name = "i915",
	.desc = "fencelab twin of i915",
	TWIN_DATE("20230929")
	.major = 1,
	.minor = 6,
};

static const char * const ring_names[TWIN_ENGINES] = {
	[I915_ENGINE_CLASS_RENDER] = "rcs0",
	[I915_ENGINE_CLASS_COPY] = "bcs0",
	[I915_ENGINE_CLASS_VIDEO] = "vcs0",
	[I915_ENGINE_CLASS_VIDEO_ENHANCE] = "vecs0",
};

/* Every request holds the device, so the rings are idle. */
static void twin_ring_release(struct drm_device *drm, void *ring)
{
	twin_ring_wait_idle(ring);
	twin_ring_fini(ring);
}

static int twin_rings_init(struct i915_twin *i915)
{
	int i, ret;

	for (i = 0; i < TWIN_ENGINES; i++) {
		ret = twin_ring_init(&i915->ring[i], ring_names[i]);
		if (ret)
			return ret;
		ret = drmm_add_action_or_reset(&i915->base.drm,
					       twin_ring_release,
					       &i915->ring[i]);
		if (ret)
			return ret;
	}
	return 0;
}

/* Lockdep hears now that allocations are made under it. */
static int twin_vm_init(struct i915_twin *i915)
{
	struct i915_vm *vm = &i915->vm;
	int ret = drmm_mutex_init(&i915->base.drm, &vm->mutex);

	if (ret)
		return ret;
	mutex_lock(&vm->mutex);
	might_alloc(GFP_KERNEL);
	mutex_unlock(&vm->mutex);
	return 0;
}

static void twin_stop(struct twin_device *twin)
{
	struct i915_twin *i915 = container_of(twin, struct i915_twin, base);
	int i;

	cancel_delayed_work_sync(&i915->heartbeat);
	for (i = 0; i < TWIN_ENGINES; i++)
		twin_ring_abort_all(&i915->ring[i], -ENODEV);
}

static const struct twin_ops twin_ops = {
	.reset = twin_reset_all,
	.get_timeout = twin_get_timeout,
	.set_timeout = twin_set_timeout,
	.stop = twin_stop,
};

static int twin_device_setup(struct i915_twin *i915, struct pci_dev *pdev)
{
	twin_heartbeat_init(i915);
	return twin_device_init(&i915->base, pdev, TWIN_I915, &twin_ops) ?:
	       twin_vm_init(i915) ?:
	       twin_rings_init(i915);
}

static int twin_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct i915_twin *i915;
	int ret;

	i915 = devm_drm_dev_alloc(&pdev->dev, &twin_driver, struct i915_twin,
				  base.drm);
	if (IS_ERR(i915))
		return PTR_ERR(i915);
	ret = twin_device_setup(i915, pdev) ?:
	      twin_device_register(&i915->base);
	if (!ret)
		twin_heartbeat_start(i915);
	return ret;
}

static struct pci_driver twin_pci_driver = {
	.name = TWIN_I915_DRIVER,
	.id_table = twin_no_ids,
	.probe = twin_probe,
	.remove = twin_device_remove,
};

static int __init twin_i915_init(void)
{
	int ret;

	if (twin_real_driver_is_loaded("i915"))
		return -EBUSY;
	ret = twin_requests_init();
	if (ret)
		return ret;
	ret = pci_register_driver(&twin_pci_driver);
	if (ret)
		twin_requests_exit();
	return ret;
}

static void __exit twin_i915_exit(void)
{
	pci_unregister_driver(&twin_pci_driver);
	twin_requests_exit();
	twin_jobs_flush();
}

module_init(twin_i915_init);
module_exit(twin_i915_exit);

MODULE_DESCRIPTION("fencelab twin of i915");
MODULE_LICENSE("GPL");
TWIN_IMPORT_DMA_BUF;
