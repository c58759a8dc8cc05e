//! Whom to ask: the first frame that is not core code.

use crate::frame::Frame;
use crate::kind::Kind;
use crate::report::Report;

/// Functions that only carry a report out or do what any code asks for: locks, allocations, scheduling, traps. A name
/// that ends in `*` stands for all that begin so.
#[rustfmt::skip]
const PLUMBING: &[&str] = &[
    // reporting
    "dump_stack*", "__dump_stack", "show_stack*", "print_*", "check_noncircular", "check_prev*",
    "check_deadlock", "check_irq_usage", "check_usage*", "check_wait_context", "__warn*", "warn_slowpath*",
    "report_bug", "handle_bug", "exc_*", "asm_exc_*", "do_trap*", "do_error_trap", "die*", "__die*",
    "oops_*", "page_fault_oops", "no_context", "bad_area*", "__bad_area*", "do_user_addr_fault",
    "do_page_fault", "kasan_*", "__kasan_*", "__asan_*", "kcsan_*", "__tsan_*", "ubsan_*", "__ubsan_*",
    "refcount_warn_saturate", "refcount_error_report", "stack_trace_*", "save_stack*", "unwind_*",
    "arch_stack_walk", "__list_add_valid*", "__list_del_entry_valid*", "__list_add*", "__list_del*", "panic", "fixup_bug", "invalid_op",
    "trace_hardirqs_*", "lockdep_*", "invoke_syscall", "add_lock_to_list", "dump_backtrace*", "valid_state",
    "reacquire_held_locks", "spin_bug", "spin_dump", "debug_*", "address_range_*", "end_report",
    "__handle_irq_event*", "__sanitizer_cov_*", "write_comp_data", "check_memory_region", "kmsan_*", "__msan_*", "msan_*",
    "check_preemption_disabled", "debug_smp_processor_id", "__this_cpu_preempt_check", "handle_overflow", "__do_kernel_fault",
    "die_kernel_fault", "__stack_chk_fail", "fortify_panic", "__fortify_*", "skb_panic", "skb_over_panic", "assertfail",
    "__check_heap_object", "__check_object_size", "usercopy_*", "bad_page", "check_panic_on_warn", "__debug_*",
    "timer_is_static_object", "work_is_static_object", "sched_show_task", "_sched_show_task", "nmi_*", "dump_cpu_task",
    "rcu_dump_*", "rcu_check_callbacks", "rcu_sched_clock_irq", "update_process_times", "tick_sched_*", "__refcount_*",
    // what any code calls on its data
    "memcmp", "memcpy", "memset", "memmove", "__memcpy", "__memset", "__memmove", "memdup_user*", "strlen", "strnlen",
    "strcmp", "strncmp", "strstr", "strscpy*", "read_word_at_a_time", "rb_erase*", "__rb_*", "rb_insert*", "list_del", "list_add",
    "__x86_indirect_thunk_*", "crc16", "crc_*",
    // locks
    "lock_acquire*", "__lock_acquire", "lock_release", "__lock_release", "mark_lock*", "mark_usage",
    "validate_chain", "register_lock_class", "mutex_*", "__mutex_*", "ww_mutex_*", "__ww_mutex_*", "down_*",
    "__down_*", "up_*", "__up_*", "rwsem_*", "_raw_*", "__raw_*", "do_raw_*", "rt_mutex_*", "__rt_mutex_*",
    "rtmutex_*", "queued_spin_*", "native_queued_*", "rt_spin_*", "percpu_down_*", "__percpu_*", "_mutex_*",
    "lock_sock_nested", "spin_lock*", "class_*", "cpus_read_lock", "lock_sync", "lock_sock", "console_lock",
    "console_trylock*", "clk_prepare_lock", "srcu_*", "__srcu_*", "down", "up", "osq_lock",
    "lock_downgrade", "lock_is_held_type", "mark_held_locks", "call_rwsem_*", "__seqprop_*", "perf_trace_lock*",
    // might_sleep, schedule, waits
    "__might_*", "___might_*", "might_*", "schedule*", "__schedule*", "preempt_schedule*", "io_schedule*",
    "do_wait_*", "__wait_for_common", "wait_for_common", "wait_for_completion*", "__cond_resched*",
    "_cond_resched", "__cant_*", "context_switch", "__switch_to*", "msleep*", "usleep*", "fsleep",
    "ssleep*", "wait_on_page_bit*", "wait_on_bit*", "__wait_on_bit*", "bit_wait*", "__wait_rcu_gp", "_copy_from_user", "_copy_to_user", "__copy_*", "copy_from_user*", "copy_to_user*",
    // allocation
    "fs_reclaim_*", "__fs_reclaim_*", "kmalloc*", "__kmalloc*", "kmem_cache_*", "__kmem_cache_*", "slab_*",
    "__slab_*", "___slab_*", "kzalloc*", "kcalloc*", "krealloc*", "kmemdup*", "kstrdup*", "kvmalloc*",
    "__kvmalloc*", "vmalloc*", "__vmalloc*", "alloc_pages*", "__alloc_pages*", "__alloc_frozen*",
    "get_page_from_freelist", "prepare_alloc_pages*", "should_failslab", "might_alloc", "kfree", "__kfree*",
    "slob_*", "mempool_*", "__do_kmalloc*", "new_slab", "allocate_slab", "alloc_slab*", "kasprintf",
    "kvasprintf", "__get_free_pages", "get_zeroed_page", "folio_alloc*", "__folio_alloc*", "idr_*", "ida_*",
    "xa_*", "__xa_*", "xas_*",
];

