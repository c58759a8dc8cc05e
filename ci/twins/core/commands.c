// SPDX-License-Identifier: GPL-2.0
/*
 * Executes the commands of a job. All of this is on the way to a fence: no
 * allocation, no sleeping lock, no access to user memory but through pages
 * that a notifier keeps in place.
 */
#include <linux/highmem.h>
#include <linux/ktime.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <uapi/fencelab_twin.h>

#include "job.h"

static struct twin_map *twin_map_find(struct twin_job *job, u64 va)
{
	unsigned int low = 0, high = job->num_maps;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;
		struct twin_map *map = &job->maps[middle];

		if (va < map->start)
			high = middle;
		else if (va >= map->end)
			low = middle + 1;
		else
			return map;
	}
	return NULL;
}

/* The page at an address, or NULL: a fault. */
static struct page *twin_page(struct twin_job *job, u64 va, bool write)
{
	struct twin_map *map = twin_map_find(job, va);
	unsigned long index;

	if (!map || (write && !map->writable))
		return NULL;
	index = map->first + ((va - map->start) >> PAGE_SHIFT);
	return index < map->pages->count ? map->pages->page[index] : NULL;
}

static size_t twin_left_in_page(u64 va)
{
	return PAGE_SIZE - (va & ~PAGE_MASK);
}

/* Copies between a buffer of the kernel and one page of the job's memory. */
static int twin_access(struct twin_job *job, u64 va, void *data, size_t size,
		       bool write)
{
	struct page *page = twin_page(job, va, write);

	if (!page)
		return -EFAULT;
	if (write)
		memcpy_to_page(page, va & ~PAGE_MASK, data, size);
	else
		memcpy_from_page(data, page, va & ~PAGE_MASK, size);
	return 0;
}

static int twin_fill(struct twin_job *job, struct fencelab_twin_op *op)
{
	while (op->len) {
		size_t size = min_t(u64, op->len, twin_left_in_page(op->dst));
		struct page *page = twin_page(job, op->dst, true);
		char *p;

		if (!page)
			return -EFAULT;
		if (twin_job_is_aborted(job))
			return -ECANCELED;
		p = kmap_local_page(page);
		memset64((u64 *)(p + (op->dst & ~PAGE_MASK)), op->src,
			 size / sizeof(u64));
		kunmap_local(p);
		op->dst += size;
		op->len -= size;
	}
	return 0;
}

static int twin_copy(struct twin_job *job, struct fencelab_twin_op *op)
{
	while (op->len) {
		size_t size = min3(op->len, (u64)twin_left_in_page(op->dst),
				   (u64)twin_left_in_page(op->src));
		struct page *to = twin_page(job, op->dst, true);
		struct page *from = twin_page(job, op->src, false);
		char *dst, *src;

		if (!to || !from)
			return -EFAULT;
		if (twin_job_is_aborted(job))
			return -ECANCELED;
		dst = kmap_local_page(to);
		src = kmap_local_page(from);
		memmove(dst + (op->dst & ~PAGE_MASK),
			src + (op->src & ~PAGE_MASK), size);
		kunmap_local(src);
		kunmap_local(dst);
		op->dst += size;
		op->src += size;
		op->len -= size;
	}
	return 0;
}

static u64 twin_fnv(u64 hash, const u64 *words, size_t count)
{
	while (count--)
		hash = (hash ^ *words++) * FENCELAB_TWIN_FNV_PRIME;
	return hash;
}

static int twin_checksum(struct twin_job *job, struct fencelab_twin_op *op)
{
	u64 hash = FENCELAB_TWIN_FNV_BASIS;

	while (op->len) {
		size_t size = min_t(u64, op->len, twin_left_in_page(op->src));
		struct page *page = twin_page(job, op->src, false);
		char *p;

		if (!page)
			return -EFAULT;
		if (twin_job_is_aborted(job))
			return -ECANCELED;
		p = kmap_local_page(page);
		hash = twin_fnv(hash, (u64 *)(p + (op->src & ~PAGE_MASK)),
				size / sizeof(u64));
		kunmap_local(p);
		op->src += size;
		op->len -= size;
	}
	return twin_access(job, op->dst, &hash, sizeof(hash), true);
}

static int twin_stamp(struct twin_job *job, struct fencelab_twin_op *op)
{
	u64 now = ktime_get_ns();

	return twin_access(job, op->dst, &now, sizeof(now), true);
}

/* Addresses and lengths are whole words, so that none crosses a page. */
static bool twin_op_is_valid(const struct fencelab_twin_op *op)
{
	bool src_is_address = op->op == FENCELAB_TWIN_COPY ||
			      op->op == FENCELAB_TWIN_CHECKSUM;

	if (op->pad || (op->dst | op->len) % sizeof(u64))
		return false;
	if (src_is_address && op->src % sizeof(u64))
		return false;
	return op->len <= U64_MAX - op->dst &&
	       (!src_is_address || op->len <= U64_MAX - op->src);
}

static int twin_op_run(struct twin_job *job, struct fencelab_twin_op *op)
{
	if (!twin_op_is_valid(op))
		return -EFAULT;
	switch (op->op) {
	case FENCELAB_TWIN_FILL:
		return twin_fill(job, op);
	case FENCELAB_TWIN_COPY:
		return twin_copy(job, op);
	case FENCELAB_TWIN_CHECKSUM:
		return twin_checksum(job, op);
	case FENCELAB_TWIN_DELAY:
		return twin_job_sleep(job, op->src);
	case FENCELAB_TWIN_HANG:
		return twin_job_sleep(job, U64_MAX);
	case FENCELAB_TWIN_STAMP:
		return twin_stamp(job, op);
	default:
		return -EFAULT;
	}
}

/* A command that lies across two pages is fetched in two pieces. */
static int twin_fetch(struct twin_job *job, u64 va,
		      struct fencelab_twin_op *op)
{
	size_t first = min(sizeof(*op), twin_left_in_page(va));
	int ret = twin_access(job, va, op, first, false);

	if (ret || first == sizeof(*op))
		return ret;
	return twin_access(job, va + first, (char *)op + first,
			   sizeof(*op) - first, false);
}

static int twin_ib_run(struct twin_job *job, struct twin_ib *ib)
{
	u64 done;
	int ret;

	for (done = 0; done + sizeof(struct fencelab_twin_op) <= ib->size;
	     done += sizeof(struct fencelab_twin_op)) {
		struct fencelab_twin_op op;

		if (twin_job_is_aborted(job))
			return -ECANCELED;
		ret = twin_fetch(job, ib->va + done, &op);
		if (ret || op.op == FENCELAB_TWIN_END)
			return ret;
		ret = twin_op_run(job, &op);
		if (ret)
			return ret;
	}
	return 0;
}

static void twin_note(struct twin_job *job)
{
	if (job->note_pages)
		memcpy_to_page(job->note_pages->page[job->note_offset >> PAGE_SHIFT],
			       job->note_offset & ~PAGE_MASK, (char *)&job->note,
			       sizeof(job->note));
}

/**
 * twin_commands_run - execute a job
 * @job: the job
 *
 * Return: 0, -EFAULT for a bad command or address, -ECANCELED if it was given
 * up.
 */
int twin_commands_run(struct twin_job *job)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; i < job->num_ibs && !ret; i++)
		ret = twin_ib_run(job, &job->ibs[i]);
	if (!ret)
		twin_note(job);
	return ret;
}
