//! The call that a thread was in when the kernel said something.

use fencelab_abi::section::{DRIVER, PATH};
use fencelab_abi::{FdClass, Kind};
use fencelab_events::{CallSite, Device};
use fencelab_trace::decode::{self, Value};
use fencelab_trace::{Call, CallId, ProcessId, Reader, Session};

/// A moment of CLOCK_MONOTONIC, known to so much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    /// In microseconds.
    pub(crate) at_us: u64,
    /// It may as well have been so much earlier or later.
    pub(crate) slack_us: u64,
}

/// The longest text of a call that is kept.
const TEXT: usize = 2000;

/// Calls of a thread that are looked at around a moment.
const NEAR: u32 = 64;

/// The call that a thread was in at that moment: one that surely covers it, else one that may and whose handler's name the
/// report's stack has, else one that may. Where there is none, the thread's last before.
pub(crate) fn of_thread(
    session: &Session,
    tid: i32,
    moment: Moment,
    entry: Option<&str>,
    devices: &[Device],
) -> Option<CallSite> {
    let tid = u32::try_from(tid).ok()?;
    let ns = |us: u64| us.saturating_mul(1000);
    let latest = ns(moment.at_us.saturating_add(moment.slack_us));
    let last = session.last_call_before(tid, latest)?;
    let mut reader = session.reader();
    let (mut best, mut before) = (None::<(u8, CallId)>, None);
    for index in (last.index.saturating_sub(NEAR)..=last.index).rev() {
        let id = CallId { thread: last.thread, index };
        let Some(call) = reader.read(session, id).ok()? else { continue };
        let span = Span {
            entered: session.clock().ns(call.enter) / 1000,
            returned: call.exit.map(|exit| session.clock().ns(exit) / 1000),
        };
        let (surely, maybe) = (span.covers(moment.at_us, 0), span.covers(moment.at_us, moment.slack_us));
        let rank = match (surely, maybe, handles(&call, entry)) {
            (true, _, true) => 3,
            (false, true, true) => 2,
            (true, _, false) => 1,
            (false, ..) => 0,
        };
        if rank > best.map_or(0, |(rank, _)| rank) {
            best = Some((rank, id));
        }
        if span.entered <= moment.at_us {
            before.get_or_insert(id);
        }
    }
    let id = best.map(|(_, id)| id).or(before)?;
    site(session, &mut reader, id, moment, best.is_some(), devices)
}

/// When a call was, in microseconds of CLOCK_MONOTONIC.
struct Span {
    entered: u64,
    returned: Option<u64>,
}

impl Span {
    fn covers(&self, at: u64, slack: u64) -> bool {
        self.entered <= at.saturating_add(slack)
            && self.returned.is_none_or(|returned| returned.saturating_add(slack) >= at)
    }
}

/// Whether the ioctl's handler is the function that the report names: `drm_mode_atomic_ioctl` of `DRM_IOCTL_MODE_ATOMIC`.
fn handles(call: &Call<'_>, entry: Option<&str>) -> bool {
    let (Some(ioctl), Some(entry)) = (call.ioctl(), entry) else { return false };
    let name = ioctl.name.strip_prefix("DRM_IOCTL_").unwrap_or(ioctl.name).to_lowercase();
    entry.contains(&name)
}

/// A call in words.
pub(crate) fn site(
    session: &Session,
    reader: &mut Reader,
    id: CallId,
    moment: Moment,
    in_progress: bool,
    devices: &[Device],
) -> Option<CallSite> {
    let call = reader.read(session, id).ok()??;
    let us = |ticks: u64| session.clock().ns(ticks) / 1000;
    let entered_us = us(call.enter);
    let (fd, enter) = (call.fd, call.enter);
    let mut site = CallSite {
        ioctl: name(&call),
        arguments: clipped(decode::plain(&call)),
        flags: flags(&call),
        fd: (fd >= 0).then_some(fd),
        device: None,
        tid: call.tid.cast_signed(),
        entered_us,
        returned_us: call.exit.map(us),
        after_us: moment.at_us.saturating_sub(entered_us),
        in_progress,
    };
    let class = call.class;
    let process = session.thread(id.thread).and_then(|thread| thread.process);
    let behind = process.and_then(|process| behind(session, process, fd, enter));
    site.device = behind.map(|path| named(&path, devices)).or_else(|| class_name(class).map(str::to_owned));
    Some(site)
}

