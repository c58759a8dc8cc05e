// SPDX-License-Identifier: GPL-2.0
/* The life of buffers. Their memory is system memory, page by page. */
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <drm/drm_file.h>

#include "bo.h"
#include "userptr.h"

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
 * twin_bo_publish - give a file a handle of a new buffer
 * @filp: the file
 * @bo: the buffer; its reference is the handle's from here on, or gone
 * @handle: for user space
 *
 * Return: 0 or a negative errno.
 */
int twin_bo_publish(struct drm_file *filp, struct twin_bo *bo, u32 *handle)
{
	int ret = drm_gem_handle_create(filp, &bo->base, handle);

	/* The handle has a reference of its own. */
	drm_gem_object_put(&bo->base);
	return ret;
}
EXPORT_SYMBOL_GPL(twin_bo_publish);
