/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_JOB_H_
#define _TWIN_JOB_H_

#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/types.h>
#include <linux/workqueue.h>

#include "fence.h"
#include "pages.h"

struct completion;
struct drm_device;
struct drm_gem_object;
struct twin_ring;

/**
 * struct twin_map - a range of GPU addresses that a job may use
 * @start: first address, page aligned
 * @end: address after the last, page aligned
 * @first: index in @pages of the page at @start
 * @pages: the memory; holds a reference
 * @writable: whether jobs may write
 */
struct twin_map {
	u64 start;
	u64 end;
	unsigned long first;
	struct twin_pages *pages;
	bool writable;
};

#define TWIN_JOB_IBS	16

/**
 * struct twin_ib - a stretch of commands
 * @va: GPU address, a multiple of 8
 * @size: bytes; what is left after the last whole command is ignored
 */
struct twin_ib {
	u64 va;
	u64 size;
};

/**
 * struct twin_job - what a ring executes
 * @ref: of whoever submitted it, and of the ring while it is there
 * @node: in the ring's queue
 * @ring: where it was queued
 * @fence: signals when the job is done; with an error if that failed
 * @ibs: the commands
 * @num_ibs: number of @ibs
 * @maps: sorted by address, not overlapping
 * @num_maps: number of @maps
 * @objs: buffers that must exist until the job is done
 * @num_objs: number of @objs
 * @drm: the device, with a reference while @objs are held
 * @owner: of the driver's
 * @release: called when the job is freed, with @owner; or NULL
 * @interrupt: tells that the job is done, from hard interrupt context
 * @cleanup: drops references where that may sleep and lock
 * @error: result of the execution
 * @aborted: the ring gave it up; under the ring's lock
 * @started: when its execution began, in jiffies; under the ring's lock
 * @note: written to @note_pages at @note_offset, a multiple of 8, when the
 *	commands are done without an error
 * @note_pages: holds a reference; or NULL
 * @note_offset: in bytes
 * @stall: fault: waits, before its commands, for this
 */
struct twin_job {
	struct kref ref;
	struct list_head node;
	struct twin_ring *ring;
	struct twin_fence *fence;
	struct twin_ib ibs[TWIN_JOB_IBS];
	unsigned int num_ibs;
	struct twin_map *maps;
	unsigned int num_maps;
	struct drm_gem_object **objs;
	unsigned int num_objs;
	struct drm_device *drm;
	void *owner;
	void (*release)(void *owner);
	struct irq_work interrupt;
	struct work_struct cleanup;
	int error;
	int aborted;
	unsigned long started;
	u64 note;
	struct twin_pages *note_pages;
	unsigned long note_offset;
	struct completion *stall;
};

struct twin_job *twin_job_alloc(struct twin_fence *fence);
struct twin_job *twin_job_get(struct twin_job *job);
void twin_job_put(struct twin_job *job);
int twin_job_set_maps(struct twin_job *job, unsigned int count);
int twin_job_set_objs(struct twin_job *job, struct drm_gem_object **objs,
		      unsigned int count);
int twin_job_add_ib(struct twin_job *job, u64 va, u64 size);

/* commands.c */
int twin_commands_run(struct twin_job *job);

/* ring.c */
bool twin_job_is_aborted(struct twin_job *job);
int twin_job_sleep(struct twin_job *job, u64 ns);

int twin_jobs_init(void);
void twin_jobs_flush(void);
void twin_jobs_exit(void);

#endif
