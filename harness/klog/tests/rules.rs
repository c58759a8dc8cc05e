//! Which structure breaks which rule. The splats are synthetic, written from the format strings of kernel/locking/lockdep.c.

use std::fmt::Write;

use fencelab_klog::{Kernel, Options, Report, Text, known_rules, parse_log};

/// A circular splat: the classes from `-> #0` up, where the last one was taken, and the functions that closed the cycle.
fn circular(chain: &[&str], held_at: &str, path: &[&str]) -> String {
    let held = chain[chain.len() - 1];
    let lock = |name: &str| format!("ffff888100000000 ({name}){{+.+.}}-{{3:3}}");
    let mut log = format!(
        "WARNING: possible circular locking dependency detected\ntest/7 is trying to acquire lock:\n{}, at: {}+0x1/0x2\n\n\
         but task is already holding lock:\n{}, at: {held_at}+0x1/0x2\n\nthe existing dependency chain (in reverse order) is:\n",
        lock(chain[0]),
        path[0],
        lock(held)
    );
    for (number, name) in chain.iter().enumerate().rev() {
        let _ = write!(log, "\n-> #{number} ({name}){{+.+.}}-{{3:3}}:\n       lock_acquire+0x1/0x2\n");
        for function in if number == 0 { path } else { &["elsewhere"] } {
            let _ = writeln!(log, "       {function}+0x1/0x2");
        }
    }
    let _ = write!(
        log,
        "\n1 lock held by test/7:\n #0: {}, at: {held_at}+0x1/0x2\n\nstack backtrace:\n lock_acquire+0x1/0x2\n",
        lock(held)
    );
    for function in path {
        let _ = writeln!(log, " {function}+0x1/0x2");
    }
    log
}

fn report(log: &str, kernel: Kernel) -> Report {
    let options = Options { kernel, ..Options::default() };
    parse_log(log.as_bytes(), options).into_iter().find_map(|event| event.into_report()).expect("a report")
}

fn ids(report: &Report) -> Vec<&'static str> {
    report.rules.iter().map(|rule| rule.id).collect()
}

