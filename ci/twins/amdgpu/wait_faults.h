/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_AMDGPU_WAIT_FAULTS_H_
#define _TWIN_AMDGPU_WAIT_FAULTS_H_

struct amdgpu_twin;
struct dma_fence;

void twin_wait_faults(struct amdgpu_twin *adev, struct dma_fence *fence);

#endif
