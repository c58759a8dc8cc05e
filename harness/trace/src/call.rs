//! One call, read.

use std::io;
use std::sync::Arc;

use fencelab_abi::{Driver, FdClass, Ioctl, Kind, Mode, Request, Slot, flags};

use crate::Session;
use crate::chunk::Chunk;
use crate::head::Head;
use crate::id::{CallId, RecordId};
use crate::ioctls::{self, Known};
use crate::payload::Payload;
use crate::source::Source;
use crate::thread::Entry;

/// A call that a thread made.
#[derive(Clone, Copy, Debug)]
pub struct Call<'r> {
    /// Which it is.
    pub id: CallId,
    /// What it is: of the kinds that tell of a beginning or an end, [`Kind::Ioctl`] and [`Kind::PollEnter`]. `None`: a
    /// kind newer than this version.
    pub kind: Option<Kind>,
    /// The kind's number.
    pub kind_number: u8,
    /// The ioctl's request, or what [`Kind`] says.
    pub request: Request,
    /// The fd it was made on; below zero none.
    pub fd: i32,
    /// What the recorder knew of that fd before the call.
    pub class: FdClass,
    /// What it returned, below zero a negated errno; `None`: it has not returned.
    pub result: Option<i32>,
    /// [`flags`], of beginning and end together.
    pub flags: u8,
    /// Ticks when it was made.
    pub enter: u64,
    /// Ticks when it returned.
    pub exit: Option<u64>,
    /// The calling thread.
    pub tid: u32,
    /// Whether only its end was recorded: what was passed in is gone.
    pub beginning_lost: bool,
    pub(crate) before: Payload<'r>,
    pub(crate) after: Payload<'r>,
}

impl<'r> Call<'r> {
    /// What is known of an ioctl; `None` of other calls and of ioctls that no table has.
    pub fn ioctl(&self) -> Option<&'static Ioctl> {
        self.known_on(self.class).map(|known| known.ioctl)
    }

    /// As [`Call::ioctl`], on an fd of which more is known than the recorder knew.
    pub fn ioctl_on(&self, class: FdClass) -> Option<&'static Ioctl> {
        self.known_on(class).map(|known| known.ioctl)
    }

    pub(crate) fn known_on(&self, class: FdClass) -> Option<&'static Known> {
        self.known(|| class)
    }

    /// As [`Call::known_on`], where it costs something to know more than the recorder did.
    pub(crate) fn known(&self, class: impl FnOnce() -> FdClass) -> Option<&'static Known> {
        if self.kind != Some(Kind::Ioctl) {
            return None;
        }
        // The recorder may not know a device's driver where the trace as a whole does.
        let unsure = matches!(self.class, FdClass::Unknown | FdClass::Foreign | FdClass::Drm(Driver::Other));
        ioctls::find(self.request, if unsure { class() } else { self.class })
    }

    /// Whether it succeeded. One that has not returned has not.
    pub fn succeeded(&self) -> bool {
        self.result.is_some_and(|result| result >= 0)
    }

    /// Its argument as it was passed in, as far as it was recorded.
    pub fn argument_in(&self) -> &'r [u8] {
        self.before.argument
    }

    /// Its argument as it came back; empty before that.
    pub fn argument_out(&self) -> &'r [u8] {
        self.after.argument
    }

    /// The data of its first section of that id; what came back wins.
    pub fn section(&self, id: u8) -> Option<&'r [u8]> {
        let find = |payload: &Payload<'r>| payload.sections().find(|(section, _)| section.id == id);
        find(&self.after).or_else(|| find(&self.before)).map(|(_, data)| data)
    }

    /// The fds in its section of fds: those sent, received, polled or ready.
    pub fn fds(&self) -> impl Iterator<Item = i32> + use<'r> {
        fds(self.section(fencelab_abi::section::FDS))
    }

    /// The fds that it was to poll.
    pub fn polled(&self) -> impl Iterator<Item = i32> + use<'r> {
        let mut sections = self.before.sections();
        fds(sections.find(|(section, _)| section.id == fencelab_abi::section::FDS).map(|(_, data)| data))
    }

    /// How long a poll waits at most, in nanoseconds, below zero for ever; `None`: not recorded, or no poll.
    pub fn timeout_ns(&self) -> Option<i64> {
        let mut sections = self.before.sections();
        let data = sections.find(|(section, _)| section.id == fencelab_abi::section::TIMEOUT)?.1;
        Some(i64::from_le_bytes(data.try_into().ok()?))
    }

    /// Its section of text of that id.
    pub fn text(&self, id: u8) -> Option<String> {
        self.section(id).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// Whether its argument, or what that points to, could not be read when it was made.
    pub(crate) fn lacks_arguments(&self) -> bool {
        self.is_unread() || self.before.sections().any(|(section, data)| section.total > 0 && data.is_empty())
    }

    /// Whether something of its argument could not be read.
    pub fn is_unread(&self) -> bool {
        self.flags & flags::UNREAD != 0
    }
}

