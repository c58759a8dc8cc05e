// SPDX-License-Identifier: GPL-2.0
/* The amdgpu twin: the driver. */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>
#include <drm/drm_managed.h>

#include "bo_list.h"
#include "ctx.h"
#include "sched_faults.h"
#include "wrappers.h"

static int twin_open(struct drm_device *drm, struct drm_file *filp)
{
	struct twin_fpriv *fpriv = kzalloc(sizeof(*fpriv), GFP_KERNEL);
	int ret;

	if (!fpriv)
		return -ENOMEM;
	ret = twin_vm_init(&fpriv->vm, to_amdgpu(drm));
	if (ret) {
		kfree(fpriv);
		return ret;
	}
	mutex_init(&fpriv->ctx_lock);
	idr_init(&fpriv->ctxs);
	mutex_init(&fpriv->list_lock);
	idr_init_base(&fpriv->lists, 1);
	filp->driver_priv = fpriv;
	return 0;
}

static void twin_postclose(struct drm_device *drm, struct drm_file *filp)
{
	struct twin_fpriv *fpriv = filp->driver_priv;

	twin_ctx_fini_all(fpriv);
	twin_bo_list_fini_all(fpriv);
	twin_vm_fini(&fpriv->vm);
	mutex_destroy(&fpriv->ctx_lock);
	mutex_destroy(&fpriv->list_lock);
	kfree(fpriv);
}

#define TWIN_DEF(nr, func) \
	DRM_IOCTL_DEF_DRV(nr, func, DRM_AUTH | DRM_RENDER_ALLOW)

static const struct drm_ioctl_desc twin_ioctls[] = {
	TWIN_DEF(AMDGPU_GEM_CREATE, twin_gem_create_ioctl),
	TWIN_DEF(AMDGPU_GEM_MMAP, twin_gem_mmap_ioctl),
	TWIN_DEF(AMDGPU_CTX, twin_ctx_ioctl),
	TWIN_DEF(AMDGPU_BO_LIST, twin_bo_list_ioctl),
	TWIN_DEF(AMDGPU_CS, twin_cs_ioctl),
	TWIN_DEF(AMDGPU_INFO, twin_info_ioctl),
	TWIN_DEF(AMDGPU_GEM_METADATA, twin_gem_metadata_ioctl),
	TWIN_DEF(AMDGPU_GEM_WAIT_IDLE, twin_gem_wait_idle_ioctl),
	TWIN_DEF(AMDGPU_GEM_VA, twin_gem_va_ioctl),
	TWIN_DEF(AMDGPU_WAIT_CS, twin_wait_cs_ioctl),
	TWIN_DEF(AMDGPU_GEM_OP, twin_gem_op_ioctl),
	TWIN_DEF(AMDGPU_GEM_USERPTR, twin_gem_userptr_ioctl),
	TWIN_DEF(AMDGPU_WAIT_FENCES, twin_wait_fences_ioctl),
	TWIN_DEF(AMDGPU_VM, twin_vm_ioctl),
	TWIN_DEF(AMDGPU_FENCE_TO_HANDLE, twin_fence_to_handle_ioctl),
	DRM_IOCTL_DEF_DRV(AMDGPU_SCHED, twin_sched_ioctl, DRM_MASTER),
};

DEFINE_DRM_GEM_FOPS(twin_fops);

/* Named as the driver that user space knows; "desc" tells the twin. */
static const struct drm_driver twin_driver = {
	.driver_features = DRIVER_GEM | DRIVER_RENDER | DRIVER_MODESET |
			   DRIVER_ATOMIC | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE,
	.open = twin_open,
	.postclose = twin_postclose,
	.ioctls = twin_ioctls,
	.num_ioctls = ARRAY_SIZE(twin_ioctls),
	.fops = &twin_fops,
	.dumb_create = twin_dumb_create,
	.dumb_map_offset = twin_dumb_mmap,
	.gem_prime_import = twin_amdgpu_import,
	.debugfs_init = twin_reset_debugfs,
	.name = "amdgpu",
	.desc = "fencelab twin of amdgpu",
	TWIN_DATE("20150101")
	.major = 3,
	.minor = 59,
};

static void twin_idle_resv_fini(struct drm_device *drm, void *unused)
{
	struct amdgpu_twin *adev = to_amdgpu(drm);

	twin_sched_faults_fini(adev);
	dma_resv_fini(&adev->idle_resv);
}

static void twin_stop(struct twin_device *twin)
{
	struct amdgpu_twin *adev = container_of(twin, struct amdgpu_twin, base);
	int i;

	for (i = 0; i < TWIN_ENGINES; i++)
		twin_ring_abort_all(&adev->engines->engine[i].ring, -ENODEV);
	drm_atomic_helper_shutdown(&twin->drm);
}

static const struct twin_ops twin_ops = {
	.reset = twin_reset_request,
	.get_timeout = twin_get_timeout,
	.set_timeout = twin_set_timeout,
	.stop = twin_stop,
};

static int twin_device_setup(struct amdgpu_twin *adev, struct pci_dev *pdev)
{
	struct drm_device *drm = &adev->base.drm;
	int ret = twin_sched_faults_init(adev);

	if (ret)
		return ret;
	dma_resv_init(&adev->idle_resv);
	return drmm_add_action_or_reset(drm, twin_idle_resv_fini, NULL) ?:
	       twin_device_init(&adev->base, pdev, TWIN_AMDGPU, &twin_ops) ?:
	       twin_reset_init(adev) ?:
	       twin_engines_init(adev) ?:
	       twin_kms_init(adev);
}

static int twin_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct amdgpu_twin *adev;

	adev = devm_drm_dev_alloc(&pdev->dev, &twin_driver, struct amdgpu_twin,
				  base.drm);
	if (IS_ERR(adev))
		return PTR_ERR(adev);
	return twin_device_setup(adev, pdev) ?:
	       twin_device_register(&adev->base);
}

static struct pci_driver twin_pci_driver = {
	.name = TWIN_AMDGPU_DRIVER,
	.id_table = twin_no_ids,
	.probe = twin_probe,
	.remove = twin_device_remove,
};

static int __init twin_amdgpu_init(void)
{
	if (twin_real_driver_is_loaded("amdgpu"))
		return -EBUSY;
	return pci_register_driver(&twin_pci_driver);
}

static void __exit twin_amdgpu_exit(void)
{
	pci_unregister_driver(&twin_pci_driver);
	twin_jobs_flush();
	twin_engines_exit();
}

module_init(twin_amdgpu_init);
module_exit(twin_amdgpu_exit);

MODULE_DESCRIPTION("fencelab twin of amdgpu");
MODULE_LICENSE("GPL");
TWIN_IMPORT_DMA_BUF;
