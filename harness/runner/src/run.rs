//! The run: case after case, on one machine or several side by side, each up and armed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use fencelab_bench::protocol::{FromAgent, ToAgent};
use fencelab_bench::{Bench, Down, Order};
use fencelab_events::verdict::ran_without_lockdep;
use fencelab_events::{
    BootEnd, CaseRecord, Dossier, Event, Finding, Lockdep, LockdepCause, Outcome, PlannedCase, Session,
    SessionEnd, Verdict,
};

use crate::case::{After, SETTLE};
use crate::coverage::CoveragePolicy;
use crate::error::Error;
use crate::files::{Folder, Journal};
use crate::live::{Live, Streams};
use crate::observe::{Observer, Stop};
use crate::recorded::Recorded;
use crate::records;

/// How a run behaves where its user may choose.
#[derive(Clone)]
pub struct Options {
    /// The kernel carries the series' annotations: findings under them are labelled so.
    pub annotated: bool,
    /// How often in a row a bench that once was up may fail to come up again before the run is given up.
    pub boot_tries: u32,
    /// Cases run under the recorder.
    pub record: bool,
    /// When lockdep's graph is read for the contract's coverage.
    pub coverage: CoveragePolicy,
    /// How evidence is filed.
    pub evidence: Evidence,
}

/// How evidence is filed in the session's folder: names and texts. The reports' business, handed in because runner and
/// reports stand beside each other.
#[derive(Clone)]
pub struct Evidence {
    /// The name of a splat's file, by boot, first sequence number and kind.
    pub splat_name: fn(u32, u64, &str) -> String,
    /// Its content: from the finding, the kernel's release and the report's own lines.
    pub splat_text: fn(&Finding, &str, &str) -> String,
    /// The name of a dossier's file, by case and attempt.
    pub dossier_name: fn(&str, u32) -> String,
    /// Its content.
    pub dossier_text: fn(&Dossier) -> String,
}

/// A session on its way.
pub struct Runner<'a> {
    benches: Vec<&'a mut dyn Bench>,
    book: Mutex<Book<'a>>,
    folder: Folder,
    stop: Stop,
    given_up: Arc<AtomicBool>,
    options: Options,
}

/// What all machines of a run write together.
struct Book<'a> {
    journal: Journal,
    observer: &'a mut dyn Observer,
    /// The number of the last boot that was begun.
    boots: u32,
    /// The boots that are up: their records are not to be touched.
    up: BTreeSet<u32>,
    /// The cases that no machine has taken yet.
    waiting: VecDeque<PlannedCase>,
    /// How many machines have not left for good.
    workers: usize,
    /// What keeps the run from going on, as the first machine met it.
    error: Option<Error>,
}

/// One machine of a run, and what it shares with those beside it.
pub(crate) struct Worker<'r, 'a> {
    pub(crate) bench: &'r mut dyn Bench,
    /// Counted from 1.
    machine: usize,
    book: &'r Mutex<Book<'a>>,
    pub(crate) folder: &'r Folder,
    /// The user's wish to stop.
    pub(crate) stop: &'r Stop,
    /// Some machine met what no machine can go on with.
    given_up: &'r Arc<AtomicBool>,
    pub(crate) options: &'r Options,
}

impl<'a> Runner<'a> {
    /// A runner over a journal that already holds the plan. Each of the benches, at least one, is a machine of its own; they
    /// run side by side, each taking the next case that none has taken.
    pub fn new(
        benches: impl IntoIterator<Item = &'a mut dyn Bench>,
        folder: Folder,
        journal: Journal,
        observer: &'a mut dyn Observer,
        stop: Stop,
        options: Options,
    ) -> Self {
        let boots = journal.session().boots.iter().map(|boot| boot.number).max().unwrap_or(0);
        let book = Book {
            journal,
            observer,
            boots,
            up: BTreeSet::new(),
            waiting: VecDeque::new(),
            workers: 0,
            error: None,
        };
        Runner {
            benches: benches.into_iter().collect(),
            book: Mutex::new(book),
            folder,
            stop,
            given_up: Arc::default(),
            options,
        }
    }

