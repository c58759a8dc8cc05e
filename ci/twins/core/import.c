// SPDX-License-Identifier: GPL-2.0
/*
 * Buffers of other devices. The attachment is dynamic: the exporter may move
 * the buffer while nobody uses it, and the next submission maps it again.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include <drm/drm_prime.h>

#include "bo.h"
#include "knobs.h"
#include "wrappers.h"

static void twin_import_unmap(struct twin_bo *bo)
{
	dma_resv_assert_held(bo->base.resv);
	if (!bo->sgt)
		return;
	dma_buf_unmap_attachment(bo->base.import_attach, bo->sgt,
				 DMA_BIDIRECTIONAL);
	bo->sgt = NULL;
	twin_pages_put(bo->pages);
	bo->pages = NULL;
}

static void twin_import_move(struct dma_buf_attachment *attach)
{
	struct drm_gem_object *obj = attach->importer_priv;

	/* The exporter waits for our jobs, whose fences it sees. */
	if (dma_resv_is_locked(obj->resv))
		twin_import_unmap(to_twin_bo(obj));
}

static const struct dma_buf_attach_ops twin_attach_ops = {
	.allow_peer2peer = false,
	TWIN_MOVE_OP(twin_import_move),
};

/**
 * twin_import_validate - map an import for the next job
 * @bo: an import, its reservation held
 *
 * Return: 0, or what the exporter said; -EOPNOTSUPP if it is not memory.
 */
int twin_import_validate(struct twin_bo *bo)
{
	struct twin_pages *pages;
	struct sg_table *sgt;

	if (WARN_ON(!bo->base.import_attach))
		return -EINVAL;
	sgt = dma_buf_map_attachment(bo->base.import_attach,
				     DMA_BIDIRECTIONAL);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	pages = twin_pages_of_sgt(sgt, bo->base.size >> PAGE_SHIFT);
	if (IS_ERR(pages)) {
		dma_buf_unmap_attachment(bo->base.import_attach, sgt,
					 DMA_BIDIRECTIONAL);
		return PTR_ERR(pages);
	}
	bo->sgt = sgt;
	bo->pages = pages;
	return 0;
}

/**
 * twin_import_detach - end of an import
 * @bo: the import, which nobody uses any more
 */
void twin_import_detach(struct twin_bo *bo)
{
	struct dma_buf_attachment *attach = bo->base.import_attach;
	struct dma_buf *buf = attach->dmabuf;

	dma_resv_lock(bo->base.resv, NULL);
	twin_import_unmap(bo);
	dma_resv_unlock(bo->base.resv);
	dma_buf_detach(buf, attach);
	dma_buf_put(buf);
}

/* BUF-HELD: a mapping is made under the reservation. */
static void twin_fault_map_unlocked(struct dma_buf_attachment *attach)
{
	struct sg_table *sgt;

	if (!twin_fault_once(TWIN_IMPORT_MAP_UNLOCKED))
		return;
	sgt = dma_buf_map_attachment(attach, DMA_BIDIRECTIONAL);
	if (!IS_ERR_OR_NULL(sgt))
		dma_buf_unmap_attachment(attach, sgt, DMA_BIDIRECTIONAL);
}

/* BUF-NOTHELD: CPU access begins without the reservation. */
static void twin_fault_cpu_access(struct dma_buf *buf)
{
	enum twin_setting setting = twin_knob(TWIN_IMPORT_CPU_LOCKED);

	/* An exporter that locks in its callback would never come back. */
	if (setting == TWIN_OFF || buf->ops->begin_cpu_access)
		return;
	if (setting == TWIN_FAULT)
		dma_resv_lock(buf->resv, NULL);
	if (!dma_buf_begin_cpu_access(buf, DMA_FROM_DEVICE))
		dma_buf_end_cpu_access(buf, DMA_FROM_DEVICE);
	if (setting == TWIN_FAULT)
		dma_resv_unlock(buf->resv);
}

/* BUF-WW: nothing is locked, and no transaction open, over attach. */
static struct dma_buf_attachment *
twin_import_attach(struct drm_gem_object *obj, struct dma_buf *buf)
{
	struct device *dev = to_twin_device(obj->dev)->drm.dev;
	struct dma_buf_attachment *attach;
	struct ww_acquire_ctx ctx;
	bool fault = twin_fault(TWIN_IMPORT_ATTACH_LOCKED);

	if (fault)
		ww_acquire_init(&ctx, &reservation_ww_class);
	attach = dma_buf_dynamic_attach(buf, dev, &twin_attach_ops, obj);
	if (fault)
		ww_acquire_fini(&ctx);
	return attach;
}

/**
 * twin_import - &drm_driver.gem_prime_import
 * @drm: this device
 * @buf: the buffer
 * @own_ops: of this driver's exports: its own buffers are not imported but
 *	found again
 * @funcs: of the GEM object
 *
 * Return: the buffer, or an ERR_PTR.
 */
struct drm_gem_object *
twin_import(struct drm_device *drm, struct dma_buf *buf,
	    const struct dma_buf_ops *own_ops,
	    const struct drm_gem_object_funcs *funcs)
{
	struct twin_device *twin = to_twin_device(drm);
	struct dma_buf_attachment *attach;
	struct drm_gem_object *obj = buf->priv;
	struct twin_bo *bo;

	if (buf->ops == own_ops && obj->dev == drm) {
		drm_gem_object_get(obj);
		return obj;
	}
	bo = twin_bo_create_empty(twin, buf->size, funcs);
	if (IS_ERR(bo))
		return ERR_CAST(bo);
	bo->base.resv = buf->resv;
	twin_fault_cpu_access(buf);
	attach = twin_import_attach(&bo->base, buf);
	if (IS_ERR(attach)) {
		drm_gem_object_put(&bo->base);
		return ERR_CAST(attach);
	}
	get_dma_buf(buf);
	bo->base.import_attach = attach;
	twin_fault_map_unlocked(attach);
	return &bo->base;
}
EXPORT_SYMBOL_GPL(twin_import);
