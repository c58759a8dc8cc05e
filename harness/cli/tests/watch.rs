//! `fencelab watch` on a session that goes on: it says who waits as soon as nothing moves, and what the kernel says of them.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../trace/tests/common/pool.rs"]
mod pool;

use std::fs::{self, File};
use std::process::{Child, Command, Output, Stdio};

use fencelab_abi::process::Entry;
use fencelab_abi::{Driver, FdClass, Kind, Mode, section};
use pool::{Pool, Record};

/// A process that does nothing, ended with the test.
struct Sleeper(Child);

impl Sleeper {
    fn new() -> Self {
        Self(Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().expect("start sleep"))
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CLOCK_MONOTONIC, in nanoseconds.
fn now() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).unwrap();
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}

/// A session of that process, whose one thread has just begun to wait for a point of a sync object that only it has.
fn session(folder: &std::path::Path, pid: u32) {
    let file = File::options().create_new(true).read(true).write(true).open(folder.join("pool")).unwrap();
    let (mut pool, at) = (Pool::new(file, 1 << 20, Mode::Stop), now());
    let process = pool.process(pid, 1, Entry::Preload, None, "/usr/bin/client", at - 3000);
    let mut thread = pool.thread(process, pid, pid);
    let open = Record::new(Kind::Open, at - 2000, at - 1900).fd(3).result(3).request(0x8_0002);
    let open = open.text(section::PATH, "/dev/dri/renderD128");
    pool.record(&mut thread, &open.text(section::DRIVER, "virtio_gpu"));
    let ioctl = |kind, request, enter, exit| {
        Record::new(kind, enter, exit).fd(3).request(request).class(FdClass::Drm(Driver::VirtioGpu))
    };
    // DRM_IOCTL_SYNCOBJ_CREATE, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT with WAIT_ALL | WAIT_FOR_SUBMIT, for ever.
    pool.record(&mut thread, &ioctl(Kind::Ioctl, 0xc008_64bf, at - 1800, at - 1700).words(&[1, 0]));
    let wait =
        ioctl(Kind::IoctlEnter, 0xc028_64ca, at, 0).words(&[1, 0, 2, 0, u32::MAX, 0x7fff_ffff, 1, 3, 0, 0]);
    let wait = wait.section(1, 0, 1, &1u32.to_le_bytes()).section(2, 0, 1, &7u64.to_le_bytes());
    pool.record(&mut thread, &wait);
    pool.flush(&thread);
    pool.finish().sync_all().unwrap();
}

fn fencelab(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fencelab"));
    command.args(arguments).stdin(Stdio::null()).output().expect("run fencelab")
}

#[test]
fn a_wait_that_nobody_can_end_is_proven_as_soon_as_nothing_moves() {
    let (folder, sleeper) = (tempfile::tempdir().unwrap(), Sleeper::new());
    let pid = sleeper.0.id();
    session(folder.path(), pid);
    let path = folder.path().to_str().unwrap();
    let output = fencelab(&["watch", path, "--quiet", "0.5", "--once"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    // Its own thread is the only one that has the object: that it lives and is in this call, /proc and the trace say.
    assert!(text.contains("D2 orphan wait, proven"), "{text}");
    assert!(text.contains("syncobj:1 point 7"), "{text}");
    let looks: Vec<_> = fs::read_dir(folder.path().join("kernel")).unwrap().flatten().collect();
    assert_eq!(looks.len(), 1);
    let look = fs::read_to_string(looks[0].path()).unwrap();
    assert!(look.contains(&format!("\"tid\":{pid},\"comm\":\"sleep\"")), "{look}");
}

#[test]
fn what_is_no_session_is_said() {
    let output = fencelab(&["watch", "/nowhere"]);
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(text.contains("/nowhere is no session's folder and no process"), "{text}");
}