fn fds<'r>(data: Option<&'r [u8]>) -> impl Iterator<Item = i32> + use<'r> {
    let words = data.unwrap_or_default().chunks_exact(4);
    words.map(|word| word.try_into().map_or(-1, i32::from_le_bytes))
}

/// Reads calls. Keeps copies of the chunks that it has read last, and each thread's last call: whoever walks through a
/// session comes to a call twice, at its beginning and at its end.
pub struct Reader {
    source: Arc<dyn Source>,
    head: Head,
    /// By the chunk's number, modulo their count.
    chunks: Vec<Option<(u32, Chunk)>>,
    /// By the thread's number, modulo their count.
    loaded: Vec<Loaded>,
    /// Where the call lies that was read last.
    current: usize,
}

/// The records of a call.
#[derive(Default)]
struct Loaded {
    /// `None`: there is no call here.
    numbers: Option<Numbers>,
    /// The payload of the first.
    before: Vec<u8>,
    /// The payload of the last.
    after: Vec<u8>,
}

/// A call without its bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbers {
    id: CallId,
    kind: Option<Kind>,
    kind_number: u8,
    request: Request,
    fd: i32,
    class: FdClass,
    result: Option<i32>,
    flags: u8,
    enter: u64,
    exit: Option<u64>,
    tid: u32,
    beginning_lost: bool,
    /// Whether one record is both its beginning and its end.
    single: bool,
    /// Bytes of each payload that are the argument.
    sizes: [u16; 2],
}

impl Reader {
    /// Copies that are kept: 4 MiB.
    const KEPT: usize = 512;
    /// Threads of which the last call is kept.
    const THREADS: usize = 64;

    pub(crate) fn new(source: Arc<dyn Source>, head: Head) -> Self {
        let chunks = std::iter::repeat_with(|| None).take(Self::KEPT).collect();
        let loaded = std::iter::repeat_with(Loaded::default).take(Self::THREADS).collect();
        Self { source, head, chunks, loaded, current: 0 }
    }

