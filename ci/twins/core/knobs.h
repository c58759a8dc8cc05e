/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _TWIN_KNOBS_H_
#define _TWIN_KNOBS_H_

#include <linux/types.h>

/* A rule of the contract that a twin breaks on command, each in one place. */
enum twin_knob {
	/* Fences */
	TWIN_FENCE_NEVER,
	TWIN_COMPLETION_INVERSION,
	TWIN_FENCE_LEAK,
	TWIN_FENCE_IRQ_LOCK,
	TWIN_FENCE_CB_SLEEP,
	TWIN_FENCE_CB_NEST,
	TWIN_FENCE_ATOMIC_WAIT,
	/* Signalling sections: the scheduler's callbacks */
	TWIN_RUNJOB_KERNEL,
	TWIN_RUNJOB_NOFS,
	TWIN_RUNJOB_NOIO,
	TWIN_PREPARE_KERNEL,
	TWIN_RUNJOB_RESV,
	TWIN_RUNJOB_MMAP,
	TWIN_RUNJOB_MUTEX,
	TWIN_RUNJOB_FLUSH,
	TWIN_SECTION_LEAK_FAULT,
	TWIN_SECTION_LEAK_WORKER,
	TWIN_SECTION_END_TWICE,
	/* Signalling sections: submission and signalling */
	TWIN_SUBMIT_USER,
	TWIN_SUBMIT_KERNEL,
	TWIN_SIGNAL_MUTEX,
	TWIN_SIGNAL_RESV,
	/* Reset */
	TWIN_TDR_KERNEL,
	TWIN_TDR_MODESET,
	TWIN_RESET_SEM,
	TWIN_RESET_CONSOLE,
	TWIN_RESET_SUSPEND,
	/* Reservations */
	TWIN_RESV_NO_CTX,
	TWIN_RESV_CTX_LIFE,
	TWIN_RESV_MMAP,
	TWIN_RESV_MODESET,
	/* dma-buf */
	TWIN_IMPORT_MAP_UNLOCKED,
	TWIN_IMPORT_CPU_LOCKED,
	TWIN_IMPORT_ATTACH_LOCKED,
	TWIN_MOVE_UNLOCKED,
	TWIN_EXPORT_MAP_LOCKS,
	/* Display */
	TWIN_COMMIT_KERNEL,
	TWIN_ENABLE_KERNEL,
	TWIN_COMMIT_RESV,
	/* User memory */
	TWIN_NOTIFIER_ALLOC,
	TWIN_NOTIFIER_RESV,
	TWIN_NOTIFIER_IN_SECTION,
	/* i915 */
	TWIN_BIND_KERNEL,
	TWIN_BIND_MUTEX,
	TWIN_RETIRE_KERNEL,
	TWIN_KNOBS,
};

/**
 * struct twin_knob_info - a line of the file "knobs"
 * @name: as written to "plant"
 * @device: amdgpu, i915 or core
 * @rules: of the contract, the one that a report shows first
 * @row: of the annotation series, or "-"
 * @kind: of the report, as fencelab's parser names it; alternatives with "|".
 *	"fail": none, the job or its case fails; "graph": the wait-for graph
 *	shows it; "none": lawful, must stay silent
 * @path: what user space does to provoke it
 * @what: one sentence
 */
struct twin_knob_info {
	const char *name;
	const char *device;
	const char *rules;
	const char *row;
	const char *kind;
	const char *path;
	const char *what;
};

extern const struct twin_knob_info twin_knob_table[TWIN_KNOBS];

/* How a knob is set. */
enum twin_setting {
	TWIN_OFF,
	/* Break the rule. */
	TWIN_FAULT,
	/* Do in the same place what the rule allows. */
	TWIN_CONTROL,
};

struct dentry;

enum twin_setting twin_knob(enum twin_knob knob);
bool twin_fault(enum twin_knob knob);
bool twin_fault_once(enum twin_knob knob);
void twin_knobs_init(struct dentry *dir);

#endif
