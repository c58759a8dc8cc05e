/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_AMDGPU_BO_LIST_H_
#define _TWIN_AMDGPU_BO_LIST_H_

#include "amdgpu.h"

/**
 * struct twin_bo_list - buffers that a job uses
 * @ref: of the file and of submissions
 * @count: number of buffers
 * @bo: the buffers, sorted, each with a reference
 */
struct twin_bo_list {
	struct kref ref;
	unsigned int count;
	struct twin_bo *bo[] __counted_by(count);
};

struct twin_bo_list *twin_bo_list_create(struct drm_file *filp,
					 struct drm_amdgpu_bo_list_in *in);
struct twin_bo_list *twin_bo_list_get(struct twin_fpriv *fpriv, u32 handle);
int twin_bo_list_find(struct twin_bo_list *list, struct twin_bo *bo);
void twin_bo_list_put(struct twin_bo_list *list);
void twin_bo_list_fini_all(struct twin_fpriv *fpriv);

#endif