/// The ioctl's name, or the function's.
pub(crate) fn name(call: &Call<'_>) -> String {
    match (call.ioctl(), call.kind) {
        (Some(ioctl), _) => ioctl.name.to_owned(),
        (None, Some(Kind::Ioctl)) => format!("ioctl {:#x}", call.request.0),
        (None, Some(Kind::PollEnter)) => "poll".to_owned(),
        (None, Some(kind)) => kind.name().to_owned(),
        (None, None) => format!("a call of kind {}", call.kind_number),
    }
}

/// The names of an ioctl's flags.
fn flags(call: &Call<'_>) -> Vec<String> {
    let Some(ioctl) = call.ioctl() else { return Vec::new() };
    let names = decode::fields(call, ioctl).into_iter().find_map(|field| match field.value {
        Value::Flags { names, .. } if !names.is_empty() => Some(names),
        _ => None,
    });
    names.unwrap_or_default().into_iter().map(str::to_owned).collect()
}

fn clipped(mut text: String) -> String {
    if text.len() > TEXT {
        let end = (0..=TEXT).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text += " ..";
    }
    text
}

/// The path that an fd of a process was opened on, before a moment in ticks: through dup and fork, as far as the trace has
/// it.
pub(crate) fn behind(session: &Session, process: ProcessId, fd: i32, before: u64) -> Option<String> {
    if fd < 0 {
        return None;
    }
    let mut reader = session.reader();
    let (mut process, mut fd, mut before) = (session.process(process)?, fd, before);
    /// Dups and forks that are gone back over.
    const STEPS: usize = 16;
    for _ in 0..STEPS {
        match maker(session, &mut reader, process.pid, fd, before)? {
            Maker::Open(path) => return Some(path),
            Maker::Dup(old, at) => (fd, before) = (old, at),
            Maker::Unseen => process = session.process(process.forked_from?)?,
        }
    }
    None
}

enum Maker {
    Open(String),
    Dup(i32, u64),
    Unseen,
}

/// The last call of a process before a moment that made that fd.
fn maker(session: &Session, reader: &mut Reader, pid: u32, fd: i32, before: u64) -> Option<Maker> {
    let mut found = (0, Maker::Unseen);
    for thread in session.threads().iter().filter(|thread| thread.pid == pid) {
        for index in 0..u32::try_from(thread.len()).unwrap_or(u32::MAX) {
            let Some(call) = reader.read(session, CallId { thread: thread.id, index }).ok()? else {
                continue;
            };
            if call.enter > before {
                break;
            }
            let made = call.result == Some(fd) && call.enter >= found.0;
            match call.kind {
                Some(Kind::Open) if made => {
                    found = (call.enter, Maker::Open(call.text(PATH).or(call.text(DRIVER))?));
                }
                Some(Kind::Dup) if made => found = (call.enter, Maker::Dup(call.fd, call.enter)),
                Some(Kind::Inherited) if call.fd == fd && call.enter >= found.0 => {
                    found = (call.enter, Maker::Open(call.text(PATH)?));
                }
                _ => {}
            }
        }
    }
    Some(found.1)
}

/// A path as the bench names it: `virtio-gpu card0`.
pub(crate) fn named(path: &str, devices: &[Device]) -> String {
    let is_it = |node: &Option<String>| node.as_deref() == Some(path);
    let device = devices.iter().find(|device| is_it(&device.node) || is_it(&device.render_node));
    let node = path.rsplit('/').next().unwrap_or(path);
    device.map_or_else(|| path.to_owned(), |device| format!("{} {node}", device.name))
}

/// What the recorder itself knew of an fd.
fn class_name(class: FdClass) -> Option<&'static str> {
    Some(match class {
        FdClass::Unknown | FdClass::Foreign => return None,
        FdClass::SyncFile => "sync_file",
        FdClass::DmaBuf => "dma-buf",
        FdClass::Syncobj => "syncobj",
        FdClass::Eventfd => "eventfd",
        FdClass::SwSync => "sw_sync",
        FdClass::Heap => "dma-heap",
        FdClass::Udmabuf => "udmabuf",
        FdClass::Socket => "socket",
        FdClass::Pidfd => "pidfd",
        FdClass::Drm(driver) => driver.name().unwrap_or("a DRM device"),
    })
}
