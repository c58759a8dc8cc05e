/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_BO_H_
#define _TWIN_BO_H_

#include <linux/dma-direction.h>
#include <linux/list.h>
#include <drm/drm_gem.h>

#include "device.h"
#include "pages.h"

struct dma_buf_ops;
struct drm_file;
struct iosys_map;
struct sg_table;
struct twin_userptr;
struct vm_area_struct;

/**
 * struct twin_bo - a buffer
 * @base: the GEM object
 * @pages: its memory; under the reservation. NULL for an import that is not
 *	mapped, and for user memory, which a submission looks up anew
 * @pin_count: it must not move; under the reservation
 * @sgt: mapping of an import; under the reservation
 * @userptr: if it is user memory
 * @domains: as user space asked for
 * @flags: as user space asked for
 * @parent: whose reservation this buffer shares; or NULL
 * @no_cpu: it may not be mapped by the CPU
 * @vmap: kernel mapping and its users; under the reservation
 * @vmap_count: users of @vmap
 * @node: in the list of buffers that may move
 */
struct twin_bo {
	struct drm_gem_object base;
	struct twin_pages *pages;
	unsigned int pin_count;
	struct sg_table *sgt;
	struct twin_userptr *userptr;
	u64 domains;
	u64 flags;
	struct twin_bo *parent;
	bool no_cpu;
	void *vmap;
	unsigned int vmap_count;
	struct list_head node;
};

static inline struct twin_bo *to_twin_bo(struct drm_gem_object *obj)
{
	return container_of(obj, struct twin_bo, base);
}

struct twin_bo *twin_bo_create(struct twin_device *twin, size_t size,
			       const struct drm_gem_object_funcs *funcs);
struct twin_bo *twin_bo_create_empty(struct twin_device *twin, size_t size,
				     const struct drm_gem_object_funcs *funcs);
void twin_bo_free(struct drm_gem_object *obj);
int twin_bo_publish(struct drm_file *filp, struct twin_bo *bo, u32 *handle);

/* bo_map.c */
int twin_bo_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma);
int twin_bo_vmap(struct drm_gem_object *obj, struct iosys_map *map);
void twin_bo_vunmap(struct drm_gem_object *obj, struct iosys_map *map);
extern const struct vm_operations_struct twin_bo_vm_ops;

/* bo_move.c */
int twin_bo_pin(struct twin_bo *bo);
void twin_bo_unpin(struct twin_bo *bo);
int twin_bo_validate(struct twin_bo *bo);
int twin_bo_evict_all(struct twin_device *twin);

/* dmabuf.c: this device exports */
struct dma_buf *twin_dmabuf_export(struct drm_gem_object *obj, int flags,
				   const struct dma_buf_ops *ops);
struct sg_table *twin_dmabuf_map(struct dma_buf_attachment *attach,
				 enum dma_data_direction dir);
void twin_dmabuf_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		       enum dma_data_direction dir);
int twin_dmabuf_pin(struct dma_buf_attachment *attach);
void twin_dmabuf_unpin(struct dma_buf_attachment *attach);
int twin_dmabuf_begin_cpu_access(struct dma_buf *buf,
				 enum dma_data_direction dir);

/* import.c: this device imports */
struct drm_gem_object *
twin_import(struct drm_device *drm, struct dma_buf *buf,
	    const struct dma_buf_ops *own_ops,
	    const struct drm_gem_object_funcs *funcs);
int twin_import_validate(struct twin_bo *bo);
void twin_import_detach(struct twin_bo *bo);

#endif
