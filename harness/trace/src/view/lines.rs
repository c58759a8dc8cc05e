//! A session's calls as lines, in the order in which they were made.

use std::collections::{HashSet, VecDeque};
use std::io;

use fencelab_abi::Kind;
use fencelab_abi::ioctl::Role;
use fencelab_abi::section::OUT_FENCES;

use super::about::about;
use super::filter::Filter;
use super::json;
use super::line::{Line, State};
use crate::id::CallId;
use crate::model::{Effect, Event, Model, Moment, ObjectId};
use crate::{Loss, Session};

/// What to make of each call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Style {
    /// JSON too.
    pub json: bool,
    /// Calls that have not returned may yet: show their beginning, and their return when it comes.
    pub follow: bool,
}

/// Something to show.
#[derive(Clone, Debug)]
pub enum Item {
    /// A call.
    Line(Box<Line>),
    /// Something is missing here.
    Loss(Loss),
}

/// The lines of a session.
///
/// A call that brings something is known in full only when it has returned, so its line and those behind it are held
/// until then.
pub struct Lines {
    model: Model,
    filter: Filter,
    style: Style,
    held: VecDeque<Held>,
    /// Calls that were shown as begun.
    begun: HashSet<CallId>,
    losses: VecDeque<(u64, Loss)>,
}

/// A call's line, or the place where it will be.
struct Held {
    id: CallId,
    line: Option<Box<Line>>,
    /// Whether it is yet to be completed.
    open: bool,
    /// What its beginning did to the objects that were asked for.
    notes: Vec<String>,
    /// Whether its beginning had to do with them.
    matched: bool,
    /// The effects of its beginning, for programs.
    effects: Vec<serde_json::Value>,
}

/// Lines that are held at most: what is not known by then is shown without.
const MOST: usize = 65_536;

impl Lines {
    /// The lines of a session from its beginning.
    pub fn new(session: &Session, filter: Filter, style: Style) -> Self {
        let mut losses: Vec<(u64, Loss)> =
            session.losses().into_iter().map(|loss| (place(&loss), loss)).collect();
        losses.sort_by_key(|(at, _)| *at);
        Self {
            model: Model::new(session),
            filter,
            style,
            held: VecDeque::new(),
            begun: HashSet::new(),
            losses: losses.into(),
        }
    }

    /// The walk that the lines are made of.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Takes in what a live session has come to hold, after [`Session::refresh`].
    pub fn refresh(&mut self, session: &Session) {
        self.model.refresh(session);
    }

    /// The next line of what happened up to a tick.
    ///
    /// # Errors
    ///
    /// When the pool can no longer be read.
    pub fn next(&mut self, session: &Session, until: u64) -> io::Result<Option<Item>> {
        loop {
            if let Some(line) = self.ready(self.held.len() > MOST) {
                return Ok(Some(Item::Line(line)));
            }
            let next = self.advance(session, until)?;
            if next.is_none_or(|at| self.losses.front().is_some_and(|(place, _)| *place <= at))
                && !self.style.follow
                && let Some((_, loss)) = self.losses.pop_front()
            {
                return Ok(Some(Item::Loss(loss)));
            }
            if next.is_none() {
                return Ok(self.ready(true).map(Item::Line));
            }
        }
    }

    /// The first held line, if it is complete or shall be taken as it is.
    fn ready(&mut self, force: bool) -> Option<Box<Line>> {
        while let Some(first) = self.held.front() {
            if first.open && !force {
                return None;
            }
            if let Some(line) = self.held.pop_front().and_then(|held| held.line) {
                return Some(line);
            }
        }
        None
    }

    /// Walks one step; gives when it was.
    fn advance(&mut self, session: &Session, until: u64) -> io::Result<Option<u64>> {
        let Some(event) = self.model.next_until(session, until)? else { return Ok(None) };
        let ticks = event.ticks;
        let mut shown = Shown { session, filter: &self.filter, style: self.style, event: &event };
        match event.moment {
            Moment::Begin => {
                if let Some(held) = shown.begin() {
                    if held.line.as_ref().is_some_and(|line| line.state == State::Begun) {
                        self.begun.insert(held.id);
                    }
                    self.held.push_back(held);
                }
            }
            Moment::End => {
                if self.begun.remove(&event.call.id) {
                    let line = Some(Box::new(shown.resumed()));
                    let (notes, effects) = (Vec::new(), Vec::new());
                    let id = event.call.id;
                    self.held.push_back(Held { id, line, open: false, notes, matched: true, effects });
                } else if let Some(held) =
                    self.held.iter_mut().find(|held| held.open && held.id == event.call.id)
                {
                    shown.end(held);
                }
            }
        }
        Ok(Some(ticks))
    }
}

/// One step, as it is made into a line.
struct Shown<'a, 'm> {
    session: &'a Session,
    filter: &'a Filter,
    style: Style,
    event: &'a Event<'m>,
}

