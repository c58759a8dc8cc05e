//! A bench that plays a script: what each case does to its machine, by the case's name.

use std::collections::HashMap;
use std::sync::mpsc::Sender;

use fencelab_bench::protocol::{
    self, Captured, Exit, Finished, FromAgent, Hello, Lockdep, Outcome, Run, Started, ToAgent,
};
use fencelab_bench::{Bench, Down, Error, Incoming, Machine, Order};
use fencelab_events::{Event, PlannedCase, Session};
use fencelab_runner::{CoveragePolicy, Evidence, Folder, Journal, Observer, Options, Runner, Stop, Sync};

/// What a case does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Act {
    /// Kernel log lines, printed by the case's own thread, before it ends.
    pub(crate) log: Vec<&'static str>,
    /// Sequence numbers that the log loses before those lines.
    pub(crate) lose: u64,
    /// The machine goes down under the case.
    pub(crate) down: Option<Down>,
    /// What the console says before that.
    pub(crate) console: Vec<&'static str>,
    /// How the case ends, if it does.
    pub(crate) outcome: Option<Outcome>,
    /// How often the machine goes down before the agent has begun the case.
    pub(crate) gone_before: usize,
    /// The log's last records, as many as this, never arrive.
    pub(crate) unheard: u64,
    /// The user stops the run while it runs.
    pub(crate) stop: bool,
    /// Lockdep goes off, the first time it runs, and no log line says so.
    pub(crate) quietly_off: bool,
    /// Locks that it takes inside a signalling section.
    pub(crate) in_section: Vec<&'static str>,
    /// Of a module that it unloads: locks that its tests took inside a section.
    pub(crate) in_module: Vec<&'static str>,
}

/// A bench of such machines.
pub(crate) struct Script {
    pub(crate) acts: HashMap<&'static str, Act>,
    pub(crate) can_reboot: bool,
    pub(crate) boots: u32,
    /// What reading lockdep's graph takes; none where it cannot be read.
    pub(crate) reading_us: Option<u64>,
    /// The boots that fail, counted from 1.
    pub(crate) failing: Vec<u32>,
    pub(crate) stop: Stop,
    /// The boot during which the user stops the run.
    pub(crate) stopped_boot: u32,
    /// The machines are emulated.
    pub(crate) emulated: bool,
    /// What each kernel says before the first case.
    pub(crate) boot_log: Vec<&'static str>,
    /// The names of all cases that ran, in order.
    pub(crate) ran: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
}

impl Script {
    pub(crate) fn new(acts: impl IntoIterator<Item = (&'static str, Act)>) -> Script {
        Script {
            acts: acts.into_iter().collect(),
            can_reboot: true,
            boots: 0,
            reading_us: Some(5),
            failing: vec![],
            stop: Stop::default(),
            stopped_boot: 0,
            emulated: false,
            boot_log: vec![],
            ran: Default::default(),
        }
    }
}

impl Bench for Script {
    fn name(&self) -> &str {
        "script"
    }

    fn devices(&self) -> Result<Vec<protocol::Device>, Error> {
        Ok(vec![])
    }

    fn can_reboot(&self) -> bool {
        self.can_reboot
    }

    fn is_emulated(&self) -> bool {
        self.emulated
    }

    fn up(
        &mut self,
        order: &Order,
        incoming: Sender<Incoming>,
        _: &mut dyn FnMut(String),
    ) -> Result<Box<dyn Machine>, Error> {
        self.boots += 1;
        if self.stopped_boot == self.boots {
            self.stop.press();
        }
        if (order.stop)() {
            return Err(Error::Stopped);
        }
        if self.failing.contains(&self.boots) {
            return Err(Error::NoDrm);
        }
        let hello = Hello {
            version: protocol::VERSION,
            release: "6.12.117-fencelab".into(),
            boot_id: format!("boot-{}", self.boots),
            devices: vec![],
            doctor: vec![],
            lockdep: Lockdep::Armed,
            recorded: false,
            monotonic_us: 0,
            realtime_us: 0,
        };
        let (acts, stop, ran) = (self.acts.clone(), self.stop.clone(), self.ran.clone());
        let mut actor = Actor {
            hello,
            incoming,
            acts,
            stop,
            ran,
            seq: 1,
            pid: 100,
            lockdep: Lockdep::Armed,
            gone: false,
            in_section: vec![],
            reading_us: self.reading_us,
        };
        self.boot_log.iter().for_each(|line| actor.log(line));
        Ok(Box::new(actor))
    }
}

struct Actor {
    hello: Hello,
    incoming: Sender<Incoming>,
    acts: HashMap<&'static str, Act>,
    stop: Stop,
    ran: std::sync::Arc<std::sync::Mutex<Vec<String>>>,
    seq: u64,
    pid: i32,
    lockdep: Lockdep,
    gone: bool,
    in_section: Vec<&'static str>,
    reading_us: Option<u64>,
}

impl Actor {
    /// Tells what lockdep has: what is there now, and these.
    fn tell_contract(&self, more: &[&str]) {
        let Some(took_us) = self.reading_us else {
            return self
                .agent(FromAgent::NoContract { why: "read /proc/lockdep: it is root's alone".into() });
        };
        let mut text = "all lock classes:\n1 FD: 1 BD: 1 ++++: dma_fence_map\n".to_owned();
        self.in_section.iter().chain(more).for_each(|lock| text.push_str(&format!(" -> [2] {lock}\n")));
        text.push_str("\n3 FD: 1 BD: 1 ++++: fs_reclaim\n -> [1] dma_fence_map\n");
        self.agent(FromAgent::Contract { text, took_us });
    }

