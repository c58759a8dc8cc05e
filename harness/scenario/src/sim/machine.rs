//! Threads going on, one after the other.

use std::collections::{HashMap, HashSet, VecDeque};

use super::judge;
use super::thread::{State, Thread, Waiting};
use super::world::World;
use super::{Blocked, Outcome, QUIET, Verdict};
use crate::{Name, Op, Place, Scenario, Step};

/// More than any scenario that ends.
const MOST_STEPS: usize = 1_000_000;

/// A scenario that runs.
pub(super) struct Machine<'s> {
    pub(super) scenario: &'s Scenario,
    pub(super) world: World,
    pub(super) threads: Vec<Thread<'s>>,
    pub(super) now: u64,
    begun: HashSet<&'s Name>,
    returned: HashSet<&'s Name>,
    pub(super) started: HashSet<&'s Name>,
    /// Messages under way: from, to, what.
    pub(super) mail: VecDeque<(Name, Name, Name)>,
    /// By process: what it has of what must be made or received, for the end of timelines.
    pub(super) holds: HashMap<Name, HashSet<Name>>,
    /// Processes that have exited or were killed.
    pub(super) gone: HashSet<Name>,
    order: Vec<Place>,
    done: usize,
    judged: Option<(Verdict, Vec<Blocked>, bool)>,
}

impl<'s> Machine<'s> {
    pub(super) fn new(scenario: &'s Scenario) -> Self {
        let later: HashSet<&Name> = scenario
            .steps()
            .filter_map(|(_, step)| if let Op::Start(line) = &step.op { Some(&line.0) } else { None })
            .collect();
        let threads = scenario.processes.iter().flat_map(|(process, threads)| {
            threads.iter().map(move |(name, steps)| Thread {
                process,
                name,
                steps,
                next: 0,
                state: State::Ready,
            })
        });
        let started = scenario.processes.keys().filter(|name| !later.contains(name)).collect();
        let mut holds: HashMap<Name, HashSet<Name>> = HashMap::new();
        for object in scenario.objects.keys().filter(|object| !scenario.creates(object)) {
            for user in scenario.users(object) {
                holds.entry(user.clone()).or_default().insert(object.clone());
            }
        }
        Machine {
            scenario,
            world: World::new(scenario),
            threads: threads.collect(),
            now: 0,
            begun: HashSet::new(),
            returned: HashSet::new(),
            started,
            mail: VecDeque::new(),
            holds,
            gone: HashSet::new(),
            order: Vec::new(),
            done: 0,
            judged: None,
        }
    }

    /// Runs to the end, or until nothing has moved for the limit.
    pub(super) fn run(mut self) -> Outcome {
        let mut quiet_since = 0;
        for _ in 0..MOST_STEPS {
            if self.world.work(self.now) || self.wake() || self.step() {
                quiet_since = self.now;
                continue;
            }
            // Nothing moves now. When will something?
            let (rest, limit) = self.next_times();
            let next = rest.into_iter().chain(limit).min().unwrap_or(u64::MAX);
            if next.saturating_sub(quiet_since) >= QUIET && self.judged.is_none() {
                self.judged = judge::judge(&self);
            }
            // Who sleeps or works is not stuck, who waits that long is.
            if rest.is_none() && next.saturating_sub(quiet_since) >= self.scenario.limit.0 {
                break;
            }
            self.now = next;
        }
        let (verdict, blocked, told) = self.judged.unwrap_or((Verdict::Clean, Vec::new(), false));
        Outcome { verdict, blocked, told, done: self.done, order: self.order }
    }

    /// When time alone moves something: somebody who sleeps or works, and somebody who gives up.
    fn next_times(&self) -> (Option<u64>, Option<u64>) {
        let rests = self.threads.iter().filter_map(|thread| match &thread.state {
            State::Asleep(until) => Some(*until),
            State::Ready if self.may_begin(thread) => thread.steps.get(thread.next)?.at.map(|at| at.0),
            _ => None,
        });
        let limits = self.threads.iter().filter_map(|thread| match &thread.state {
            State::Waiting(waiting) => waiting.until,
            _ => None,
        });
        let later = |time: &u64| *time > self.now;
        (rests.chain(self.world.next_end()).filter(later).min(), limits.filter(later).min())
    }

