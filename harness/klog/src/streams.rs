//! Sorts lines to the reports that are being printed: by caller id, and without one by what fits.

use std::collections::HashMap;

use crate::collector::{Collector, Offer, opening};
use crate::incident::Incidents;
use crate::interleave::{self, Mixed};
use crate::kind::Kind;
use crate::line::{Caller, Line};
use crate::parser::Options;
use crate::shape::{Shape, shape};

/// Reports of one caller that are being printed; without caller ids, of everybody. The last is the one in progress,
/// those before it were interrupted.
type Stream = Vec<Collector>;

/// How many interrupted reports a log without caller ids may have.
const MAX_NESTED: usize = 4;
/// How many callers may have a report open.
const MAX_STREAMS: usize = 64;

/// All reports that are being printed.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: HashMap<Option<Caller>, Stream>,
    /// Hangs and resets of which another line may come.
    incidents: Incidents,
    /// Reports that have ended, in the order of their ends.
    done: Vec<Collector>,
}

impl Streams {
    /// Is no report being printed?
    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_empty() && self.incidents.is_idle()
    }

    /// The log has lost messages here: any report that is being printed may lack them.
    pub(crate) fn note_loss(&mut self) {
        self.open.values_mut().flatten().for_each(Collector::note_loss);
        self.incidents.note_loss();
    }

    /// Takes the reports that have ended.
    pub(crate) fn take_done(&mut self) -> Vec<Collector> {
        std::mem::take(&mut self.done)
    }

    /// Sorts one line. `candidate` tells that it may be a banner.
    pub(crate) fn push(&mut self, line: Line, candidate: bool, options: &Options) {
        if !self.incidents.is_idle() {
            self.incidents.see(&line, options, &mut self.done);
            if self.incidents.take_owner(&line, options, &mut self.done) {
                return;
            }
        }
        let look = if self.open.is_empty() { Shape::Other } else { shape(&line.text) };
        self.close_paused(line.meta.time_us, look);
        let banner = if candidate { opening(&line.text) } else { None };
        match banner {
            Some(kind) => self.begin(kind, line, options),
            None => self.continue_report(line, look, options),
        }
        self.open.retain(|_, stream| !stream.is_empty());
    }

    fn continue_report(&mut self, line: Line, shape: Shape, options: &Options) {
        let caller = line.meta.caller;
        // A line without caller id in a log that has them belongs to the one report that is being printed.
        let key = match self.open.keys().next() {
            Some(only) if caller.is_none() && self.open.len() == 1 => *only,
            _ => caller,
        };
        if let Some(stream) = self.open.get_mut(&key) {
            if stream.last_mut().is_some_and(|current| current.completes_banner(&line)) {
                return;
            }
            self.done.extend(offer(stream, line, shape, key.is_some(), options));
        }
    }

    /// Closes every open report.
    pub(crate) fn finish(&mut self, options: &Options) {
        self.incidents.finish(options, &mut self.done);
        let mut rest: Vec<Collector> = std::mem::take(&mut self.open).into_values().flatten().collect();
        rest.sort_by_key(|collector| collector.lines[0].line.number);
        self.done.extend(rest);
    }

    /// A banner: it continues the caller's report, or ends it and begins another.
    fn begin(&mut self, kind: Option<Kind>, line: Line, options: &Options) {
        let caller = line.meta.caller;
        if self.open.len() >= MAX_STREAMS && !self.open.contains_key(&caller) {
            self.finish(options);
        }
        let stream = self.open.entry(caller).or_default();
        let continues = |current: &Collector| match kind {
            Some(kind) => current.would_absorb(kind, &line.text).is_some() || current.repeats(kind, &line),
            None => current.is_warning_text(),
        };
        // Without caller ids it may go on with one that another interrupted, which is in progress again then.
        let awaits =
            |current: &Collector| kind.is_some() && current.awaits_place(&line.text) && continues(current);
        if let Some(index) = stream.iter().rposition(awaits).or_else(|| stream.iter().rposition(continues)) {
            let mut current = stream.remove(index);
            current.take_banner(kind, line, options);
            if caller.is_none() {
                mix(stream, &mut current);
            }
            stream.push(current);
            return;
        }
        let mut opened = Collector::open(kind, line);
        if opened.ended {
            // A line is whole, and takes none from the reports around it.
            self.done.extend(stream.pop_if(|current| caller.is_some() || current.is_whole()));
            self.incidents.take(opened, options, &mut self.done);
            return;
        }
        if caller.is_none() {
            mix(stream, &mut opened);
        }
        // With caller ids, or once it is all there, the report before has ended, and a panic ends everything. Otherwise it may go
        // on later.
        let interrupted = caller.is_none()
            && kind != Some(Kind::Panic)
            && stream.last().is_some_and(|current| !current.in_tail());
        if !interrupted || stream.len() >= MAX_NESTED {
            self.done.extend(stream.pop());
        }
        let alone = stream.is_empty() && opened.mixed == Mixed::No;
        stream.push(opened);
        if !alone {
            stream.iter_mut().for_each(Collector::meet);
        }
    }

    fn close_paused(&mut self, now: Option<u64>, shape: Shape) {
        if self.open.is_empty() || now.is_none() {
            return;
        }
        for stream in self.open.values_mut() {
            let (paused, open) =
                std::mem::take(stream).into_iter().partition(|c: &Collector| c.paused_too_long(now, shape));
            *stream = open;
            self.done.extend::<Vec<_>>(paused);
        }
    }
}

/// A report begins before those in progress have all ended, and the log does not say who prints: the lines of each may be
/// another's.
fn mix(stream: &mut Stream, opened: &mut Collector) {
    // Behind `cut here` a warning prints nothing before its banner, however long that takes; but behind two, its sentence may be
    // the other's.
    let unended = |current: &&mut Collector| {
        (current.kind.is_some() || opened.kind.is_none())
            && !current.is_whole()
            && !interleave::is_one_printer(current.kind, opened.kind)
    };
    let mut most = Mixed::No;
    for current in stream.iter_mut().filter(unended) {
        let mixed = interleave::mixed(current.kind, opened.kind);
        current.mix(mixed);
        most = most.max(mixed);
    }
    // A panic stops the other CPUs, and is the last that the kernel prints.
    if opened.kind != Some(Kind::Panic) {
        opened.mix(most);
    }
}

/// Offers a line to the report in progress, or to an interrupted one that alone can have printed it. Returns the
/// reports that ended.
fn offer(stream: &mut Stream, line: Line, shape: Shape, own: bool, options: &Options) -> Option<Collector> {
    let is_lockdep = |collector: &Collector| collector.kind.is_some_and(Kind::is_lockdep);
    let lockdep_only = matches!(shape, Shape::Lockdep | Shape::LastPart);
    let index = match stream.iter().rposition(is_lockdep) {
        Some(index) if lockdep_only => index,
        _ => stream.len().checked_sub(1)?,
    };
    match stream[index].offer(line, shape, own, options) {
        Offer::Taken => None,
        Offer::Last | Offer::Ended => Some(stream.remove(index)),
    }
}