/// Core code that a driver is called by, or calls: it prints in the driver's name.
#[rustfmt::skip]
const CORE: &[&str] = &[
    "drm_*", "__drm_*", "drmm_*", "dma_fence_*", "__dma_fence_*", "dma_resv_*", "__dma_resv_*", "dma_buf_*",
    "_dma_buf_*", "ttm_*", "commit_tail", "commit_work", "sync_file_*", "process_one_work",
    "process_scheduled_works", "worker_thread", "kthread*", "ret_from_*", "do_syscall_*", "x64_sys_call",
    "x32_sys_call", "ia32_sys_call", "irqentry_*", "get_signal", "arch_do_signal*", "do_task_dead",
    "entry_*", "ret_fast_syscall", "__irq_svc", "__irq_usr", "__sys_trace*", "__x64_*", "__ia32_*", "__se_*", "__do_sys_*", "__arm64_*", "ksys_*", "sys_*", "SyS_*",
    "el0*", "el1*", "syscall_*", "do_el0_svc", "vfs_*", "do_vfs_ioctl", "do_fault*", "handle_mm_fault",
    "__handle_mm_fault", "queue_work*", "__queue_work*", "flush_work*", "__flush_work*", "cancel_work*",
    "cancel_delayed_work*", "__cancel_work*", "destroy_workqueue", "drain_workqueue", "start_flush_work",
    "__run_timers*", "call_timer_fn", "run_timer_softirq", "__do_softirq", "do_softirq*", "irq_exit*",
    "handle_irq*", "handle_edge_irq", "handle_fasteoi_irq", "handle_level_irq", "__do_irq*",
    "common_interrupt", "asm_common_interrupt", "__common_interrupt", "hrtimer_*", "__hrtimer_*",
    "sysvec_*", "asm_sysvec_*", "notifier_call_chain", "blocking_notifier_*", "kref_put*", "refcount_*",
    "notify_*", "task_work_run", "__fput", "____fput", "fput*", "do_exit", "do_group_exit", "mmput",
    "exit_*", "unmap_*", "zap_*", "mmu_notifier_*", "__mmu_notifier_*", "mn_*", "shrink_*", "do_shrink_*",
    "kswapd", "balance_pgdat", "try_to_free_pages", "do_try_to_free_pages", "__perform_reclaim", "device_*",
    "really_probe", "driver_*", "__driver_*", "bus_*", "platform_*", "pci_*", "local_pci_probe",
    "do_one_initcall", "do_init_module", "load_module", "console_*", "fbcon_*", "fb_*", "do_fb_ioctl",
    "copy_*_user*", "_copy_*", "__might_fault", "pm_*", "rpm_*", "genpd_*",
];

