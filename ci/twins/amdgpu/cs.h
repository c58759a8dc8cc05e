/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_AMDGPU_CS_H_
#define _TWIN_AMDGPU_CS_H_

#include <drm/drm_exec.h>

#include "amdgpu.h"
#include "bo_list.h"
#include "ctx.h"
#include "userptr.h"

struct dma_fence_chain;
struct drm_syncobj;

/**
 * struct twin_chunk - a chunk of a submission
 * @id: AMDGPU_CHUNK_ID_*
 * @size: bytes
 * @data: copied from user space
 */
struct twin_chunk {
	u32 id;
	size_t size;
	void *data;
};

/**
 * struct twin_post - a syncobj that gets the job's fence
 * @syncobj: with a reference
 * @chain: for a timeline point; NULL for a binary syncobj
 * @point: the point
 */
struct twin_post {
	struct drm_syncobj *syncobj;
	struct dma_fence_chain *chain;
	u64 point;
};

/**
 * struct twin_cs - a submission on its way
 * @adev: the device
 * @filp: the file
 * @fpriv: the file's data
 * @ctx: the context
 * @entity: its queue for the job
 * @chunks: as user space gave them
 * @num_chunks: number of @chunks
 * @size: bytes of @chunks and of their data
 * @list: the buffers, or NULL
 * @ranges: the pages of each buffer of @list that is user memory
 * @posts: syncobjs to be given the fence
 * @num_posts: number of @posts
 * @user_fence: where the job writes its number; with a reference, or NULL
 * @user_fence_offset: bytes in @user_fence
 * @exec: the reservations
 * @job: the job, until it is pushed
 * @fence: the job's, once it is armed
 */
struct twin_cs {
	struct amdgpu_twin *adev;
	struct drm_file *filp;
	struct twin_fpriv *fpriv;
	struct twin_ctx *ctx;
	struct twin_entity *entity;
	struct twin_chunk *chunks;
	unsigned int num_chunks;
	size_t size;
	struct twin_bo_list *list;
	struct twin_user_range *ranges;
	struct twin_post *posts;
	unsigned int num_posts;
	struct twin_bo *user_fence;
	u32 user_fence_offset;
	struct drm_exec exec;
	struct twin_amdgpu_job *job;
	struct dma_fence *fence;
};

/* cs_chunks.c */
int twin_cs_read_chunks(struct twin_cs *cs, union drm_amdgpu_cs *args);
int twin_cs_parse_chunks(struct twin_cs *cs);
void twin_cs_free_chunks(struct twin_cs *cs);

/* cs_sync.c */
int twin_cs_add_dependencies(struct twin_cs *cs, struct twin_chunk *chunk);
int twin_cs_add_syncobjs(struct twin_cs *cs, struct twin_chunk *chunk);
int twin_cs_add_points(struct twin_cs *cs, struct twin_chunk *chunk);
int twin_cs_signal_syncobjs(struct twin_cs *cs, struct twin_chunk *chunk);
int twin_cs_signal_points(struct twin_cs *cs, struct twin_chunk *chunk);
int twin_cs_add_implicit(struct twin_cs *cs);
void twin_cs_post(struct twin_cs *cs);
void twin_cs_free_posts(struct twin_cs *cs);

#endif
