// SPDX-License-Identifier: GPL-2.0
/* The memory of buffers, page by page. */
#include <linux/err.h>
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "device.h"
#include "pages.h"

static atomic_long_t in_use;

static bool twin_charge(unsigned long count)
{
	if (atomic_long_add_return(count, &in_use) <= TWIN_MAX_MEMORY >> PAGE_SHIFT)
		return true;
	atomic_long_sub(count, &in_use);
	return false;
}

/**
 * twin_pages_wrap - room for pages that belong to somebody else
 * @count: how many
 *
 * Return: the pages, all NULL; or NULL if they are too many or memory is used up.
 */
struct twin_pages *twin_pages_wrap(unsigned long count)
{
	struct twin_pages *pages;

	if (count > TWIN_MAX_PAGES)
		return NULL;
	pages = kvzalloc(struct_size(pages, page, count),
			 TWIN_GFP_USER);
	if (!pages)
		return NULL;
	kref_init(&pages->ref);
	pages->count = count;
	return pages;
}
EXPORT_SYMBOL_GPL(twin_pages_wrap);

/**
 * twin_pages_alloc - zeroed memory
 * @count: how many pages
 *
 * Return: the pages, or NULL if memory or the twins' share of it is used up.
 */
struct twin_pages *twin_pages_alloc(unsigned long count)
{
	struct twin_pages *pages;
	unsigned long i;

	if (!twin_charge(count))
		return NULL;
	pages = twin_pages_wrap(count);
	if (!pages) {
		atomic_long_sub(count, &in_use);
		return NULL;
	}
	pages->owned = true;
	for (i = 0; i < count; i++) {
		pages->page[i] = alloc_page(TWIN_GFP_USER | __GFP_ZERO);
		if (!pages->page[i]) {
			twin_pages_put(pages);
			return NULL;
		}
	}
	return pages;
}
EXPORT_SYMBOL_GPL(twin_pages_alloc);

/**
 * twin_pages_of_sgt - what a device reaches at DMA addresses
 * @sgt: mapped for one of the twins
 * @count: how many pages to expect
 *
 * The twins are devices without an IOMMU: a bus address is a physical one. The
 * list's own pages are not looked at, because an exporter need not have any.
 *
 * Return: the pages, or an ERR_PTR: -EOPNOTSUPP if an address is not memory.
 */
struct twin_pages *twin_pages_of_sgt(struct sg_table *sgt, unsigned long count)
{
	struct twin_pages *pages = twin_pages_wrap(count);
	struct sg_dma_page_iter iter;
	unsigned long i = 0;

	if (!pages)
		return ERR_PTR(-ENOMEM);
	for_each_sgtable_dma_page(sgt, &iter, 0) {
		unsigned long pfn = PHYS_PFN(sg_page_iter_dma_address(&iter));

		if (i == count)
			break;
		if (!pfn_valid(pfn))
			goto unreachable;
		pages->page[i++] = pfn_to_page(pfn);
	}
	if (i == count)
		return pages;

unreachable:
	twin_pages_put(pages);
	return ERR_PTR(-EOPNOTSUPP);
}
EXPORT_SYMBOL_GPL(twin_pages_of_sgt);

/**
 * twin_pages_get - another reference
 * @pages: the pages
 *
 * Return: @pages.
 */
struct twin_pages *twin_pages_get(struct twin_pages *pages)
{
	kref_get(&pages->ref);
	return pages;
}
EXPORT_SYMBOL_GPL(twin_pages_get);

static void twin_pages_release(struct kref *ref)
{
	struct twin_pages *pages = container_of(ref, struct twin_pages, ref);
	unsigned long i;

	if (pages->owned) {
		for (i = 0; i < pages->count; i++)
			if (pages->page[i])
				__free_page(pages->page[i]);
		atomic_long_sub(pages->count, &in_use);
	}
	kvfree(pages);
}

/**
 * twin_pages_put - drop a reference
 * @pages: the pages, or NULL
 */
void twin_pages_put(struct twin_pages *pages)
{
	if (pages)
		kref_put(&pages->ref, twin_pages_release);
}
EXPORT_SYMBOL_GPL(twin_pages_put);

/**
 * twin_pages_copy - copy all pages
 * @to: as many as @from
 * @from: the source
 */
void twin_pages_copy(struct twin_pages *to, struct twin_pages *from)
{
	unsigned long i;

	for (i = 0; i < from->count; i++)
		copy_highpage(to->page[i], from->page[i]);
}
EXPORT_SYMBOL_GPL(twin_pages_copy);
