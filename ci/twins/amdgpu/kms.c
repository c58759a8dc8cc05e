// SPDX-License-Identifier: GPL-2.0
/* The display: one plane, one CRTC, a connector that is always connected. */
#include <linux/console.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_edid.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_atomic_helper.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_mode_config.h>
#include <drm/drm_probe_helper.h>
#include <drm/drm_vblank.h>

#include "amdgpu.h"
#include "faults.h"
#include "wrappers.h"

#define TWIN_MAX_SIZE	4096

static const u32 twin_formats[] = {
	DRM_FORMAT_XRGB8888,
	DRM_FORMAT_ARGB8888,
};

static struct twin_bo *twin_fb_bo(struct drm_framebuffer *fb)
{
	return to_twin_bo(drm_gem_fb_get_obj(fb, 0));
}

/* What is scanned out does not move. */
static int twin_plane_prepare_fb(struct drm_plane *plane,
				 struct drm_plane_state *state)
{
	struct drm_gem_object *obj;
	int ret;

	if (!state->fb)
		return 0;
	obj = &twin_fb_bo(state->fb)->base;
	ret = dma_resv_lock_interruptible(obj->resv, NULL);
	if (ret)
		return ret;
	ret = twin_bo_pin(to_twin_bo(obj));
	dma_resv_unlock(obj->resv);
	if (ret)
		return ret;
	ret = drm_gem_plane_helper_prepare_fb(plane, state);
	if (ret) {
		dma_resv_lock(obj->resv, NULL);
		twin_bo_unpin(to_twin_bo(obj));
		dma_resv_unlock(obj->resv);
	}
	return ret;
}

static void twin_plane_cleanup_fb(struct drm_plane *plane,
				  struct drm_plane_state *state)
{
	struct twin_bo *bo;

	if (!state->fb)
		return;
	bo = twin_fb_bo(state->fb);
	dma_resv_lock(bo->base.resv, NULL);
	twin_bo_unpin(bo);
	dma_resv_unlock(bo->base.resv);
}

static int twin_plane_check(struct drm_plane *plane,
			    struct drm_atomic_state *state)
{
	struct drm_plane_state *new_state =
		drm_atomic_get_new_plane_state(state, plane);
	struct drm_crtc_state *crtc_state;

	if (!new_state->fb || WARN_ON(!new_state->crtc))
		return 0;
	crtc_state = drm_atomic_get_crtc_state(state, new_state->crtc);
	if (IS_ERR(crtc_state))
		return PTR_ERR(crtc_state);
	return drm_atomic_helper_check_plane_state(new_state, crtc_state,
						   DRM_PLANE_NO_SCALING,
						   DRM_PLANE_NO_SCALING,
						   false, false);
}

/* Nobody sees the picture; the flip is done at the next vblank. */
static void twin_plane_update(struct drm_plane *plane,
			      struct drm_atomic_state *state)
{
}

static const struct drm_plane_helper_funcs twin_plane_helpers = {
	.prepare_fb = twin_plane_prepare_fb,
	.cleanup_fb = twin_plane_cleanup_fb,
	.atomic_check = twin_plane_check,
	.atomic_update = twin_plane_update,
};

static const struct drm_plane_funcs twin_plane_funcs = {
	.update_plane = drm_atomic_helper_update_plane,
	.disable_plane = drm_atomic_helper_disable_plane,
	.reset = drm_atomic_helper_plane_reset,
	.atomic_duplicate_state = drm_atomic_helper_plane_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_plane_destroy_state,
	.destroy = drm_plane_cleanup,
};

static struct twin_kms *twin_kms_of(struct drm_crtc *crtc)
{
	return container_of(crtc, struct twin_kms, crtc);
}

static enum hrtimer_restart twin_vblank(struct hrtimer *timer)
{
	struct twin_kms *kms = container_of(timer, struct twin_kms, vblank);
	bool cookie = dma_fence_begin_signalling();

	hrtimer_forward_now(timer, kms->period);
	drm_crtc_handle_vblank(&kms->crtc);
	dma_fence_end_signalling(cookie);
	return READ_ONCE(kms->vblank_on) ? HRTIMER_RESTART : HRTIMER_NORESTART;
}

