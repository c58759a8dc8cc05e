//! Lockdep's own reports (kernel/locking/lockdep.c, the functions `print_*_bug`).

use super::header;
use super::rows::Row;
use crate::frame::Frame;
use crate::kind::Kind;
use crate::lock::{Lock, LockClass};
use crate::report::{Details, HeldLocks, Link, Report, Step, Task, Trace};
use crate::shape::Shape;

/// Where the next frames go.
#[derive(Clone, Copy)]
enum Frames {
    Nowhere,
    Link,
    Trace,
    Backtrace,
    /// Only one frame follows, and it is the place of the lock.
    AcquiringAt,
}

/// What the next lock is.
#[derive(Clone, Copy)]
enum Next {
    Nothing,
    Acquiring,
    Holding,
    Held,
    SafeLock,
    UnsafeLock,
    /// A name alone on its line.
    HoldingName,
    NamedChain,
}

struct Reader<'a> {
    report: &'a mut Report,
    details: Details,
    frames: Frames,
    next: Next,
    safe: Option<LockClass>,
}

/// Reads the report's structure.
pub(super) fn read(report: &mut Report, rows: &[Row]) {
    let mut reader = Reader {
        report,
        details: Details::default(),
        frames: Frames::Nowhere,
        next: Next::Nothing,
        safe: None,
    };
    for row in rows.iter().filter(|row| !row.foreign) {
        reader.row(row.text.trim(), &row.text, row.shape);
    }
    reader.finish();
}

