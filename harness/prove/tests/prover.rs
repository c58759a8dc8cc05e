//! The prover on made-up machines: each plays the kernel log that its planted lines call for.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::mpsc::Sender;

use fencelab_bench::protocol::{
    self, Captured, Device, Exit, Finished, FromAgent, Hello, Lockdep, Outcome, Run, Started, ToAgent,
};
use fencelab_bench::{Bench, Down, Error, Incoming, Machine, Order};
use fencelab_events::PlannedCase;
use fencelab_prove::{About, Made, Prover, Site, Task, Watcher};
use fencelab_rules::{Expected, Judgement, Knob, Proofs, Subject};
use fencelab_runner::{Evidence, Options, Stop};

const CASE: &str = "submit/tour@amdgpu-twin";

/// A real report, of thread 51: an allocation inside a signalling section.
const LOG: &str = include_str!("../../klog/tests/fixtures/reclaim-kmsg.log");
const TID: i32 = 51;
const FIRST: u64 = 268;

const KNOBS: &str = "\
seen\tamdgpu\tSIG-RECLAIM\t08\tcircular\tcs\tis seen
blind\tamdgpu\tSIG-RECLAIM\t08\tcircular\tcs\tis not seen
other-rule\tamdgpu\tSIG-RESV\t12\tcircular\tcs\tis taken for another
";

/// Machines whose kernel reports something when one of `loud` is planted.
struct Mock {
    loud: Vec<&'static str>,
    knobs: &'static str,
}

struct Actor {
    hello: Hello,
    incoming: Sender<Incoming>,
    loud: Vec<&'static str>,
    knobs: &'static str,
    planted: Vec<String>,
    seq: u64,
}

impl Bench for Mock {
    fn name(&self) -> &str {
        "mock"
    }

    fn devices(&self) -> Result<Vec<Device>, Error> {
        Ok(vec![])
    }

    fn can_reboot(&self) -> bool {
        true
    }

    fn up(
        &mut self,
        _: &Order,
        incoming: Sender<Incoming>,
        _: &mut dyn FnMut(String),
    ) -> Result<Box<dyn Machine>, Error> {
        let hello = Hello {
            version: protocol::VERSION,
            release: "6.12.117-fencelab".into(),
            boot_id: "boot".into(),
            devices: vec![],
            doctor: vec![],
            lockdep: Lockdep::Armed,
            recorded: false,
            monotonic_us: 0,
            realtime_us: 0,
        };
        let (loud, knobs) = (self.loud.clone(), self.knobs);
        Ok(Box::new(Actor { hello, incoming, loud, knobs, planted: vec![], seq: FIRST }))
    }
}

impl Actor {
    fn say(&self, message: FromAgent) {
        let _ = self.incoming.send(Incoming::Agent(message));
    }

    /// As the script that plants does it: lists, then arms its arguments, the last of which may be unknown.
    fn plant(&mut self, argv: &[String]) {
        self.planted = argv[4..].to_vec();
        let name = |line: &String| line.split('=').next().unwrap_or_default().to_owned();
        let known =
            |line: &String| self.knobs.lines().any(|knob| knob.starts_with(&format!("{}\t", name(line))));
        self.say(FromAgent::Output { fd: 1, data: self.knobs.as_bytes().to_vec() });
        match self.planted.iter().find(|line| !known(line)) {
            Some(line) => {
                self.say(FromAgent::Output {
                    fd: 2,
                    data: format!("the module refuses {line}\n").into_bytes(),
                });
                self.say(FromAgent::Exited { exit: Exit::Status(12) });
            }
            None => self.say(FromAgent::Exited { exit: Exit::Status(0) }),
        }
    }

    fn run(&mut self, run: &Run) {
        let started = Started { id: run.id, pid: TID, at_us: 0, klog: self.seq, log_clock: None };
        self.say(FromAgent::Started(started));
        if self.planted.iter().any(|line| self.loud.contains(&line.as_str())) {
            for record in LOG.lines() {
                let _ = self.incoming.send(Incoming::Klog(format!("{record}\n").into_bytes()));
                self.seq += 1;
            }
        }
        self.say(FromAgent::Finished(Box::new(Finished {
            id: run.id,
            outcome: Outcome::Pass,
            reason: String::new(),
            exit: Some(Exit::Status(0)),
            at_us: 0,
            took_us: 10,
            klog: self.seq,
            stdout: Captured::default(),
            stderr: Captured::default(),
            memory_peak: None,
        })));
    }
}

impl Machine for Actor {
    fn hello(&self) -> &Hello {
        &self.hello
    }

    fn send(&mut self, message: &ToAgent) -> Result<(), Error> {
        match message {
            ToAgent::Exec(exec) => self.plant(&exec.argv),
            ToAgent::Run(run) => self.run(run),
            ToAgent::Lockdep => self.say(FromAgent::Lockdep(Lockdep::Armed)),
            _ => {}
        }
        Ok(())
    }

    fn down(self: Box<Self>) -> Down {
        let _ = self.incoming.send(Incoming::Down(Down::Clean));
        Down::Clean
    }
}

#[derive(Default)]
struct Seen(Vec<String>, Option<Stop>);

impl Watcher for Seen {
    fn began(&mut self, _: &Task) {}

