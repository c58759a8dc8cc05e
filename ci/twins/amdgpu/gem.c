// SPDX-License-Identifier: GPL-2.0
/* Buffers, as user space makes, maps and shares them. */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include <drm/drm_gem.h>
#include <drm/drm_mode.h>
#include <drm/drm_vma_manager.h>

#include "amdgpu.h"
#include "faults.h"
#include "userptr.h"

#define TWIN_CREATE_FLAGS (AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED | \
			   AMDGPU_GEM_CREATE_NO_CPU_ACCESS | \
			   AMDGPU_GEM_CREATE_CPU_GTT_USWC | \
			   AMDGPU_GEM_CREATE_VRAM_CLEARED | \
			   AMDGPU_GEM_CREATE_VM_ALWAYS_VALID | \
			   AMDGPU_GEM_CREATE_EXPLICIT_SYNC | \
			   AMDGPU_GEM_CREATE_DISCARDABLE)
#define TWIN_NORMAL_DOMAINS (AMDGPU_GEM_DOMAIN_CPU | \
			     AMDGPU_GEM_DOMAIN_GTT | AMDGPU_GEM_DOMAIN_VRAM)
#define TWIN_ON_CHIP_DOMAINS (AMDGPU_GEM_DOMAIN_GDS | \
			      AMDGPU_GEM_DOMAIN_GWS | AMDGPU_GEM_DOMAIN_OA)

static struct twin_vm *twin_vm_of(struct drm_file *filp)
{
	struct twin_fpriv *fpriv = filp->driver_priv;

	return &fpriv->vm;
}

/* A buffer that shares the reservation of a VM is of use in that VM only. */
static bool twin_bo_is_private(struct twin_bo *bo)
{
	return bo->flags & AMDGPU_GEM_CREATE_VM_ALWAYS_VALID;
}

static int twin_gem_open(struct drm_gem_object *obj, struct drm_file *filp)
{
	struct twin_vm *vm = twin_vm_of(filp);
	struct twin_bo *bo = to_twin_bo(obj);
	int ret;

	if (bo->userptr && !twin_userptr_is_mine(bo))
		return -EPERM;
	if (twin_bo_is_private(bo) && obj->resv != twin_vm_resv(vm))
		return -EPERM;
	dma_resv_lock(twin_vm_resv(vm), NULL);
	ret = twin_vm_bo_open(vm, bo);
	dma_resv_unlock(twin_vm_resv(vm));
	return ret;
}

static void twin_gem_close(struct drm_gem_object *obj, struct drm_file *filp)
{
	struct twin_vm *vm = twin_vm_of(filp);

	dma_resv_lock(twin_vm_resv(vm), NULL);
	twin_vm_bo_close(vm, to_twin_bo(obj));
	dma_resv_unlock(twin_vm_resv(vm));
}

static int twin_begin_cpu_access(struct dma_buf *buf,
				 enum dma_data_direction dir)
{
	/* The real driver does nothing for a CPU that only writes. */
	return dir == DMA_TO_DEVICE ? 0 :
				      twin_dmabuf_begin_cpu_access(buf, dir);
}

static struct sg_table *twin_map(struct dma_buf_attachment *attach,
				 enum dma_data_direction dir)
{
	struct drm_gem_object *obj = attach->dmabuf->priv;

	/* BUF-EXPORTER: this is called with the reservation held. */
	twin_fault_resv(TWIN_EXPORT_MAP_LOCKS, &to_amdgpu(obj->dev)->idle_resv);
	return twin_dmabuf_map(attach, dir);
}

const struct dma_buf_ops twin_amdgpu_dmabuf_ops = {
	.pin = twin_dmabuf_pin,
	.unpin = twin_dmabuf_unpin,
	.map_dma_buf = twin_map,
	.unmap_dma_buf = twin_dmabuf_unmap,
	.release = drm_gem_dmabuf_release,
	.begin_cpu_access = twin_begin_cpu_access,
	.mmap = drm_gem_dmabuf_mmap,
	.vmap = drm_gem_dmabuf_vmap,
	.vunmap = drm_gem_dmabuf_vunmap,
};

static struct dma_buf *twin_gem_export(struct drm_gem_object *obj, int flags)
{
	struct twin_bo *bo = to_twin_bo(obj);

	if (bo->userptr || twin_bo_is_private(bo))
		return ERR_PTR(-EPERM);
	return twin_dmabuf_export(obj, flags, &twin_amdgpu_dmabuf_ops);
}

const struct drm_gem_object_funcs twin_amdgpu_gem_funcs = {
	.free = twin_bo_free,
	.open = twin_gem_open,
	.close = twin_gem_close,
	.export = twin_gem_export,
	.vmap = twin_bo_vmap,
	.vunmap = twin_bo_vunmap,
	.mmap = twin_bo_mmap,
	.vm_ops = &twin_bo_vm_ops,
};

/**
 * twin_amdgpu_import - &drm_driver.gem_prime_import
 * @drm: the device
 * @buf: the buffer
 *
 * Return: the buffer, or an ERR_PTR.
 */
