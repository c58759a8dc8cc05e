// SPDX-License-Identifier: GPL-2.0
/* Buffers as the CPU sees them: mappings of processes and of the kernel. */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/vmalloc.h>
#include <drm/drm_prime.h>
#include <drm/drm_vma_manager.h>

#include "bo.h"
#include "knobs.h"
#include "wrappers.h"

static vm_fault_t twin_bo_fault(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct drm_gem_object *obj = vma->vm_private_data;
	struct twin_bo *bo = to_twin_bo(obj);
	vm_fault_t ret = VM_FAULT_SIGBUS;
	unsigned long index;

	/* The mmap_lock is outside of the reservation, always. */
	if (dma_resv_lock_interruptible(obj->resv, NULL))
		return VM_FAULT_NOPAGE;
	index = (vmf->address - vma->vm_start) >> PAGE_SHIFT;
	index += vma->vm_pgoff - drm_vma_node_start(&obj->vma_node);
	if (bo->pages && index < bo->pages->count)
		ret = vmf_insert_pfn(vma, vmf->address,
				     page_to_pfn(bo->pages->page[index]));
	dma_resv_unlock(obj->resv);
	/* SIG-BALANCE: a section that nobody ends. */
	if (twin_fault_once(TWIN_SECTION_LEAK_FAULT))
		dma_fence_begin_signalling();
	return ret;
}

const struct vm_operations_struct twin_bo_vm_ops = {
	.fault = twin_bo_fault,
	.open = drm_gem_vm_open,
	.close = drm_gem_vm_close,
};
EXPORT_SYMBOL_GPL(twin_bo_vm_ops);

/* The exporter's mapping, not one of this device. */
static int twin_bo_mmap_import(struct drm_gem_object *obj,
			       struct vm_area_struct *vma)
{
	int ret;

	vma->vm_private_data = NULL;
	vma->vm_ops = NULL;
	ret = dma_buf_mmap(obj->import_attach->dmabuf, vma, 0);
	/* The mapping has no use for the reference that DRM took for it. */
	if (!ret)
		drm_gem_object_put(obj);
	return ret;
}

/**
 * twin_bo_mmap - &drm_gem_object_funcs.mmap
 * @obj: the buffer
 * @vma: the mapping
 *
 * Return: 0, -EPERM for a buffer that the CPU may not see, -EINVAL for a
 * private mapping that could be written to.
 */
int twin_bo_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	struct twin_bo *bo = to_twin_bo(obj);

	if (bo->userptr || bo->no_cpu)
		return -EPERM;
	if (obj->import_attach)
		return twin_bo_mmap_import(obj, vma);
	if (twin_is_cow_mapping(vma))
		return -EINVAL;
	vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}
EXPORT_SYMBOL_GPL(twin_bo_mmap);

/**
 * twin_bo_vmap - &drm_gem_object_funcs.vmap
 * @obj: the buffer, its reservation held
 * @map: where to put the mapping
 *
 * Return: 0 or a negative errno.
 */
int twin_bo_vmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	struct twin_bo *bo = to_twin_bo(obj);

	dma_resv_assert_held(obj->resv);
	if (obj->import_attach)
		return dma_buf_vmap(obj->import_attach->dmabuf, map);
	if (!bo->pages)
		return -EPERM;
	if (!bo->vmap_count) {
		bo->vmap = vmap(bo->pages->page, bo->pages->count, VM_MAP,
				PAGE_KERNEL);
		if (!bo->vmap)
			return -ENOMEM;
	}
	bo->vmap_count++;
	bo->pin_count++;
	iosys_map_set_vaddr(map, bo->vmap);
	return 0;
}
EXPORT_SYMBOL_GPL(twin_bo_vmap);

/**
 * twin_bo_vunmap - &drm_gem_object_funcs.vunmap
 * @obj: the buffer, its reservation held
 * @map: from twin_bo_vmap()
 */
void twin_bo_vunmap(struct drm_gem_object *obj, struct iosys_map *map)
{
	struct twin_bo *bo = to_twin_bo(obj);

	dma_resv_assert_held(obj->resv);
	if (obj->import_attach) {
		dma_buf_vunmap(obj->import_attach->dmabuf, map);
		return;
	}
	bo->pin_count--;
	if (!--bo->vmap_count) {
		vunmap(bo->vmap);
		bo->vmap = NULL;
	}
}
EXPORT_SYMBOL_GPL(twin_bo_vunmap);
