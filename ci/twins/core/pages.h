/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_PAGES_H_
#define _TWIN_PAGES_H_

#include <linux/kref.h>
#include <linux/mm_types.h>
#include <linux/sizes.h>

struct sg_table;

/* For both twins: a guest is small, and a fuzzer knows no measure. */
#define TWIN_MAX_MEMORY	SZ_256M
/* Of one buffer, wherever its memory comes from. */
#define TWIN_MAX_PAGES	(SZ_1G >> PAGE_SHIFT)

/**
 * struct twin_pages - the memory behind a buffer at one time
 * @ref: held by the buffer, and by each job that uses the memory
 * @owned: the pages are freed with this; those of imports and of user memory
 *	belong to somebody else, whom our fences hold off
 * @count: number of pages
 * @page: the pages, in order
 *
 * A buffer that moves gets new ones; what a running job uses stays.
 */
struct twin_pages {
	struct kref ref;
	bool owned;
	unsigned long count;
	struct page *page[] __counted_by(count);
};

struct twin_pages *twin_pages_alloc(unsigned long count);
struct twin_pages *twin_pages_wrap(unsigned long count);
struct twin_pages *twin_pages_of_sgt(struct sg_table *sgt, unsigned long count);
struct twin_pages *twin_pages_get(struct twin_pages *pages);
void twin_pages_put(struct twin_pages *pages);
void twin_pages_copy(struct twin_pages *to, struct twin_pages *from);

#endif