    /// Reads a call of the session that the reader is of. `None`: it is gone, as newer records took its place.
    ///
    /// # Errors
    ///
    /// When the pool can no longer be read.
    pub fn read(&mut self, session: &Session, id: CallId) -> io::Result<Option<Call<'_>>> {
        Ok(if self.load(session, id)? { self.loaded() } else { None })
    }

    /// Reads a call's records. False: they are gone.
    pub(crate) fn load(&mut self, session: &Session, id: CallId) -> io::Result<bool> {
        let Some(thread) = session.thread(id.thread) else { return Ok(false) };
        let Some(entry) = thread.entries.get(id.index as usize).copied() else { return Ok(false) };
        let place = id.thread.0 as usize % Self::THREADS;
        self.current = place;
        let is_it = |known: &Numbers| known.id == id && known.exit == entry.exit();
        if self.loaded[place].numbers.as_ref().is_some_and(is_it) {
            return Ok(true);
        }
        let mut call = std::mem::take(&mut self.loaded[place]);
        call.before.clear();
        call.after.clear();
        // Whatever newer record took an old one's place was made later.
        let ours = |slot: &Slot| slot.tid == thread.tid && slot.enter <= entry.enter;
        let first = self.record(entry.first, &ours, &mut call.before)?;
        let single = entry.last == entry.first;
        let last = if single { None } else { self.record(entry.last, &ours, &mut call.after)? };
        let whole = first.filter(|_| single || last.is_some());
        call.numbers = whole.map(|first| Numbers::of(id, &entry, &first, last.as_ref()));
        self.loaded[place] = call;
        Ok(whole.is_some())
    }

    /// The call that was read last.
    pub(crate) fn loaded(&self) -> Option<Call<'_>> {
        let (numbers, before, after) = self.parts()?;
        Some(numbers.with(before, after))
    }

    /// Its numbers and payloads.
    pub(crate) fn parts(&self) -> Option<(&Numbers, &[u8], &[u8])> {
        let call = self.loaded.get(self.current)?;
        Some((call.numbers.as_ref()?, &call.before, &call.after))
    }

    /// Reads a record and appends its payload. `None`: another one is in its place.
    fn record(
        &mut self,
        id: RecordId,
        ours: &dyn Fn(&Slot) -> bool,
        out: &mut Vec<u8>,
    ) -> io::Result<Option<Slot>> {
        let place = id.chunk() as usize % Self::KEPT;
        for fresh in [false, true] {
            if fresh {
                // A copy may be older than the record. That was whole when it became known, and stays so if none is overwritten.
                let still = self.head.mode == Mode::Stop;
                let chunk = Chunk::read(&*self.source, &self.head, id.chunk(), still)?;
                self.chunks[place] = chunk.map(|chunk| (id.chunk(), chunk));
            }
            let chunk = self.chunks[place].as_ref().filter(|(index, _)| *index == id.chunk());
            let Some((_, chunk)) = chunk else { continue };
            if let Some(slot) = chunk.record(id.slot()).filter(ours) {
                chunk.payload(id.slot(), &slot, out);
                return Ok(Some(slot));
            }
        }
        Ok(None)
    }
}

impl Numbers {
    fn of(id: CallId, entry: &Entry, first: &Slot, last: Option<&Slot>) -> Self {
        let number = Kind::from_u8(first.kind);
        let kind = match number {
            Some(Kind::IoctlEnter | Kind::IoctlExit) => Some(Kind::Ioctl),
            Some(Kind::PollExit) => Some(Kind::PollEnter),
            kind => kind,
        };
        Self {
            id,
            kind,
            kind_number: first.kind,
            request: Request(first.request),
            fd: first.fd,
            class: FdClass::from_u8(first.class),
            result: entry.exit().map(|_| last.unwrap_or(first).result),
            flags: first.flags | last.map_or(0, |last| last.flags),
            enter: entry.enter,
            exit: entry.exit(),
            tid: first.tid,
            beginning_lost: matches!(number, Some(Kind::IoctlExit | Kind::PollExit)),
            single: last.is_none(),
            sizes: [argument_size(kind, first), last.map_or(0, |last| argument_size(kind, last))],
        }
    }

    /// The call, with its payloads.
    pub(crate) fn with<'r>(&self, before: &'r [u8], after: &'r [u8]) -> Call<'r> {
        let first = Payload::new(before, self.sizes[0].into());
        let (before, after) = match (self.single, self.exit) {
            (false, _) => (first, Payload::new(after, self.sizes[1].into())),
            (true, None) => (first, Payload::default()),
            (true, Some(_)) => (first.as_passed_in(), first),
        };
        Call {
            id: self.id,
            kind: self.kind,
            kind_number: self.kind_number,
            request: self.request,
            fd: self.fd,
            class: self.class,
            result: self.result,
            flags: self.flags,
            enter: self.enter,
            exit: self.exit,
            tid: self.tid,
            beginning_lost: self.beginning_lost,
            before,
            after,
        }
    }
}

/// Bytes of the payload that are the argument.
fn argument_size(kind: Option<Kind>, slot: &Slot) -> u16 {
    let is_there = kind == Some(Kind::Ioctl) && slot.flags & flags::ARG != 0;
    // 14 bits of the request (include/uapi/asm-generic/ioctl.h).
    if is_there { Request(slot.request).size() as u16 } else { 0 }
}
