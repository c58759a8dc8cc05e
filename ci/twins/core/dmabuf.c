// SPDX-License-Identifier: GPL-2.0
/* What both twins do for those who import their buffers. */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <drm/drm_drv.h>
#include <drm/drm_prime.h>

#include "bo.h"

/**
 * twin_dmabuf_export - &drm_gem_object_funcs.export
 * @obj: the buffer
 * @flags: DRM_CLOEXEC and DRM_RDWR
 * @ops: of the driver
 *
 * Return: the dma-buf, or an ERR_PTR.
 */
struct dma_buf *twin_dmabuf_export(struct drm_gem_object *obj, int flags,
				   const struct dma_buf_ops *ops)
{
	struct drm_device *drm = obj->dev;
	struct dma_buf_export_info info = {
		.exp_name = KBUILD_MODNAME,
		.owner = drm->driver->fops->owner,
		.ops = ops,
		.size = obj->size,
		.flags = flags,
		.priv = obj,
		.resv = obj->resv,
	};

	return drm_gem_dmabuf_export(drm, &info);
}
EXPORT_SYMBOL_GPL(twin_dmabuf_export);

/**
 * twin_dmabuf_map - &dma_buf_ops.map_dma_buf
 * @attach: the importer's, the reservation held
 * @dir: direction of its DMA
 *
 * Return: a list of the importer's own, or an ERR_PTR.
 */
struct sg_table *twin_dmabuf_map(struct dma_buf_attachment *attach,
				 enum dma_data_direction dir)
{
	struct twin_bo *bo = to_twin_bo(attach->dmabuf->priv);
	struct sg_table *sgt;
	int ret;

	dma_resv_assert_held(bo->base.resv);
	if (!bo->pages)
		return ERR_PTR(-EINVAL);
	sgt = drm_prime_pages_to_sg(bo->base.dev, bo->pages->page,
				    bo->pages->count);
	if (IS_ERR(sgt))
		return sgt;
	ret = dma_map_sgtable(attach->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	if (ret) {
		sg_free_table(sgt);
		kfree(sgt);
		return ERR_PTR(ret);
	}
	return sgt;
}
EXPORT_SYMBOL_GPL(twin_dmabuf_map);

/**
 * twin_dmabuf_unmap - &dma_buf_ops.unmap_dma_buf
 * @attach: the importer's, the reservation held
 * @sgt: from twin_dmabuf_map()
 * @dir: direction of its DMA
 */
void twin_dmabuf_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
		       enum dma_data_direction dir)
{
	dma_unmap_sgtable(attach->dev, sgt, dir, DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(sgt);
	kfree(sgt);
}
EXPORT_SYMBOL_GPL(twin_dmabuf_unmap);

/**
 * twin_dmabuf_pin - &dma_buf_ops.pin
 * @attach: of an importer that cannot follow a move, the reservation held
 *
 * Return: 0 or a negative errno.
 */
int twin_dmabuf_pin(struct dma_buf_attachment *attach)
{
	return twin_bo_pin(to_twin_bo(attach->dmabuf->priv));
}
EXPORT_SYMBOL_GPL(twin_dmabuf_pin);

/**
 * twin_dmabuf_unpin - &dma_buf_ops.unpin
 * @attach: as for twin_dmabuf_pin()
 */
void twin_dmabuf_unpin(struct dma_buf_attachment *attach)
{
	twin_bo_unpin(to_twin_bo(attach->dmabuf->priv));
}
EXPORT_SYMBOL_GPL(twin_dmabuf_unpin);

/**
 * twin_dmabuf_begin_cpu_access - &dma_buf_ops.begin_cpu_access
 * @buf: the buffer
 * @dir: of the access
 *
 * Where a real driver moves the buffer to where the CPU reads it fast.
 *
 * Return: 0 or a negative errno.
 */
int twin_dmabuf_begin_cpu_access(struct dma_buf *buf,
				 enum dma_data_direction dir)
{
	struct drm_gem_object *obj = buf->priv;
	int ret = dma_resv_lock_interruptible(obj->resv, NULL);

	if (ret)
		return ret;
	ret = twin_bo_validate(to_twin_bo(obj));
	dma_resv_unlock(obj->resv);
	return ret;
}
EXPORT_SYMBOL_GPL(twin_dmabuf_begin_cpu_access);
