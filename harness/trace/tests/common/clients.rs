//! Programs that live on sync objects of a virtio-gpu: what benchmarks record by the million. Beside `pool`, in the root of a
//! benchmark.

use fencelab_abi::process::Entry;
use fencelab_abi::{Driver, FdClass, Kind, section};

use crate::pool::{Pool, Record, Sink, Thread};

/// include/uapi/drm/drm.h
pub(crate) const CREATE: u32 = 0xc008_64bf;
pub(crate) const DESTROY: u32 = 0xc008_64c0;
const TIMELINE_WAIT: u32 = 0xc028_64ca;
const TIMELINE_SIGNAL: u32 = 0xc018_64cd;

/// A process that has opened its device as fd 3: its chunk, and its thread.
pub(crate) fn client<S: Sink>(pool: &mut Pool<S>, pid: u32, at: u64) -> (u32, Thread) {
    let process = pool.process(pid, 1, Entry::Preload, None, "/usr/bin/client", at);
    let mut thread = pool.thread(process, pid, pid);
    let open = Record::new(Kind::Open, at + 1, at + 2).fd(3).result(3).request(0x8_0002);
    let open = open.text(section::PATH, "/dev/dri/renderD128");
    pool.record(&mut thread, &open.text(section::DRIVER, "virtio_gpu"));
    (process, thread)
}

/// A call to the device.
pub(crate) fn ioctl(kind: Kind, request: u32, enter: u64, exit: u64) -> Record {
    Record::new(kind, enter, exit).fd(3).request(request).class(FdClass::Drm(Driver::VirtioGpu))
}

/// A signal of one point; [`of_point`] says which.
pub(crate) fn signal(enter: u64, exit: u64) -> Record {
    ioctl(Kind::Ioctl, TIMELINE_SIGNAL, enter, exit).words(&[1, 0, 2, 0, 1, 0])
}

/// WAIT_ALL | WAIT_FOR_SUBMIT, for ever; [`of_point`] says for what.
pub(crate) fn wait(kind: Kind, enter: u64, exit: u64) -> Record {
    ioctl(kind, TIMELINE_WAIT, enter, exit).words(&[1, 0, 2, 0, u32::MAX, 0x7fff_ffff, 1, 3, 0, 0])
}

/// The arrays of a call on one point.
pub(crate) fn of_point(record: Record, handle: u32, point: u64) -> Record {
    record.section(1, 0, 1, &handle.to_le_bytes()).section(2, 0, 1, &point.to_le_bytes())
}
