// SPDX-License-Identifier: GPL-2.0
/*
 * CS: a job from user space. First everything that may fail, sleep or allocate;
 * then, with the reservations and the notifier lock held, the signalling
 * section, in which the job's fence is published and the job pushed.
 */
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm_drv.h>

#include "cs.h"
#include "cs_faults.h"
#include "faults.h"
#include "wrappers.h"

static int twin_cs_init(struct twin_cs *cs, struct drm_device *drm,
			struct drm_file *filp, union drm_amdgpu_cs *args)
{
	if (!args->in.num_chunks)
		return -EINVAL;
	memset(cs, 0, sizeof(*cs));
	cs->adev = to_amdgpu(drm);
	cs->filp = filp;
	cs->fpriv = filp->driver_priv;
	cs->ctx = twin_ctx_get(cs->fpriv, args->in.ctx_id);
	if (!cs->ctx)
		return -EINVAL;
	if (atomic_read(&cs->ctx->guilty)) {
		twin_ctx_put(cs->ctx);
		return -ECANCELED;
	}
	twin_exec_init(&cs->exec);
	return 0;
}

static void twin_cs_fini(struct twin_cs *cs)
{
	unsigned int i;

	/* Its job may be what keeps the buffers, so it goes first. */
	twin_amdgpu_job_free(cs->job);
	drm_exec_fini(&cs->exec);
	for (i = 0; cs->ranges && i < cs->list->count; i++)
		twin_user_range_put(&cs->ranges[i]);
	kvfree(cs->ranges);
	twin_cs_free_posts(cs);
	dma_fence_put(cs->fence);
	twin_ctx_put(cs->ctx);
	twin_bo_list_put(cs->list);
	if (cs->user_fence)
		drm_gem_object_put(&cs->user_fence->base);
	twin_cs_free_chunks(cs);
}

static int twin_cs_find_list(struct twin_cs *cs, u32 handle)
{
	if (!handle)
		return 0;
	if (cs->list)
		return -EINVAL;
	cs->list = twin_bo_list_get(cs->fpriv, handle);
	return cs->list ? 0 : -ENOENT;
}

/* Before any reservation, because this takes the mmap_lock. */
static int twin_cs_user_pages(struct twin_cs *cs)
{
	unsigned int i;
	int ret;

	if (!cs->list)
		return 0;
	cs->ranges = kvcalloc(cs->list->count ?: 1, sizeof(*cs->ranges),
			      GFP_KERNEL);
	if (!cs->ranges)
		return -ENOMEM;
	for (i = 0; i < cs->list->count; i++) {
		struct twin_bo *bo = cs->list->bo[i];

		if (!bo->userptr)
			continue;
		if (!twin_userptr_is_mine(bo))
			return -EPERM;
		ret = twin_user_range_get(&cs->ranges[i], bo);
		if (ret)
			return ret;
	}
	return 0;
}

static int twin_cs_lock_obj(struct twin_cs *cs, struct drm_gem_object *obj)
{
	/* The job's fence, and one to spare. */
	return drm_exec_prepare_obj(&cs->exec, obj, 2);
}

static int twin_cs_lock(struct twin_cs *cs)
{
	unsigned int i;
	int ret;

	drm_exec_until_all_locked(&cs->exec) {
		ret = twin_cs_lock_obj(cs, &cs->fpriv->vm.root->base);
		drm_exec_retry_on_contention(&cs->exec);
		for (i = 0; !ret && cs->list && i < cs->list->count; i++) {
			ret = twin_cs_lock_obj(cs, &cs->list->bo[i]->base);
			drm_exec_retry_on_contention(&cs->exec);
		}
		if (!ret && cs->user_fence) {
			ret = twin_cs_lock_obj(cs, &cs->user_fence->base);
			drm_exec_retry_on_contention(&cs->exec);
		}
		if (ret)
			return ret;
	}
	return 0;
}

static int twin_cs_validate(struct twin_cs *cs)
{
	unsigned int i;
	int ret = 0;

	for (i = 0; cs->list && i < cs->list->count && !ret; i++)
		ret = twin_bo_validate(cs->list->bo[i]);
	if (!ret && cs->user_fence)
		ret = twin_bo_validate(cs->user_fence);
	return ret;
}

/* The memory of a buffer for this job, or NULL if it does not use it. */
static struct twin_pages *twin_cs_pages(struct twin_cs *cs, struct twin_bo *bo)
{
	int i;

	if (!bo)
		return NULL;
	if (bo->base.resv == twin_vm_resv(&cs->fpriv->vm))
		return bo->pages;
	i = twin_bo_list_find(cs->list, bo);
	if (i < 0)
		return NULL;
	return bo->userptr ? cs->ranges[i].pages : bo->pages;
}

static bool twin_mapping_is_writable(struct twin_mapping *mapping)
{
	if (mapping->bo->userptr && mapping->bo->userptr->readonly)
		return false;
	return mapping->flags & AMDGPU_VM_PAGE_WRITEABLE;
}

