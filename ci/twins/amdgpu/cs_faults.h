/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_AMDGPU_CS_FAULTS_H_
#define _TWIN_AMDGPU_CS_FAULTS_H_

#include <linux/types.h>

struct twin_cs;

void twin_cs_faults_unlocked(struct twin_cs *cs, u64 chunks);
void twin_cs_faults_locked(struct twin_cs *cs, u64 chunks);
void twin_cs_faults_in_section(struct twin_cs *cs, u64 chunks);
void twin_cs_end_section(bool cookie);
void twin_cs_faults_after(struct twin_cs *cs);

#endif
