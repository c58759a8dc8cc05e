//! What a process of random calls has: files, memory, choices.

use std::fs::{self, File, OpenOptions};
use std::os::fd::{AsRawFd, RawFd};
use std::path::{Path, PathBuf};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::arena::Arena;
use super::field::bad_address;
use crate::case::{Stop, Tested};
use crate::device::Device;
use crate::must::Must;
use crate::random::Random;

/// Descriptors above the last one of the case's own, among which random ones are chosen.
const FDS: u64 = 24;

/// How long a call may wait before a signal ends it, in microseconds.
const PATIENCE_US: libc::suseconds_t = 50_000;

/// Where the twins' commands are, a folder a driver.
const CONTROLS: &str = "/sys/kernel/debug/fencelab";

/// One open file of a twin.
#[derive(Debug)]
pub(super) struct Open {
    file: File,
    path: PathBuf,
    /// `amdgpu` or `i915`.
    pub(super) driver: String,
}

/// All of it.
#[derive(Debug)]
pub(super) struct World {
    open: Vec<Open>,
    /// The one that the next calls go to.
    current: usize,
    first_fd: RawFd,
    pub(super) arena: Arena,
    pub(super) random: Random,
    /// Calls that succeeded.
    pub(super) taken: u64,
    /// Calls that failed.
    pub(super) refused: u64,
}

impl World {
    /// The files of these devices, render nodes and primary ones, and the choices of this seed. From here on this process is
    /// interrupted again and again, so that no call waits for ever.
    pub(super) fn new(devices: &[Device], seed: u64) -> Result<World, Stop> {
        let mut open = Vec::new();
        for device in devices {
            for path in device.render_node.iter().chain(&device.node) {
                let file = open_node(path).must(&format!("open {}", path.display()))?;
                open.push(Open { file, path: path.clone(), driver: device.driver.clone() });
            }
        }
        interrupt_again_and_again()?;
        let first_fd = 1 + open.iter().map(|open| open.file.as_raw_fd()).max().unwrap_or(2);
        let (arena, random) = (Arena::new()?, Random::new(seed));
        Ok(World { open, current: 0, first_fd, arena, random, taken: 0, refused: 0 })
    }

    /// Turns to another file.
    pub(super) fn turn(&mut self) {
        self.current = self.random.below(self.open.len() as u64) as usize;
    }

    /// Turns to each file, one after another.
    pub(super) fn each(&mut self, mut visit: impl FnMut(&mut World)) {
        for number in 0..self.open.len() {
            self.current = number;
            visit(self);
        }
    }

    /// Whether the current file is the amdgpu twin's; it is the i915 twin's otherwise.
    pub(super) fn is_amdgpu(&self) -> bool {
        self.open[self.current].driver == "amdgpu"
    }

    /// The file that calls go to now; seldom any other descriptor.
    pub(super) fn file(&mut self) -> RawFd {
        match self.random.below(64) {
            0 => self.fd() as RawFd,
            _ => self.open[self.current].file.as_raw_fd(),
        }
    }

    /// A descriptor that calls made, if there is one at that number.
    pub(super) fn fd(&mut self) -> u64 {
        u64::from(self.first_fd.unsigned_abs()) + self.random.below(FDS)
    }

    /// Closes a descriptor that calls made; now and then all of them.
    pub(super) fn close(&mut self) {
        let first = self.first_fd.unsigned_abs();
        let (from, to) = match self.random.below(16) {
            0 => (first, u32::MAX),
            _ => {
                let fd = self.fd() as u32;
                (fd, fd)
            }
        };
        // SAFETY: all descriptors of this program itself are below the first one of the calls.
        unsafe { libc::syscall(libc::SYS_close_range, from, to, 0) };
    }

    /// Opens the current file anew: with the old one go its contexts, whatever their jobs do.
    pub(super) fn reopen(&mut self) {
        let open = &self.open[self.current];
        if let Ok(new) = open_node(&open.path) {
            // SAFETY: both descriptors are open; the old number then is the new file's, which `open.file` goes on to own.
            unsafe { libc::dup3(new.as_raw_fd(), open.file.as_raw_fd(), libc::O_CLOEXEC) };
        }
    }

    /// Has the current twin move its buffers, or reset.
    pub(super) fn command(&mut self) {
        let name = *self.random.pick(&["evict", "evict", "evict", "reset"]);
        let path = Path::new(CONTROLS).join(&self.open[self.current].driver).join(name);
        // Without debugfs there is nothing to write to.
        let written = fs::write(path, "1").is_ok();
        self.count(written);
    }

    /// The address of some words, seldom one where there are none.
    pub(super) fn words(&mut self) -> u64 {
        if self.random.below(16) == 0 {
            return bad_address(self);
        }
        let words: Vec<u64> = (0..16).map(|_| self.random.below(8)).collect();
        self.arena.put(&words)
    }

    /// The address of small numbers of 32 bits, seldom one where there are none.
    pub(super) fn handles(&mut self) -> u64 {
        if self.random.below(16) == 0 {
            return bad_address(self);
        }
        let pair = |random: &mut Random| (1 + random.below(8)) | (1 + random.below(8)) << 32;
        let words: Vec<u64> = (0..8).map(|_| pair(&mut self.random)).collect();
        self.arena.put(&words)
    }

    pub(super) fn count(&mut self, taken: bool) {
        match taken {
            true => self.taken += 1,
            false => self.refused += 1,
        }
    }
}

fn open_node(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

extern "C" fn nothing(_: libc::c_int) {}

/// A timer whose signal interrupts whatever this process waits in.
fn interrupt_again_and_again() -> Tested {
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing, which is allowed in every place.
    unsafe { sigaction(Signal::SIGALRM, &action) }.must("handle SIGALRM")?;
    let every = libc::timeval { tv_sec: 0, tv_usec: PATIENCE_US };
    let timer = libc::itimerval { it_interval: every, it_value: every };
    // SAFETY: the timer's description is live; no old one is asked for.
    let answer = unsafe { libc::setitimer(libc::ITIMER_REAL, &timer, std::ptr::null_mut()) };
    nix::errno::Errno::result(answer).must("start a timer").map(drop)
}