    /// Runs every planned case that has no result yet, ends the session in the journal and returns the journal.
    /// A bench that cannot go on ends the session as aborted; what was done so far stands.
    ///
    /// # Errors
    /// [`Error::File`] when the journal or a log cannot be written, and whatever kept the bench from coming up.
    pub fn run(mut self) -> Result<Journal, Error> {
        let waiting = {
            let book = open(&self.book);
            let session = book.journal.session();
            // A runner that was killed left the last boot's as they were.
            session.boots.iter().for_each(|boot| trim_records(&self.folder, boot.number));
            remaining(session)
        };
        let result = self.run_cases(waiting);
        let end = match &result {
            Ok(()) if self.stop.asked() => SessionEnd::Interrupted,
            Ok(()) => SessionEnd::Complete,
            Err(error) => SessionEnd::Aborted { why: error.to_string() },
        };
        let mut book = self.book.into_inner().unwrap_or_else(PoisonError::into_inner);
        // A full disk refuses this line too; the error that matters is the first one.
        let ended = book.write(Event::SessionEnded { end }).and_then(|()| book.journal.sync());
        result.and(ended).map(|()| book.journal)
    }

    fn run_cases(&mut self, mut waiting: Vec<PlannedCase>) -> Result<(), Error> {
        loop {
            open(&self.book).waiting = waiting.into();
            self.run_waiting();
            if let Some(error) = open(&self.book).error.take() {
                return Err(error);
            }
            // What lockdep did not watch runs once more; the last boot's end may have shown that only now.
            waiting = unwatched(open(&self.book).journal.session());
            let can_reboot = self.benches.iter().all(|bench| bench.can_reboot());
            if waiting.is_empty() || self.stop.asked() || !can_reboot {
                return Ok(());
            }
        }
    }

    /// Every machine takes cases until none waits.
    fn run_waiting(&mut self) {
        let Runner { benches, book, folder, stop, given_up, options } = self;
        let (book, folder, stop, given_up, options) = (&*book, &*folder, &*stop, &*given_up, &*options);
        open(book).workers = benches.len();
        let workers = benches.iter_mut().zip(1..).map(|(bench, machine)| Worker {
            bench: &mut **bench,
            machine,
            book,
            folder,
            stop,
            given_up,
            options,
        });
        std::thread::scope(|scope| {
            let machines: Vec<_> =
                workers.map(|mut worker| scope.spawn(move || worker.run_waiting())).collect();
            let panics: Vec<_> = machines.into_iter().filter_map(|machine| machine.join().err()).collect();
            if let Some(panic) = panics.into_iter().next() {
                std::panic::resume_unwind(panic);
            }
        });
    }
}

/// Ends the run for the other machines when the one that holds it panics.
struct Alarm<'r>(&'r AtomicBool);

impl Drop for Alarm<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}

fn open<'b, 'a>(book: &'b Mutex<Book<'a>>) -> MutexGuard<'b, Book<'a>> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book<'_> {
    fn write(&mut self, event: Event) -> Result<(), Error> {
        self.journal.write(event.clone())?;
        self.observer.event(&event, self.journal.session());
        Ok(())
    }
}

impl<'r, 'a> Worker<'r, 'a> {
    fn run_waiting(&mut self) {
        let _alarm = Alarm(self.given_up);
        if let Err(error) = self.take_cases() {
            self.given_up.store(true, Ordering::SeqCst);
            self.book().error.get_or_insert(error);
        }
    }

    /// The run is to end: the user wants it, or some machine met what no machine can go on with.
    pub(crate) fn ending(&self) -> bool {
        self.stop.asked() || self.given_up.load(Ordering::SeqCst)
    }

    fn take_cases(&mut self) -> Result<(), Error> {
        let mut machine: Option<Live> = None;
        while let Some(case) = self.next_case() {
            let mut live = match machine.take() {
                Some(live) => live,
                None => match self.boot() {
                    Ok(Some(live)) => live,
                    Ok(None) => break,
                    Err(error) => return self.leave(case, error),
                },
            };
            // Booting takes long enough for a change of mind.
            if self.ending() {
                machine = Some(live);
                break;
            }
            let after = self.run_case(&mut live, &case)?;
            machine = match after {
                After::Fit => Some(live),
                After::Gone => None,
                After::NotBegun => {
                    self.book().waiting.push_front(case);
                    None
                }
                After::Spent(why) if self.bench.can_reboot() => {
                    self.take_down(live, BootEnd::Restarted { why })?;
                    None
                }
                After::Spent(_) => Some(live),
            };
        }
        match machine {
            Some(live) => self.take_down(live, BootEnd::Done),
            None => Ok(()),
        }
    }