/// Modules that are core code.
#[rustfmt::skip]
const CORE_MODULES: &[&str] = &[
    "drm", "drm_kms_helper", "gpu_sched", "ttm", "drm_ttm_helper", "drm_buddy", "drm_exec",
    "drm_shmem_helper", "drm_vram_helper", "drm_dma_helper", "drm_display_helper", "drm_suballoc_helper",
    "drm_gpuvm", "drm_panel_orientation_quirks",
];

fn named(function: &str, names: &[&str]) -> bool {
    names.iter().any(|name| match name.strip_suffix('*') {
        Some(start) => function.starts_with(start),
        None => function == *name,
    })
}

/// Is it plumbing that any code may go through?
pub(crate) fn is_plumbing(frame: &Frame) -> bool {
    frame.unreliable || frame.module.is_none() && named(&frame.function, PLUMBING)
}

/// Is it core code, so that the driver is further up?
pub(crate) fn is_core(frame: &Frame) -> bool {
    match &frame.module {
        Some(module) => CORE_MODULES.contains(&module.as_str()),
        None => is_plumbing(frame) || named(&frame.function, CORE),
    }
}

/// The trace that shows what the report is about: of a cycle, the closing edge's; of a task that a timer found stuck, what
/// stands below the interrupt.
pub(crate) fn main_trace(report: &Report) -> &[Frame] {
    if matches!(report.kind, Kind::RcuStall | Kind::SoftLockup | Kind::HardLockup)
        && let Some(task) = report.frames.get(report.interrupt..).filter(|task| first_real(task).is_some())
    {
        return task;
    }
    match report.details.links.first() {
        Some(link) if report.kind == Kind::Circular && link.number == 0 && !link.frames.is_empty() => {
            &link.frames
        }
        _ => &report.frames,
    }
}

/// The first frame of a trace that is no plumbing.
pub(crate) fn first_real(frames: &[Frame]) -> Option<&Frame> {
    frames.iter().find(|frame| !is_plumbing(frame))
}

/// The function that did what a lockdep report is about.
pub(crate) fn culprit(report: &Report) -> Option<&Frame> {
    let at = || {
        report
            .details
            .acquiring
            .as_ref()
            .and_then(|lock| lock.at.as_ref())
            .filter(|frame| !is_plumbing(frame))
    };
    // The lock is released where it says; the trace shows who came by there.
    let released = at().filter(|_| report.kind == Kind::BadUnlock);
    released.or_else(|| first_real(main_trace(report))).or_else(at)
}

/// The function where any other report happened.
pub(crate) fn place_frame(report: &Report) -> Option<&Frame> {
    // The lines of these stand in the checker; their caller is the place.
    if matches!(report.kind, Kind::LockWarn | Kind::Refcount | Kind::List) {
        return first_real(&report.frames);
    }
    warning_frame(report).or_else(|| first_real(main_trace(report)))
}

/// The function that a line "WARNING: ... at file:line function" names.
pub(crate) fn warning_frame(report: &Report) -> Option<&Frame> {
    let named = report.details.traces.iter().find(|trace| trace.name == "at");
    named.and_then(|trace| trace.frames.first())
}

/// The first frame that is not core code: the first of a module, or in a trace without any the first built-in function
/// that does not have a core name.
pub(crate) fn blame(report: &Report) -> Option<Frame> {
    let candidates = || main_trace(report).iter().filter(|frame| !frame.unreliable && !is_core(frame));
    candidates().find(|frame| frame.module.is_some()).or_else(|| candidates().next()).cloned()
}