impl Reader<'_> {
    fn row(&mut self, text: &str, whole: &str, shape: Shape) {
        match shape {
            Shape::Frame => self.frame(text),
            Shape::HeldCount(count) => self.held_count(text, count),
            Shape::Lock => self.lock(text),
            // "Nested lock was not taken" prints two; they are the same.
            Shape::LastPart if !self.report.frames.is_empty() => self.frames = Frames::Nowhere,
            Shape::LastPart => self.frames = Frames::Backtrace,
            Shape::TraceStart if self.details.links.is_empty() && self.report.frames.is_empty() => {
                self.frames = Frames::Backtrace;
            }
            Shape::Lockdep => self.phrase(text, whole),
            Shape::Other | Shape::Detail => self.other(text),
            _ => {}
        }
    }

    fn frame(&mut self, text: &str) {
        let Some(frame) = Frame::parse_line(text) else { return };
        match self.frames {
            Frames::Nowhere => {}
            Frames::Link => {
                if let Some(link) = self.details.links.last_mut() {
                    link.frames.push(frame);
                }
            }
            Frames::Trace => {
                if let Some(trace) = self.details.traces.last_mut() {
                    trace.frames.push(frame);
                }
            }
            Frames::Backtrace => self.report.frames.push(frame),
            Frames::AcquiringAt => {
                if let Some(lock) = &mut self.details.acquiring {
                    lock.at.get_or_insert(frame);
                }
                self.frames = Frames::Nowhere;
            }
        }
    }

    fn held_count(&mut self, text: &str, count: u32) {
        let task = text.split_once(" held by ").map_or("", |(_, task)| task).trim_end_matches([':', '.']);
        let task = Task::parse(task).unwrap_or_default();
        self.details.held.push(HeldLocks { task, count, locks: Vec::new() });
        self.next = Next::Held;
        self.frames = Frames::Nowhere;
    }

    fn lock(&mut self, text: &str) {
        let Some(lock) = Lock::parse(text) else { return };
        match self.next {
            Next::Held => return self.held_lock(lock, text),
            Next::Acquiring => return self.acquiring(lock, text),
            Next::Holding => self.details.holding = Some(lock),
            Next::SafeLock => self.safe = Some(lock.class),
            Next::UnsafeLock => {
                if let Some(safe) = self.safe.take() {
                    self.details.irq_locks = Some((safe, lock.class));
                }
            }
            _ => {}
        }
        self.next = Next::Nothing;
    }

    /// The lock that was being acquired. In some logs the line above the next one is lost, but that is the one held.
    fn acquiring(&mut self, lock: Lock, text: &str) {
        self.details.acquiring = Some(lock);
        let inlined = text.ends_with("[inline]");
        let two_follow = matches!(self.report.kind, Kind::Circular | Kind::Recursive | Kind::IrqOrder);
        self.next = match inlined {
            true => Next::Acquiring,
            false if two_follow => Next::Holding,
            false => Next::Nothing,
        };
    }

    fn held_lock(&mut self, lock: Lock, text: &str) {
        if let Some(held) = self.details.held.last_mut().filter(|_| text.starts_with('#')) {
            held.list(lock, text);
        }
    }

    fn phrase(&mut self, text: &str, whole: &str) {
        if text.starts_with("-> #") {
            self.link(text);
        } else if let Some((task, doing)) = text.split_once(" is trying to ") {
            self.trying(task, doing);
        } else if text.starts_with("but task is already holding")
            || text.starts_with("and this task is already holding")
        {
            self.next = Next::Holding;
        } else if text.starts_with("but this task is not holding") {
            self.next = Next::HoldingName;
        } else if text.starts_with("but this new dependency connects") {
            self.next = Next::SafeLock;
        } else if text.starts_with("to a ") && text.ends_with("-unsafe lock:") {
            self.next = Next::UnsafeLock;
        } else if text.starts_with("but this lock ") && text.contains("in the past") {
            self.next = Next::Holding;
        } else if let Some(change) = text.strip_prefix("inconsistent {") {
            self.usage_change(change);
        } else if text.ends_with("at:") {
            self.details
                .traces
                .push(Trace { name: text.trim_end_matches(':').to_owned(), frames: Vec::new() });
            self.frames = Frames::Trace;
        } else if text.starts_with("Chain exists of") {
            self.next = Next::NamedChain;
        } else {
            self.scenario(text, whole);
        }
    }

    fn link(&mut self, text: &str) {
        let digits: String = text[4..].chars().take_while(char::is_ascii_digit).collect();
        let (Ok(number), Some(lock)) = (digits.parse(), Lock::parse(text)) else { return };
        self.details.links.push(Link { number, lock, frames: Vec::new() });
        self.frames = Frames::Link;
        self.next = Next::Nothing;
    }

    /// `comm/pid [HC0[0]:...] is trying to acquire lock:`, or `... release lock (NAME) at:`.
    fn trying(&mut self, task: &str, doing: &str) {
        self.task(task);
        self.next = Next::Acquiring;
        if let Some((name, _)) = doing.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) {
            let class = LockClass::parse(name);
            self.details.acquiring = Some(Lock { class, ..Lock::default() });
            self.frames = Frames::AcquiringAt;
        }
    }

    fn task(&mut self, text: &str) {
        let task = text.split(" [HC").next().and_then(Task::parse);
        self.report.task = self.report.task.take().or(task);
    }

    /// `SOFTIRQ-ON-W} -> {IN-SOFTIRQ-W} usage.`
    fn usage_change(&mut self, text: &str) {
        let new = text.split_once('{').and_then(|(_, rest)| rest.split_once('}'));
        if let (Some((old, _)), Some((new, _))) = (text.split_once('}'), new) {
            self.details.usage_change = Some((old.to_owned(), new.to_owned()));
        }
    }

    fn scenario(&mut self, text: &str, whole: &str) {
        let action = text.contains("lock(")
            || text.starts_with("sync(")
            || text == "<Interrupt>"
            || text.starts_with("local_irq");
        if action {
            let indent = whole.len() - whole.trim_start().len();
            self.details
                .scenario
                .push(Step { cpu: u8::from(indent >= 20), action: text.trim_end_matches(';').to_owned() });
        }
    }

    fn other(&mut self, text: &str) {
        match self.next {
            Next::HoldingName => {
                self.details.holding = Some(Lock { class: LockClass::parse(text), ..Lock::default() });
                self.next = Next::Nothing;
            }
            Next::NamedChain if text.contains("-->") => {
                self.details.named_chain = text.split("-->").map(LockClass::parse).collect();
                self.next = Next::Nothing;
            }
            _ => self.sentence(text),
        }
    }

    /// The sentences that name the task in other ways.
    fn sentence(&mut self, text: &str) {
        if let Some((task, _)) = text.split_once(" takes:") {
            self.task(task);
            self.next = Next::Acquiring;
        } else if let Some((task, _)) = text.split_once(" just changed the state of lock:") {
            self.task(task);
            self.next = Next::Acquiring;
        } else if let Some((task, _)) = text.split_once(" is freeing memory ") {
            self.task(task);
            self.next = Next::Acquiring;
        } else if let Some((task, _)) = text.split_once(" is leaving the kernel with locks still held") {
            self.task(task);
        } else if let Some((task, _)) = text.split_once(" still has locks held!") {
            self.task(task.trim_start_matches("WARNING: ").trim_start_matches("[ BUG: "));
        } else if let Some((task, _)) = text.split_once(": Hash chain already cached") {
            self.task(task);
        } else if text.contains("ot tainted") || text.contains("Tainted: ") {
            self.report.kernel = self.report.kernel.take().or_else(|| header::release(text));
        }
    }

    /// Is the last entry of the chain the lock that was held? With it the entries above are all there. People mix up the lines
    /// that name the lock, so either of the two that do is enough.
    fn reaches_the_held(&self, links: &[Link]) -> bool {
        let named =
            self.details.holding.iter().map(|lock| &lock.class).chain(self.details.named_chain.last());
        let named: Vec<String> = named.map(LockClass::stable_name).collect();
        links.last().is_some_and(|last| named.is_empty() || named.contains(&last.lock.class.stable_name()))
    }

    fn names_own_lock(&self) -> bool {
        let own = self.details.acquiring.iter().chain(&self.details.holding);
        let own: Vec<String> = own.map(|lock| lock.class.stable_name()).collect();
        self.details.named_chain.iter().any(|class| own.contains(&class.stable_name()))
    }

    fn finish(mut self) {
        if !goes_down(&self.details.links) {
            // Two chains, or what is left of them: nobody knows whose entry is whose.
            self.details.links.clear();
        }
        self.details.links.sort_by_key(|link| link.number);
        let links = &self.details.links;
        let whole = is_whole(links) && self.reaches_the_held(links);
        let own_names = self.names_own_lock();
        self.details.cut_chain = !whole;
        let acquiring = end(self.details.acquiring.take(), links.first(), whole);
        let holding = end(self.details.holding.take(), links.last(), whole);
        self.report.chain = match self.report.kind {
            Kind::Circular => links.iter().map(|link| link.lock.class.clone()).collect(),
            // One that does not name the lock is another report's, printed at the same time.
            Kind::IrqOrder | Kind::IrqInversion if own_names => self.details.named_chain.clone(),
            _ => Vec::new(),
        };
        self.report.acquiring = acquiring.as_ref().map(|lock| lock.class.clone());
        self.details.acquiring = acquiring;
        self.details.holding = holding;
        let own = own_locks(&self.details.held, self.report.task.as_ref());
        self.report.held =
            own.map(|held| held.locks.iter().map(|lock| lock.class.clone()).collect()).unwrap_or_default();
        self.report.task =
            self.report.task.take().or_else(|| self.details.held.first().map(|held| held.task.clone()));
        self.report.details = self.details;
    }
}

/// Lockdep numbers the entries down to `-> #0` (`print_circular_bug_entry`).
fn goes_down(links: &[Link]) -> bool {
    links.windows(2).all(|pair| pair[0].number > pair[1].number)
}

/// Is every entry of the chain there? One without `-> #0` is cut.
fn is_whole(links: &[Link]) -> bool {
    links.len() >= 2 && links.iter().enumerate().all(|(index, link)| link.number as usize == index)
}

/// The lock at one end of the chain: as the text above names it, unless people mixed up those lines.
fn end(named: Option<Lock>, link: Option<&Link>, whole: bool) -> Option<Lock> {
    let linked = link.map(|link| &link.lock);
    match (named, linked) {
        (Some(named), Some(linked)) if whole && named.class != linked.class => Some(linked.clone()),
        (named, linked) => named.or_else(|| linked.cloned()),
    }
}

/// The list of the reporting task, or the first.
fn own_locks<'a>(held: &'a [HeldLocks], task: Option<&Task>) -> Option<&'a HeldLocks> {
    held.iter().find(|held| Some(&held.task) == task).or_else(|| held.first())
}
