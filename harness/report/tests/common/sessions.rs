//! The golden sessions. Their journals lie in `tests/golden`, as a reader of the future will find them.

use fencelab_events::{
    Attribution, BootEnd, CallSite, Dossier, Event, Exit, Finding, How, LockdepCause, Outcome, PlannedCase,
    SessionEnd, Task,
};

use super::{Journal, RECLAIM_TEXT, captured, case, reclaim_in_commit, subtest};

/// A golden session: its name, what makes it.
pub type Golden = (&'static str, fn() -> Journal);

pub const ALL: [Golden; 5] = [
    ("clean", clean),
    ("every-verdict", every_verdict),
    ("killed", killed),
    ("annotated", annotated),
    ("hostile", hostile),
];

fn wait(device: &str) -> PlannedCase {
    case("syncobj", "wait", &[device], &["SYNC-NULL"], "a wait on no fence is refused with EINVAL")
}

fn clean() -> Journal {
    let cases = vec![
        wait("virtio-gpu"),
        wait("vkms"),
        wait("bochs"),
        case("dma-buf", "import", &["vgem", "vkms"], &["BUF-ERRNO"], "vkms takes a buffer of vgem"),
    ];
    let mut journal = Journal::begin("stock", cases);
    journal.write(Event::Note { text: "no KVM that prints: the guest runs in emulation".into() });
    journal.boot(&[]);
    journal.runs("syncobj/wait@virtio-gpu", Outcome::Pass, "");
    journal.runs("syncobj/wait@vkms", Outcome::Skip, "vkms has no syncobj (DRM_CAP_SYNCOBJ is 0)");
    journal.runs("syncobj/wait@bochs", Outcome::Skip, "bochs has no syncobj (DRM_CAP_SYNCOBJ is 0)");
    journal.runs("dma-buf/import@vgem+vkms", Outcome::Pass, "");
    journal.boot_ends(BootEnd::Done);
    journal.end(SessionEnd::Complete);
    journal
}

fn every_verdict() -> Journal {
    let names =
        ["pass", "skip", "splat", "unarmed", "fail", "parts", "crash", "timeout", "stuck", "lost", "not-run"];
    let plan = names.map(|name| case("self", name, &["vkms"], &["FENCE-TIME"], "it does what its name says"));
    let mut journal = Journal::begin("stock", plan.into());
    journal.boot(&["CONFIG_PRINTK_CALLER is off: splats are attributed by comm, pid and time alone"]);
    journal.runs("self/pass@vkms", Outcome::Pass, "");
    journal.runs("self/skip@vkms", Outcome::Skip, "vkms has no render node");
    journal.starts("self/splat@vkms");
    let finding = reclaim_in_commit(&journal, "self/splat@vkms", None, How::Caller);
    journal.found(finding, RECLAIM_TEXT);
    let line = "WARNING: possible circular locking dependency detected";
    journal.lockdep_off(LockdepCause::Splat, line, "self/splat@vkms");
    journal.finishes("self/splat@vkms", Outcome::Pass, "", |_| ());
    journal.runs("self/unarmed@vkms", Outcome::Pass, "");
    journal.boot_ends(BootEnd::Restarted { why: "lockdep was off".into() });
    journal.boot(&["CONFIG_PRINTK_CALLER is off: splats are attributed by comm, pid and time alone"]);
    journal.ends(
        "self/fail@vkms",
        Outcome::Fail,
        "errno of the wait: expected 22, found 62 (wait.rs:40)",
        |end| {
            end.stderr = captured("wait on handle 1\nioctl returned ETIME\n");
            end.notes = vec!["waited 10 ms".into()];
        },
    );
    journal.ends("self/parts@vkms", Outcome::Fail, "1 of 3 parts failed", |end| {
        end.subtests = vec![
            subtest("drm_mm/init", Outcome::Pass, ""),
            subtest("drm_mm/align32", Outcome::Fail, "expected 0, found -28"),
            subtest("drm_mm/lowest", Outcome::Skip, "needs 64 bits"),
        ];
    });
    journal.ends("self/crash@vkms", Outcome::Crash, "killed by SIGSEGV", |end| {
        end.exit = Some(Exit::Signal(11))
    });
    stuck(&mut journal, "self/timeout@vkms", Outcome::Timeout, "SIGTERM: the process ended after 12 ms");
    stuck(&mut journal, "self/stuck@vkms", Outcome::Stuck, "SIGKILL: the process is still there after 2 s");
    journal.boot_ends(BootEnd::Restarted { why: "a task could not be killed".into() });
    journal.boot(&[]);
    journal.write(Event::KlogGap { boot: 3, from: 420, lost: 17, case: None });
    journal.ends("self/lost@vkms", Outcome::Lost, "", |end| end.exit = None);
    journal.boot_ends(BootEnd::Panic { message: "Kernel panic - not syncing: Fatal exception".into() });
    journal.end(SessionEnd::Aborted { why: "the guest panicked three times in a row".into() });
    journal
}

fn stuck(journal: &mut Journal, id: &str, outcome: Outcome, step: &str) {
    let task = Task {
        pid: 151,
        tid: 152,
        comm: "fencelab-case".into(),
        state: 'D',
        wchan: "drm_atomic_helper_wait_for_fences".into(),
        syscall: "16 0x3 0xc03864bc 0x7ffc 0x0 0x0 0x0 0x7ffc 0x7f12".into(),
        stack: "dma_fence_default_wait+0x1f6/0x2b0\ndrm_atomic_helper_wait_for_fences+0x14e/0x1d0\n".into(),
    };
    let calls = vec![
        "thread 152 waits 20.001 s in ioctl(5, DRM_IOCTL_SYNCOBJ_WAIT, {handles=[3], timeout_nsec=forever}) = ?".into(),
        "-20.002 s [152] ioctl(5, DRM_IOCTL_SYNCOBJ_CREATE, {handle=3, flags=0}) = 0".into(),
    ];
    let dossier = Dossier { tasks: vec![task], ladder: vec![step.into()], calls, ..Dossier::default() };
    journal.starts(id);
    journal.pass(20_000);
    journal.write(Event::CaseStuck { case: id.into(), attempt: 1, dossier: Box::new(dossier) });
    journal.finishes(id, outcome, "", |end| end.exit = None);
}

/// The runner was killed: a case has begun, the rest has not. Its last line is torn, see [`torn`].
fn killed() -> Journal {
    let cases = ["virtio-gpu", "vkms", "bochs", "qxl"].map(wait);
    let mut journal = Journal::begin("stock", cases.into());
    journal.boot(&[]);
    journal.runs("syncobj/wait@virtio-gpu", Outcome::Pass, "");
    journal.runs("syncobj/wait@vkms", Outcome::Skip, "vkms has no syncobj (DRM_CAP_SYNCOBJ is 0)");
    journal.starts("syncobj/wait@bochs");
    journal
}

/// What a crash cut: the start of a line, without its end.
pub const TORN: &[u8] = br#"{"at_ms":1777605169000,"event":"case-fini"#;

fn annotated() -> Journal {
    let devices = ["bochs", "qxl", "cirrus", "vkms"];
    let plan = devices
        .map(|d| case("atomic", "flip", &[d], &["ATOM-SECTION"], "a flip is shown, and its event comes"));
    let mut journal = Journal::begin("annotated", plan.into());
    for (device, how) in [("bochs", How::Queued), ("qxl", How::Caller), ("cirrus", How::Window)] {
        journal.boot(&[]);
        let id = format!("atomic/flip@{device}");
        journal.starts(&id);
        let finding = reclaim_in_commit(&journal, &id, Some("06"), how);
        journal.found(finding, RECLAIM_TEXT);
        journal.lockdep_off(
            LockdepCause::Splat,
            "WARNING: possible circular locking dependency detected",
            &id,
        );
        journal.finishes(&id, Outcome::Pass, "", |_| ());
        journal.boot_ends(BootEnd::Restarted { why: "lockdep had reported".into() });
    }
    journal.boot(&[]);
    journal.runs("atomic/flip@vkms", Outcome::Pass, "");
    journal.boot_ends(BootEnd::Done);
    journal.end(SessionEnd::Complete);
    journal
}

/// Text that would break every format, were it taken as it is.
fn hostile() -> Journal {
    let nasty =
        "<b>&amp;\"'\0\x1b[31m]]>\u{202e}\u{ffff}</script><!--\r\n[[ATTACHMENT|/etc/passwd]],\u{1f4a5}";
    let mut plan = case(nasty, nasty, &[nasty], &[nasty], nasty);
    plan.id = nasty.into();
    let mut twin = plan.clone();
    twin.id = nasty.replace('\0', "\u{1}");
    let second = twin.id.clone();
    let mut journal = Journal::begin(nasty, vec![plan, twin]);
    journal.boot(&[nasty]);
    let finding = Finding {
        kind: nasty.into(),
        title: nasty.into(),
        blame: Some(nasty.into()),
        evidence: vec![nasty.into()],
        attribution: Attribution {
            case: Some(nasty.into()),
            how: How::Window,
            reason: nasty.into(),
            thread: Some(nasty.into()),
            entry: Some(nasty.into()),
            call: Some(CallSite {
                ioctl: nasty.into(),
                arguments: nasty.into(),
                flags: vec![nasty.into()],
                fd: Some(-1),
                device: Some(nasty.into()),
                tid: -1,
                entered_us: u64::MAX,
                returned_us: Some(0),
                after_us: u64::MAX,
                in_progress: false,
            }),
        },
        ..reclaim_in_commit(&journal, nasty, Some(nasty), How::Window)
    };
    journal.found(finding, nasty);
    journal.ends(nasty, Outcome::Fail, nasty, |end| {
        end.stdout = captured(nasty);
        end.stderr = captured(nasty);
        end.notes = vec![nasty.into()];
        end.subtests = vec![subtest(nasty, Outcome::Fail, nasty), subtest(nasty, Outcome::Pass, nasty)];
    });
    journal.runs(&second, Outcome::Skip, nasty);
    journal.end(SessionEnd::Aborted { why: nasty.into() });
    journal
}