struct drm_gem_object *twin_amdgpu_import(struct drm_device *drm,
					  struct dma_buf *buf)
{
	return twin_import(drm, buf, &twin_amdgpu_dmabuf_ops,
			   &twin_amdgpu_gem_funcs);
}

static bool twin_domains_are_valid(u64 domains)
{
	u64 special = domains & ~(u64)TWIN_NORMAL_DOMAINS;

	if (domains & ~(u64)AMDGPU_GEM_DOMAIN_MASK)
		return false;
	if (!special)
		return true;
	return !(domains & TWIN_NORMAL_DOMAINS) && is_power_of_2(special);
}

static int twin_create_check(const struct drm_amdgpu_gem_create_in *in)
{
	if (in->domains & AMDGPU_GEM_DOMAIN_DOORBELL)
		return -EINVAL;
	if (in->domain_flags & ~(u64)TWIN_CREATE_FLAGS)
		return -EINVAL;
	if (!twin_domains_are_valid(in->domains))
		return -EINVAL;
	/* On-chip memory, of which the twin has none. */
	if (in->domains & TWIN_ON_CHIP_DOMAINS)
		return in->domain_flags & AMDGPU_GEM_CREATE_VM_ALWAYS_VALID ?
		       -EINVAL : -ENOMEM;
	return 0;
}

/* Shares the reservation of the VM from before anybody sees the buffer. */
static void twin_bo_make_private(struct twin_bo *bo, struct twin_vm *vm)
{
	drm_gem_object_get(&vm->root->base);
	bo->parent = vm->root;
	bo->base.resv = twin_vm_resv(vm);
}

TWIN_IOCTL(twin_gem_create_ioctl)
{
	union drm_amdgpu_gem_create *args = data;
	struct drm_amdgpu_gem_create_in in = args->in;
	struct twin_bo *bo;
	u32 handle;
	int ret;

	ret = twin_create_check(&in);
	if (ret)
		return ret;
	bo = twin_bo_create(to_twin_device(drm), in.bo_size,
			    &twin_amdgpu_gem_funcs);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	bo->domains = in.domains;
	bo->flags = in.domain_flags | AMDGPU_GEM_CREATE_VRAM_CLEARED;
	bo->no_cpu = in.domain_flags & AMDGPU_GEM_CREATE_NO_CPU_ACCESS;
	if (twin_bo_is_private(bo))
		twin_bo_make_private(bo, twin_vm_of(filp));
	ret = twin_bo_publish(filp, bo, &handle);
	if (ret)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.handle = handle;
	return 0;
}

static int twin_userptr_validate(struct twin_bo *bo)
{
	struct twin_user_range range;
	int ret = twin_user_range_get(&range, bo);

	if (!ret)
		twin_user_range_put(&range);
	return ret;
}

TWIN_IOCTL(twin_gem_userptr_ioctl)
{
	struct drm_amdgpu_gem_userptr *args = data;
	u32 flags = args->flags;
	struct twin_bo *bo;
	int ret;

	if (offset_in_page(args->addr | args->size))
		return -EINVAL;
	if (flags & ~(AMDGPU_GEM_USERPTR_READONLY |
		      AMDGPU_GEM_USERPTR_ANONONLY |
		      AMDGPU_GEM_USERPTR_VALIDATE |
		      AMDGPU_GEM_USERPTR_REGISTER))
		return -EINVAL;
	/* What is written to must be watched. */
	if (!(flags & (AMDGPU_GEM_USERPTR_READONLY |
		       AMDGPU_GEM_USERPTR_REGISTER)))
		return -EACCES;

	bo = twin_bo_create_empty(to_twin_device(drm), args->size,
				  &twin_amdgpu_gem_funcs);
	if (IS_ERR(bo))
		return PTR_ERR(bo);
	bo->domains = AMDGPU_GEM_DOMAIN_GTT;
	ret = twin_userptr_init(bo, args->addr,
				flags & AMDGPU_GEM_USERPTR_READONLY,
				flags & AMDGPU_GEM_USERPTR_ANONONLY);
	if (!ret && flags & AMDGPU_GEM_USERPTR_VALIDATE)
		ret = twin_userptr_validate(bo);
	if (ret) {
		drm_gem_object_put(&bo->base);
		return ret;
	}
	return twin_bo_publish(filp, bo, &args->handle);
}

/**
 * twin_dumb_mmap - &drm_driver.dumb_map_offset
 * @filp: the file
 * @drm: the device
 * @handle: the buffer
 * @offset: for mmap()
 *
 * Return: 0, -ENOENT, or -EPERM for a buffer that the CPU may not see.
 */
int twin_dumb_mmap(struct drm_file *filp, struct drm_device *drm, u32 handle,
		   u64 *offset)
{
	struct drm_gem_object *obj = drm_gem_object_lookup(filp, handle);
	struct twin_bo *bo;
	int ret = 0;

	if (!obj)
		return -ENOENT;
	bo = to_twin_bo(obj);
	if (bo->userptr || bo->no_cpu)
		ret = -EPERM;
	else
		*offset = drm_vma_node_offset_addr(&obj->vma_node);
	drm_gem_object_put(obj);
	return ret;
}