/* A page table of the job's own: what it may use, at this moment. */
static int twin_cs_map(struct twin_cs *cs)
{
	struct twin_vm *vm = &cs->fpriv->vm;
	struct twin_job *job = cs->job->job;
	struct twin_mapping *mapping;
	int ret;

	ret = twin_job_set_maps(job, vm->count);
	if (ret)
		return ret;
	for (mapping = twin_vm_first(vm); mapping;
	     mapping = twin_vm_next(mapping)) {
		struct twin_pages *pages = twin_cs_pages(cs, mapping->bo);

		if (!pages)
			continue;
		job->maps[job->num_maps++] = (struct twin_map){
			.start = mapping->it.start,
			.end = mapping->it.last + 1,
			.first = mapping->offset >> PAGE_SHIFT,
			.pages = twin_pages_get(pages),
			.writable = twin_mapping_is_writable(mapping),
		};
	}
	return 0;
}

static int twin_cs_keep(struct twin_cs *cs)
{
	struct twin_job *job = cs->job->job;

	if (cs->user_fence) {
		job->note_pages = twin_pages_get(cs->user_fence->pages);
		job->note_offset = cs->user_fence_offset;
	}
	return twin_job_set_objs(job, cs->exec.objects, cs->exec.num_objects);
}

static bool twin_cs_user_pages_are_valid(struct twin_cs *cs)
{
	unsigned int i;

	for (i = 0; cs->list && i < cs->list->count; i++)
		if (cs->ranges[i].pages &&
		    !twin_user_range_is_valid(&cs->ranges[i]))
			return false;
	return true;
}

/* Inside the section: no allocation, no lock that is held over one. */
static void twin_cs_publish(struct twin_cs *cs, union drm_amdgpu_cs *args)
{
	unsigned int i;
	u64 seq;

	drm_sched_job_arm(&cs->job->base);
	cs->fence = dma_fence_get(&cs->job->base.s_fence->finished);
	for (i = 0; i < cs->exec.num_objects; i++)
		dma_resv_add_fence(cs->exec.objects[i]->resv, cs->fence,
				   DMA_RESV_USAGE_WRITE);
	seq = twin_ctx_add_fence(cs->ctx, cs->entity, cs->fence);
	twin_cs_post(cs);
	cs->job->job->note = seq;
	memset(args, 0, sizeof(*args));
	args->out.handle = seq;
	drm_sched_entity_push_job(&cs->job->base);
	cs->job = NULL;
}

static int twin_cs_submit(struct twin_cs *cs, union drm_amdgpu_cs *args)
{
	struct mutex *notifier_lock = &cs->adev->base.notifier_lock;
	bool cookie = false, inverted = twin_fault(TWIN_NOTIFIER_IN_SECTION);
	u64 chunks = args->in.chunks;
	int ret = 0;

	if (inverted)
		cookie = dma_fence_begin_signalling();
	mutex_lock(notifier_lock);
	twin_fault_alloc(TWIN_NOTIFIER_ALLOC, GFP_KERNEL);
	if (!twin_cs_user_pages_are_valid(cs)) {
		/* libdrm submits again, and finds the new pages. */
		ret = -EAGAIN;
		goto unlock;
	}
	if (!inverted)
		cookie = dma_fence_begin_signalling();
	twin_cs_publish(cs, args);
	twin_cs_faults_in_section(cs, chunks);
	if (!inverted)
		twin_cs_end_section(cookie);
unlock:
	mutex_unlock(notifier_lock);
	if (inverted)
		dma_fence_end_signalling(cookie);
	return ret;
}

static int twin_cs_run(struct twin_cs *cs, union drm_amdgpu_cs *args)
{
	u64 chunks = args->in.chunks;
	int ret;

	ret = twin_cs_read_chunks(cs, args) ?:
	      twin_cs_parse_chunks(cs) ?:
	      twin_cs_find_list(cs, args->in.bo_list_handle) ?:
	      twin_cs_user_pages(cs);
	if (ret)
		return ret;
	twin_cs_faults_unlocked(cs, chunks);
	ret = twin_cs_lock(cs) ?:
	      twin_cs_validate(cs) ?:
	      twin_cs_map(cs) ?:
	      twin_cs_keep(cs) ?:
	      twin_ctx_wait_prev(cs->ctx, cs->entity) ?:
	      twin_cs_add_implicit(cs);
	if (ret)
		return ret;
	twin_cs_faults_locked(cs, chunks);
	ret = twin_cs_submit(cs, args);
	if (!ret)
		twin_cs_faults_after(cs);
	return ret;
}

TWIN_IOCTL(twin_cs_ioctl)
{
	struct twin_cs cs;
	int ret, idx;

	if (!drm_dev_enter(drm, &idx))
		return -ENODEV;
	ret = twin_cs_init(&cs, drm, filp, data);
	if (!ret) {
		ret = twin_cs_run(&cs, data);
		twin_cs_fini(&cs);
	}
	drm_dev_exit(idx);
	return ret;
}
