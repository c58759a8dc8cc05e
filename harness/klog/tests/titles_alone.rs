//! Logs of which only the first line of each report is left: titles without gaps, and nothing is folded.

mod common;

use common::{reports, written};
use fencelab_klog::group::Groups;
use fencelab_klog::signature::is_unknown;

#[test]
fn two_reports_without_their_bodies_are_two_bugs() {
    for line in [
        "WARNING: possible circular locking dependency detected",
        "WARNING: possible recursive locking detected",
        "WARNING: inconsistent lock state",
        "INFO: task kworker/0:1:7 blocked for more than 20 seconds.",
        "BUG: sleeping function called from invalid context at kernel/locking/mutex.c:12",
        "BUG: scheduling while atomic: cat/812/0x00000002",
        "BUG: kernel NULL pointer dereference, address: 0000000000000010",
        "watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [cat:812]",
    ] {
        let log = format!("[    1.000000] {line}\n[  900.000000] {line}\n");
        let found = reports(log.as_bytes());
        assert_eq!(found.len(), 2, "{line}");
        assert!(is_unknown(&found[0].signature), "{line}: {}", found[0].signature);
        let mut groups = Groups::default();
        found.iter().for_each(|report| groups.add("log", report));
        let bugs = groups.into_bugs();
        assert_eq!(bugs.iter().map(|bug| bug.count).collect::<Vec<_>>(), [1, 1], "{line}");
    }
    let circular = &reports(b"WARNING: possible circular locking dependency detected\n")[0];
    assert_eq!(circular.title, "possible circular locking");
    assert_eq!(circular.signature, "k3:circular:unknown (no lock acquired, no lock held)");
    let hung = &reports(b"INFO: task cat:7 blocked for more than 20 seconds.\n")[0];
    assert_eq!(hung.signature, "k3:hung-task:unknown (no backtrace)");
}

#[test]
fn a_report_of_one_line_is_known_by_its_line() {
    let line = "amdgpu 0000:03:00.0: amdgpu: ring gfx_0.0.0 timeout, signaled seq=12, emitted seq=14";
    let found = reports(format!("[    1.000000] {line}\n[  900.000000] {line}\n").as_bytes());
    let mut groups = Groups::default();
    found.iter().for_each(|report| groups.add("log", report));
    assert_eq!(groups.into_bugs().iter().map(|bug| bug.count).collect::<Vec<_>>(), [2]);
    assert!(!found[0].signature.ends_with([' ', '@']), "{}", found[0].signature);
}

#[test]
fn no_title_and_no_signature_has_a_gap() {
    let mut seen = 0;
    for written in ["lockdep", "others"].into_iter().flat_map(written) {
        let lines: Vec<&str> = written.text.lines().collect();
        for keep in 1..=lines.len() {
            for report in reports((lines[..keep].join("\n") + "\n").as_bytes()) {
                let (title, signature) = (report.title.trim_end(), &report.signature);
                let body = signature.splitn(3, ':').nth(2).expect("a signature has a body");
                let gap = |text: &str| {
                    text.is_empty()
                        || text.starts_with(['@', '<', '>', ' '])
                        || text.ends_with([' ', '@', '<', '>'])
                        || ["  ", "> >", "@ <"].iter().any(|gap| text.contains(gap))
                };
                assert!(!gap(body), "{} cut to {keep}: {signature:?}", written.name);
                assert!(!title.ends_with("-->") && !title.contains(":  -->"), "{}: {title:?}", written.name);
                seen += 1;
            }
        }
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn a_hang_is_the_same_whoever_hung() {
    for line in [
        "i915 0000:00:02.0: [drm] GPU HANG: ecode 12:1:85dffffb, in COMM [PID]",
        "xe 0000:03:00.0: [drm] GT0: Timedout job: seqno=4294967169, lrc_seqno=4294967169, guc_id=2, flags=0x0 in COMM [PID]",
        "amdgpu 0000:0b:00.0: amdgpu: ring gfx timeout, signaled seq=1, emitted seq=2, process COMM pid PID thread COMM:cs0 pid 9",
    ] {
        let of = |comm: &str, pid: &str| {
            let mut found =
                reports(format!("{}\n", line.replace("COMM", comm).replace("PID", pid)).as_bytes());
            assert_eq!(found.len(), 1, "{line}");
            found.remove(0)
        };
        let (one, other) = (of("glxgears", "501"), of("Web Content", "77"));
        let task = other.task.as_ref().map(|task| (task.comm.as_str(), task.pid));
        assert_eq!(task, Some(("Web Content", 77)), "{line}");
        assert!(
            !line.contains(" in COMM") || one.signature == other.signature,
            "{}\n{}",
            one.signature,
            other.signature
        );
    }
}
