//! What the tests share: sessions that are built, and what is shown of them.

#![allow(
    clippy::unwrap_used,
    dead_code,
    unreachable_pub,
    reason = "a test may panic, and none uses everything"
)]

pub mod pool;
pub mod reading;

use fencelab_abi::process::Entry;
use fencelab_abi::{Driver, FdClass, Kind, Mode, section};
use fencelab_trace::Session;
use fencelab_trace::view::{Filter, Item, Lines, Style, loss_line};
use pool::{Pool, Record, Thread};

/// A pool in memory with room for everything.
pub fn pool() -> Pool<Vec<u8>> {
    Pool::new(Vec::new(), 1 << 20, Mode::Stop)
}

/// A pool with one process of one thread.
pub fn one() -> (Pool<Vec<u8>>, Thread, u32) {
    let mut pool = pool();
    let process = pool.process(100, 1, Entry::Preload, None, "/usr/bin/one", 1);
    let thread = pool.thread(process, 100, 100);
    (pool, thread, process)
}

/// The session that a pool is.
pub fn session(pool: Pool<Vec<u8>>, threads: &[&Thread]) -> Session {
    let mut pool = pool;
    threads.iter().for_each(|thread| pool.flush(thread));
    Session::from_pool(pool.finish()).unwrap()
}

/// All lines of a session without their times, as `PID call`.
pub fn lines(session: &Session) -> Vec<String> {
    filtered(session, Filter::default())
}

/// Those that a filter takes, with what it asked for.
pub fn filtered(session: &Session, filter: Filter) -> Vec<String> {
    let mut lines = Lines::new(session, filter, Style::default());
    let mut shown = Vec::new();
    while let Some(item) = lines.next(session, u64::MAX).unwrap() {
        shown.push(match item {
            Item::Line(line) if line.notes.is_empty() => format!("{} {}", line.pid, line.text),
            Item::Line(line) => format!("{} {} # {}", line.pid, line.text, line.notes.join("; ")),
            Item::Loss(loss) => format!("--- {}", loss_line(session, &loss)),
        });
    }
    shown
}

/// What happens to one object.
pub fn life(session: &Session, name: &str) -> Vec<String> {
    let mut filter = Filter::default();
    filter.add_object(name).unwrap();
    let shown = filtered(session, filter);
    shown.iter().filter_map(|line| line.split_once(" # ")).map(|(_, notes)| notes.to_owned()).collect()
}

/// An open of a DRM device.
pub fn open(at: u64, fd: i32, driver: &str) -> Record {
    let record = Record::new(Kind::Open, at, at + 1).fd(fd).result(fd).request(0x8_0002);
    record.text(section::PATH, "/dev/dri/renderD128").text(section::DRIVER, driver)
}

/// An ioctl on a DRM device.
pub fn ioctl(at: u64, fd: i32, driver: Driver, request: u32) -> Record {
    Record::new(Kind::Ioctl, at, at + 1).fd(fd).request(request).class(FdClass::Drm(driver))
}

/// A close.
pub fn close(at: u64, fd: i32, class: FdClass) -> Record {
    Record::new(Kind::Close, at, at + 1).fd(fd).class(class)
}

/// include/uapi/drm/drm.h, drivers/dma-buf/sw_sync.c, include/uapi/linux/dma-buf.h and sync_file.h.
pub mod request {
    pub const SYNCOBJ_CREATE: u32 = 0xc008_64bf;
    pub const SYNCOBJ_DESTROY: u32 = 0xc008_64c0;
    pub const HANDLE_TO_FD: u32 = 0xc010_64c1;
    pub const FD_TO_HANDLE: u32 = 0xc010_64c2;
    pub const SYNCOBJ_WAIT: u32 = 0xc020_64c3;
    pub const GEM_CLOSE: u32 = 0x4008_6409;
    pub const PRIME_EXPORT: u32 = 0xc00c_642d;
    pub const PRIME_IMPORT: u32 = 0xc00c_642e;
    pub const DUMB: u32 = 0xc020_64b2;
    pub const ATOMIC: u32 = 0xc038_64bc;
    pub const AMDGPU_CS: u32 = 0xc018_6444;
    pub const I915_EXEC: u32 = 0xc040_6469;
    pub const XE_EXEC: u32 = 0x4038_6449;
    pub const FENCES_OUT: u32 = 0xc008_6202;
    pub const FENCES_IN: u32 = 0x4008_6203;
}
