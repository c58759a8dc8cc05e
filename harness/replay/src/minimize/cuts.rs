//! What can be cut away.

use fencelab_scenario::{Name, Op, Process, Scenario, Step, Target, Timeout};

/// Parts as a whole.
pub(super) const WHOLE: [&super::Cut; 4] = [&process, &thread, &object, &passing];

fn process(scenario: &Scenario, at: usize) -> Option<Scenario> {
    let mut cut = scenario.clone();
    let (name, _) = cut.processes.shift_remove_index(at)?;
    let gone = |step: &Step| match &step.op {
        Op::Send(sent) => sent.to.0 == name,
        Op::Receive(received) => received.from.0 == name,
        Op::Kill(line) | Op::Start(line) => line.0 == name,
        _ => false,
    };
    each_list(&mut cut, |steps| steps.retain(|step| !gone(step)));
    Some(cut)
}

fn thread(scenario: &Scenario, at: usize) -> Option<Scenario> {
    let places: Vec<(Name, Name)> = scenario
        .processes
        .iter()
        .flat_map(|(process, threads)| threads.keys().map(move |thread| (process.clone(), thread.clone())))
        .collect();
    let (process, thread) = places.get(at)?;
    let mut cut = scenario.clone();
    cut.processes.get_mut(process)?.shift_remove(thread);
    Some(cut)
}

/// An object with all that speaks of it alone; from lists it is only left out.
fn object(scenario: &Scenario, at: usize) -> Option<Scenario> {
    let (name, _) = scenario.objects.get_index(at)?;
    let mut cut = scenario.clone();
    each_list(&mut cut, |steps| {
        steps.retain_mut(|step| {
            without(&mut step.op, name);
            !step.op.targets().iter().any(|target| target.object == *name)
        });
    });
    Some(cut)
}

/// The creation and the passing on of an object, which is then there from the start.
fn passing(scenario: &Scenario, at: usize) -> Option<Scenario> {
    let (name, _) = scenario.objects.get_index(at)?;
    let mut cut = scenario.clone();
    each_list(&mut cut, |steps| {
        steps.retain(|step| match &step.op {
            Op::Create(target) => target.object != *name,
            Op::Send(sent) => sent.object.object != *name,
            Op::Receive(received) => received.object.object != *name,
            _ => true,
        });
    });
    Some(cut)
}

/// Leaves an object out of an operation's lists, as long as something is left in them.
fn without(op: &mut Op, name: &Name) {
    let prune = |list: &mut Vec<Target>, least: usize| {
        if list.iter().filter(|target| target.object != *name).count() >= least {
            list.retain(|target| target.object != *name);
        }
    };
    match op {
        Op::Signal(list) | Op::Reset(list) => prune(list, 1),
        Op::Wait(wait) => prune(&mut wait.points, 1),
        Op::Poll(poll) => prune(&mut poll.files, 1),
        Op::Submit(job) => {
            prune(&mut job.waits, 0);
            prune(&mut job.signals, 0);
        }
        Op::Commit(work) => {
            work.waits = work.waits.take().filter(|target| target.object != *name);
            work.signals = work.signals.take().filter(|target| target.object != *name);
        }
        _ => {}
    }
}

/// A run of steps, counted through all threads.
pub(super) fn run(scenario: &Scenario, from: usize, size: usize) -> Scenario {
    let mut cut = scenario.clone();
    let mut number = 0;
    each_list(&mut cut, |steps| {
        steps.retain(|_| {
            number += 1;
            !(from..from + size).contains(&(number - 1))
        });
    });
    cut
}

/// What a step says beyond need: each candidate leaves one word out of one step.
pub(super) fn words(scenario: &Scenario, at: usize) -> Option<Scenario> {
    const WORDS: usize = 6;
    let (step, word) = (at / WORDS, at % WORDS);
    let mut cut = scenario.clone();
    let step = cut.processes.values_mut().flat_map(Process::values_mut).flatten().nth(step)?;
    match (word, &mut step.op) {
        (0, _) => step.at = None,
        (1, _) => drop(step.after.pop()),
        (2, _) if !step.after.is_empty() => drop(step.after.remove(0)),
        (3, Op::Wait(wait)) => wait.timeout = Timeout::Forever,
        (3, Op::Poll(poll)) => poll.timeout = Timeout::Forever,
        (3, Op::Submit(job)) => job.lasts = fencelab_scenario::Duration(0),
        (4, Op::Wait(wait)) => wait.deadline = None,
        (5, Op::Wait(wait)) if wait.points.len() == 1 => wait.any = false,
        _ => {}
    }
    Some(cut)
}

fn each_list(scenario: &mut Scenario, mut change: impl FnMut(&mut Vec<Step>)) {
    scenario.processes.values_mut().flat_map(Process::values_mut).for_each(&mut change);
}