/// Classes of the cycle, where the held one was taken, the path that closed it, and the rules in their order.
type Case = (&'static [&'static str], &'static str, &'static [&'static str], &'static [&'static str]);

#[test]
fn a_cycle_breaks_the_rules_of_its_edges() {
    let cases: &[Case] = &[
        (
            &["&mm->mmap_lock", "dma_fence_map"],
            "foo_fault",
            &["__might_fault", "__rseq_handle_notify_resume"],
            &["SIG-BALANCE", "SIG-MMAP"],
        ),
        (&["fs_reclaim", "dma_fence_map"], "foo_irq", &["foo_alloc"], &["SIG-RECLAIM"]),
        (
            &["mmu_notifier_invalidate_range_start", "dma_fence_map"],
            "foo_irq",
            &["foo_alloc"],
            &["SIG-NOTIFIER"],
        ),
        (&["console_lock", "fs_reclaim", "dma_fence_map"], "foo_reset", &["foo_suspend"], &["SIG-CONSOLE"]),
        (&["(work_completion)(&x->work)", "dma_fence_map"], "foo_reset", &["foo_stop"], &["SIG-FLUSH"]),
        (&["&foo->lock", "fs_reclaim", "dma_fence_map"], "foo_irq", &["foo_done"], &["SIG-TAINTED"]),
        (&["&mm->mmap_lock", "reservation_ww_class_mutex"], "foo_read", &["foo_copy"], &["RESV-MMAP"]),
        (&["crtc_ww_class_mutex", "reservation_ww_class_mutex"], "foo_pin", &["foo_flip"], &["RESV-MODESET"]),
        (&["reservation_ww_class_mutex", "fs_reclaim"], "shrink_slab", &["foo_shrink"], &["RECLAIM-RESV"]),
        (
            &["&foo->lock", "fs_reclaim"],
            "try_to_free_pages",
            &["foo_shrink", "do_shrink_slab", "shrink_slab"],
            &["RECLAIM-TAINT"],
        ),
        (&["fs_reclaim", "&adev->notifier_lock"], "foo_submit", &["foo_alloc"], &["UPTR-NOALLOC"]),
        (
            &["reservation_ww_class_mutex", "&adev->notifier_lock"],
            "foo_submit",
            &["foo_pin"],
            &["UPTR-NORESV"],
        ),
        (
            &["&adev->notifier_lock", "fs_reclaim", "dma_fence_map"],
            "foo_submit",
            &["foo_validate"],
            &["UPTR-ORDER", "SIG-TAINTED", "UPTR-NOALLOC"],
        ),
        (
            &["&reset_domain->sem", "fs_reclaim", "dma_fence_map"],
            "amdgpu_device_gpu_recover",
            &["amdgpu_lock"],
            &["SCHED-RESET-SEM", "SIG-TAINTED"],
        ),
        (
            &["fs_reclaim", "dma_fence_map"],
            "drm_sched_run_job_work",
            &["foo_run_job", "drm_sched_run_job_work"],
            &["SCHED-RUNJOB", "SIG-RECLAIM"],
        ),
        (
            &["fs_reclaim", "dma_fence_map"],
            "drm_sched_job_timedout",
            &["foo_reset", "drm_sched_job_timedout"],
            &["SCHED-TDR-ALLOC", "SIG-RECLAIM"],
        ),
        (
            &["crtc_ww_class_acquire", "crtc_ww_class_mutex", "dma_fence_map"],
            "drm_sched_job_timedout",
            &["drm_atomic_helper_suspend", "drm_sched_job_timedout"],
            &["SCHED-TDR-MODESET", "SIG-MODESET"],
        ),
        (
            &["fs_reclaim", "dma_fence_map"],
            "commit_tail",
            &["foo_update", "commit_tail"],
            &["SIG-RECLAIM", "ATOM-SECTION"],
        ),
        (&["&foo->a", "&foo->b"], "foo_b", &["foo_a"], &[]),
    ];
    for (chain, held_at, path, expected) in cases {
        let report = report(&circular(chain, held_at, path), Kernel::Unknown);
        assert!(report.missing.is_empty(), "{chain:?}: {:?}", report.missing);
        assert_eq!(ids(&report), *expected, "{chain:?}");
    }
}

#[test]
fn the_closing_edge_comes_first_and_every_match_is_kept() {
    // Closed by another edge: the section's edge stands in the chain.
    let log = circular(&["dma_fence_map", "&foo->lock", "fs_reclaim"], "shrink_slab", &["foo_wait"]);
    let report = report(&log, Kernel::Unknown);
    assert_eq!(ids(&report), ["SIG-TAINTED"]);
    let edge = report.rules[0].edge.as_ref().unwrap();
    assert_eq!(
        (edge.from.to_string(), edge.to.to_string(), edge.closing),
        ("dma_fence_map".into(), "&foo->lock".into(), false)
    );
}

#[test]
fn an_annotation_that_mainline_lacks_is_named() {
    for (function, patch) in [
        ("drm_handle_vblank", "05"),
        ("commit_tail", "06"),
        ("drm_sched_main", "08"),
        ("drm_sched_job_timedout", "13"),
    ] {
        let log = circular(&["fs_reclaim", "dma_fence_map"], function, &["foo_alloc", function]);
        let found = report(&log, Kernel::Annotated);
        assert_eq!(found.annotation.map(|annotation| annotation.patch), Some(patch));
        let text = Text(&found).to_string();
        assert_eq!(text.matches(&format!("annotation of patch {patch}")).count(), 1, "{text}");
        assert_eq!(report(&log, Kernel::Stock).annotation, None);
    }
    let driver = circular(&["fs_reclaim", "dma_fence_map"], "foo_irq", &["foo_alloc"]);
    assert_eq!(report(&driver, Kernel::Annotated).annotation, None);
}

#[test]
fn warnings_of_the_locking_convention() {
    let log = "------------[ cut here ]------------\n\
               WARNING: CPU: 0 PID: 7 at drivers/dma-buf/dma-buf.c:1124 dma_buf_map_attachment+0x1/0x2\n\
               Call Trace:\n <TASK>\n foo_import+0x1/0x2 [foo]\n </TASK>\n---[ end trace 0000000000000000 ]---\n";
    let found = report(log, Kernel::Unknown);
    assert_eq!(ids(&found), ["BUF-HELD"]);
    assert!(found.rules[0].sentence.starts_with("dma_buf_map_attachment"), "{}", found.rules[0].sentence);
}

#[test]
fn every_rule_names_a_document_of_the_kernel() {
    for (id, doc) in known_rules() {
        assert!(
            ["Documentation/", "drivers/", "include/"].iter().any(|start| doc.starts_with(start)),
            "{id}: {doc}"
        );
    }
}

#[test]
fn a_section_that_a_work_function_leaves_open_is_not_balanced() {
    let left = |class: &str| {
        format!(
            "BUG: workqueue leaked atomic, lock or RCU: kworker/u8:1[26]\n     \
             preempt=0x00000000 lock=0->1 RCU=0->0 workfn=twin_ring_work [fencelab_twin]\n\
             1 lock held by kworker/u8:1/26:\n #0: ffffffff8201e9c0 ({class}){{++++}}-{{0:0}}, at: \
             twin_ring_work+0x1d/0x190 [fencelab_twin]\n\
             CPU: 1 UID: 0 PID: 26 Comm: kworker/u8:1 Tainted: G           O       6.12.117-fencelab #1\n\
             Workqueue: fencelab-gfx twin_ring_work [fencelab_twin]\nCall Trace:\n <TASK>\n \
             dump_stack+0x10/0x20\n process_one_work+0x449/0x660\n worker_thread+0x18e/0x330\n </TASK>\n"
        )
    };
    let broken = report(&left("dma_fence_map"), Kernel::Stock);
    assert_eq!(ids(&broken), ["SIG-BALANCE"], "{broken:?}");
    assert!(broken.rules[0].sentence.contains("returned without ending it"), "{broken:?}");
    assert_eq!(ids(&report(&left("some_mutex"), Kernel::Stock)), [""; 0]);
}
