//! A session's calls as lines, in the order in which they were made.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io;

use fencelab_abi::Kind;
use fencelab_abi::ioctl::Role;
use fencelab_abi::section::OUT_FENCES;

use super::about::about;
use super::filter::Filter;
use super::json;
use super::line::{Line, State};
use crate::id::{CallId, ThreadId};
use crate::model::{Effect, Event, Model, Moment, ObjectId};
use crate::{Loss, Lost, Session};

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
    /// Lines that were held and no longer are.
    released: usize,
    /// Where among all lines those are that are yet to be completed.
    open: HashMap<CallId, usize>,
    /// Calls that were shown as begun.
    begun: HashSet<CallId>,
    losses: VecDeque<(u64, Loss)>,
    /// What was missing when the lines began, or has been shown since.
    known: HashSet<Loss>,
}

/// A call's line, or the place where it will be.
struct Held {
    id: CallId,
    item: Option<Item>,
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
        let known: HashSet<Loss> = session.losses().into_iter().collect();
        // Whoever follows a session has been told of these.
        let shown = known.iter().filter(|_| !style.follow);
        let mut losses: Vec<(u64, Loss)> = shown.map(|loss| (place(loss), *loss)).collect();
        losses.sort_by_key(|(at, loss)| (*at, loss.thread, loss.between));
        Self {
            model: Model::new(session),
            filter,
            style,
            held: VecDeque::new(),
            released: 0,
            open: HashMap::new(),
            begun: HashSet::new(),
            losses: losses.into(),
            known,
        }
    }

    /// The walk that the lines are made of.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Takes in what a live session has come to hold, after [`Session::refresh`].
    pub fn refresh(&mut self, session: &Session) {
        self.model.refresh(session);
        for loss in session.losses() {
            // A record that is being written is no loss yet.
            if loss.what != Lost::Torn && self.known.insert(loss) {
                self.held.push_back(Held::complete(NO_CALL, Item::Loss(loss)));
            }
        }
    }

    /// The next line of what happened up to a tick.
    ///
    /// # Errors
    ///
    /// When the pool can no longer be read.
    pub fn next(&mut self, session: &Session, until: u64) -> io::Result<Option<Item>> {
        loop {
            if let Some(item) = self.ready(self.held.len() > MOST) {
                return Ok(Some(item));
            }
            if !self.advance(session, until)? {
                place_losses(&mut self.losses, &mut self.held, u64::MAX);
                return Ok(self.ready(true));
            }
        }
    }

    /// The first held line, if it is complete or shall be taken as it is.
    fn ready(&mut self, force: bool) -> Option<Item> {
        while let Some(first) = self.held.front() {
            if first.open && !force {
                return None;
            }
            let held = self.held.pop_front()?;
            self.released += 1;
            self.open.remove(&held.id);
            if held.item.is_some() {
                return held.item;
            }
        }
        None
    }

    /// Walks one step. False: there is none.
    fn advance(&mut self, session: &Session, until: u64) -> io::Result<bool> {
        let Some(event) = self.model.next_until(session, until)? else { return Ok(false) };
        let id = event.call.id;
        place_losses(&mut self.losses, &mut self.held, event.ticks);
        let mut shown = Shown { session, filter: &self.filter, style: self.style, event: &event };
        match event.moment {
            _ if event.ended().is_some() => self.held.extend(shown.ended()),
            Moment::Begin => {
                let Some(held) = shown.begin() else { return Ok(true) };
                if matches!(&held.item, Some(Item::Line(line)) if line.state == State::Begun) {
                    self.begun.insert(id);
                }
                if held.open {
                    self.open.insert(id, self.released + self.held.len());
                }
                self.held.push_back(held);
            }
            Moment::End if self.begun.remove(&id) => {
                self.held.push_back(Held::complete(id, Item::Line(Box::new(shown.resumed()))));
            }
            Moment::End => {
                if let Some(at) = self.open.remove(&id)
                    && let Some(held) = self.held.get_mut(at.wrapping_sub(self.released))
                {
                    shown.end(held);
                }
            }
        }
        Ok(true)
    }
}

/// Puts what is missing before a tick in its place.
fn place_losses(losses: &mut VecDeque<(u64, Loss)>, held: &mut VecDeque<Held>, ticks: u64) {
    while losses.front().is_some_and(|(place, _)| *place <= ticks) {
        held.extend(losses.pop_front().map(|(_, loss)| Held::complete(NO_CALL, Item::Loss(loss))));
    }
}

/// The call of what belongs to none.
const NO_CALL: CallId = CallId { thread: ThreadId(u32::MAX), index: u32::MAX };

impl Held {
    fn complete(id: CallId, item: Item) -> Self {
        Self { id, item: Some(item), open: false, notes: Vec::new(), matched: true, effects: Vec::new() }
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
        let shown = matched && fits;
        if !open && !shown {
            return None;
        }
        let (notes, effects) = (self.notes(), self.effects());
        let item = (!open).then(|| Item::Line(Box::new(self.line(notes.clone(), effects.clone()))));
        Some(Held { id: event.call.id, item, open, notes, matched, effects })
    }

    /// The line of a process's end.
    fn ended(&mut self) -> Option<Held> {
        let (session, event) = (self.session, self.event);
        let process = event.ended().and_then(|id| session.process(id))?;
        let end = process.ended()?;
        let ours = self.filter.takes_process(process, event.call.tid, event.entered_ns());
        let fits =
            self.filter.takes_kind(event) && self.filter.takes_object(event) && self.filter.takes_fd(event);
        if !ours || !fits {
            return None;
        }
        let mut line = self.line(self.notes(), Vec::new());
        (line.process, line.pid) = (Some(process.id), process.pid);
        process.name().clone_into(&mut line.name);
        line.text = format!("+++ {end} +++");
        if self.style.json {
            line.json = Some(json::end(session, process, end, self.effects()));
        }
        Some(Held::complete(event.call.id, Item::Line(Box::new(line))))
    }

    /// Completes the line of a call that has returned.
    fn end(&mut self, held: &mut Held) {
        held.open = false;
        if (held.matched || self.filter.takes_object(self.event)) && self.filter.takes_fd(self.event) {
            let mut notes = std::mem::take(&mut held.notes);
            notes.extend(self.notes());
            let mut effects = std::mem::take(&mut held.effects);
            effects.extend(self.effects());
            held.item = Some(Item::Line(Box::new(self.line(notes, effects))));
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
        if matches!(call.kind, Some(Kind::Inherited | Kind::Confined | Kind::Exit)) {
            return State::Instant;
        }
        let ns = |ticks| self.session.clock().ns(ticks);
        match call.exit {
            Some(exit) => State::Done(ns(exit).saturating_sub(self.event.entered_ns())),
            None if call.kind == Some(Kind::Exec) => State::Instant,
            None if self.style.follow => State::Begun,
            None => State::Unfinished {
                since: self.session.over_ns(call.id.thread).saturating_sub(self.event.entered_ns()),
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

/// The tick before which something missing is shown: when it ends, or right behind where it begins.
fn place(loss: &Loss) -> u64 {
    match loss.between {
        (_, Some(until)) => until,
        (Some(since), None) => since.saturating_add(1),
        (None, None) if loss.thread.is_some() => 0,
        (None, None) => u64::MAX,
    }
}
