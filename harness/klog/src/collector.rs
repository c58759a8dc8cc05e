//! Gathers the lines of one report while it is being printed, and knows when it has ended.

use crate::aftermath;
use crate::banner;
use crate::interleave::{self, Mixed};
use crate::kind::Kind;
use crate::line::Line;
use crate::parser::Options;
use crate::shape::Shape;

/// A line that a report has taken.
#[derive(Clone, Debug)]
pub(crate) struct Taken {
    pub(crate) line: Line,
    pub(crate) shape: Shape,
}

/// What became of a line that was offered to a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Offer {
    /// It is part of the report, which goes on.
    Taken,
    /// It is the report's last line.
    Last,
    /// It is not part of the report, which ended before it.
    Ended,
}

/// How far a report has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Text, locks, chains.
    Body,
    /// The last backtrace has begun; how many of its frames there were.
    Backtrace(u32),
    /// All of it was there. The kernel may sum up the registers, say how the task ends, or panic over it.
    After,
}

/// How many lines of others may stand between two lines of a report before it is given up: while its text is being
/// printed, and after its last backtrace has begun. With caller ids there is hardly a line of others to expect.
const PATIENCE_BODY: (usize, usize) = (40, 100);
const PATIENCE_TAIL: (usize, usize) = (2, 8);
/// How long a report may pause, in microseconds of the log's own time.
const PAUSE_BODY: u64 = 30_000_000;
const PAUSE_TAIL: u64 = 5_000_000;
const PAUSE_OWN: u64 = 300_000_000;

/// A report that is being printed.
#[derive(Debug)]
pub(crate) struct Collector {
    /// Not known while only `cut here` was seen.
    pub(crate) kind: Option<Kind>,
    pub(crate) lines: Vec<Taken>,
    pub(crate) omitted: u64,
    /// The last line that reports of this kind have was seen.
    pub(crate) ended: bool,
    phase: Phase,
    /// Backtraces still to come before the last one.
    traces_left: u32,
    /// Held locks still to come.
    held_left: u32,
    /// How many lines at the end of `lines` look like somebody else's.
    strangers: usize,
    /// The list of modules is being printed. Where others print too, each name stands on a line of its own.
    in_modules: bool,
    /// `<TASK>` was seen, and `</TASK>` is still to come.
    in_task_stack: bool,
    /// Messages were lost while it was being printed.
    pub(crate) lossy: bool,
    /// What of another report may stand between its lines.
    pub(crate) mixed: Mixed,
    bytes: usize,
    last_time: Option<u64>,
}

impl Collector {
    /// Opens a report with its banner.
    pub(crate) fn open(kind: Option<Kind>, line: Line) -> Collector {
        let last_time = line.meta.time_us;
        Collector {
            kind,
            bytes: line.text.len(),
            lines: vec![Taken { line, shape: Shape::Other }],
            omitted: 0,
            ended: kind.is_some_and(is_one_line),
            phase: Phase::Body,
            traces_left: if kind == Some(Kind::NestedNotHeld) { 1 } else { 0 },
            held_left: 0,
            strangers: 0,
            in_modules: false,
            in_task_stack: false,
            lossy: false,
            mixed: Mixed::No,
            last_time,
        }
    }

    /// Is everything there but a rest that may come or not?
    pub(crate) fn in_tail(&self) -> bool {
        match self.phase {
            Phase::Body => false,
            Phase::Backtrace(frames) => frames > 0,
            Phase::After => true,
        }
    }

    /// Is all of it there, so that no later line can be its?
    pub(crate) fn is_whole(&self) -> bool {
        interleave::is_whole(self, self.in_task_stack)
    }

    /// Another report was printed at the same time, by nobody knows whom.
    pub(crate) fn mix(&mut self, mixed: Mixed) {
        self.mixed = self.mixed.max(mixed);
    }

    /// The log has lost messages here.
    pub(crate) fn note_loss(&mut self) {
        self.lossy |= !self.ended;
    }

