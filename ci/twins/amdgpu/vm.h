/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_AMDGPU_VM_H_
#define _TWIN_AMDGPU_VM_H_

#include <linux/interval_tree.h>
#include <linux/list.h>

struct amdgpu_twin;
struct drm_gem_object;
struct twin_bo;
struct twin_job;
struct twin_user_range;

/* As the real driver has it for this chip: 48 bits with a hole. */
#define TWIN_VA_BOTTOM	0x10000ULL
#define TWIN_VA_HOLE	0x0000800000000000ULL
#define TWIN_VA_HOLE_END 0xffff800000000000ULL
#define TWIN_VA_MASK	0x0000ffffffffffffULL
#define TWIN_VA_TOP	0x0000ffffffe00000ULL

/**
 * struct twin_vm - the GPU addresses of a file
 * @root: stands for the page tables; its reservation protects all of this, and
 *	buffers that are always valid share it
 * @mappings: by address, of struct twin_mapping
 * @count: number of @mappings
 * @bos: buffers that the file has handles of, struct twin_vm_bo
 */
struct twin_vm {
	struct twin_bo *root;
	struct rb_root_cached mappings;
	unsigned int count;
	struct list_head bos;
};

/**
 * struct twin_mapping - a range of addresses
 * @it: the range, in bytes, last one included
 * @bo: the buffer; NULL for a partially resident texture
 * @offset: of the range in the buffer
 * @flags: AMDGPU_VM_PAGE_*
 */
struct twin_mapping {
	struct interval_tree_node it;
	struct twin_bo *bo;
	u64 offset;
	u32 flags;
};

/**
 * struct twin_vm_bo - a buffer that a file has handles of
 * @node: in the VM's list
 * @bo: the buffer
 * @handles: how many
 */
struct twin_vm_bo {
	struct list_head node;
	struct twin_bo *bo;
	unsigned int handles;
};

int twin_vm_init(struct twin_vm *vm, struct amdgpu_twin *adev);
void twin_vm_fini(struct twin_vm *vm);
struct dma_resv *twin_vm_resv(struct twin_vm *vm);

int twin_vm_bo_open(struct twin_vm *vm, struct twin_bo *bo);
void twin_vm_bo_close(struct twin_vm *vm, struct twin_bo *bo);
bool twin_vm_bo_is_open(struct twin_vm *vm, struct twin_bo *bo);

int twin_vm_map(struct twin_vm *vm, struct twin_bo *bo, u64 va, u64 offset,
		u64 size, u32 flags);
int twin_vm_unmap(struct twin_vm *vm, struct twin_bo *bo, u64 va);
int twin_vm_clear(struct twin_vm *vm, u64 va, u64 size);
int twin_vm_replace(struct twin_vm *vm, struct twin_bo *bo, u64 va, u64 offset,
		    u64 size, u32 flags);

struct twin_mapping *twin_vm_first(struct twin_vm *vm);
struct twin_mapping *twin_vm_next(struct twin_mapping *mapping);

#endif
