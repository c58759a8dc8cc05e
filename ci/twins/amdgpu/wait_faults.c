// SPDX-License-Identifier: GPL-2.0
/* What a wait for a job does wrong on command. */
#include <linux/dma-fence.h>
#include <linux/preempt.h>
#include <linux/rwsem.h>

#include "amdgpu.h"
#include "knobs.h"
#include "wait_faults.h"

/* FENCE-ATOMIC-WAIT: a short wait, and with preemption off. */
static void twin_fault_atomic_wait(struct dma_fence *fence)
{
	if (twin_knob(TWIN_FENCE_ATOMIC_WAIT) == TWIN_CONTROL)
		dma_fence_wait_timeout(fence, true, 1);
	if (!twin_fault(TWIN_FENCE_ATOMIC_WAIT))
		return;
	preempt_disable();
	/* No time to wait: the check comes first, the sleep would be a bug. */
	dma_fence_wait_timeout(fence, true, 0);
	preempt_enable();
}

/**
 * twin_wait_faults - in WAIT_CS, before the wait
 * @adev: the device
 * @fence: of the job
 */
void twin_wait_faults(struct amdgpu_twin *adev, struct dma_fence *fence)
{
	struct twin_reset_domain *reset_domain = &adev->reset_domain;

	twin_fault_atomic_wait(fence);
	/* SCHED-RESET-SEM: the handler of timeouts wants it for write. */
	if (twin_knob(TWIN_RESET_SEM) == TWIN_OFF)
		return;
	down_read(&reset_domain->sem);
	if (twin_fault(TWIN_RESET_SEM))
		dma_fence_wait_timeout(fence, true, 1);
	up_read(&reset_domain->sem);
}
