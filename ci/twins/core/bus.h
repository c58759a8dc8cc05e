/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_BUS_H_
#define _TWIN_BUS_H_

#include <linux/types.h>

/* The devices on the bus; also their PCI slots. */
enum twin_slot {
	TWIN_AMDGPU,
	TWIN_I915,
	TWIN_SLOTS,
};

#define TWIN_AMDGPU_DRIVER	"fencelab_twin_amdgpu"
#define TWIN_I915_DRIVER	"fencelab_twin_i915"

int twin_bus_init(void);
void twin_bus_exit(void);

void twin_bus_unplug(enum twin_slot slot);
int twin_bus_plug(enum twin_slot slot);

#endif
