// SPDX-License-Identifier: GPL-2.0
/* What a submission does wrong on command. */
#include <linux/dma-fence.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm_modeset_lock.h>
#include <drm/drm_syncobj.h>

#include "cs.h"
#include "cs_faults.h"
#include "faults.h"

/* RESV-MODESET: display locks are outside of reservations. */
static void twin_fault_modeset(struct drm_device *drm)
{
	struct drm_modeset_lock *lock = &drm->mode_config.connection_mutex;

	switch (twin_knob(TWIN_RESV_MODESET)) {
	case TWIN_FAULT:
		drm_modeset_lock(lock, NULL);
		drm_modeset_unlock(lock);
		break;
	case TWIN_CONTROL:
		if (ww_mutex_trylock(&lock->mutex, NULL))
			ww_mutex_unlock(&lock->mutex);
		break;
	case TWIN_OFF:
		break;
	}
}

/* FENCE-LEAK: the last reference goes, with a callback that never comes. */
static void twin_leaked_cb(struct dma_fence *fence, struct dma_fence_cb *cb)
{
}

static void twin_fault_leak(void)
{
	struct twin_fence *fence;
	static struct dma_fence_cb cb;

	if (!twin_fault(TWIN_FENCE_LEAK))
		return;
	fence = twin_fence_alloc(THIS_MODULE, "amdgpu", "leak");
	if (!fence)
		return;
	twin_fence_init(fence, dma_fence_context_alloc(1), 1);
	dma_fence_add_callback(&fence->base, &cb, twin_leaked_cb);
	dma_fence_put(&fence->base);
}

/* FENCE-TIME: what others wait for is a fence that nobody signals. */
static void twin_fault_never(struct twin_cs *cs)
{
	struct twin_fence *fence;
	unsigned int i;

	if (!cs->num_posts || !twin_fault_once(TWIN_FENCE_NEVER))
		return;
	fence = twin_fence_alloc(THIS_MODULE, "amdgpu", "never");
	if (!fence)
		return;
	twin_fence_init(fence, dma_fence_context_alloc(1), 1);
	for (i = 0; i < cs->num_posts; i++)
		drm_syncobj_replace_fence(cs->posts[i].syncobj, &fence->base);
	dma_fence_put(&fence->base);
}

static void twin_touch_user(u64 address)
{
	u64 word;

	/* The chunks were read from here. */
	if (copy_from_user(&word, u64_to_user_ptr(address), sizeof(word)))
		return;
}

/**
 * twin_cs_faults_unlocked - before anything is locked
 * @cs: the submission
 * @chunks: user address of the chunks
 */
void twin_cs_faults_unlocked(struct twin_cs *cs, u64 chunks)
{
	if (twin_knob(TWIN_RESV_MMAP) == TWIN_CONTROL)
		twin_touch_user(chunks);
}

/**
 * twin_cs_faults_locked - with the reservations held, before the section
 * @cs: the submission
 * @chunks: user address of the chunks
 */
void twin_cs_faults_locked(struct twin_cs *cs, u64 chunks)
{
	twin_fault_modeset(&cs->adev->base.drm);
	/* RESV-MMAP: page faults lock reservations under the mmap_lock. */
	if (twin_fault(TWIN_RESV_MMAP))
		twin_touch_user(chunks);
}

/**
 * twin_cs_faults_in_section - after the job was pushed, still in the section
 * @cs: the submission
 * @chunks: user address of the chunks
 */
void twin_cs_faults_in_section(struct twin_cs *cs, u64 chunks)
{
	twin_fault_alloc(TWIN_SUBMIT_KERNEL, GFP_KERNEL);
	if (twin_fault(TWIN_SUBMIT_USER))
		twin_touch_user(chunks);
}

/**
 * twin_cs_end_section - end of the section, once
 * @cookie: of its beginning
 */
void twin_cs_end_section(bool cookie)
{
	dma_fence_end_signalling(cookie);
	if (twin_fault_once(TWIN_SECTION_END_TWICE))
		dma_fence_end_signalling(cookie);
}

/**
 * twin_cs_faults_after - the job is on its way, the reservations are held
 * @cs: the submission
 */
void twin_cs_faults_after(struct twin_cs *cs)
{
	twin_fault_leak();
	twin_fault_never(cs);
}