TWIN_IOCTL(twin_gem_mmap_ioctl)
{
	union drm_amdgpu_gem_mmap *args = data;
	u32 handle = args->in.handle;

	memset(args, 0, sizeof(*args));
	return twin_dumb_mmap(filp, drm, handle, &args->out.addr_ptr);
}

/**
 * twin_timeout - an absolute time as a relative one
 * @timeout_ns: CLOCK_MONOTONIC in nanoseconds; negative for ever
 *
 * Return: jiffies.
 */
unsigned long twin_timeout(u64 timeout_ns)
{
	s64 left;

	if ((s64)timeout_ns < 0)
		return MAX_SCHEDULE_TIMEOUT;
	left = timeout_ns - ktime_get_ns();
	if (left < 0)
		return 0;
	return min_t(u64, nsecs_to_jiffies64(left), MAX_SCHEDULE_TIMEOUT - 1);
}

TWIN_IOCTL(twin_gem_wait_idle_ioctl)
{
	union drm_amdgpu_gem_wait_idle *args = data;
	unsigned long timeout = twin_timeout(args->in.timeout);
	struct drm_gem_object *obj;
	long ret;

	obj = drm_gem_object_lookup(filp, args->in.handle);
	if (!obj)
		return -ENOENT;
	ret = dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_READ, true,
				    timeout);
	drm_gem_object_put(obj);
	if (ret < 0)
		return ret;
	memset(args, 0, sizeof(*args));
	args->out.status = !ret;
	return 0;
}

/* The twin has no tiling; an object's metadata is empty. */
TWIN_IOCTL(twin_gem_metadata_ioctl)
{
	struct drm_amdgpu_gem_metadata *args = data;
	struct drm_gem_object *obj;
	int ret = 0;

	obj = drm_gem_object_lookup(filp, args->handle);
	if (!obj)
		return -ENOENT;
	switch (args->op) {
	case AMDGPU_GEM_METADATA_OP_GET_METADATA:
		memset(&args->data, 0, sizeof(args->data));
		break;
	case AMDGPU_GEM_METADATA_OP_SET_METADATA:
		if (args->data.data_size_bytes > sizeof(args->data.data) ||
		    args->data.tiling_info)
			ret = -EINVAL;
		break;
	default:
		/* The real driver says -1, which is this. */
		ret = -EPERM;
	}
	drm_gem_object_put(obj);
	return ret;
}

static int twin_gem_create_info(struct twin_bo *bo, void __user *out)
{
	struct drm_amdgpu_gem_create_in info = {
		.bo_size = bo->base.size,
		.domains = bo->domains,
		.domain_flags = bo->flags,
	};

	return copy_to_user(out, &info, sizeof(info)) ? -EFAULT : 0;
}

static int twin_gem_set_placement(struct twin_bo *bo, u64 domains)
{
	if (bo->base.import_attach && domains & AMDGPU_GEM_DOMAIN_VRAM)
		return -EINVAL;
	if (bo->userptr)
		return -EPERM;
	bo->domains = domains & TWIN_NORMAL_DOMAINS;
	return 0;
}

TWIN_IOCTL(twin_gem_op_ioctl)
{
	struct drm_amdgpu_gem_op *args = data;
	struct drm_gem_object *obj;
	int ret;

	obj = drm_gem_object_lookup(filp, args->handle);
	if (!obj)
		return -ENOENT;
	switch (args->op) {
	case AMDGPU_GEM_OP_GET_GEM_CREATE_INFO:
		ret = twin_gem_create_info(to_twin_bo(obj),
					   u64_to_user_ptr(args->value));
		break;
	case AMDGPU_GEM_OP_SET_PLACEMENT:
		ret = twin_gem_set_placement(to_twin_bo(obj), args->value);
		break;
	default:
		ret = -EINVAL;
	}
	drm_gem_object_put(obj);
	return ret;
}

/**
 * twin_dumb_create - &drm_driver.dumb_create
 * @filp: the file
 * @drm: the device
 * @args: size in, handle and pitch out
 *
 * Return: 0, -EINVAL for a size that is none, -ENOMEM.
 */
int twin_dumb_create(struct drm_file *filp, struct drm_device *drm,
		     struct drm_mode_create_dumb *args)
{
	u32 bytes = DIV_ROUND_UP(args->bpp, 8);
	struct twin_bo *bo;
	u32 pitch;

	if (check_mul_overflow(ALIGN((u64)args->width, 64), (u64)bytes,
			       &args->size) || args->size > U32_MAX)
		return -EINVAL;
	pitch = args->size;
	args->size = PAGE_ALIGN((u64)pitch * args->height);
	if (!args->size)
		return -EINVAL;
	bo = twin_bo_create(to_twin_device(drm), args->size,
			    &twin_amdgpu_gem_funcs);
	if (IS_ERR(bo))
		return -ENOMEM;
	args->pitch = pitch;
	bo->domains = AMDGPU_GEM_DOMAIN_VRAM;
	bo->flags = AMDGPU_GEM_CREATE_CPU_ACCESS_REQUIRED;
	return twin_bo_publish(filp, bo, &args->handle);
}
