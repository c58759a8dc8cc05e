//! Journals for tests, written event by event as the runner writes them.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its own part")]

pub mod night;
pub mod sessions;

use std::collections::BTreeMap;

use fencelab_events::event::CaseFinished;
use fencelab_events::{
    Attribution, BootEnd, CallSite, Captured, Device, DeviceKind, Entry, Event, Exit, Finding, How, Lockdep,
    Outcome, PlannedCase, RuleHit, Session, SessionEnd, Subtest, journal,
};
use fencelab_report::{Expectations, Input, View, format};

/// A journal in the making, with a clock of its own.
pub struct Journal {
    pub entries: Vec<Entry>,
    pub splats: BTreeMap<String, String>,
    at_ms: u64,
    boot: u32,
    seq: u64,
    lockdep: Lockdep,
}

impl Journal {
    /// A session on the vm bench, with a plan.
    pub fn begin(kernel: &str, cases: Vec<PlannedCase>) -> Journal {
        let mut journal = Journal {
            entries: Vec::new(),
            splats: BTreeMap::new(),
            at_ms: 1_777_605_164_000,
            boot: 0,
            seq: 400,
            lockdep: Lockdep::Armed,
        };
        journal.write(Event::SessionStarted {
            version: fencelab_events::VERSION,
            fencelab: "0.1.0".into(),
            bench: "vm".into(),
            kernel: Some(kernel.into()),
            argv: ["fencelab", "run", "smoke"].map(str::to_owned).into(),
            host: "lab-3".into(),
            host_boot_id: "e9a1b2c3-0000-4000-8000-000000000001".into(),
        });
        journal.write(Event::Planned { cases, devices: devices() });
        journal
    }

    pub fn write(&mut self, event: Event) {
        self.entries.push(Entry { at_ms: self.at_ms, event });
    }

    /// Lets time pass, in milliseconds.
    pub fn pass(&mut self, ms: u64) {
        self.at_ms += ms;
    }

    pub fn boot(&mut self, doctor: &[&str]) {
        self.boot += 1;
        self.lockdep = Lockdep::Armed;
        self.pass(4200);
        self.write(Event::BootStarted {
            boot: self.boot,
            release: "6.12.117-fencelab".into(),
            boot_id: format!("0b00000{}-0000-4000-8000-000000000002", self.boot),
            devices: devices(),
            doctor: doctor.iter().map(|line| (*line).to_owned()).collect(),
            lockdep: Lockdep::Armed,
            recorded: true,
        });
    }

    pub fn boot_ends(&mut self, end: BootEnd) {
        self.write(Event::BootEnded { boot: self.boot, end });
    }

    pub fn starts(&mut self, case: &str) {
        self.write(Event::CaseStarted {
            case: case.into(),
            attempt: 1,
            boot: self.boot,
            lockdep: self.lockdep,
        });
    }

    /// A case that runs to its end.
    pub fn runs(&mut self, case: &str, outcome: Outcome, reason: &str) {
        self.ends(case, outcome, reason, |_| ());
    }

    /// The same, with its end changed.
    pub fn ends(
        &mut self,
        case: &str,
        outcome: Outcome,
        reason: &str,
        change: impl FnOnce(&mut CaseFinished),
    ) {
        self.starts(case);
        self.finishes(case, outcome, reason, change);
    }

    /// The end of a case that has started.
    pub fn finishes(
        &mut self,
        case: &str,
        outcome: Outcome,
        reason: &str,
        change: impl FnOnce(&mut CaseFinished),
    ) {
        let took_us = 12_000 + 731 * (case.len() as u64 * 37 % 101);
        self.pass(took_us / 1000 + 3);
        let mut finished = CaseFinished {
            case: case.into(),
            attempt: 1,
            boot: self.boot,
            outcome,
            reason: reason.into(),
            pid: Some(100 + self.entries.len() as i32),
            exit: Some(Exit::Status(0)),
            at_us: self.at_ms % 100_000_000 * 1000,
            took_us,
            klog: (self.seq, self.seq + 4),
            lockdep: self.lockdep,
            coverage: None,
            subtests: Vec::new(),
            notes: Vec::new(),
            stdout: captured("checked 4 properties\n"),
            stderr: Captured::default(),
            memory_peak: Some(1 << 20),
        };
        change(&mut finished);
        self.seq += 4;
        self.write(Event::CaseFinished(Box::new(finished)));
    }

    /// A kernel report, and its text as a splat file.
    pub fn found(&mut self, finding: Finding, text: &str) {
        let text = fencelab_report::splat::render(&finding, "6.12.117-fencelab", text);
        self.splats.insert(finding.file.clone(), text);
        self.write(Event::Found(Box::new(finding)));
    }

    /// Lockdep is off from here to the end of the boot.
    pub fn lockdep_off(&mut self, cause: fencelab_events::LockdepCause, line: &str, case: &str) {
        self.lockdep = Lockdep::Off;
        self.write(Event::LockdepOff { boot: self.boot, cause, line: line.into(), case: Some(case.into()) });
    }

    pub fn end(&mut self, end: SessionEnd) {
        self.write(Event::SessionEnded { end });
    }

    /// The number of the boot that is up.
    pub fn now(&self) -> u32 {
        self.boot
    }

