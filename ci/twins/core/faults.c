// SPDX-License-Identifier: GPL-2.0
/*
 * What several knobs do: allocate, or take a lock, where that is not allowed.
 * Each takes a lock for real, so it is called where nothing can deadlock: the
 * report comes from lockdep, which knows the order that others take them in.
 */
#include <linux/dma-resv.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>

#include "faults.h"

/**
 * twin_fault_alloc - allocate with flags that the place does not allow
 * @knob: with its control, allocates without waiting
 * @gfp: the flags
 */
void twin_fault_alloc(enum twin_knob knob, gfp_t gfp)
{
	switch (twin_knob(knob)) {
	case TWIN_FAULT:
		kfree(kmalloc(64, gfp));
		break;
	case TWIN_CONTROL:
		kfree(kmalloc(64, GFP_NOWAIT | __GFP_NOWARN));
		kfree(kmalloc(64, GFP_ATOMIC | __GFP_NOWARN));
		break;
	case TWIN_OFF:
		break;
	}
}
EXPORT_SYMBOL_GPL(twin_fault_alloc);

/**
 * twin_fault_resv - lock a reservation where that is not allowed
 * @knob: with its control, tries to lock it
 * @resv: the reservation
 */
void twin_fault_resv(enum twin_knob knob, struct dma_resv *resv)
{
	switch (twin_knob(knob)) {
	case TWIN_FAULT:
		dma_resv_lock(resv, NULL);
		dma_resv_unlock(resv);
		break;
	case TWIN_CONTROL:
		if (dma_resv_trylock(resv))
			dma_resv_unlock(resv);
		break;
	case TWIN_OFF:
		break;
	}
}
EXPORT_SYMBOL_GPL(twin_fault_resv);

/**
 * twin_fault_mutex - lock a mutex where that is not allowed
 * @knob: with its control, tries to lock it
 * @mutex: the mutex
 */
void twin_fault_mutex(enum twin_knob knob, struct mutex *mutex)
{
	switch (twin_knob(knob)) {
	case TWIN_FAULT:
		mutex_lock(mutex);
		mutex_unlock(mutex);
		break;
	case TWIN_CONTROL:
		if (mutex_trylock(mutex))
			mutex_unlock(mutex);
		break;
	case TWIN_OFF:
		break;
	}
}
EXPORT_SYMBOL_GPL(twin_fault_mutex);