    /// The kind that this report has if a banner of kind `new`, with this text, continues it; `None` if that begins another.
    pub(crate) fn would_absorb(&self, new: Kind, text: &str) -> Option<Kind> {
        let before_trace = !self.in_tail();
        match (self.kind, new) {
            // The line stands above a WARN or a BUG, and none of lockdep's banners.
            (None, new) => (!new.is_lockdep() || new == Kind::LockWarn).then_some(new),
            // The message of a warning names its kind better than the line "WARNING:", on whichever side it stands.
            (Some(Kind::Warn), Kind::Refcount | Kind::List | Kind::LockWarn) if before_trace => Some(new),
            (Some(old @ (Kind::Refcount | Kind::LockWarn)), Kind::Warn) if before_trace => Some(old),
            (Some(old @ Kind::List), Kind::Warn | Kind::Bug) if before_trace => Some(old),
            // One of the timeouts of KMS is a WARN (`drm_atomic_helper_wait_for_vblanks`).
            (Some(old @ Kind::FlipTimeout), Kind::Warn) if before_trace => Some(old),
            // Older watchdogs say it with a WARN.
            (Some(Kind::Warn), Kind::HardLockup) if before_trace => Some(Kind::HardLockup),
            (Some(old @ Kind::HardLockup), Kind::Warn) if self.lines.len() <= 2 => Some(old),
            (Some(old @ Kind::NonStaticKey), Kind::Warn | Kind::LockWarn)
                if before_trace && self.warns_of_key() =>
            {
                Some(old)
            }
            // Before 4.8 KASAN let SLUB describe the object ("BUG kmalloc-64 (Not tainted): kasan: bad access detected").
            (Some(old @ Kind::Kasan), Kind::Bug) if before_trace => Some(old),
            // "BUG: unable to handle ..." and "Oops: 0002" are two lines of one report, and so are "kernel BUG at"
            // and "invalid opcode".
            (Some(old @ (Kind::Oops | Kind::Bug | Kind::List)), Kind::Oops)
                if before_trace
                    && !self.is_another_death(text)
                    && !(old != Kind::Oops && text.starts_with("BUG: ")) =>
            {
                Some(old)
            }
            (Some(old), Kind::Panic)
                if aftermath::is_own_panic(old, text, self.in_tail(), || self.is_of_init()) =>
            {
                Some(old)
            }
            (Some(old @ Kind::Kmemleak), Kind::Kmemleak) if self.lines.len() <= 2 => Some(old),
            _ => None,
        }
    }

    /// Does the line count another oops (`[#2]`) than the report's own?
    fn is_another_death(&self, text: &str) -> bool {
        let own = self.lines.iter().find_map(|taken| banner::death(&taken.line.text));
        own.zip(banner::death(text)).is_some_and(|(own, new)| own != new)
    }

    /// Is the report about the first process, without which the kernel does not go on?
    fn is_of_init(&self) -> bool {
        self.lines.iter().any(|taken| taken.line.text.contains(" PID: 1 Comm: "))
    }

    /// Is it the message of a warning, of which older kernels print the line `cut here` below?
    pub(crate) fn is_warning_text(&self) -> bool {
        let kinds = [Kind::LockWarn, Kind::Refcount, Kind::List];
        let known = self.kind.is_some_and(|kind| kinds.contains(&kind)) || self.warns_of_key();
        known && self.lines.len() <= 2
    }

    /// `BUG: key ... has not been registered!` stands above a WARN (`lockdep_init_map_type`, kernel/locking/lockdep.c). The other
    /// report of this kind, "INFO: trying to register non-static key", has none.
    fn warns_of_key(&self) -> bool {
        self.kind == Some(Kind::NonStaticKey) && self.lines[0].line.text.contains("BUG: key ")
    }

    /// Does the line say again what the report began with? Kernels 5.0 to 5.3 repeat the line "WARNING:" below the backtrace
    /// (`__warn`, kernel/panic.c), and a symboliser repeats a banner for every inlined function.
    pub(crate) fn repeats(&self, kind: Kind, line: &Line) -> bool {
        let again = || self.lines.iter().take(8).any(|taken| taken.line.text.trim() == line.text.trim());
        let inlined = || self.lines.len() == 1 && self.lines[0].line.text.trim_end().ends_with("[inline]");
        kind == Kind::Warn && self.in_tail() && again() || self.kind == Some(kind) && inlined()
    }

