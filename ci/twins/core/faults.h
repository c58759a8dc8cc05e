/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_FAULTS_H_
#define _TWIN_FAULTS_H_

#include <linux/gfp_types.h>

#include "knobs.h"

struct dma_resv;
struct mutex;

void twin_fault_alloc(enum twin_knob knob, gfp_t gfp);
void twin_fault_resv(enum twin_knob knob, struct dma_resv *resv);
void twin_fault_mutex(enum twin_knob knob, struct mutex *mutex);

#endif
