//! A whole night: many cases on many devices, splats, reboots. For the page, and for the time that rendering takes.

use fencelab_events::{
    BootEnd, Event, Finding, How, LockdepCause, Outcome, PlannedCase, RuleHit, SessionEnd,
};

use super::{Journal, RECLAIM_TEXT, captured, case, reclaim_in_commit, subtest};

const SCANOUT: [&str; 5] = ["vkms", "virtio-gpu", "bochs", "qxl", "cirrus"];
const DRM: [&str; 6] = ["vkms", "vgem", "virtio-gpu", "bochs", "qxl", "cirrus"];
const EXPORTERS: [&str; 8] =
    ["vkms", "vgem", "virtio-gpu", "bochs", "qxl", "cirrus", "udmabuf", "system-heap"];

/// A night on the annotated kernel, `rounds` times over.
pub fn night(rounds: usize) -> Journal {
    let plan: Vec<_> = (0..rounds).flat_map(round).collect();
    let mut journal = Journal::begin("annotated", plan.clone());
    journal
        .write(Event::Note { text: "/dev/kvm opens and prints nothing: the guest runs in emulation".into() });
    journal.boot(&["DETECT_HUNG_TASK is off: a task that hangs is seen by its time limit alone"]);
    for planned in &plan {
        run(&mut journal, planned);
    }
    journal.boot_ends(BootEnd::Done);
    journal.end(SessionEnd::Complete);
    journal
}

fn round(number: usize) -> Vec<PlannedCase> {
    let name = |name: &str| if number == 0 { name.to_owned() } else { format!("{name}-{number}") };
    let mut plan = Vec::new();
    for (case_name, about) in [
        ("create", "a syncobj can be created and destroyed"),
        ("wait-null", "a wait on no fence is EINVAL without WAIT_FOR_SUBMIT"),
        ("timeline-points", "points are monotone, point 0 is binary"),
        ("transfer", "a point goes from binary to timeline and back"),
        ("export-snapshot", "an exported sync file holds the fence of that moment"),
        ("eventfd", "an eventfd fires when the point signals"),
    ] {
        plan.extend(DRM.map(|d| case("syncobj", &name(case_name), &[d], &["SYNC-POINT"], about)));
    }
    for (case_name, about) in [
        ("modeset", "a blocking modeset is shown"),
        ("flip", "a flip is shown and its event comes"),
        ("flip-nonblock", "a non-blocking flip ahead of a pending one is EBUSY"),
        ("test-only", "TEST_ONLY changes nothing"),
        ("in-fence-pending", "a pending in-fence holds the flip back"),
        ("in-fence-foreign", "a fence of another device works as an in-fence"),
        ("out-fence", "the out-fence signals at scanout"),
    ] {
        plan.extend(SCANOUT.map(|d| case("atomic", &name(case_name), &[d], &["ATOM-SECTION"], about)));
    }
    for (case_name, about) in [
        ("import", "the importer takes the buffer, or refuses with a stable errno"),
        ("import-fence", "a fence put in by IMPORT_SYNC_FILE is seen through the other device"),
        ("mmap-sync", "what one side writes the other side reads after SYNC"),
    ] {
        for exporter in EXPORTERS {
            let importers = DRM.into_iter().filter(|importer| *importer != exporter);
            plan.extend(
                importers.map(|i| case("dma-buf", &name(case_name), &[exporter, i], &["BUF-ERRNO"], about)),
            );
        }
    }
    for test in [
        "mock_requests",
        "mock_timelines",
        "mock_vma",
        "mock_gtt",
        "mock_phys",
        "mock_dmabuf",
        "mock_hw_ring",
    ] {
        plan.push(case("i915-selftest", &name(test), &["i915"], &[], "the driver's own test passes"));
    }
    for test in
        ["dma_fence", "dma_fence_chain", "dma_resv", "drm_mm", "drm_buddy", "drm_plane_helper", "drm_rect"]
    {
        plan.push(case("kunit", &name(test), &[], &[], "every test of the KUnit suite passes"));
    }
    plan
}

