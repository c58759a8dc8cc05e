#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# Writes compat.h: which form of an interface this kernel has.
#
#	probe.sh INCLUDE_FOLDER > compat.h
set -eu

include=$1

# has NAME FILE PATTERN: NAME is 1 if a line of the header has the pattern.
has() {
	if grep -Eq "$3" "$include/$2"; then value=1; else value=0; fi
	echo "#define $1 $value"
}

# spans NAME FILE START PATTERN: the same for the declaration that starts with
# START and ends with a semicolon.
spans() {
	text=$(sed -n "/$3/,/;/p" "$include/$2" | tr '\n\t' '  ')
	if echo "$text" | grep -Eq "$4"; then value=1; else value=0; fi
	echo "#define $1 $value"
}

sched=drm/gpu_scheduler.h

echo '/* Made by probe.sh. */'
has TWIN_SCHED_INIT_ARGS $sched 'struct drm_sched_init_args \{'
spans TWIN_SCHED_INIT_WQ $sched '^int drm_sched_init(' 'submit_wq'
spans TWIN_SCHED_JOB_CREDITS $sched '^int drm_sched_job_init(' 'credits'
spans TWIN_SCHED_JOB_CLIENT $sched '^int drm_sched_job_init(' 'client_id'
spans TWIN_SCHED_START_BOOL $sched '^void drm_sched_start(' 'bool'
spans TWIN_SCHED_START_ERRNO $sched '^void drm_sched_start(' 'errno'
has TWIN_SCHED_STAT_RESET $sched 'DRM_GPU_SCHED_STAT_RESET'
spans TWIN_EXEC_INIT_NR drm/drm_exec.h '^void drm_exec_init(' 'nr'
has TWIN_DRIVER_DATE drm/drm_drv.h 'char \*date;'
has TWIN_HRTIMER_SETUP linux/hrtimer.h 'hrtimer_setup\('
has TWIN_MOVE_NOTIFY linux/dma-buf.h '\(\*move_notify\)'
has TWIN_BUF_INVALIDATE linux/dma-buf.h '^void dma_buf_invalidate_mappings\('
has TWIN_FENCE_OPS_RCU linux/dma-fence.h 'struct dma_fence_ops __rcu \*ops;'
has TWIN_DEVICE_OVERRIDE linux/device.h 'device_set_driver_override'
has TWIN_IMPORT_NS_STRING linux/module.h 'define MODULE_IMPORT_NS\(ns\)[[:space:]]+MODULE_INFO\(import_ns, ns\)'
spans TWIN_FB_CREATE_INFO drm/drm_gem_framebuffer_helper.h '^drm_gem_fb_create(' 'format_info'
has TWIN_ATOMIC_COMMIT drm/drm_atomic.h '^struct drm_atomic_commit \{'
has TWIN_PERCPU_FLAG linux/workqueue.h 'WQ_PERCPU[[:space:]]+='
has TWIN_VMA_COW linux/mm.h 'bool vma_is_cow_mapping\('
