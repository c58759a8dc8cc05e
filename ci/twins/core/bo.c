// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers. Their memory is system memory, page by page, which may move: then
 * CPU mappings are zapped and importers are told, as when a real device evicts
 * video memory.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/iosys-map.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <drm/drm_prime.h>
#include <drm/drm_vma_manager.h>

#include "bo.h"
#include "knobs.h"
#include "userptr.h"

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
	if (is_cow_mapping(vma->vm_flags))
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

/**
 * twin_bo_create_empty - a buffer that gets its memory from elsewhere
 * @twin: the device
 * @size: bytes, rounded up to pages
 * @funcs: of the GEM object
 *
 * Return: the buffer, or an ERR_PTR: -EINVAL for no size, -ENOMEM.
 */
struct twin_bo *twin_bo_create_empty(struct twin_device *twin, size_t size,
				     const struct drm_gem_object_funcs *funcs)
{
	struct twin_bo *bo;
	int ret;

	if (!size)
		return ERR_PTR(-EINVAL);
	if (size > SIZE_MAX - PAGE_SIZE)
		return ERR_PTR(-ENOMEM);
	bo = kzalloc(sizeof(*bo), GFP_KERNEL);
	if (!bo)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&bo->node);
	bo->base.funcs = funcs;
	drm_gem_private_object_init(&twin->drm, &bo->base, PAGE_ALIGN(size));
	ret = drm_gem_create_mmap_offset(&bo->base);
	if (ret) {
		drm_gem_object_put(&bo->base);
		return ERR_PTR(ret);
	}
	return bo;
}
EXPORT_SYMBOL_GPL(twin_bo_create_empty);

/**
 * twin_bo_create - a buffer with zeroed memory
 * @twin: the device
 * @size: bytes, rounded up to pages
 * @funcs: of the GEM object
 *
 * Return: the buffer, or an ERR_PTR: -EINVAL for no size, -ENOMEM.
 */
struct twin_bo *twin_bo_create(struct twin_device *twin, size_t size,
			       const struct drm_gem_object_funcs *funcs)
{
	struct twin_bo *bo;

	if (size > TWIN_MAX_MEMORY)
		return ERR_PTR(-ENOMEM);
	bo = twin_bo_create_empty(twin, size, funcs);
	if (IS_ERR(bo))
		return bo;
	bo->pages = twin_pages_alloc(bo->base.size >> PAGE_SHIFT);
	if (!bo->pages) {
		drm_gem_object_put(&bo->base);
		return ERR_PTR(-ENOMEM);
	}
	spin_lock(&twin->bos_lock);
	list_add_tail(&bo->node, &twin->bos);
	spin_unlock(&twin->bos_lock);
	return bo;
}
EXPORT_SYMBOL_GPL(twin_bo_create);

/**
 * twin_bo_free - &drm_gem_object_funcs.free
 * @obj: the buffer
 *
 * May lock reservations and wait for mmu notifiers, so the last reference is
 * never dropped inside a signalling section.
 */
void twin_bo_free(struct drm_gem_object *obj)
{
	struct twin_device *twin = to_twin_device(obj->dev);
	struct twin_bo *bo = to_twin_bo(obj);

	spin_lock(&twin->bos_lock);
	list_del_init(&bo->node);
	spin_unlock(&twin->bos_lock);

	if (bo->userptr)
		twin_userptr_fini(bo);
	if (obj->import_attach)
		twin_import_detach(bo);
	twin_pages_put(bo->pages);
	drm_gem_object_release(obj);
	if (bo->parent)
		drm_gem_object_put(&bo->parent->base);
	kfree(bo);
}
EXPORT_SYMBOL_GPL(twin_bo_free);

/**
 * twin_bo_pin - keep a buffer where it is
 * @bo: its reservation held
 *
 * Return: 0, or -EPERM for user memory.
 */
