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
#include <linux/sched.h>
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

/* Those of a command's addresses that are ranges of @len bytes. */
enum twin_ranges {
	TWIN_DST = 1,
	TWIN_SRC = 2,
};

/*
 * One piece of a command, no larger than a page. @dst and @src are mapped, or
 * NULL if the address is no range.
 */
typedef void (*twin_piece_t)(void *dst, const void *src, size_t size,
			     u64 *value);

static void *twin_map_local(struct twin_job *job, u64 va, bool write)
{
	struct page *page = twin_page(job, va, write);

	return page ? kmap_local_page(page) + (va & ~PAGE_MASK) : NULL;
}

static int twin_piece(struct twin_job *job, const struct fencelab_twin_op *op,
		      unsigned int ranges, u64 done, size_t size,
		      twin_piece_t piece, u64 *value)
{
	void *dst = NULL, *src = NULL;
	int ret = 0;

	if (ranges & TWIN_DST)
		dst = twin_map_local(job, op->dst + done, true);
	if (ranges & TWIN_SRC)
		src = twin_map_local(job, op->src + done, false);
	if ((ranges & TWIN_DST && !dst) || (ranges & TWIN_SRC && !src))
		ret = -EFAULT;
	else
		piece(dst, src, size, value);
	if (src)
		kunmap_local(src);
	if (dst)
		kunmap_local(dst);
	return ret;
}

/* A command's ranges in ascending order, piece by piece. */
static int twin_walk(struct twin_job *job, const struct fencelab_twin_op *op,
		     unsigned int ranges, twin_piece_t piece, u64 *value)
{
	u64 done = 0;

	while (done < op->len) {
		size_t size = min_t(u64, op->len - done, PAGE_SIZE);
		int ret;

		if (twin_job_is_aborted(job))
			return -ECANCELED;
		if (ranges & TWIN_DST)
			size = min(size, twin_left_in_page(op->dst + done));
		if (ranges & TWIN_SRC)
			size = min(size, twin_left_in_page(op->src + done));
		ret = twin_piece(job, op, ranges, done, size, piece, value);
		if (ret)
			return ret;
		done += size;
		cond_resched();
	}
	return 0;
}

static void twin_fill_piece(void *dst, const void *src, size_t size,
			    u64 *value)
{
	memset64(dst, *value, size / sizeof(u64));
}

static void twin_copy_piece(void *dst, const void *src, size_t size,
			    u64 *value)
{
	memmove(dst, src, size);
}

static void twin_hash_piece(void *dst, const void *src, size_t size,
			    u64 *value)
{
	const u64 *word = src;

	for (; size; size -= sizeof(u64))
		*value = (*value ^ *word++) * FENCELAB_TWIN_FNV_PRIME;
}

static int twin_checksum(struct twin_job *job,
			 const struct fencelab_twin_op *op)
{
	u64 hash = FENCELAB_TWIN_FNV_BASIS;

	return twin_walk(job, op, TWIN_SRC, twin_hash_piece, &hash) ?:
	       twin_access(job, op->dst, &hash, sizeof(hash), true);
}

static int twin_stamp(struct twin_job *job, const struct fencelab_twin_op *op)
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
		return twin_walk(job, op, TWIN_DST, twin_fill_piece, &op->src);
	case FENCELAB_TWIN_COPY:
		return twin_walk(job, op, TWIN_DST | TWIN_SRC, twin_copy_piece,
				 NULL);
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
