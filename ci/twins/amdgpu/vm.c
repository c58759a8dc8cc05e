// SPDX-License-Identifier: GPL-2.0
/*
 * GPU addresses. The errors are those of amdgpu_vm.c in the real driver. All
 * of this is called with the reservation of the VM held.
 */
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/limits.h>
#include <linux/slab.h>

#include "amdgpu.h"

/**
 * twin_vm_resv - what protects the VM
 * @vm: the VM
 *
 * Return: the reservation of its root.
 */
struct dma_resv *twin_vm_resv(struct twin_vm *vm)
{
	return vm->root->base.resv;
}

/**
 * twin_vm_init - set a VM up
 * @vm: the VM
 * @adev: the device
 *
 * Return: 0 or -ENOMEM.
 */
int twin_vm_init(struct twin_vm *vm, struct amdgpu_twin *adev)
{
	struct twin_bo *root;

	root = twin_bo_create(&adev->base, PAGE_SIZE, &twin_amdgpu_gem_funcs);
	if (IS_ERR(root))
		return PTR_ERR(root);
	vm->root = root;
	vm->mappings = RB_ROOT_CACHED;
	INIT_LIST_HEAD(&vm->bos);
	return 0;
}

static struct twin_mapping *to_mapping(struct interval_tree_node *it)
{
	return it ? container_of(it, struct twin_mapping, it) : NULL;
}

/**
 * twin_vm_first - the mapping at the lowest address
 * @vm: the VM
 *
 * Return: the mapping or NULL.
 */
struct twin_mapping *twin_vm_first(struct twin_vm *vm)
{
	return to_mapping(interval_tree_iter_first(&vm->mappings, 0,
						   ULONG_MAX));
}

/**
 * twin_vm_next - the mapping after another
 * @mapping: the other
 *
 * Return: the mapping or NULL.
 */
struct twin_mapping *twin_vm_next(struct twin_mapping *mapping)
{
	return to_mapping(interval_tree_iter_next(&mapping->it, 0, ULONG_MAX));
}

static void twin_mapping_add(struct twin_vm *vm, struct twin_mapping *mapping)
{
	interval_tree_insert(&mapping->it, &vm->mappings);
	vm->count++;
}

static void twin_mapping_remove(struct twin_vm *vm,
				struct twin_mapping *mapping)
{
	interval_tree_remove(&mapping->it, &vm->mappings);
	vm->count--;
}

/* Takes back the addresses of a buffer, or all of them. */
static void twin_vm_forget(struct twin_vm *vm, struct twin_bo *bo)
{
	struct twin_mapping *mapping, *next;

	for (mapping = twin_vm_first(vm); mapping; mapping = next) {
		next = twin_vm_next(mapping);
		if (bo && mapping->bo != bo)
			continue;
		twin_mapping_remove(vm, mapping);
		kfree(mapping);
	}
}

/**
 * twin_vm_fini - end of a VM
 * @vm: the VM, whose file is closed
 */
void twin_vm_fini(struct twin_vm *vm)
{
	struct twin_vm_bo *vm_bo, *next;

	twin_vm_forget(vm, NULL);
	list_for_each_entry_safe(vm_bo, next, &vm->bos, node)
		kfree(vm_bo);
	drm_gem_object_put(&vm->root->base);
}

static struct twin_vm_bo *twin_vm_bo_find(struct twin_vm *vm,
					  struct twin_bo *bo)
{
	struct twin_vm_bo *vm_bo;

	dma_resv_assert_held(twin_vm_resv(vm));
	list_for_each_entry(vm_bo, &vm->bos, node)
		if (vm_bo->bo == bo)
			return vm_bo;
	return NULL;
}

/**
 * twin_vm_bo_is_open - whether the file has a handle of a buffer
 * @vm: the file's VM
 * @bo: the buffer
 *
 * Return: true if so.
 */
bool twin_vm_bo_is_open(struct twin_vm *vm, struct twin_bo *bo)
{
	return twin_vm_bo_find(vm, bo);
}

/**
 * twin_vm_bo_open - the file got a handle of a buffer
 * @vm: the file's VM
 * @bo: the buffer
 *
 * Return: 0 or -ENOMEM.
 */
int twin_vm_bo_open(struct twin_vm *vm, struct twin_bo *bo)
{
	struct twin_vm_bo *vm_bo = twin_vm_bo_find(vm, bo);

	if (!vm_bo) {
		vm_bo = kzalloc(sizeof(*vm_bo), GFP_KERNEL);
		if (!vm_bo)
			return -ENOMEM;
		vm_bo->bo = bo;
		list_add_tail(&vm_bo->node, &vm->bos);
	}
	vm_bo->handles++;
	return 0;
}

/**
 * twin_vm_bo_close - the file gave up a handle of a buffer
 * @vm: the file's VM
 * @bo: the buffer; without handles, it has no addresses
 */