static int twin_enable_vblank(struct drm_crtc *crtc)
{
	struct drm_vblank_crtc *vblank = &crtc->dev->vblank[0];
	struct twin_kms *kms = twin_kms_of(crtc);

	drm_calc_timestamping_constants(crtc, &crtc->mode);
	kms->period = ns_to_ktime(vblank->framedur_ns ?: NSEC_PER_SEC / 60);
	WRITE_ONCE(kms->vblank_on, true);
	hrtimer_start(&kms->vblank, kms->period, HRTIMER_MODE_REL);
	return 0;
}

/* Under locks that the timer takes: it must not be waited for. */
static void twin_disable_vblank(struct drm_crtc *crtc)
{
	struct twin_kms *kms = twin_kms_of(crtc);

	WRITE_ONCE(kms->vblank_on, false);
	hrtimer_try_to_cancel(&kms->vblank);
}

static const struct drm_crtc_funcs twin_crtc_funcs = {
	.set_config = drm_atomic_helper_set_config,
	.page_flip = drm_atomic_helper_page_flip,
	.reset = drm_atomic_helper_crtc_reset,
	.destroy = drm_crtc_cleanup,
	.atomic_duplicate_state = drm_atomic_helper_crtc_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_crtc_destroy_state,
	.enable_vblank = twin_enable_vblank,
	.disable_vblank = twin_disable_vblank,
};

static int twin_crtc_check(struct drm_crtc *crtc,
			   struct drm_atomic_state *state)
{
	struct drm_crtc_state *new_state =
		drm_atomic_get_new_crtc_state(state, crtc);

	if (new_state->enable &&
	    !(new_state->plane_mask & drm_plane_mask(crtc->primary)))
		return -EINVAL;
	return drm_atomic_add_affected_planes(state, crtc);
}

static void twin_crtc_flush(struct drm_crtc *crtc,
			    struct drm_atomic_state *state)
{
	struct drm_pending_vblank_event *event = crtc->state->event;

	if (!event)
		return;
	crtc->state->event = NULL;
	spin_lock_irq(&crtc->dev->event_lock);
	if (drm_crtc_vblank_get(crtc))
		drm_crtc_send_vblank_event(crtc, event);
	else
		drm_crtc_arm_vblank_event(crtc, event);
	spin_unlock_irq(&crtc->dev->event_lock);
}

static void twin_crtc_enable(struct drm_crtc *crtc,
			     struct drm_atomic_state *state)
{
	twin_fault_alloc(TWIN_ENABLE_KERNEL, GFP_KERNEL);
	drm_crtc_vblank_on(crtc);
}

static void twin_crtc_disable(struct drm_crtc *crtc,
			      struct drm_atomic_state *state)
{
	struct drm_pending_vblank_event *event = crtc->state->event;

	drm_crtc_vblank_off(crtc);
	if (!event || crtc->state->active)
		return;
	crtc->state->event = NULL;
	spin_lock_irq(&crtc->dev->event_lock);
	drm_crtc_send_vblank_event(crtc, event);
	spin_unlock_irq(&crtc->dev->event_lock);
}

static const struct drm_crtc_helper_funcs twin_crtc_helpers = {
	.atomic_check = twin_crtc_check,
	.atomic_flush = twin_crtc_flush,
	.atomic_enable = twin_crtc_enable,
	.atomic_disable = twin_crtc_disable,
};

static int twin_get_modes(struct drm_connector *connector)
{
	int count = drm_add_modes_noedid(connector, 1920, 1080);

	drm_set_preferred_mode(connector, 1024, 768);
	return count;
}

static const struct drm_connector_helper_funcs twin_connector_helpers = {
	.get_modes = twin_get_modes,
};

static const struct drm_connector_funcs twin_connector_funcs = {
	.fill_modes = drm_helper_probe_single_connector_modes,
	.reset = drm_atomic_helper_connector_reset,
	.atomic_duplicate_state = drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_connector_destroy_state,
	.destroy = drm_connector_cleanup,
};

/**
 * twin_fb_check - whether a framebuffer may be shown
 * @fb: the framebuffer, or an ERR_PTR
 *
 * Return: @fb, or an ERR_PTR: user memory is not scanned out.
 */
struct drm_framebuffer *twin_fb_check(struct drm_framebuffer *fb)
{
	struct twin_bo *bo;

	if (IS_ERR(fb))
		return fb;
	bo = twin_fb_bo(fb);
	if (!bo->userptr)
		return fb;
	drm_framebuffer_put(fb);
	return ERR_PTR(-EINVAL);
}