    fn ended(&mut self, task: &Task, _: &Proofs) {
        self.0.push(task.folder());
        if let Some(stop) = &self.1 {
            stop.press();
        }
    }
}

fn expected() -> Vec<Expected> {
    let knobs = Knob::parse_list(KNOBS).unwrap();
    let one = |knob: Knob| Expected {
        name: knob.name.clone(),
        subject: Subject::Knob(knob),
        kernel: "stock".into(),
        case: CASE.into(),
    };
    knobs.into_iter().map(one).collect()
}

/// Proves all of [`KNOBS`] on machines that are loud for these lines.
fn prove(
    loud: &[&'static str],
    listed: &'static str,
    stop: bool,
) -> (Proofs, Vec<String>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let loud = loud.to_vec();
    let make = move |_: &Task| -> Result<Made, String> {
        let case = PlannedCase {
            id: CASE.into(),
            suite: "submit".into(),
            name: "tour".into(),
            devices: vec!["amdgpu-twin".into()],
            limit_ms: 1000,
            rules: vec![],
            about: String::new(),
            env: vec![],
            program: None,
        };
        let bench = Box::new(Mock { loud: loud.clone(), knobs: listed });
        Ok(Made { bench, annotated: false, devices: vec![], cases: vec![case] })
    };
    let options = Options {
        annotated: false,
        boot_tries: 1,
        record: false,
        coverage: fencelab_runner::CoveragePolicy::Never,
        evidence: Evidence {
            splat_name: |boot, seq, kind| format!("splats/{boot}-{seq}-{kind}.txt"),
            splat_text: |_, _, text| text.to_owned(),
            dossier_name: |_, attempt| format!("dossiers/{attempt}.txt"),
            dossier_text: |_| String::new(),
        },
    };
    let about = About { fencelab: "test".into(), bench: "mock".into(), argv: vec![], host: "here".into() };
    let site = Site { folder: dir.path().into(), about, options, stop: Stop::default() };
    let mut watcher = Seen(vec![], stop.then(|| site.stop.clone()));
    let knobs = Knob::parse_list(KNOBS).unwrap();
    let jobs = if stop { 1 } else { 2 };
    let prover = Prover { site, expected: expected(), knobs, jobs, make: &make };
    let mut proofs = Proofs::default();
    prover.run(&mut proofs, &mut watcher).unwrap();
    (proofs, watcher.0, dir)
}

#[test]
fn what_is_planted_is_judged_by_what_its_own_machine_said() {
    let (proofs, ended, dir) = prove(&["seen", "other-rule"], KNOBS, false);
    let judgements: Vec<_> =
        proofs.proofs.iter().map(|proof| (proof.name.as_str(), proof.judgement)).collect();
    let (attributed, missed, wrong) = (Judgement::Attributed, Judgement::Missed, Judgement::WrongRule);
    assert_eq!(judgements, [("seen", attributed), ("blind", missed), ("other-rule", wrong)]);
    assert!(proofs.complete && !proofs.is_good());
    assert!(proofs.controls.iter().all(|control| control.silent), "{:?}", proofs.controls);
    assert_eq!(ended.len(), 4);
    let seen = proofs.proofs[0].seen.as_ref().unwrap();
    assert!(dir.path().join(&seen.file).exists(), "{}", seen.file);
    assert_eq!((seen.how.as_str(), seen.thread.as_deref()), ("caller id", Some("bash/51")));
    let kept = std::fs::read_to_string(dir.path().join("proofs.json")).unwrap();
    assert_eq!(Proofs::from_json(&kept).unwrap(), proofs);
}

#[test]
fn a_noisy_control_is_a_false_report() {
    let (proofs, ..) = prove(&["seen", "seen=control"], KNOBS, false);
    let control = &proofs.controls[0];
    assert_eq!((control.silent, control.false_reports), (false, 1));
    assert_eq!(proofs.of_row(8).falsely, 1);
}

#[test]
fn a_module_with_other_knobs_is_told() {
    let more: &'static str =
        Box::leak(format!("{KNOBS}new\ti915\tSIG-RESV\t-\tcircular\texec\tis new\n").into());
    let (proofs, ..) = prove(&["seen"], more, false);
    let told = proofs.controls.iter().find(|control| control.case == "the list of knobs").unwrap();
    assert!(told.why.contains("`new`"), "{}", told.why);
}

#[test]
fn a_knob_that_the_module_refuses_was_not_run() {
    let (first, _) = KNOBS.split_once('\n').unwrap();
    let (proofs, ..) = prove(&["seen"], first, false);
    assert_eq!(proofs.proofs[0].judgement, Judgement::Attributed);
    assert_eq!(proofs.proofs[1].judgement, Judgement::NotRun);
    assert!(proofs.proofs[1].why.contains("the module refuses blind"), "{}", proofs.proofs[1].why);
    assert!(proofs.controls.iter().any(|control| !control.silent));
}

#[test]
fn a_run_that_is_stopped_keeps_what_it_had_and_says_what_it_had_not() {
    let (proofs, ended, dir) = prove(&["seen"], KNOBS, true);
    assert_eq!(ended, ["stock/controls"]);
    assert!(!proofs.complete);
    assert!(proofs.proofs.iter().all(|proof| proof.judgement == Judgement::NotRun));
    assert_eq!(proofs.proofs.len(), 3);
    assert!(dir.path().join("proofs.json").exists());
}