void twin_vm_bo_close(struct twin_vm *vm, struct twin_bo *bo)
{
	struct twin_vm_bo *vm_bo = twin_vm_bo_find(vm, bo);

	if (!vm_bo || --vm_bo->handles)
		return;
	list_del(&vm_bo->node);
	kfree(vm_bo);
	twin_vm_forget(vm, bo);
}

static int twin_vm_check(struct twin_bo *bo, u64 va, u64 offset, u64 size)
{
	if ((va | offset | size) & ~PAGE_MASK)
		return -EINVAL;
	if (!size || size > U64_MAX - va || size > U64_MAX - offset)
		return -EINVAL;
	if (bo && offset + size > bo->base.size)
		return -EINVAL;
	return 0;
}

/**
 * twin_vm_map - give a buffer an address
 * @vm: the VM
 * @bo: the buffer, or NULL
 * @va: the address
 * @offset: in the buffer
 * @size: in bytes
 * @flags: AMDGPU_VM_PAGE_*
 *
 * Return: 0, -EINVAL for values that do not fit the buffer or are not page
 * aligned, and if something is mapped there; -ENOMEM.
 */
int twin_vm_map(struct twin_vm *vm, struct twin_bo *bo, u64 va, u64 offset,
		u64 size, u32 flags)
{
	int ret = twin_vm_check(bo, va, offset, size);
	struct twin_mapping *mapping;

	if (ret)
		return ret;
	if (interval_tree_iter_first(&vm->mappings, va, va + size - 1))
		return -EINVAL;
	mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	if (!mapping)
		return -ENOMEM;
	mapping->it.start = va;
	mapping->it.last = va + size - 1;
	mapping->bo = bo;
	mapping->offset = offset;
	mapping->flags = flags;
	twin_mapping_add(vm, mapping);
	return 0;
}

/**
 * twin_vm_unmap - take back an address
 * @vm: the VM
 * @bo: the buffer
 * @va: where the mapping begins
 *
 * Return: 0, or -ENOENT if the buffer is not mapped there.
 */
int twin_vm_unmap(struct twin_vm *vm, struct twin_bo *bo, u64 va)
{
	struct twin_mapping *mapping;

	mapping = to_mapping(interval_tree_iter_first(&vm->mappings, va, va));
	if (!mapping || mapping->it.start != va || mapping->bo != bo)
		return -ENOENT;
	twin_mapping_remove(vm, mapping);
	kfree(mapping);
	return 0;
}

/*
 * Cuts [start, last] out of a mapping. What is left before it stays in the
 * mapping; @rest, if not NULL, takes what is left after it and is then NULL.
 */
static void twin_mapping_cut(struct twin_vm *vm, struct twin_mapping *mapping,
			     u64 start, u64 last, struct twin_mapping **rest)
{
	struct twin_mapping *after = *rest;

	twin_mapping_remove(vm, mapping);
	if (mapping->it.last > last) {
		*after = *mapping;
		after->it.start = last + 1;
		after->offset += last + 1 - mapping->it.start;
		twin_mapping_add(vm, after);
		*rest = NULL;
	}
	if (mapping->it.start < start) {
		mapping->it.last = start - 1;
		twin_mapping_add(vm, mapping);
	} else {
		kfree(mapping);
	}
}

/**
 * twin_vm_clear - take back all addresses of a range
 * @vm: the VM
 * @va: where it begins
 * @size: in bytes
 *
 * Return: 0, -EINVAL for a range that is empty or not page aligned, -ENOMEM.
 */
int twin_vm_clear(struct twin_vm *vm, u64 va, u64 size)
{
	struct twin_mapping *rest;
	struct interval_tree_node *it;
	u64 last = va + size - 1;
	int ret = twin_vm_check(NULL, va, 0, size);

	if (ret)
		return ret;
	/* At most one mapping goes on after the range. */
	rest = kzalloc(sizeof(*rest), GFP_KERNEL);
	if (!rest)
		return -ENOMEM;
	while ((it = interval_tree_iter_first(&vm->mappings, va, last)))
		twin_mapping_cut(vm, to_mapping(it), va, last, &rest);
	kfree(rest);
	return 0;
}

/**
 * twin_vm_replace - give a buffer an address that may be in use
 * @vm: the VM
 * @bo: the buffer, or NULL
 * @va: the address
 * @offset: in the buffer
 * @size: in bytes
 * @flags: AMDGPU_VM_PAGE_*
 *
 * Return: as twin_vm_map().
 */
int twin_vm_replace(struct twin_vm *vm, struct twin_bo *bo, u64 va, u64 offset,
		    u64 size, u32 flags)
{
	return twin_vm_check(bo, va, offset, size) ?:
	       twin_vm_clear(vm, va, size) ?:
	       twin_vm_map(vm, bo, va, offset, size, flags);
}