static const struct drm_mode_config_funcs twin_mode_config_funcs = {
	.fb_create = twin_fb_create,
	.atomic_check = drm_atomic_helper_check,
	.atomic_commit = drm_atomic_helper_commit,
};

static int twin_mode_config_init(struct drm_device *drm)
{
	int ret = drmm_mode_config_init(drm);

	if (ret)
		return ret;
	drm->mode_config.min_width = 1;
	drm->mode_config.min_height = 1;
	drm->mode_config.max_width = TWIN_MAX_SIZE;
	drm->mode_config.max_height = TWIN_MAX_SIZE;
	drm->mode_config.preferred_depth = 24;
	drm->mode_config.funcs = &twin_mode_config_funcs;
	drm->mode_config.helper_private = &twin_commit_funcs;
	return 0;
}

static void twin_kms_cleanup(struct drm_device *drm, void *unused)
{
	struct twin_kms *kms = &to_amdgpu(drm)->kms;

	hrtimer_cancel(&kms->vblank);
}

static const struct drm_encoder_funcs twin_encoder_funcs = {
	.destroy = drm_encoder_cleanup,
};

static int twin_pipe_init(struct drm_device *drm, struct twin_kms *kms)
{
	int ret;

	ret = drm_universal_plane_init(drm, &kms->plane, 1, &twin_plane_funcs,
				       twin_formats, ARRAY_SIZE(twin_formats),
				       NULL, DRM_PLANE_TYPE_PRIMARY, NULL);
	if (ret)
		return ret;
	drm_plane_helper_add(&kms->plane, &twin_plane_helpers);
	ret = drm_crtc_init_with_planes(drm, &kms->crtc, &kms->plane, NULL,
					&twin_crtc_funcs, NULL);
	if (ret)
		return ret;
	drm_crtc_helper_add(&kms->crtc, &twin_crtc_helpers);
	ret = drm_encoder_init(drm, &kms->encoder, &twin_encoder_funcs,
			       DRM_MODE_ENCODER_VIRTUAL, NULL);
	if (ret)
		return ret;
	kms->encoder.possible_crtcs = drm_crtc_mask(&kms->crtc);
	ret = drm_connector_init(drm, &kms->connector, &twin_connector_funcs,
				 DRM_MODE_CONNECTOR_VIRTUAL);
	if (ret)
		return ret;
	drm_connector_helper_add(&kms->connector, &twin_connector_helpers);
	return drm_connector_attach_encoder(&kms->connector, &kms->encoder);
}

/*
 * The order in which a display driver and its console take their locks. Lockdep
 * hears of it now, so that it need not see a flip first.
 */
static void twin_kms_prime(struct amdgpu_twin *adev)
{
	struct drm_device *drm = &adev->base.drm;
	struct drm_modeset_acquire_ctx ctx;
	int ret;

	console_lock();
	DRM_MODESET_LOCK_ALL_BEGIN(drm, ctx, 0, ret);
	dma_resv_lock(&adev->idle_resv, NULL);
	dma_resv_unlock(&adev->idle_resv);
	DRM_MODESET_LOCK_ALL_END(drm, ctx, ret);
	console_unlock();
}

/**
 * twin_kms_init - the display of a device
 * @adev: the device
 *
 * Return: 0 or a negative errno.
 */
int twin_kms_init(struct amdgpu_twin *adev)
{
	struct drm_device *drm = &adev->base.drm;
	struct twin_kms *kms = &adev->kms;
	int ret;

	twin_hrtimer_setup(&kms->vblank, twin_vblank);
	ret = twin_mode_config_init(drm) ?: twin_pipe_init(drm, kms) ?:
	      drm_vblank_init(drm, 1) ?:
	      drmm_add_action_or_reset(drm, twin_kms_cleanup, NULL);
	if (ret)
		return ret;
	drm_mode_config_reset(drm);
	twin_kms_prime(adev);
	return 0;
}

/**
 * twin_cycle_display - switch the display off and on
 * @drm: the device
 */
void twin_cycle_display(struct drm_device *drm)
{
	struct drm_atomic_state *state = drm_atomic_helper_suspend(drm);

	if (!IS_ERR(state))
		drm_atomic_helper_resume(drm, state);
}