    /// The next case for this machine; none when all are taken or the run is to end.
    fn next_case(&self) -> Option<PlannedCase> {
        let mut book = self.book();
        let case = if self.ending() { None } else { book.waiting.pop_front() };
        if case.is_none() {
            book.workers -= 1;
        }
        case
    }

    /// This machine does not come up any more: the others run its cases, if there are others.
    fn leave(&self, case: PlannedCase, error: Error) -> Result<(), Error> {
        let mut book = self.book();
        if book.workers < 2 || !matches!(error, Error::Bench(_) | Error::Unsteady { .. }) {
            return Err(error);
        }
        // Whoever is the last now must not leave as well.
        book.workers -= 1;
        book.waiting.push_front(case);
        let text = format!("the run goes on with a machine less: failed to {error}");
        book.write(Event::Note { text })
    }

    fn book(&self) -> MutexGuard<'r, Book<'a>> {
        open(self.book)
    }

    pub(crate) fn write(&self, event: Event) -> Result<(), Error> {
        self.book().write(event)
    }

    /// What the session so far tells.
    pub(crate) fn session<T>(&self, of: impl FnOnce(&Session) -> T) -> T {
        of(self.book().journal.session())
    }

    /// Tells the observer something.
    pub(crate) fn observe(&self, what: impl FnOnce(&mut dyn Observer, &Session)) {
        let book = &mut *self.book();
        what(book.observer, book.journal.session());
    }

    /// What the user should know of, once however many machines say it.
    fn note(&self, text: String) -> Result<(), Error> {
        let mut book = self.book();
        if book.journal.session().notes.contains(&text) { Ok(()) } else { book.write(Event::Note { text }) }
    }

    // ---- the machine

    /// Brings the bench up; none when the run is to end. What was made for a machine that did not come up goes.
    fn boot(&mut self) -> Result<Option<Live>, Error> {
        let boot = self.next_boot();
        let live = self.try_to_boot(boot);
        if !matches!(live, Ok(Some(_))) {
            let _ = std::fs::remove_dir_all(self.folder.records(boot));
        }
        live
    }

    /// A first boot that fails is an error; a later one is tried again.
    fn try_to_boot(&mut self, boot: u32) -> Result<Option<Live>, Error> {
        for failed in 1.. {
            if self.ending() {
                return Ok(None);
            }
            self.observe(|observer, _| observer.booting(boot));
            let mut notes = Vec::new();
            let (sender, incoming) = std::sync::mpsc::channel();
            let up = self.bench.up(&self.order(boot), sender, &mut |text| notes.push(text));
            notes.into_iter().try_for_each(|text| self.note(text))?;
            match up {
                Ok(machine) => {
                    let streams = Streams::open(self.folder, boot, self.machine)?;
                    let recorded = Recorded::new(self.folder.records(boot));
                    let annotated = self.options.annotated;
                    return self
                        .booted(Live::new(machine, incoming, boot, streams, recorded, annotated))
                        .map(Some);
                }
                Err(fencelab_bench::Error::Stopped) => return Ok(None),
                Err(error) if self.session(|session| session.boots.is_empty()) => return Err(error.into()),
                Err(error) => {
                    self.steady(failed, &error.to_string())?;
                    self.write(Event::Note {
                        text: format!("the bench did not come up, trying again: {error}"),
                    })?;
                }
            }
        }
        Ok(None)
    }

    fn next_boot(&self) -> u32 {
        let mut book = self.book();
        book.boots += 1;
        book.boots
    }

    fn order(&self, boot: u32) -> Order {
        let (stop, given_up) = (self.stop.clone(), Arc::clone(self.given_up));
        let record = self.options.record.then(|| self.folder.records(boot));
        Order { record, stop: Arc::new(move || stop.asked() || given_up.load(Ordering::SeqCst)) }
    }

