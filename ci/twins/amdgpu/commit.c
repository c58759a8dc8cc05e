// SPDX-License-Identifier: GPL-2.0
/*
 * The tail of an atomic commit. Until the hardware is programmed, the commit's
 * out-fences depend on this code alone: patches 06 and 07 of the annotation
 * series.
 */
#include <linux/dma-fence.h>
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_framebuffer_helper.h>

#include "amdgpu.h"
#include "faults.h"
#include "wrappers.h"

/* Where the real driver once locked the framebuffer to read its tiling. */
static void twin_commit_faults(struct drm_atomic_state *state)
{
	struct drm_plane_state *plane_state;
	struct drm_plane *plane;
	int i;

	twin_fault_alloc(TWIN_COMMIT_KERNEL, GFP_KERNEL);
	for_each_new_plane_in_state(state, plane, plane_state, i)
		if (plane_state->fb)
			twin_fault_resv(TWIN_COMMIT_RESV,
					drm_gem_fb_get_obj(plane_state->fb,
							   0)->resv);
}

static void twin_commit_tail(struct drm_atomic_state *state)
{
	struct drm_device *drm = state->dev;
	bool cookie = dma_fence_begin_signalling();

	twin_commit_faults(state);
	drm_atomic_helper_commit_modeset_disables(drm, state);
	drm_atomic_helper_commit_planes(drm, state, 0);
	drm_atomic_helper_commit_modeset_enables(drm, state);
	drm_atomic_helper_fake_vblank(state);
	drm_atomic_helper_commit_hw_done(state);
	dma_fence_end_signalling(cookie);

	drm_atomic_helper_wait_for_flip_done(drm, state);
	drm_atomic_helper_cleanup_planes(drm, state);
}

const struct drm_mode_config_helper_funcs twin_commit_funcs = {
	.atomic_commit_tail = twin_commit_tail,
};
