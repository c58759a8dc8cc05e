// SPDX-License-Identifier: GPL-2.0
/* GEM_VA: addresses for buffers. */
#include <linux/dma-resv.h>
#include <linux/err.h>

#include "amdgpu.h"
#include "faults.h"
#include "wrappers.h"

#define TWIN_VA_FLAGS	(AMDGPU_VM_DELAY_UPDATE | AMDGPU_VM_PAGE_READABLE | \
			 AMDGPU_VM_PAGE_WRITEABLE | \
			 AMDGPU_VM_PAGE_EXECUTABLE | AMDGPU_VM_MTYPE_MASK | \
			 AMDGPU_VM_PAGE_NOALLOC)
#define TWIN_PRT_FLAGS	(AMDGPU_VM_DELAY_UPDATE | AMDGPU_VM_PAGE_PRT)

static int twin_va_check(struct drm_amdgpu_gem_va *args)
{
	if (args->va_address < TWIN_VA_BOTTOM)
		return -EINVAL;
	if (args->va_address >= TWIN_VA_HOLE &&
	    args->va_address < TWIN_VA_HOLE_END)
		return -EINVAL;
	args->va_address &= TWIN_VA_MASK;
	if (args->va_address + args->map_size > TWIN_VA_TOP)
		return -EINVAL;
	if (args->flags & ~TWIN_VA_FLAGS && args->flags & ~TWIN_PRT_FLAGS)
		return -EINVAL;
	switch (args->operation) {
	case AMDGPU_VA_OP_MAP:
	case AMDGPU_VA_OP_UNMAP:
	case AMDGPU_VA_OP_CLEAR:
	case AMDGPU_VA_OP_REPLACE:
		return 0;
	default:
		return -EINVAL;
	}
}

static bool twin_va_needs_bo(struct drm_amdgpu_gem_va *args)
{
	return args->operation != AMDGPU_VA_OP_CLEAR &&
	       !(args->flags & AMDGPU_VM_PAGE_PRT);
}

static int twin_va_lock(struct drm_exec *exec, struct twin_vm *vm,
			struct twin_bo *bo)
{
	int ret = 0;

	drm_exec_until_all_locked(exec) {
		if (bo) {
			ret = drm_exec_lock_obj(exec, &bo->base);
			drm_exec_retry_on_contention(exec);
			if (ret)
				break;
		}
		ret = drm_exec_lock_obj(exec, &vm->root->base);
		drm_exec_retry_on_contention(exec);
		if (ret)
			break;
	}
	return ret;
}

static int twin_va_op(struct twin_vm *vm, struct twin_bo *bo,
		      struct drm_amdgpu_gem_va *args)
{
	if (bo && !twin_vm_bo_is_open(vm, bo))
		return -ENOENT;
	switch (args->operation) {
	case AMDGPU_VA_OP_MAP:
		return twin_vm_map(vm, bo, args->va_address,
				   args->offset_in_bo, args->map_size,
				   args->flags);
	case AMDGPU_VA_OP_UNMAP:
		return twin_vm_unmap(vm, bo, args->va_address);
	case AMDGPU_VA_OP_CLEAR:
		return twin_vm_clear(vm, args->va_address, args->map_size);
	default:
		return twin_vm_replace(vm, bo, args->va_address,
				       args->offset_in_bo, args->map_size,
				       args->flags);
	}
}

/* RESV-CTX: two reservations, no acquire context. */
static void twin_fault_no_ctx(struct twin_vm *vm, struct twin_bo *bo)
{
	struct dma_resv *resv = twin_vm_resv(vm);
	enum twin_setting fault = twin_knob(TWIN_RESV_NO_CTX);

	if (fault == TWIN_OFF || !bo || bo->base.resv == resv)
		return;
	dma_resv_lock(bo->base.resv, NULL);
	if (fault == TWIN_CONTROL)
		dma_resv_unlock(bo->base.resv);
	dma_resv_lock(resv, NULL);
	dma_resv_unlock(resv);
	if (fault == TWIN_FAULT)
		dma_resv_unlock(bo->base.resv);
}

/* RESV-CTX-LIFE: the acquire context ends before its locks. */
static void twin_fault_ctx_life(struct twin_vm *vm)
{
	enum twin_setting fault = twin_knob(TWIN_RESV_CTX_LIFE);
	struct dma_resv *resv = twin_vm_resv(vm);
	struct ww_acquire_ctx ctx;

	if (fault == TWIN_OFF)
		return;
	ww_acquire_init(&ctx, &reservation_ww_class);
	if (dma_resv_lock(resv, &ctx))
		goto fini;
	if (fault == TWIN_FAULT) {
		ww_acquire_fini(&ctx);
		/* Unlocking looks at the context, which is still here. */
		dma_resv_unlock(resv);
		return;
	}
	dma_resv_unlock(resv);
fini:
	ww_acquire_fini(&ctx);
}

TWIN_IOCTL(twin_gem_va_ioctl)
{
	struct twin_fpriv *fpriv = filp->driver_priv;
	struct drm_amdgpu_gem_va *args = data;
	struct drm_gem_object *obj = NULL;
	struct twin_vm *vm = &fpriv->vm;
	struct twin_bo *bo = NULL;
	struct drm_exec exec;
	int ret;

	ret = twin_va_check(args);
	if (ret)
		return ret;
	if (twin_va_needs_bo(args)) {
		obj = drm_gem_object_lookup(filp, args->handle);
		if (!obj)
			return -ENOENT;
		bo = to_twin_bo(obj);
	}
	twin_fault_no_ctx(vm, bo);
	twin_fault_ctx_life(vm);
	twin_exec_init(&exec);
	ret = twin_va_lock(&exec, vm, bo);
	if (!ret)
		ret = twin_va_op(vm, bo, args);
	drm_exec_fini(&exec);
	drm_gem_object_put(obj);
	return ret;
}