    fn say(&self, incoming: Incoming) {
        let _ = self.incoming.send(incoming);
    }

    fn agent(&self, message: FromAgent) {
        self.say(Incoming::Agent(message));
    }

    fn log(&mut self, text: &str) {
        let (seq, pid) = (self.seq, self.pid);
        self.say(Incoming::Klog(format!("4,{seq},{},-,caller=T{pid};{text}\n", seq * 1000).into_bytes()));
        self.seq += 1;
        if text.contains("WARNING: possible") {
            self.lockdep = Lockdep::Off;
        }
    }

    fn play(&mut self, run: &Run) {
        self.ran.lock().unwrap().push(run.case.clone());
        let act = self.acts.get(run.name.as_str()).cloned().unwrap_or_default();
        let times = self.ran.lock().unwrap().iter().filter(|case| **case == run.case).count();
        if times <= act.gone_before {
            self.gone = true;
            self.say(Incoming::Down(Down::Silent { after_ms: 1 }));
            return;
        }
        if act.quietly_off && times == 1 {
            self.lockdep = Lockdep::Off;
        }
        self.pid += 1;
        self.agent(FromAgent::Started(Started {
            id: run.id,
            pid: self.pid,
            at_us: 0,
            klog: self.seq,
            log_clock: None,
        }));
        if act.stop {
            self.stop.press();
            return;
        }
        self.seq += act.lose;
        self.in_section.extend(&act.in_section);
        if run.coverage && !act.in_module.is_empty() {
            self.tell_contract(&act.in_module);
        }
        act.log.iter().for_each(|line| self.log(line));
        act.console.iter().for_each(|line| self.say(Incoming::Console(line.as_bytes().to_vec())));
        self.seq += act.unheard;
        match act.down {
            Some(down) => {
                self.gone = true;
                self.say(Incoming::Down(down));
            }
            None => self.finish(run.id, act.outcome.unwrap_or(Outcome::Pass)),
        }
    }

    fn finish(&self, id: u64, outcome: Outcome) {
        self.agent(FromAgent::Finished(Box::new(Finished {
            id,
            outcome,
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
            ToAgent::Run(run) => self.play(run),
            ToAgent::Cancel => self.finish(1, Outcome::Cancelled),
            ToAgent::Contract => self.tell_contract(&[]),
            ToAgent::Lockdep => self.agent(FromAgent::Lockdep(self.lockdep)),
            _ => {}
        }
        Ok(())
    }

    fn down(self: Box<Self>) -> Down {
        if !self.gone {
            self.say(Incoming::Down(Down::Clean));
        }
        Down::Clean
    }
}

/// An observer that keeps the names of the events.
#[derive(Default)]
pub(crate) struct Silent;

impl Observer for Silent {
    fn booting(&mut self, _: u32) {}
    fn event(&mut self, _: &Event, _: &Session) {}
    fn tick(&mut self, _: &Session) {}
}

pub(crate) fn case(name: &str) -> PlannedCase {
    PlannedCase {
        id: format!("suite/{name}"),
        suite: "suite".into(),
        name: name.into(),
        devices: vec![],
        limit_ms: 1000,
        rules: vec![],
        about: String::new(),
        env: vec![],
        program: None,
    }
}

pub(crate) fn options() -> Options {
    Options {
        annotated: false,
        boot_tries: 3,
        record: true,
        coverage: CoveragePolicy::Auto,
        evidence: Evidence {
            splat_name: |boot, seq, kind| format!("splats/{boot}-{seq}-{kind}.txt"),
            splat_text: |_, _, text| text.to_owned(),
            dossier_name: |_, attempt| format!("dossiers/{attempt}.txt"),
            dossier_text: |dossier| dossier.ladder.join("\n"),
        },
    }
}

/// A journal in `folder` that plans these cases.
pub(crate) fn planned(folder: &Folder, names: &[&str]) -> Journal {
    planned_cases(folder, names.iter().map(|name| case(name)).collect())
}

/// A journal in `folder` that plans these cases.
pub(crate) fn planned_cases(folder: &Folder, cases: Vec<PlannedCase>) -> Journal {
    let mut journal = Journal::create(folder, Sync::EachCase).unwrap();
    journal
        .write(Event::SessionStarted {
            version: fencelab_events::VERSION,
            fencelab: "test".into(),
            bench: "script".into(),
            kernel: None,
            argv: vec![],
            host: "here".into(),
            host_boot_id: "x".into(),
        })
        .unwrap();
    journal.write(Event::Planned { cases, devices: vec![] }).unwrap();
    journal
}

/// Runs these cases by this script.
pub(crate) fn play(
    script: &mut Script,
    folder: &Folder,
    names: &[&str],
) -> Result<Session, fencelab_runner::Error> {
    let journal = planned(folder, names);
    go_on(script, folder, journal)
}

/// Runs what the journal still plans.
pub(crate) fn go_on(
    script: &mut Script,
    folder: &Folder,
    journal: Journal,
) -> Result<Session, fencelab_runner::Error> {
    side_by_side(&mut [script], folder, journal)
}

/// Runs what the journal still plans on these machines.
pub(crate) fn side_by_side(
    scripts: &mut [&mut Script],
    folder: &Folder,
    journal: Journal,
) -> Result<Session, fencelab_runner::Error> {
    let stop = scripts[0].stop.clone();
    let mut silent = Silent;
    let benches = scripts.iter_mut().map(|script| &mut **script as &mut dyn Bench);
    let runner = Runner::new(benches, folder.clone(), journal, &mut silent, stop, options());
    runner.run().map(|journal| journal.session().clone())
}
