// SPDX-License-Identifier: GPL-2.0
/* Buffers, as user space makes, maps and shares them. */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <drm/drm_vma_manager.h>

#include "i915.h"
#include "userptr.h"

/*
 * An exporter may lock what it likes in attach, as in a whole ww transaction:
 * the importer holds nothing. The buffer stays where it is until detach.
 */
static int twin_attach(struct dma_buf *buf, struct dma_buf_attachment *attach)
{
	struct drm_gem_object *obj = buf->priv;
	struct ww_acquire_ctx ww;
	int ret;

	ww_acquire_init(&ww, &reservation_ww_class);
	ret = dma_resv_lock_interruptible(obj->resv, &ww);
	while (ret == -EDEADLK)
		ret = dma_resv_lock_slow_interruptible(obj->resv, &ww);
	ww_acquire_done(&ww);
	if (!ret) {
		ret = twin_bo_pin(to_twin_bo(obj));
		dma_resv_unlock(obj->resv);
	}
	ww_acquire_fini(&ww);
	return ret;
}

static void twin_detach(struct dma_buf *buf, struct dma_buf_attachment *attach)
{
	struct drm_gem_object *obj = buf->priv;

	dma_resv_lock(obj->resv, NULL);
	twin_bo_unpin(to_twin_bo(obj));
	dma_resv_unlock(obj->resv);
}

static const struct dma_buf_ops twin_dmabuf_ops = {
	.attach = twin_attach,
	.detach = twin_detach,
	.map_dma_buf = twin_dmabuf_map,
	.unmap_dma_buf = twin_dmabuf_unmap,
	.release = drm_gem_dmabuf_release,
	.begin_cpu_access = twin_dmabuf_begin_cpu_access,
	.mmap = drm_gem_dmabuf_mmap,
	.vmap = drm_gem_dmabuf_vmap,
	.vunmap = drm_gem_dmabuf_vunmap,
};

static struct dma_buf *twin_gem_export(struct drm_gem_object *obj, int flags)
{
	if (to_twin_bo(obj)->userptr)
		return ERR_PTR(-EINVAL);
	return twin_dmabuf_export(obj, flags, &twin_dmabuf_ops);
}

const struct drm_gem_object_funcs twin_i915_gem_funcs = {
	.free = twin_bo_free,
	.export = twin_gem_export,
	.vmap = twin_bo_vmap,
	.vunmap = twin_bo_vunmap,
	.mmap = twin_bo_mmap,
	.vm_ops = &twin_bo_vm_ops,
};

/**
 * twin_i915_import - &drm_driver.gem_prime_import
 * @drm: the device
 * @buf: the buffer
 *
 * Return: the buffer, or an ERR_PTR.
 */
struct drm_gem_object *twin_i915_import(struct drm_device *drm,
					struct dma_buf *buf)
{
	return twin_import(drm, buf, &twin_dmabuf_ops, &twin_i915_gem_funcs);
}

TWIN_IOCTL(twin_create_ioctl)
{
	struct drm_i915_gem_create *args = data;
	struct twin_bo *bo;

	/* As GEM_CHECK_SIZE_OVERFLOW(): pages are counted in an int. */
	if (args->size >> PAGE_SHIFT > INT_MAX)
		return -E2BIG;
	bo = twin_bo_create(to_twin_device(drm), args->size,
			    &twin_i915_gem_funcs);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	args->size = bo->base.size;
	return twin_bo_publish(filp, bo, &args->handle);
}

/**
 * twin_dumb_create - &drm_driver.dumb_create, as i915_gem_dumb_create()
 * @filp: the file
 * @drm: the device
 * @args: size in, handle and pitch out
 *
 * Return: 0, -EINVAL for a size or a depth that is none, -ENOMEM.
 */
int twin_dumb_create(struct drm_file *filp, struct drm_device *drm,
		     struct drm_mode_create_dumb *args)
{
	const u32 bytes = DIV_ROUND_UP(args->bpp, 8);
	struct twin_bo *bo;

	if (bytes != 1 && bytes != 2 && bytes != 4)
		return -EINVAL;
	args->pitch = ALIGN(args->width * bytes, 64);
	if (args->pitch < args->width)
		return -EINVAL;
	args->size = PAGE_ALIGN(mul_u32_u32(args->pitch, args->height));
	bo = twin_bo_create(to_twin_device(drm), args->size,
			    &twin_i915_gem_funcs);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	return twin_bo_publish(filp, bo, &args->handle);
}