fn run(journal: &mut Journal, planned: &PlannedCase) {
    let id = planned.id.as_str();
    let has = |name: &str| planned.devices.iter().any(|device| device == name);
    match planned.suite.as_str() {
        "syncobj" if !has("virtio-gpu") => {
            let why = format!("{} has no syncobj (DRM_CAP_SYNCOBJ is 0)", planned.devices[0]);
            journal.runs(id, Outcome::Skip, &why);
        }
        "atomic" if planned.name.starts_with("flip-nonblock") && has("qxl") => {
            splat(journal, id, SLEEPING_TEXT, sleeping);
        }
        "atomic" if !has("vkms") && !has("virtio-gpu") && !planned.name.starts_with("test-only") => {
            splat(journal, id, RECLAIM_TEXT, |journal, id| {
                reclaim_in_commit(journal, id, Some("06"), How::Worker)
            });
        }
        "atomic" if planned.name.starts_with("out-fence") && has("vkms") => {
            journal.ends(
                id,
                Outcome::Fail,
                "out-fence after TEST_ONLY: expected -1, found 7 (fence.rs:88)",
                |end| {
                    end.stderr =
                        captured("atomic: TEST_ONLY commit of 1 plane\natomic: out_fence_ptr holds 7\n");
                },
            );
        }
        "dma-buf" if planned.devices[1] == "virtio-gpu" || planned.devices[1] == "bochs" => {
            journal.runs(id, Outcome::Skip, &format!("{} refuses the import (ENODEV)", planned.devices[1]));
        }
        "dma-buf" if planned.devices == ["qxl", "cirrus"] && planned.name.starts_with("mmap") => {
            journal.pass(20_000);
            journal.runs(id, Outcome::Timeout, "");
        }
        "i915-selftest" if planned.name.starts_with("mock_gtt") => {
            journal.lockdep_off(LockdepCause::TableFull, "BUG: MAX_LOCKDEP_CHAINS too low!", id);
            journal.runs(id, Outcome::Pass, "");
            reboot(journal);
        }
        "kunit" => journal.ends(id, Outcome::Pass, "", |end| {
            end.subtests = (0..6).map(|i| subtest(&format!("test_{i}"), Outcome::Pass, "")).collect();
        }),
        _ => journal.runs(id, Outcome::Pass, ""),
    }
}

fn splat(journal: &mut Journal, id: &str, text: &str, finding: impl Fn(&Journal, &str) -> Finding) {
    journal.starts(id);
    let finding = finding(journal, id);
    journal.found(finding, text);
    journal.lockdep_off(LockdepCause::Splat, "WARNING: possible circular locking dependency detected", id);
    journal.finishes(id, Outcome::Pass, "", |_| ());
    reboot(journal);
}

fn reboot(journal: &mut Journal) {
    journal.boot_ends(BootEnd::Restarted { why: "lockdep was off".into() });
    journal.boot(&["DETECT_HUNG_TASK is off: a task that hangs is seen by its time limit alone"]);
}

const SLEEPING_TEXT: &str = "\
BUG: sleeping function called from invalid context at kernel/locking/mutex.c:585
in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 151, name: fencelab-case
preempt_count: 1, expected: 0
Call Trace:
 <TASK>
 __might_resched+0x19d/0x2b0
 __mutex_lock+0x5b/0xd90
 qxl_fence_wait+0x52/0x170
 </TASK>
";

/// A plain kernel bug: no annotation made it visible.
fn sleeping(journal: &Journal, id: &str) -> Finding {
    Finding {
        title: "sleeping function called from invalid context at mutex.c:585 in qxl_fence_wait".into(),
        kind: "sleeping".into(),
        signature: "sleeping|qxl_fence_wait".into(),
        rules: vec![RuleHit {
            id: "FENCE-ATOMIC-WAIT".into(),
            evidence: "in_atomic(): 1, preempt_count: 1, in qxl_fence_wait+0x52".into(),
            sentence: "a fence is waited for in atomic context".into(),
        }],
        annotation: None,
        blame: Some("qxl_fence_wait".into()),
        evidence: vec![
            "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:585".into(),
            "in_atomic(): 1, irqs_disabled(): 0, non_block: 0, pid: 151, name: fencelab-case".into(),
        ],
        file: fencelab_report::splat::file_name(journal.now(), journal.seq(), "sleeping"),
        ..reclaim_in_commit(journal, id, None, How::Caller)
    }
}
