//! The prover: boots several machines at a time, and judges what comes of them.

use std::collections::VecDeque;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use fencelab_bench::Bench;
use fencelab_events::{Device, PlannedCase};
use fencelab_rules::{Control, Expected, Knob, Proof, Proofs, judge, judge_controls};

use crate::error::Error;
use crate::planted::Planted;
use crate::session::Site;
use crate::task::Task;

/// A bench for a task, not yet up.
pub struct Made {
    /// The bench.
    pub bench: Box<dyn Bench>,
    /// Its kernel carries the series' annotations.
    pub annotated: bool,
    /// Its devices.
    pub devices: Vec<Device>,
    /// Every case that the devices allow.
    pub cases: Vec<PlannedCase>,
}

/// Makes a bench for a task; called on several threads at a time. The error is a reason in words.
pub type Make<'a> = dyn Fn(&Task) -> Result<Made, String> + Sync + 'a;

/// Sees a proof as it goes.
pub trait Watcher {
    /// A boot began.
    fn began(&mut self, task: &Task);

    /// A boot ended; `proofs` holds what came of it.
    fn ended(&mut self, task: &Task, proofs: &Proofs);
}

/// All that is to be proven.
pub struct Prover<'a> {
    /// Where, and how.
    pub site: Site,
    /// What is to be seen.
    pub expected: Vec<Expected>,
    /// The knobs that the module must list, no more and no fewer.
    pub knobs: Vec<Knob>,
    /// How many machines at a time.
    pub jobs: usize,
    /// Makes the benches.
    pub make: &'a Make<'a>,
}

enum Said {
    Ready,
    Began(Box<Task>),
    Ended(Box<(Task, Outcome)>),
}

/// What a boot came to.
#[derive(Default)]
struct Outcome {
    proof: Option<Proof>,
    controls: Vec<Control>,
    /// The choice of the kernel that came up, and its release.
    booted: Option<(String, String)>,
}