impl Shown<'_, '_> {
    /// A call's line at its beginning, complete unless it brings something.
    fn begin(&mut self) -> Option<Held> {
        let event = self.event;
        if !self.filter.takes_caller(self.session, &event.call) || !self.filter.takes_kind(event) {
            return None;
        }
        let open = event.call.exit.is_some() && brings(event);
        let matched = self.filter.takes_object(event);
        let fits = self.filter.takes_fd(event);
        if !open && !(matched && fits) {
            return None;
        }
        let (notes, effects) = (self.notes(), self.effects());
        let line = (!open).then(|| Box::new(self.line(notes.clone(), effects.clone())));
        Some(Held { id: event.call.id, line, open, notes, matched, effects })
    }

    /// Completes the line of a call that has returned.
    fn end(&mut self, held: &mut Held) {
        held.open = false;
        if (held.matched || self.filter.takes_object(self.event)) && self.filter.takes_fd(self.event) {
            let mut notes = std::mem::take(&mut held.notes);
            notes.extend(self.notes());
            let mut effects = std::mem::take(&mut held.effects);
            effects.extend(self.effects());
            held.line = Some(Box::new(self.line(notes, effects)));
        }
    }

    fn notes(&self) -> Vec<String> {
        if self.filter.objects.is_empty() {
            return Vec::new();
        }
        let ours = |id: ObjectId| {
            let object = self.event.objects().get(id);
            object.is_some_and(|object| self.filter.objects.contains(&(object.kind, object.serial)))
        };
        about(self.event, &ours)
    }

    fn effects(&self) -> Vec<serde_json::Value> {
        if self.style.json { json::effects(self.event) } else { Vec::new() }
    }

    fn line(&self, notes: Vec<String>, effects: Vec<serde_json::Value>) -> Line {
        let event = self.event;
        let thread = self.session.thread(event.call.id.thread);
        let process = thread.and_then(|thread| thread.process);
        let name = process.and_then(|id| self.session.process(id)).map(|process| process.name().to_owned());
        let mut line = Line {
            id: event.call.id,
            process,
            name: name.unwrap_or_default(),
            pid: thread.map_or(0, |thread| thread.pid),
            tid: event.call.tid,
            at: event.entered_ns(),
            state: self.state(),
            text: event.text(),
            notes,
            json: None,
        };
        if self.style.json {
            line.json = Some(json::call(self.session, event, &line, effects));
        }
        line
    }

    fn state(&self) -> State {
        let call = &self.event.call;
        if matches!(call.kind, Some(Kind::Inherited | Kind::Confined)) {
            return State::Instant;
        }
        let ns = |ticks| self.session.clock().ns(ticks);
        match call.exit {
            Some(exit) => State::Done(ns(exit).saturating_sub(self.event.entered_ns())),
            None if call.kind == Some(Kind::Exec) => State::Instant,
            None if self.style.follow => State::Begun,
            None => State::Unfinished {
                since: self.session.last_ns().saturating_sub(self.event.entered_ns()),
                waits: self.event.effects.iter().any(|effect| matches!(effect, Effect::Wait { .. })),
            },
        }
    }

    /// The return of a call that was shown as begun.
    fn resumed(&mut self) -> Line {
        let event = self.event;
        let whole = self.line(Vec::new(), self.effects());
        let at = self.session.clock().ns(event.ticks);
        let name = event
            .ioctl
            .map_or_else(|| event.call.kind.map_or("call", super::filter::kind_name), |ioctl| ioctl.name);
        let result = whole.text.rsplit_once(" = ").map_or("?", |(_, result)| result);
        let text = format!("<... {name} resumed> = {result}");
        let duration = at.saturating_sub(event.entered_ns());
        Line { at, state: State::Resumed(duration), text, ..whole }
    }
}

/// Whether a call brings something that its line names.
fn brings(event: &Event<'_>) -> bool {
    use Kind::{Accept, Dup, Inherited, Open, PidfdGetfd, PidfdOpen, Receive, SocketPair};
    let kinds = [Open, Dup, Receive, SocketPair, Accept, PidfdOpen, PidfdGetfd, Inherited];
    let makes =
        |role| matches!(role, Role::Makes(_) | Role::MakesFd(_) | Role::MakesSyncobjFd | Role::MakesSyncobj);
    event.call.kind.is_some_and(|kind| kinds.contains(&kind))
        || event.ioctl.is_some_and(|ioctl| {
            ioctl.returns.is_some() || ioctl.fields.iter().any(|field| makes(field.role))
        })
        || event.call.section(OUT_FENCES).is_some()
}

/// The tick at which something missing is shown.
fn place(loss: &Loss) -> u64 {
    loss.between.1.or(loss.between.0).unwrap_or(if loss.thread.is_some() { 0 } else { u64::MAX })
}
