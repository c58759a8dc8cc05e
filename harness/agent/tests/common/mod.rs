//! What the tests of a running agent share.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use fencelab_bench::protocol::{Exec, Exit, Finished, FromAgent, Run, Started, ToAgent};
use fencelab_bench::{Bench, Down, Incoming, Machine, Order, Program};

/// Long enough for a loaded machine; waited for only by a test that fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(240);

/// The agent's executable.
pub(crate) fn agent() -> Program {
    Program::new(env!("CARGO_BIN_EXE_fencelab-agent"))
}

/// The agent with the mock cases of tests/cases.sh.
pub(crate) fn agent_with_mocks() -> Program {
    agent().arg("--case-program").arg(mocks())
}

fn mocks() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases.sh")
}

/// A machine and all that it says.
pub(crate) struct Talk {
    pub(crate) machine: Box<dyn Machine>,
    pub(crate) incoming: Receiver<Incoming>,
    pub(crate) klog: Vec<String>,
    pub(crate) console: Vec<String>,
    pub(crate) trace: String,
    pub(crate) down: Option<Down>,
    next: u64,
}

/// What was heard of one case.
pub(crate) struct Ran {
    pub(crate) started: Started,
    pub(crate) finished: Finished,
    pub(crate) others: Vec<FromAgent>,
}

impl Talk {
    pub(crate) fn up(bench: &mut dyn Bench) -> (Talk, Vec<String>) {
        Talk::ordered(bench, &Order::default())
    }

    /// A machine whose cases are recorded into this folder.
    pub(crate) fn recorded(bench: &mut dyn Bench, folder: &Path) -> Talk {
        Talk::ordered(bench, &Order { record: Some(folder.into()), ..Order::default() }).0
    }

    fn ordered(bench: &mut dyn Bench, order: &Order) -> (Talk, Vec<String>) {
        let (sender, incoming) = mpsc::channel();
        let mut notes = Vec::new();
        let machine =
            bench.up(order, sender, &mut |note| notes.push(note)).unwrap_or_else(|e| panic!("failed to {e}"));
        let talk = Talk {
            machine,
            incoming,
            klog: Vec::new(),
            console: Vec::new(),
            trace: String::new(),
            down: None,
            next: 0,
        };
        (talk, notes)
    }

    /// The next message of the agent but its pulse; none when the machine is down.
    pub(crate) fn hear(&mut self) -> Option<FromAgent> {
        while self.down.is_none() {
            match self.incoming.recv_timeout(LIMIT).expect("nothing for too long") {
                Incoming::Agent(FromAgent::Alive) => {}
                Incoming::Agent(message) => return Some(message),
                Incoming::Klog(record) => self.klog.push(String::from_utf8_lossy(&record).into_owned()),
                Incoming::Console(line) => self.console.push(String::from_utf8_lossy(&line).into_owned()),
                Incoming::Trace(text) => self.trace.push_str(&String::from_utf8_lossy(&text)),
                Incoming::Down(down) => self.down = Some(down),
            }
        }
        None
    }

    pub(crate) fn send(&mut self, message: &ToAgent) {
        self.machine.send(message).expect("the machine is up");
    }

    pub(crate) fn begin(&mut self, name: &str, devices: &[&str], limit: Duration) -> u64 {
        self.next += 1;
        let (suite, case) = name.split_once('/').unwrap_or(("mock", name));
        let run = Run {
            id: self.next,
            case: format!("{suite}/{case}@{}", devices.join("+")),
            suite: suite.into(),
            name: case.into(),
            devices: devices.iter().map(|d| (*d).to_owned()).collect(),
            limit_ms: u64::try_from(limit.as_millis()).unwrap(),
            coverage: true,
            env: Vec::new(),
            program: None,
        };
        self.send(&ToAgent::Run(run));
        self.next
    }

    /// Hears a case to its end.
    pub(crate) fn end(&mut self, id: u64) -> Ran {
        let (mut started, mut others) = (None, Vec::new());
        loop {
            match self.hear().unwrap_or_else(|| panic!("down: {:?}, {:#?}", self.down, self.console)) {
                FromAgent::Started(s) if s.id == id => started = Some(s),
                FromAgent::Finished(f) if f.id == id => {
                    let started = started.expect("a case starts before it ends");
                    return Ran { started, finished: *f, others };
                }
                other => others.push(other),
            }
        }
    }

    /// Runs a case with a generous limit.
    pub(crate) fn run(&mut self, name: &str) -> Ran {
        let id = self.begin(name, &[], LIMIT);
        self.end(id)
    }

    /// Runs a command; its output, its errors, its end.
    pub(crate) fn exec(&mut self, script: &str, input: &[u8]) -> (Vec<u8>, Vec<u8>, Result<Exit, String>) {
        let argv = vec!["sh".to_owned(), "-c".into(), script.into()];
        self.send(&ToAgent::Exec(Exec { argv, env: vec![("A".into(), "b c".into())], cwd: "/usr".into() }));
        for data in [input, &[]] {
            self.send(&ToAgent::Input { data: data.to_vec() });
        }
        self.command_end()
    }

    pub(crate) fn command_end(&mut self) -> (Vec<u8>, Vec<u8>, Result<Exit, String>) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        loop {
            match self.hear().expect("the machine stays up") {
                FromAgent::Output { fd: 1, data } => out.extend(data),
                FromAgent::Output { data, .. } => err.extend(data),
                FromAgent::Exited { exit } => return (out, err, Ok(exit)),
                FromAgent::ExecFailed { error } => return (out, err, Err(error)),
                _ => {}
            }
        }
    }

    /// Hears the machine to its end.
    pub(crate) fn until_down(mut self) -> (Down, Talk) {
        while self.hear().is_some() {}
        (self.down.clone().expect("the end is told"), self)
    }
}