    fn may_begin(&self, thread: &Thread<'_>) -> bool {
        let after = |step: &Step| {
            step.after.iter().all(|after| {
                if after.begun {
                    self.begun.contains(&after.label)
                } else {
                    self.returned.contains(&after.label)
                }
            })
        };
        self.started.contains(thread.process) && thread.steps.get(thread.next).is_none_or(after)
    }

    /// Ends the calls and sleeps that are over. Whether any was.
    fn wake(&mut self) -> bool {
        let mut woken = false;
        for index in 0..self.threads.len() {
            let over = match &self.threads[index].state {
                State::Asleep(until) => *until <= self.now,
                State::Waiting(_) => self.is_over(index),
                State::Receiving => self.take_mail(index),
                State::Ready | State::Ended => false,
            };
            if over {
                self.finish(index);
                woken = true;
            }
        }
        woken
    }

    /// Whether a wait has what it needs, or has given up. What has come to be there since is taken.
    fn is_over(&mut self, index: usize) -> bool {
        let State::Waiting(waiting) = &mut self.threads[index].state else { return false };
        for need in waiting.needs.iter_mut().filter(|need| need.set.is_none()) {
            need.set = self.world.held(&need.target, crate::Access::Read);
        }
        let Waiting { needs, any, available, until, .. } = &*waiting;
        let met = |need: &super::thread::Need| {
            need.set.as_ref().is_some_and(|set| *available || self.world.open(set).next().is_none())
        };
        let met = if *any { needs.iter().any(met) } else { needs.iter().all(met) };
        met || until.is_some_and(|until| until <= self.now)
    }

    fn take_mail(&mut self, index: usize) -> bool {
        let thread = &self.threads[index];
        let Some(Op::Receive(what)) = thread.steps.get(thread.next).map(|step| &step.op) else {
            return false;
        };
        let ours = |(from, to, object): &(Name, Name, Name)| {
            *from == what.from.0 && to == thread.process && *object == what.object.object
        };
        let Some(at) = self.mail.iter().position(ours) else { return false };
        self.mail.remove(at);
        self.holds.entry(thread.process.clone()).or_default().insert(what.object.object.clone());
        true
    }

    /// A thread's step has been done.
    pub(super) fn finish(&mut self, index: usize) {
        let thread = &mut self.threads[index];
        if let Some(label) = thread.steps.get(thread.next).and_then(|step| step.label.as_ref()) {
            self.returned.insert(label);
        }
        self.done += 1;
        if thread.lives() {
            thread.next += 1;
            thread.state = State::Ready;
        }
    }

    /// Does the next step of the first thread that can go on. Whether there was one.
    fn step(&mut self) -> bool {
        for index in 0..self.threads.len() {
            let thread = &self.threads[index];
            if !matches!(thread.state, State::Ready) || !self.may_begin(thread) {
                continue;
            }
            let Some(step) = thread.steps.get(thread.next) else {
                self.threads[index].state = State::Ended;
                return true;
            };
            if step.at.is_some_and(|at| at.0 > self.now) {
                continue;
            }
            self.begun.extend(&step.label);
            self.order.push(self.place(index));
            self.perform(index, &step.op);
            return true;
        }
        false
    }

    /// Where a thread stands.
    pub(super) fn place(&self, index: usize) -> Place {
        let thread = &self.threads[index];
        Place { process: thread.process.clone(), thread: thread.name.clone(), index: thread.next }
    }

    /// Timelines that nobody is left to hold signal what is on them.
    pub(super) fn bury(&mut self) {
        // Who does not exit and is not killed stays until everybody is through.
        let living = |process: &Name| !self.gone.contains(process);
        let timelines: Vec<Name> = self.world.values.keys().cloned().collect();
        for timeline in timelines {
            let held = self.scenario.is_the_launchers(&timeline)
                || self.holds.iter().any(|(process, held)| living(process) && held.contains(&timeline))
                || self.mail.iter().any(|(_, _, object)| *object == timeline);
            // Before it is created, nobody has it, and nothing is on it.
            if !held {
                self.world.close_timeline(&timeline);
            }
        }
    }
}