/**
 * twin_dumb_mmap - &drm_driver.dumb_map_offset
 * @filp: the file
 * @drm: the device
 * @handle: the buffer
 * @offset: for mmap()
 *
 * Return: 0, -ENOENT, or -ENODEV for a buffer that is somebody else's memory.
 */
int twin_dumb_mmap(struct drm_file *filp, struct drm_device *drm, u32 handle,
		   u64 *offset)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(filp, handle);
	int ret = 0;

	if (!obj)
		return -ENOENT;
	if (to_twin_bo(obj)->userptr || obj->import_attach)
		ret = -ENODEV;
	else
		*offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return ret;
}

TWIN_IOCTL(twin_mmap_offset_ioctl)
{
	struct drm_i915_gem_mmap_offset *args = data;

	if (args->extensions)
		return -EINVAL;
	switch (args->flags) {
	case I915_MMAP_OFFSET_WB:
	case I915_MMAP_OFFSET_WC:
	case I915_MMAP_OFFSET_UC:
		/* All the same to a GPU that is a CPU. */
		break;
	case I915_MMAP_OFFSET_GTT:
	case I915_MMAP_OFFSET_FIXED:
		/* No aperture, no local memory. */
		return -ENODEV;
	default:
		return -EINVAL;
	}
	return twin_dumb_mmap(filp, drm, args->handle, &args->offset);
}

#define TWIN_CPU_DOMAINS (I915_GEM_DOMAIN_CPU | I915_GEM_DOMAIN_GTT | \
			  I915_GEM_DOMAIN_WC)

TWIN_IOCTL(twin_set_domain_ioctl)
{
	struct drm_i915_gem_set_domain *args = data;
	struct drm_gem_object *obj;
	enum dma_resv_usage usage;
	long ret;

	if ((args->read_domains | args->write_domain) & ~TWIN_CPU_DOMAINS)
		return -EINVAL;
	if (args->write_domain && args->read_domains != args->write_domain)
		return -EINVAL;
	if (!args->read_domains)
		return 0;
	obj = drm_gem_object_lookup(filp, args->handle);
	if (!obj)
		return -ENOENT;
	usage = dma_resv_usage_rw(args->write_domain);
	ret = dma_resv_wait_timeout(obj->resv, usage, true,
				    MAX_SCHEDULE_TIMEOUT);
	drm_gem_object_put(obj);
	return ret < 0 ? ret : 0;
}

static int twin_userptr_check(struct drm_i915_gem_userptr *args)
{
	if (args->flags & ~(I915_USERPTR_READ_ONLY |
			    I915_USERPTR_UNSYNCHRONIZED | I915_USERPTR_PROBE))
		return -EINVAL;
	if (args->user_size >> PAGE_SHIFT > INT_MAX)
		return -E2BIG;
	if (!args->user_size)
		return -EINVAL;
	if (offset_in_page(args->user_ptr | args->user_size))
		return -EINVAL;
	if (!access_ok(u64_to_user_ptr(args->user_ptr), args->user_size))
		return -EFAULT;
	if (args->flags & I915_USERPTR_UNSYNCHRONIZED)
		return -ENODEV;
	return 0;
}

/* Real pages, at this moment: not a device's. */
static int twin_userptr_probe(unsigned long addr, unsigned long len)
{
	struct mm_struct *mm = current->mm;
	const unsigned long end = addr + len;
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mmap_read_lock(mm);
	while ((vma = find_vma(mm, addr)) && vma->vm_start <= addr) {
		if (vma->vm_flags & (VM_PFNMAP | VM_MIXEDMAP))
			break;
		addr = vma->vm_end;
		if (addr >= end) {
			ret = 0;
			break;
		}
	}
	mmap_read_unlock(mm);
	return ret;
}

TWIN_IOCTL(twin_userptr_ioctl)
{
	struct drm_i915_gem_userptr *args = data;
	struct twin_bo *bo;
	int ret = twin_userptr_check(args);

	if (!ret && args->flags & I915_USERPTR_PROBE)
		ret = twin_userptr_probe(args->user_ptr, args->user_size);
	if (ret)
		return ret;
	bo = twin_bo_create_empty(to_twin_device(drm), args->user_size,
				  &twin_i915_gem_funcs);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	ret = twin_userptr_init(bo, args->user_ptr,
				args->flags & I915_USERPTR_READ_ONLY, false);
	if (ret) {
		drm_gem_object_put(&bo->base);
		return ret;
	}
	return twin_bo_publish(filp, bo, &args->handle);
}