    /// Takes a banner that continues this report.
    pub(crate) fn take_banner(&mut self, kind: Option<Kind>, line: Line, options: &Options) {
        self.kind = kind.and_then(|kind| self.would_absorb(kind, &line.text)).or(self.kind);
        if kind == Some(Kind::Panic) && self.phase == Phase::After {
            // The panic's own backtrace follows.
            self.phase = Phase::Backtrace(1);
        }
        self.strangers = 0;
        self.last_time = line.meta.time_us.or(self.last_time);
        // A line without prefix in a log that has them is the rest of the banner, which a mailer broke.
        let broken = line.meta.bare && line.meta.has_time();
        self.keep(Taken { line, shape: if broken { Shape::Other } else { Shape::Detail } }, options);
    }

    /// A mailer may have wrapped the banner. Takes the line if the two make a banner of another kind together.
    pub(crate) fn completes_banner(&mut self, line: &Line) -> bool {
        let [Taken { line: first, .. }] = &mut self.lines[..] else { return false };
        if !line.meta.bare || line.text.trim().is_empty() {
            return false;
        }
        let joined = format!("{} {}", first.text.trim_end(), line.text.trim());
        let kind = banner::find(&joined);
        let better = kind.is_some() && kind != self.kind;
        if better {
            self.kind = kind;
            first.text = joined;
        }
        better
    }

    /// Offers the next line. `own` tells that the log has caller ids and this line has the report's.
    pub(crate) fn offer(&mut self, line: Line, shape: Shape, own: bool, options: &Options) -> Offer {
        let goes_on = self.phase != Phase::After || matches!(shape, Shape::Detail | Shape::Blank);
        if !goes_on || self.paused_too_long(line.meta.time_us, shape) {
            return Offer::Ended;
        }
        let module = self.in_modules && shape == Shape::Other && is_module(&line.text);
        if shape != Shape::Other {
            self.in_modules = line.text.trim_start().starts_with("Modules linked in:");
        }
        let shape = if module { Shape::Detail } else { shape };
        let stranger = self.is_stranger(shape, &line.text);
        if stranger && self.strangers >= self.patience(own) {
            return Offer::Ended;
        }
        if !stranger {
            self.last_time = line.meta.time_us.or(self.last_time);
        }
        self.strangers = if stranger { self.strangers + 1 } else { 0 };
        self.advance(shape, &line.text);
        let last = self.is_last(shape);
        let panicked = line.text.contains("end Kernel panic");
        self.keep(Taken { line, shape }, options);
        self.ended |= last;
        if last && !panicked && self.kind.is_some_and(aftermath::may_follow) {
            self.phase = Phase::After;
            return Offer::Taken;
        }
        if last { Offer::Last } else { Offer::Taken }
    }

    /// Has the log gone on without this report for too long? What only lockdep prints is waited for longer: a slow
    /// console may take minutes for a long report, and people join what two boots printed.
    pub(crate) fn paused_too_long(&self, now: Option<u64>, shape: Shape) -> bool {
        let own = matches!(shape, Shape::Lockdep | Shape::HeldCount(_) | Shape::LastPart | Shape::Lock)
            && self.kind.is_some_and(Kind::is_lockdep);
        let limit = match (self.in_tail(), own) {
            (true, _) => PAUSE_TAIL,
            (false, false) => PAUSE_BODY,
            (false, true) => PAUSE_OWN,
        };
        now.zip(self.last_time).is_some_and(|(now, last)| now.saturating_sub(last) > limit)
    }

    /// Takes the lines off that turned out to be somebody else's.
    pub(crate) fn trim(&mut self) {
        let noise = |taken: &Taken| matches!(taken.shape, Shape::Blank | Shape::Rule);
        let strangers = if self.in_tail() || self.ended { self.strangers } else { 0 };
        self.lines.truncate(self.lines.len().saturating_sub(strangers).max(1));
        while self.lines.len() > 1 && self.lines.last().is_some_and(noise) {
            self.lines.pop();
        }
    }

    fn patience(&self, own: bool) -> usize {
        let (with_callers, without) = if self.in_tail() { PATIENCE_TAIL } else { PATIENCE_BODY };
        // Reports about several tasks go on with text after a backtrace.
        let more = if self.in_task_stack
            || matches!(self.kind, Some(Kind::RcuStall | Kind::Kasan | Kind::Kcsan | Kind::HardLockup))
        {
            8
        } else {
            0
        };
        if own { with_callers + more } else { without + more }
    }