int twin_bo_pin(struct twin_bo *bo)
{
	int ret;

	dma_resv_assert_held(bo->base.resv);
	if (bo->userptr)
		return -EPERM;
	ret = twin_bo_validate(bo);
	if (!ret)
		bo->pin_count++;
	return ret;
}
EXPORT_SYMBOL_GPL(twin_bo_pin);

/**
 * twin_bo_unpin - let a buffer move again
 * @bo: its reservation held
 */
void twin_bo_unpin(struct twin_bo *bo)
{
	dma_resv_assert_held(bo->base.resv);
	WARN_ON(!bo->pin_count);
	bo->pin_count--;
}
EXPORT_SYMBOL_GPL(twin_bo_unpin);

/**
 * twin_bo_validate - make sure that a buffer has memory
 * @bo: its reservation held; not user memory
 *
 * Return: 0, or a negative errno if an import cannot be mapped.
 */
int twin_bo_validate(struct twin_bo *bo)
{
	dma_resv_assert_held(bo->base.resv);
	if (bo->pages || bo->userptr)
		return 0;
	return twin_import_validate(bo);
}
EXPORT_SYMBOL_GPL(twin_bo_validate);

/* BUF-HELD: importers are told with the reservation held. */
static void twin_fault_move_unlocked(struct twin_bo *bo)
{
	struct dma_buf *buf = bo->base.dma_buf;

	if (!buf || !twin_fault(TWIN_MOVE_UNLOCKED))
		return;
	dma_resv_unlock(bo->base.resv);
	dma_buf_move_notify(buf);
	dma_resv_lock(bo->base.resv, NULL);
}

/* New pages for a buffer whose reservation is held. */
static int twin_bo_move(struct twin_bo *bo)
{
	struct twin_pages *pages;
	long ret;

	twin_fault_move_unlocked(bo);
	if (!bo->pages || bo->pin_count)
		return 0;
	ret = dma_resv_wait_timeout(bo->base.resv, DMA_RESV_USAGE_BOOKKEEP,
				    true, MAX_SCHEDULE_TIMEOUT);
	if (ret < 0)
		return ret;
	pages = twin_pages_alloc(bo->pages->count);
	if (!pages)
		return -ENOMEM;
	drm_vma_node_unmap(&bo->base.vma_node,
			   bo->base.dev->anon_inode->i_mapping);
	if (bo->base.dma_buf)
		dma_buf_move_notify(bo->base.dma_buf);
	twin_pages_copy(pages, bo->pages);
	swap(bo->pages, pages);
	twin_pages_put(pages);
	return 0;
}

/* The next buffer of the list, moved to its end, with a reference. */
static struct twin_bo *twin_bo_rotate(struct twin_device *twin)
{
	struct twin_bo *bo, *found = NULL;

	spin_lock(&twin->bos_lock);
	list_for_each_entry(bo, &twin->bos, node) {
		if (kref_get_unless_zero(&bo->base.refcount)) {
			list_move_tail(&bo->node, &twin->bos);
			found = bo;
			break;
		}
	}
	spin_unlock(&twin->bos_lock);
	return found;
}

/**
 * twin_bo_evict_all - move every buffer that may move
 * @twin: the device
 *
 * Return: 0 or a negative errno; -EINTR and the like if a wait for a buffer's
 * fences was interrupted.
 */
int twin_bo_evict_all(struct twin_device *twin)
{
	size_t count = 0;
	int ret = 0;

	spin_lock(&twin->bos_lock);
	count = list_count_nodes(&twin->bos);
	spin_unlock(&twin->bos_lock);

	while (count-- && !ret) {
		struct twin_bo *bo = twin_bo_rotate(twin);

		if (!bo)
			break;
		ret = dma_resv_lock_interruptible(bo->base.resv, NULL);
		if (!ret) {
			ret = twin_bo_move(bo);
			dma_resv_unlock(bo->base.resv);
		}
		drm_gem_object_put(&bo->base);
	}
	return ret;
}
EXPORT_SYMBOL_GPL(twin_bo_evict_all);
