/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_WW_H_
#define _TWIN_WW_H_

#include <drm/drm_exec.h>

#include "compat.h"

/* One ww transaction over several reservations, interruptible. */
static inline void twin_exec_init(struct drm_exec *exec)
{
	u32 flags = DRM_EXEC_INTERRUPTIBLE_WAIT | DRM_EXEC_IGNORE_DUPLICATES;

#if TWIN_EXEC_INIT_NR
	drm_exec_init(exec, flags, 0);
#else
	drm_exec_init(exec, flags);
#endif
}

#endif