impl Prover<'_> {
    /// Makes every boot, and fills in `proofs` as results come: a copy of it is in the folder after each, so that a
    /// killed run leaves what it had.
    ///
    /// # Errors
    /// [`Error::Document`] when that copy cannot be written.
    pub fn run(&self, proofs: &mut Proofs, watcher: &mut dyn Watcher) -> Result<(), Error> {
        let began = Instant::now();
        let tasks: Mutex<VecDeque<Task>> = Mutex::new(Task::all(&self.expected).into());
        // Each message waits until it is taken: who has said that it is ready has heard whether the run was stopped meanwhile.
        let (sender, said) = mpsc::sync_channel(0);
        std::thread::scope(|scope| -> Result<(), Error> {
            for _ in 0..self.jobs.max(1) {
                let sender = sender.clone();
                scope.spawn(|| self.work(&tasks, sender));
            }
            drop(sender);
            for said in said {
                match said {
                    Said::Ready => {}
                    Said::Began(task) => watcher.began(&task),
                    Said::Ended(ended) => {
                        let (task, outcome) = *ended;
                        proofs.proofs.extend(outcome.proof);
                        proofs.controls.extend(outcome.controls);
                        proofs.kernels.extend(outcome.booted);
                        proofs.took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
                        self.write(proofs)?;
                        watcher.ended(&task, proofs);
                    }
                }
            }
            Ok(())
        })?;
        let left = tasks.into_inner().unwrap_or_else(PoisonError::into_inner);
        for task in left {
            if let Task::Fault(expected) = &task {
                proofs.proofs.push(Proof::not_run(expected, "the run was stopped".into()));
            }
        }
        proofs.complete = !self.site.stop.asked();
        self.in_order(proofs);
        self.write(proofs)
    }

    fn work(&self, tasks: &Mutex<VecDeque<Task>>, sender: SyncSender<Said>) {
        while sender.send(Said::Ready).is_ok() && !self.site.stop.asked() {
            let task = tasks.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(task) = task else { return };
            // The receiver goes only when the document cannot be written: then there is no more to do.
            if sender.send(Said::Began(Box::new(task.clone()))).is_err() {
                return;
            }
            let outcome = self.make_boot(&task);
            if sender.send(Said::Ended(Box::new((task, outcome)))).is_err() {
                return;
            }
        }
    }

    fn make_boot(&self, task: &Task) -> Outcome {
        let run = || -> Result<Outcome, String> {
            let made = (self.make)(task)?;
            let mut cases: Vec<PlannedCase> = Vec::new();
            for id in task.cases() {
                let found = made.cases.iter().find(|case| case.id == id);
                cases.push(found.ok_or_else(|| format!("find the case {id} on this bench"))?.clone());
            }
            let mut bench = Planted::new(made.bench, task.lines());
            let listed = bench.listed();
            let (folder, kernel) = (task.folder(), task.kernel());
            let session = self
                .site
                .run(&folder, kernel, made.annotated, &mut bench, cases, made.devices)
                .map_err(|error| error.to_string())?;
            let booted = session.boots.first().map(|boot| (kernel.to_owned(), boot.release.clone()));
            let mut outcome = Outcome { booted, ..Outcome::default() };
            match task {
                Task::Fault(expected) => outcome.proof = Some(judge(expected, &session, &folder)),
                Task::Controls { expected, .. } => {
                    outcome.controls = judge_controls(expected, &session, kernel);
                    let differs = listed.text().and_then(|text| self.differs(&text));
                    outcome.controls.extend(differs.map(|why| of_list(kernel, why)));
                }
            }
            Ok(outcome)
        };
        run().unwrap_or_else(|why| failed(task, why))
    }

    /// How the module's list is another than the one that is expected.
    fn differs(&self, text: &str) -> Option<String> {
        let listed = match Knob::parse_list(text) {
            Ok(listed) => listed,
            Err(error) => return Some(error.to_string()),
        };
        let missing = self.knobs.iter().find(|knob| !listed.contains(knob));
        let other = listed.iter().find(|knob| !self.knobs.contains(knob));
        let name = missing.or(other)?.name.clone();
        Some(format!("the module's list of knobs is another than configs/proofs/knobs.tsv, at `{name}`"))
    }

    /// The proofs in the order in which they were asked for, whichever machine was first.
    fn in_order(&self, proofs: &mut Proofs) {
        let place = |proof: &Proof| {
            self.expected.iter().position(|e| e.name == proof.name && e.kernel == proof.kernel)
        };
        proofs.proofs.sort_by_key(place);
    }

    fn write(&self, proofs: &Proofs) -> Result<(), Error> {
        let path = self.site.path("proofs.json");
        let write = || -> Result<(), String> {
            let text = proofs.to_json().map_err(|e| e.to_string())?;
            let folder = fencelab_runner::Folder::new(&self.site.folder);
            folder.replace("proofs.json", text.as_bytes()).map_err(|e| e.to_string())
        };
        write().map_err(|reason| Error::Document { path, reason })
    }
}

fn of_list(kernel: &str, why: String) -> Control {
    Control {
        kernel: kernel.into(),
        case: "the list of knobs".into(),
        knobs: vec![],
        silent: false,
        why,
        false_reports: 0,
    }
}

/// A boot that did not come to be.
fn failed(task: &Task, why: String) -> Outcome {
    match task {
        Task::Fault(expected) => Outcome { proof: Some(Proof::not_run(expected, why)), ..Outcome::default() },
        Task::Controls { kernel, expected } => {
            let knobs = expected.iter().map(|e| e.name.clone()).collect();
            let (kernel, case) = (kernel.clone(), "all controls".to_owned());
            let control = Control { kernel, case, knobs, silent: false, why, false_reports: 0 };
            Outcome { controls: vec![control], ..Outcome::default() }
        }
    }
}
