/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_AMDGPU_H_
#define _TWIN_AMDGPU_H_

#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/idr.h>
#include <linux/rwsem.h>
#include <linux/workqueue.h>
#include <drm/amdgpu_drm.h>
#include <drm/drm_connector.h>
#include <drm/drm_crtc.h>
#include <drm/drm_encoder.h>
#include <drm/drm_file.h>
#include <drm/drm_plane.h>
#include <drm/gpu_scheduler.h>

#include "bo.h"
#include "job.h"
#include "ring.h"
#include "vm.h"

/* One engine for each ring of each kind of hardware that the twin has. */
enum twin_engine_id {
	TWIN_GFX,
	TWIN_COMPUTE_0,
	TWIN_COMPUTE_1,
	TWIN_SDMA_0,
	TWIN_SDMA_1,
	TWIN_ENGINES,
};

/**
 * struct twin_engine - a ring and its scheduler
 * @name: of both; the scheduler's fences ask for it at any time
 * @ring: executes the jobs
 * @sched: decides which one is next
 * @context: fence context of the ring
 * @seqno: of the last fence in @context; run_job is never run twice at a time
 */
struct twin_engine {
	char name[16];
	struct twin_ring ring;
	struct drm_gpu_scheduler sched;
	u64 context;
	u64 seqno;
};

/**
 * struct twin_engines - the engines of a device
 * @node: in a list of all there were
 * @jobs: jobs that were allocated and not freed
 * @no_jobs: wakes who waits for that
 * @engine: the engines
 *
 * A fence of the scheduler names its scheduler for as long as somebody holds it
 * (drm_sched_fence_get_timeline_name()). One whose job never ran keeps no module
 * loaded, so this memory is not given back.
 */
struct twin_engines {
	struct list_head node;
	atomic_t jobs;
	wait_queue_head_t no_jobs;
	struct twin_engine engine[TWIN_ENGINES];
};

/**
 * struct twin_reset_domain - what is reset at once
 * @sem: held for write during a reset, for read by who must not see one
 * @wq: runs the handlers of timeouts, one at a time
 */
struct twin_reset_domain {
	struct rw_semaphore sem;
	struct workqueue_struct *wq;
};

/**
 * struct twin_kms - the display
 * @plane: the primary plane, the only one
 * @crtc: the only one
 * @encoder: the only one
 * @connector: always connected
 * @vblank: the vertical blanking, of a software clock
 * @vblank_on: whether @vblank is wanted
 * @period: between two
 */
struct twin_kms {
	struct drm_plane plane;
	struct drm_crtc crtc;
	struct drm_encoder encoder;
	struct drm_connector connector;
	struct hrtimer vblank;
	bool vblank_on;
	ktime_t period;
};

/**
 * struct amdgpu_twin - the device
 * @base: what both twins have
 * @engines: its rings
 * @reset_domain: see there
 * @reset_work: a reset that somebody asked for
 * @reset_modeset: @reset_work switches the display off and on as well
 * @reset_counter: resets so far
 * @in_reset: a reset is going on
 * @control_work: what planted faults' controls do after a reset
 * @kms: the display
 * @inversion: fault: given by who has waited for a job
 * @idle_wq: for @idle_work
 * @idle_work: fault: waits for a fence
 * @idle_resv: stands for any buffer's, to teach lockdep an order
 */
struct amdgpu_twin {
	struct twin_device base;
	struct twin_engines *engines;
	struct twin_reset_domain reset_domain;
	struct work_struct reset_work;
	bool reset_modeset;
	atomic_t reset_counter;
	atomic_t in_reset;
	struct work_struct control_work;
	struct twin_kms kms;
	struct completion inversion;
	struct workqueue_struct *idle_wq;
	struct work_struct idle_work;
	struct dma_resv idle_resv;
};

static inline struct amdgpu_twin *to_amdgpu(struct drm_device *drm)
{
	return container_of(to_twin_device(drm), struct amdgpu_twin, base);
}

/**
 * struct twin_fpriv - an open file
 * @vm: its GPU addresses
 * @ctx_lock: protects @ctxs; held over allocations
 * @ctxs: contexts by id
 * @list_lock: protects @lists
 * @lists: buffer lists by handle
 */
struct twin_fpriv {
	struct twin_vm vm;
	struct mutex ctx_lock; /* see above */
	struct idr ctxs;
	struct mutex list_lock; /* see above */
	struct idr lists;
};

/**
 * struct twin_amdgpu_job - a job on its way through the scheduler
 * @base: the scheduler's part
 * @adev: the device
 * @job: what the ring executes
 * @fpriv: whose it is; until run_job is over
 * @mm: fault: whose it is
 * @other: fault: a fence to be signalled by a callback of this job's
 */
struct twin_amdgpu_job {
	struct drm_sched_job base;
	struct amdgpu_twin *adev;
	struct twin_job *job;
	struct twin_fpriv *fpriv;
	struct mm_struct *mm;
	struct twin_fence *other;
};

/* sched.c */
int twin_engines_init(struct amdgpu_twin *adev);
void twin_engines_exit(void);
struct twin_amdgpu_job *twin_amdgpu_job_alloc(struct amdgpu_twin *adev,
					      struct drm_file *filp,
					      struct drm_sched_entity *entity);
void twin_amdgpu_job_free(struct twin_amdgpu_job *job);
unsigned int twin_get_timeout(struct twin_device *twin);
void twin_set_timeout(struct twin_device *twin, unsigned int ms);

/* reset.c */
int twin_reset_init(struct amdgpu_twin *adev);
enum drm_gpu_sched_stat twin_timedout_job(struct drm_sched_job *job);
void twin_reset_request(struct twin_device *twin, bool modeset);
void twin_reset_debugfs(struct drm_minor *minor);

/* gem.c */
extern const struct drm_gem_object_funcs twin_amdgpu_gem_funcs;
extern const struct dma_buf_ops twin_amdgpu_dmabuf_ops;
struct drm_gem_object *twin_amdgpu_import(struct drm_device *drm,
					  struct dma_buf *buf);
int twin_dumb_create(struct drm_file *filp, struct drm_device *drm,
		     struct drm_mode_create_dumb *args);
int twin_dumb_mmap(struct drm_file *filp, struct drm_device *drm, u32 handle,
		   u64 *offset);
unsigned long twin_timeout(u64 timeout_ns);

/* kms.c, commit.c */
int twin_kms_init(struct amdgpu_twin *adev);
void twin_cycle_display(struct drm_device *drm);
extern const struct drm_mode_config_helper_funcs twin_commit_funcs;

/* The ioctls. */
TWIN_IOCTL(twin_info_ioctl);
TWIN_IOCTL(twin_ctx_ioctl);
TWIN_IOCTL(twin_vm_ioctl);
TWIN_IOCTL(twin_sched_ioctl);
TWIN_IOCTL(twin_gem_create_ioctl);
TWIN_IOCTL(twin_gem_mmap_ioctl);
TWIN_IOCTL(twin_gem_wait_idle_ioctl);
TWIN_IOCTL(twin_gem_metadata_ioctl);
TWIN_IOCTL(twin_gem_op_ioctl);
TWIN_IOCTL(twin_gem_userptr_ioctl);
TWIN_IOCTL(twin_gem_va_ioctl);
TWIN_IOCTL(twin_bo_list_ioctl);
TWIN_IOCTL(twin_cs_ioctl);
TWIN_IOCTL(twin_wait_cs_ioctl);
TWIN_IOCTL(twin_wait_fences_ioctl);
TWIN_IOCTL(twin_fence_to_handle_ioctl);

#endif