    /// The next kernel log record.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// As the file has it.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for entry in &self.entries {
            journal::write(&mut out, entry).expect("write to memory");
        }
        out
    }

    pub fn session(&self) -> Session {
        Session::fold(&self.entries)
    }
}

pub fn captured(text: &str) -> Captured {
    Captured { text: text.into(), total: text.len() as u64 }
}

/// `suite/name@devices`, planned.
pub fn case(suite: &str, name: &str, devices: &[&str], rules: &[&str], about: &str) -> PlannedCase {
    let at = if devices.is_empty() { String::new() } else { format!("@{}", devices.join("+")) };
    PlannedCase {
        id: format!("{suite}/{name}{at}"),
        suite: suite.into(),
        name: name.into(),
        devices: devices.iter().map(|name| (*name).to_owned()).collect(),
        limit_ms: 20_000,
        rules: rules.iter().map(|rule| (*rule).to_owned()).collect(),
        about: about.into(),
        env: vec![],
        program: None,
    }
}

pub fn devices() -> Vec<Device> {
    let device = |name: &str, kind, has_kms, has_render| Device {
        name: name.into(),
        driver: name.into(),
        kind,
        has_kms,
        has_render,
        node: None,
        render_node: None,
        bus_path: None,
    };
    vec![
        device("vkms", DeviceKind::Drm, true, false),
        device("vgem", DeviceKind::Drm, false, true),
        device("virtio-gpu", DeviceKind::Drm, true, true),
        device("bochs", DeviceKind::Drm, true, false),
        device("qxl", DeviceKind::Drm, true, false),
        device("cirrus", DeviceKind::Drm, true, false),
        device("udmabuf", DeviceKind::Udmabuf, false, false),
        device("system-heap", DeviceKind::DmaHeap, false, false),
    ]
}

/// The finding that an annotated kernel shows of a driver that allocates in its commit's tail.
pub fn reclaim_in_commit(journal: &Journal, case: &str, annotation: Option<&str>, how: How) -> Finding {
    let (seq, boot) = (journal.seq(), journal.now());
    Finding {
        boot,
        kind: "circular".into(),
        title: "possible circular locking dependency: fs_reclaim under dma_fence_map".into(),
        signature: "circular|dma_fence_map|fs_reclaim".into(),
        rules: vec![RuleHit {
            id: "SIG-RECLAIM".into(),
            evidence: "dma_fence_map -> fs_reclaim at __kmalloc_cache_noprof+0x44".into(),
            sentence: "a signalling section allocates with GFP_KERNEL: reclaim may wait for the very fence"
                .into(),
        }],
        annotation: annotation.map(str::to_owned),
        blame: Some("bochs_pipe_update".into()),
        evidence: vec![
            "kworker/u8:3/51 is trying to acquire lock: (fs_reclaim){+.+.}-{0:0}".into(),
            "but task is already holding lock: (dma_fence_map){++++}-{0:0}, at: commit_tail+0x3a".into(),
        ],
        file: fencelab_report::splat::file_name(boot, seq, "circular"),
        first_seq: seq,
        last_seq: seq + 92,
        at_us: 7_310_224,
        complete: true,
        attribution: Attribution {
            case: Some(case.into()),
            how,
            reason: match how {
                How::Caller => "the lines' caller id T151 is a thread of the case".into(),
                How::Queued => "kworker/u8:3 was in commit_work, and the last non-blocking commit on bochs before was thread 151's of the case".into(),
                How::Worker => "kworker/u8:3 was in commit_work while this case alone ran".into(),
                _ => "its lines lie in the case's part of the kernel log".into(),
            },
            thread: Some("kworker/u8:3/51".into()),
            entry: Some("commit_work".into()),
            call: (how == How::Queued).then(commit),
        },
    }
}

pub const RECLAIM_TEXT: &str = include_str!("../golden/reclaim.txt");

pub fn subtest(name: &str, outcome: Outcome, reason: &str) -> Subtest {
    Subtest { name: name.into(), outcome, reason: reason.into() }
}

/// A session's report in one format.
pub fn render(
    name: &str,
    session: &Session,
    splats: &BTreeMap<String, String>,
    lists: &Expectations,
) -> String {
    let view = View::of(&Input { session, expectations: lists, splats, dir: "results/night" });
    let mut out = Vec::new();
    (format(name).expect("a format of this name").write)(&view, &mut out).expect("write to memory");
    String::from_utf8(out).expect("UTF-8")
}

/// The call that queued the commit.
fn commit() -> CallSite {
    CallSite {
        ioctl: "DRM_IOCTL_MODE_ATOMIC".into(),
        arguments: "ioctl(5, DRM_IOCTL_MODE_ATOMIC, {flags=PAGE_FLIP_EVENT|NONBLOCK, objs=[36], count_props=[1], props=[16], prop_values=[49]}) = 0".into(),
        flags: vec!["PAGE_FLIP_EVENT".into(), "NONBLOCK".into()],
        fd: Some(5),
        device: Some("bochs card1".into()),
        tid: 151,
        entered_us: 7_309_800,
        returned_us: Some(7_310_010),
        after_us: 424,
        in_progress: false,
    }
}
