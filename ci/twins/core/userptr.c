// SPDX-License-Identifier: GPL-2.0
/*
 * User memory as a buffer. Its pages are not pinned: while a job uses them,
 * their owner's munmap() and the like wait, in the mmu notifier, until the job
 * is done. A submission looks the pages up without locks, then takes the
 * notifier lock, sees whether they are still the ones, and publishes its fence
 * before it drops the lock.
 */
#include <linux/dma-resv.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "bo.h"
#include "faults.h"
#include "userptr.h"

/*
 * Fences of kind BOOKKEEP and lower: everything that touches the memory.
 * Waiting under the notifier lock is lawful as long as no fence needs it, or
 * memory, to signal.
 */
static bool twin_userptr_invalidate(struct mmu_interval_notifier *mni,
				    const struct mmu_notifier_range *range,
				    unsigned long seq)
{
	struct twin_userptr *userptr =
		container_of(mni, struct twin_userptr, notifier);
	struct drm_gem_object *obj = &userptr->bo->base;
	struct twin_device *twin = to_twin_device(obj->dev);

	if (!mmu_notifier_range_blockable(range))
		return false;

	mutex_lock(&twin->notifier_lock);
	mmu_interval_set_seq(mni, seq);
	twin_fault_resv(TWIN_NOTIFIER_RESV, obj->resv);
	dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_BOOKKEEP, false,
			      MAX_SCHEDULE_TIMEOUT);
	mutex_unlock(&twin->notifier_lock);
	return true;
}

static const struct mmu_interval_notifier_ops twin_userptr_ops = {
	.invalidate = twin_userptr_invalidate,
};

/**
 * twin_userptr_init - make a buffer stand for user memory
 * @bo: a buffer without memory
 * @addr: in the caller's address space
 * @readonly: jobs may not write
 * @anon_only: refuse mappings of files
 *
 * Return: 0 or a negative errno.
 */
int twin_userptr_init(struct twin_bo *bo, unsigned long addr, bool readonly,
		      bool anon_only)
{
	struct twin_userptr *userptr = kzalloc(sizeof(*userptr), GFP_KERNEL);
	int ret;

	if (!userptr)
		return -ENOMEM;
	userptr->bo = bo;
	userptr->addr = addr;
	userptr->readonly = readonly;
	userptr->anon_only = anon_only;
	ret = mmu_interval_notifier_insert(&userptr->notifier, current->mm,
					   addr, bo->base.size,
					   &twin_userptr_ops);
	if (ret) {
		kfree(userptr);
		return ret;
	}
	bo->userptr = userptr;
	return 0;
}
EXPORT_SYMBOL_GPL(twin_userptr_init);

/**
 * twin_userptr_fini - stop to follow user memory
 * @bo: the buffer, which no job uses any more
 */
void twin_userptr_fini(struct twin_bo *bo)
{
	mmu_interval_notifier_remove(&bo->userptr->notifier);
	kfree(bo->userptr);
	bo->userptr = NULL;
}

/**
 * twin_userptr_is_mine - whether the memory is the caller's
 * @bo: user memory
 *
 * Return: false for another process, one that inherited the file for instance.
 */
bool twin_userptr_is_mine(struct twin_bo *bo)
{
	return bo->userptr->notifier.mm == current->mm;
}
EXPORT_SYMBOL_GPL(twin_userptr_is_mine);

static int twin_userptr_check_anon(struct twin_userptr *userptr)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	int ret = 0;

	if (!userptr->anon_only)
		return 0;
	mmap_read_lock(mm);
	vma = find_vma(mm, userptr->addr);
	if (!vma || vma->vm_start > userptr->addr)
		ret = -EFAULT;
	else if (vma->vm_file)
		ret = -EPERM;
	mmap_read_unlock(mm);
	return ret;
}

/*
 * The references of pin_user_pages_fast() are given back at once: from here on
 * the notifier keeps the pages where they are for as long as a job uses them.
 */
static int twin_userptr_lookup(struct twin_userptr *userptr,
			       struct twin_pages *pages)
{
	unsigned int flags = userptr->readonly ? 0 : FOLL_WRITE;
	unsigned long done = 0;

	while (done < pages->count) {
		unsigned long addr = userptr->addr + (done << PAGE_SHIFT);
		int max = min(pages->count - done, 1024UL);
		int got = pin_user_pages_fast(addr, max, flags,
					      pages->page + done);

		if (got <= 0)
			return got ?: -EFAULT;
		unpin_user_pages_dirty_lock(pages->page + done, got,
					    !userptr->readonly);
		done += got;
	}
	return 0;
}

/**
 * twin_user_range_get - look up the pages behind user memory
 * @range: filled in; give it to twin_user_range_put()
 * @bo: user memory of the caller
 *
 * Takes the mmap_lock, so no reservation is held.
 *
 * Return: 0, -EFAULT if there is no such memory, -EPERM if it is a file's and
 * must not be, -ENOMEM.
 */
int twin_user_range_get(struct twin_user_range *range, struct twin_bo *bo)
{
	struct twin_userptr *userptr = bo->userptr;
	int ret;

	range->userptr = userptr;
	range->pages = twin_pages_wrap(bo->base.size >> PAGE_SHIFT);
	if (!range->pages)
		return -ENOMEM;
	range->seq = mmu_interval_read_begin(&userptr->notifier);
	ret = twin_userptr_check_anon(userptr);
	if (!ret)
		ret = twin_userptr_lookup(userptr, range->pages);
	if (ret)
		twin_user_range_put(range);
	return ret;
}
EXPORT_SYMBOL_GPL(twin_user_range_get);

/**
 * twin_user_range_is_valid - whether the pages are still the ones
 * @range: from twin_user_range_get(), under the notifier lock
 *
 * Return: false if the submission has to begin again.
 */
bool twin_user_range_is_valid(struct twin_user_range *range)
{
	return !mmu_interval_read_retry(&range->userptr->notifier, range->seq);
}
EXPORT_SYMBOL_GPL(twin_user_range_is_valid);

/**
 * twin_user_range_put - end of a submission
 * @range: from twin_user_range_get()
 */
void twin_user_range_put(struct twin_user_range *range)
{
	twin_pages_put(range->pages);
	range->pages = NULL;
}
EXPORT_SYMBOL_GPL(twin_user_range_put);