    /// Writes how a boot ended, and cuts its records to what was used.
    pub(crate) fn boot_ended(&mut self, boot: u32, end: BootEnd) -> Result<(), Error> {
        trim_records(self.folder, boot);
        let mut book = self.book();
        book.up.remove(&boot);
        book.write(Event::BootEnded { boot, end })?;
        let kept = records::kept(self.folder, book.journal.session(), &book.up);
        for boot in records::to_go(&kept, records::BUDGET) {
            let _ = std::fs::remove_dir_all(self.folder.records(boot));
            let text = format!(
                "the recorder's records of boot {boot} are removed: together they took more than 1 GiB"
            );
            book.write(Event::Note { text })?;
        }
        Ok(())
    }

    fn booted(&mut self, mut live: Live) -> Result<Live, Error> {
        let hello = live.hello();
        let event = Event::BootStarted {
            boot: live.boot,
            release: hello.release.clone(),
            boot_id: hello.boot_id.clone(),
            devices: hello.devices.clone(),
            doctor: hello.doctor.clone(),
            lockdep: hello.lockdep,
            recorded: hello.recorded,
        };
        self.book().up.insert(live.boot);
        self.write(event)?;
        self.begin_coverage(&mut live)?;
        Ok(live)
    }

    fn steady(&self, failed: u32, last: &str) -> Result<(), Error> {
        if failed >= self.options.boot_tries {
            return Err(Error::Unsteady { times: failed, last: last.into() });
        }
        Ok(())
    }

    fn take_down(&mut self, mut live: Live, end: BootEnd) -> Result<(), Error> {
        self.end_coverage(&mut live)?;
        self.check_lockdep(&mut live)?;
        let boot = live.boot;
        let down = live.down()?;
        self.hear(&mut live, None)?;
        let end = match down {
            Down::Clean => end,
            other => boot_end(other),
        };
        self.boot_ended(boot, end)
    }

    /// Asks the kernel itself whether lockdep is still armed: a lost log line must not pass for a clean boot.
    fn check_lockdep(&mut self, live: &mut Live) -> Result<(), Error> {
        if live.lockdep != Lockdep::Armed || live.send(&ToAgent::Lockdep).is_err() {
            return Ok(());
        }
        let deadline = Instant::now() + SETTLE;
        let state = loop {
            match live.next(deadline)? {
                Some(FromAgent::Lockdep(state)) => break Some(state),
                Some(_) => {}
                None if live.is_down() => return Ok(()),
                None => break None,
            }
        };
        self.hear(live, None)?;
        let line = match state {
            Some(Lockdep::Off) => "debug_locks is 0 in /proc/lockdep_stats, and no log line said so",
            Some(_) => return Ok(()),
            None => "the agent did not say in time whether lockdep was still armed",
        };
        if live.lockdep == Lockdep::Armed {
            live.lockdep = Lockdep::Off;
            let line = line.into();
            self.write(Event::LockdepOff {
                boot: live.boot,
                cause: LockdepCause::Unknown,
                line,
                case: None,
            })?;
        }
        Ok(())
    }
}

/// Records that cannot be cut cost room and nothing else.
fn trim_records(folder: &Folder, boot: u32) {
    let _ = records::trim(&folder.records(boot));
}

/// The cases that still need a run: without a result, or cancelled.
fn remaining(session: &Session) -> Vec<PlannedCase> {
    let done = |outcome| outcome != Outcome::Cancelled;
    let open = |record: &&CaseRecord| !record.finished().is_some_and(|f| done(f.outcome));
    session.cases.iter().filter(open).map(|record| record.plan.clone()).collect()
}

/// The cases whose only trouble is that lockdep was off, and that have not run again for that.
fn unwatched(session: &Session) -> Vec<PlannedCase> {
    let again = |record: &&CaseRecord| {
        Verdict::of(session, record) == Verdict::Unarmed
            && ran_without_lockdep(session, record)
            && record.attempts.len() < 2
    };
    session.cases.iter().filter(again).map(|record| record.plan.clone()).collect()
}

/// The journal's word for how a machine went down by itself.
pub(crate) fn boot_end(down: Down) -> BootEnd {
    match down {
        Down::Clean => BootEnd::Vanished { detail: "it powered itself off".into() },
        Down::Panic { message } => BootEnd::Panic { message },
        Down::Silent { after_ms } => BootEnd::Silent { after_ms },
        Down::Vanished { how } => BootEnd::Vanished { detail: how },
    }
}