    fn is_stranger(&self, shape: Shape, text: &str) -> bool {
        match shape {
            Shape::Other => true,
            // Only lockdep prints these.
            Shape::Lockdep if !self.kind.is_some_and(Kind::is_lockdep) => !text.contains("depth"),
            _ => false,
        }
    }

    fn advance(&mut self, shape: Shape, text: &str) {
        let waits_for_last_part = self.kind.is_some_and(has_last_part);
        // 32-bit Arm prints no line above its backtrace.
        let shape =
            if self.phase == Phase::Body && is_arm_frame(shape, text) { Shape::TraceStart } else { shape };
        self.in_task_stack |= text.trim() == "<TASK>";
        match (self.phase, shape) {
            (Phase::Body, Shape::LastPart) if self.traces_left > 0 => self.traces_left -= 1,
            (Phase::Body, Shape::LastPart) => self.phase = Phase::Backtrace(0),
            (Phase::Body, Shape::TraceStart) if !waits_for_last_part => self.phase = Phase::Backtrace(0),
            (Phase::Backtrace(frames), Shape::Frame) => self.phase = Phase::Backtrace(frames + 1),
            (_, Shape::StackEnd) => self.in_task_stack = false,
            (_, Shape::HeldCount(count)) => self.held_left = count,
            (_, Shape::Lock) => self.held_left = self.held_left.saturating_sub(1),
            _ => {}
        }
    }

    fn is_last(&self, shape: Shape) -> bool {
        let Some(kind) = self.kind else { return false };
        match shape {
            Shape::StackEnd => {
                self.in_tail() && (kind.is_lockdep() && kind != Kind::LockWarn || ends_with_stack(kind))
            }
            Shape::EndTrace => !kind.is_lockdep() || kind == Kind::LockWarn,
            Shape::Rule => matches!(kind, Kind::Kasan | Kind::Kcsan | Kind::Ubsan) && self.lines.len() > 4,
            Shape::Lock | Shape::HeldCount(_) => kind == Kind::HeldAtReturn && self.held_left == 0,
            _ => false,
        }
    }

    /// Adds a line that is known to be the report's.
    pub(crate) fn add(&mut self, line: Line, options: &Options) {
        self.keep(Taken { line, shape: Shape::Detail }, options);
    }

    /// Keeps a line, unless the report is too long already: then it is only counted.
    fn keep(&mut self, taken: Taken, options: &Options) {
        if self.lines.len() >= options.report_lines || self.bytes >= options.report_bytes {
            self.omitted += 1;
            return;
        }
        self.bytes += taken.line.text.len();
        self.lines.push(taken);
    }
}

/// Is the banner all there is?
pub(crate) fn is_one_line(kind: Kind) -> bool {
    matches!(kind, Kind::GpuHang | Kind::GpuReset | Kind::FlipTimeout)
}

/// ` sd_mod`, ` foo(OE+)`, ` [last unloaded: foo]`: a piece of the list of modules (`print_modules`, kernel/module/main.c).
fn is_module(text: &str) -> bool {
    let Some(name) = text.strip_prefix(' ') else { return false };
    let named = |b: u8| b.is_ascii_alphanumeric() || b"_-()+".contains(&b);
    name.starts_with("[last unloaded: ") || !name.is_empty() && name.bytes().all(named)
}

/// `foo from bar+0x1/0x2`
pub(crate) fn is_arm_frame(shape: Shape, text: &str) -> bool {
    shape == Shape::Frame && text.contains(" from ")
}

/// Does the last backtrace stand behind the words "stack backtrace:"?
fn has_last_part(kind: Kind) -> bool {
    kind.is_lockdep()
        && !matches!(kind, Kind::Limit | Kind::NonStaticKey | Kind::LockWarn | Kind::HeldAtReturn)
}

/// Does the report of this kind, which is not lockdep's, end with its backtrace?
fn ends_with_stack(kind: Kind) -> bool {
    matches!(kind, Kind::Sleeping | Kind::AtomicSchedule)
}

/// Does this message open a report? `cut here` opens one whose kind the next lines tell.
pub(crate) fn opening(message: &str) -> Option<Option<Kind>> {
    match banner::find(message) {
        Some(kind) => Some(Some(kind)),
        None => message.contains(banner::CUT_HERE).then_some(None),
    }
}
