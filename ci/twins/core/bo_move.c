// SPDX-License-Identifier: GPL-2.0
/*
 * The memory of a buffer may move: then CPU mappings are zapped and importers
 * are told, as when a real device evicts video memory.
 */
#include <linux/dma-buf.h>
#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <drm/drm_vma_manager.h>

#include "bo.h"
#include "knobs.h"
#include "wrappers.h"

/**
 * twin_bo_pin - keep a buffer where it is
 * @bo: its reservation held
 *
 * Return: 0, -EPERM for user memory, or what the exporter of an import said.
 */
int twin_bo_pin(struct twin_bo *bo)
{
	int ret;

	dma_resv_assert_held(bo->base.resv);
	if (bo->userptr)
		return -EPERM;
	if (bo->base.import_attach && !bo->pin_count) {
		ret = dma_buf_pin(bo->base.import_attach);
		if (ret)
			return ret;
	}
	bo->pin_count++;
	ret = twin_bo_validate(bo);
	if (ret)
		twin_bo_unpin(bo);
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
	if (WARN_ON(!bo->pin_count))
		return;
	if (!--bo->pin_count && bo->base.import_attach)
		dma_buf_unpin(bo->base.import_attach);
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
	twin_buf_notify(buf);
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
	ret = bo->base.dma_buf ? twin_buf_move(bo->base.dma_buf) : 0;
	if (ret < 0) {
		twin_pages_put(pages);
		return ret;
	}
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
