/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_AMDGPU_SCHED_FAULTS_H_
#define _TWIN_AMDGPU_SCHED_FAULTS_H_

struct amdgpu_twin;
struct twin_amdgpu_job;

int twin_sched_faults_init(struct amdgpu_twin *adev);
void twin_sched_faults_fini(struct amdgpu_twin *adev);
void twin_job_faults(struct twin_amdgpu_job *job);
void twin_job_faults_free(struct twin_amdgpu_job *job);
void twin_prepare_faults(void);
void twin_run_faults(struct twin_amdgpu_job *job);
void twin_fence_faults(struct twin_amdgpu_job *job);

#endif
