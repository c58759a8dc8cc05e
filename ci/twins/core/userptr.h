/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_USERPTR_H_
#define _TWIN_USERPTR_H_

#include <linux/mmu_notifier.h>

struct twin_bo;
struct twin_pages;

/**
 * struct twin_userptr - the memory of a process as a buffer
 * @notifier: tells of every change of the range
 * @bo: the buffer
 * @addr: where it begins
 * @readonly: jobs may not write to it
 * @anon_only: no file may be mapped there
 */
struct twin_userptr {
	struct mmu_interval_notifier notifier;
	struct twin_bo *bo;
	unsigned long addr;
	bool readonly;
	bool anon_only;
};

/**
 * struct twin_user_range - what a submission found at a buffer's address
 * @userptr: the buffer
 * @pages: its pages now; valid until the notifier has seen another change
 * @seq: to tell whether it has
 */
struct twin_user_range {
	struct twin_userptr *userptr;
	struct twin_pages *pages;
	unsigned long seq;
};

int twin_userptr_init(struct twin_bo *bo, unsigned long addr, bool readonly,
		      bool anon_only);
void twin_userptr_fini(struct twin_bo *bo);
bool twin_userptr_is_mine(struct twin_bo *bo);
int twin_user_range_get(struct twin_user_range *range, struct twin_bo *bo);
bool twin_user_range_is_valid(struct twin_user_range *range);
void twin_user_range_put(struct twin_user_range *range);

#endif
