//! A scenario as a whole.

use serde::Deserialize;

use super::check;
use super::duration::Duration;
use super::expect::Expect;
use super::name::{Name, Names};
use super::object::Object;
use super::step::Step;

/// The steps of a process's threads.
pub type Process = Names<Vec<Step>>;

/// A scenario.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// One sentence: what it shows.
    pub about: String,
    /// What it must come to.
    pub expect: Expect,
    /// When nobody has gone on for so long, and nobody sleeps or works, its watchdog signals what it can and ends everybody.
    #[serde(default = "limit")]
    pub limit: Duration,
    /// What there is. An object that no operation creates is there from the start, in every process that uses it.
    #[serde(default)]
    pub objects: Names<Object>,
    /// Who does what.
    pub processes: Names<Process>,
}

/// No call that is not stuck takes so long, on an emulated machine beside other work too.
const fn limit() -> Duration {
    Duration::ms(3000)
}

/// Where a step is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// Its process.
    pub process: Name,
    /// Its thread.
    pub thread: Name,
    /// Its index in the thread.
    pub index: usize,
}

impl Scenario {
    /// The limit of a scenario that does not name one.
    pub const LIMIT: Duration = limit();

    /// All steps, thread by thread.
    pub fn steps(&self) -> impl Iterator<Item = (Place, &Step)> {
        self.processes.iter().flat_map(|(process, threads)| {
            threads.iter().flat_map(move |(thread, steps)| {
                steps.iter().enumerate().map(move |(index, step)| {
                    (Place { process: process.clone(), thread: thread.clone(), index }, step)
                })
            })
        })
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.processes.values().flat_map(Process::values).map(Vec::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long it means to take: the last moment that a step waits for, its sleeps and its jobs.
    pub fn rests(&self) -> Duration {
        let at = self.steps().filter_map(|(_, step)| step.at).map(|at| at.0).max().unwrap_or(0);
        let rests = self.steps().map(|(_, step)| match &step.op {
            super::op::Op::Sleep(time) => time.0,
            super::op::Op::Submit(job) => job.lasts.0,
            _ => 0,
        });
        Duration(rests.fold(at, u64::saturating_add))
    }

    /// Checks that it can be run.
    ///
    /// # Errors
    /// What cannot, in words.
    pub fn check(&self) -> Result<(), String> {
        check::whole(self)
    }

    /// Whether an operation creates the object.
    pub fn creates(&self, object: &Name) -> bool {
        self.processes.values().any(|process| check::created(process, object))
    }

    /// The processes that use an object.
    pub fn users(&self, object: &Name) -> Vec<&Name> {
        let uses = |process: &Process| {
            process.values().flatten().any(|step| step.op.targets().iter().any(|t| t.object == *object))
        };
        self.processes.iter().filter(|(_, process)| uses(process)).map(|(name, _)| name).collect()
    }

    /// The DRM devices, heaps and the like that it needs, each once.
    pub fn devices(&self) -> Vec<&str> {
        let primed = self.steps().filter_map(|(_, step)| match &step.op {
            super::op::Op::Prime(prime) => Some(prime.device.as_str()),
            _ => None,
        });
        let mut devices: Vec<&str> =
            self.objects.values().map(|object| object.device.as_str()).chain(primed).collect();
        devices.retain(|device| !device.is_empty() && *device != "software");
        devices.sort_unstable();
        devices.dedup();
        devices
    }
}

impl Scenario {
    /// Whether the launcher makes an object before the processes start: where several have it and none creates it, and a
    /// timeline also where commits may wait for it, so that the watchdog can let them go.
    pub fn is_the_launchers(&self, object: &Name) -> bool {
        let Some(declared) = self.objects.get(object) else { return false };
        let commits = || self.steps().any(|(_, step)| matches!(step.op, super::op::Op::Commit(_)));
        let one = declared.is_a_thread();
        declared.kind.is_created()
            && !one
            && !self.creates(object)
            && (self.users(object).len() > 1 || declared.kind == super::object::Kind::Timeline && commits())
    }
}
