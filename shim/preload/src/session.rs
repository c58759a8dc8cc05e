//! The process's place in the session: start, fork, and what is said of it.
//!
//! At a process's start: the environment is read from /proc/self/environ, the pool opened, mapped and its fd closed, one
//! page marked to be wiped in children, the executable's path, command line and auxiliary vector read, and the open fds
//! listed. Nothing of it stays open, and nothing of it happens again.
//!
//! Under a filter of system calls that came over the exec, none is made that ld.so has not just made itself: what they would
//! tell stays unknown, and the header says so.

use core::mem::offset_of;
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU32, Ordering::*};

use fencelab_abi::pool::{NO_CHUNK, POOL_HEADER_SIZE};
use fencelab_abi::process::{
    CMDLINE_SIZE, EXE_SIZE, Entry, PROCESS_OFFSET, ProcessHeader, blind as blind_bits,
};
use fencelab_abi::{CHUNK_SIZE, Clock, MAGIC, POOL_FILE, PoolHeader, SESSION_VARIABLE, VERSION};

use crate::status::Status;
use crate::sys::{self, nr};
use crate::{chunk as chunks, clock, fault, readable, real, tls};

const UNSTARTED: u32 = 0;
const STARTING: u32 = 1;
const READY: u32 = 2;
/// No session, or none that we can write.
const OFF: u32 = 3;
/// The pool had no chunk left for this process.
const FULL: u32 = 4;

static STATE: AtomicU32 = AtomicU32::new(UNSTARTED);
static POOL: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());
/// Chunk of this process, or after a fork of its parent.
static PROCESS: AtomicU32 = AtomicU32::new(NO_CHUNK);

/// The epoch, alone on a page that the kernel wipes in a forked child: 0 there until the child has its own.
#[repr(C, align(4096))]
struct Wiped(AtomicU32, [u8; 4092]);
static EPOCH: Wiped = Wiped(AtomicU32::new(0), [0; 4092]);
/// The epoch of a child that is being adopted.
const ADOPTING: u32 = u32::MAX;

/// The number that the threads' state must carry to be valid: 1 + the process's chunk, 0 before that is known.
#[inline]
pub fn epoch() -> u32 {
    EPOCH.0.load(Relaxed)
}

/// Whether there is no session, or none that we can write.
#[inline]
pub fn is_off() -> bool {
    STATE.load(Relaxed) == OFF
}

/// Whether the clock is the time stamp counter and no faults are wanted.
static USUAL: AtomicBool = AtomicBool::new(false);

/// Whether the clock is the time stamp counter and no faults are wanted, so that the shortest way may be gone.
#[inline(always)]
pub fn is_usual() -> bool {
    USUAL.load(Relaxed)
}

/// From now on each call looks at what it may do.
pub fn leave_usual() {
    USUAL.store(false, Relaxed);
}

/// The mapped pool's header. Only once the process has an epoch.
#[inline]
pub fn pool() -> &'static PoolHeader {
    // SAFETY: mapped before the epoch was set, never unmapped, and only its atomics change.
    unsafe { &*POOL.load(Relaxed).cast::<PoolHeader>() }
}

/// First byte of a chunk. The index is below the pool's chunk count.
#[inline]
pub fn chunk(index: u32) -> *mut u8 {
    POOL.load(Relaxed).wrapping_add(POOL_HEADER_SIZE + index as usize * CHUNK_SIZE)
}

/// Chunk of this process.
pub fn process_chunk() -> u32 {
    PROCESS.load(Relaxed)
}

/// The process's id, as it was when it was first seen.
pub fn pid() -> u32 {
    process_header().map_or(0, |header| header.pid)
}

/// The calling thread's id. Under a filter of system calls the kernel is not asked: libc's word has to do.
pub fn ask_tid() -> u32 {
    match tls::libc_id() {
        Some(id) if !readable::may_ask() => id,
        _ => sys::gettid(),
    }
}

/// Says of the process that something about it cannot be seen.
#[cold]
pub fn blind(bit: u32) {
    if let Some(header) = process_header() {
        header.blind.fetch_or(bit, Relaxed);
    }
}

/// Counts a call that goes by unrecorded.
#[cold]
pub fn unrecorded() {
    if let Some(header) = process_header() {
        header.unrecorded.fetch_add(1, Relaxed);
    }
}

/// Notes that the process is about to end with that status, as waitpid gives it.
pub fn exits(status: u32, tid: u32) {
    if let Some(header) = process_header() {
        header.exit_status.store(status, Relaxed);
        header.exit_tid.store(tid, Relaxed);
        header.exiting.store(clock::now(), Release);
    }
}

fn process_header() -> Option<&'static ProcessHeader> {
    let index = PROCESS.load(Relaxed);
    if index == NO_CHUNK {
        return None;
    }
    // SAFETY: the chunk is this process's, or in a forked child for a moment its parent's; only atomics are used.
    Some(unsafe { &*chunk(index).add(PROCESS_OFFSET).cast::<ProcessHeader>() })
}

/// Sees to it that the process has an epoch: starts it at its first call, adopts it after a fork. False: this call
/// cannot be recorded.
#[cold]
pub fn ensure() -> bool {
    if STATE.load(Acquire) == UNSTARTED {
        start();
    }
    match STATE.load(Acquire) {
        READY => match epoch() {
            0 => adopt(),
            ADOPTING => {
                unrecorded();
                false
            }
            _ => true,
        },
        STARTING => {
            unrecorded();
            false
        }
        FULL => {
            pool().homeless.fetch_add(1, Relaxed);
            false
        }
        _ => false,
    }
}

/// Starts the process's recording, with the folder that its environment names.
#[cold]
pub fn start() {
    start_as(if real::is_audited() { Entry::Audit } else { Entry::Preload }, session_folder);
}

/// Starts the process's recording, the shim having come in that way; false: it is not recorded. The first call wins, and a
/// call from within it finds it starting. `folder` stores the session folder's path in what it is given, and gives its length.
pub fn start_as(entry: Entry, folder: impl FnOnce(&mut [u8]) -> Option<usize>) -> bool {
    if STATE.compare_exchange(UNSTARTED, STARTING, AcqRel, Acquire).is_err() {
        return false;
    }
    crate::raw::table::fill();
    if entry != Entry::Trace {
        real::resolve();
    }
    let status = Status::read();
    let mapped = map_pool(folder, status.filters == 0);
    // What the recorder is under itself, a container's, has allowed it more than we ask for.
    if mapped.is_some() && status.filters > pool().filters {
        readable::stop_probing();
    }
    let free = readable::may_ask();
    let state = match mapped {
        Some(()) => claim_process(entry, NO_CHUNK, &status),
        None => OFF,
    };
    if state == READY {
        readable::learn();
        if !free {
            name_executable();
        }
        if entry != Entry::Trace {
            tls::learn_id(if free { sys::gettid() } else { status.pid });
        }
        fault::enable(pool().faults.any());
        USUAL.store(clock::is_tsc() && !pool().faults.any(), Relaxed);
        if entry != Entry::Trace {
            crate::hooks::exit::register();
            real::learn_errno();
        }
        let wiped = free && wipe_on_fork();
        EPOCH.0.store(PROCESS.load(Relaxed) + 1, Release);
        if !wiped {
            blind(blind_bits::FORK);
        }
    }
    STATE.store(state, Release);
    if state == READY && free {
        crate::hooks::open::inherited();
    }
    state == READY
}

/// Gives a forked child a chunk of its own.
#[cold]
pub fn adopt() -> bool {
    if EPOCH.0.compare_exchange(0, ADOPTING, AcqRel, Acquire).is_err() {
        return epoch() != ADOPTING;
    }
    let state = claim_process(Entry::Fork, PROCESS.load(Relaxed), &Status::default());
    if state != READY {
        STATE.store(state, Release);
        pool().homeless.fetch_add(1, Relaxed);
        return false;
    }
    EPOCH.0.store(PROCESS.load(Relaxed) + 1, Release);
    true
}

/// In a child that a fork of ours has just made: adopts it, also where the kernel has not wiped its epoch.
pub fn adopt_child() {
    adopt_child_of(PROCESS.load(Relaxed));
}

/// The same, of the process with that chunk. It may be adopted already: by a record of a handler that pthread_atfork was given.
pub fn adopt_child_of(parent: u32) {
    if STATE.load(Acquire) == READY {
        if PROCESS.load(Relaxed) == parent {
            EPOCH.0.store(0, Release);
        }
        adopt();
    }
}

fn wipe_on_fork() -> bool {
    const MADV_WIPEONFORK: usize = 18;
    let args = [&raw const EPOCH as usize, 4096, MADV_WIPEONFORK, 0, 0, 0];
    // SAFETY: a page of our own, of anonymous memory.
    unsafe { sys::syscall(nr::MADVISE, args) == 0 }
}

/// Opens, checks and maps the pool of the session folder. `free`: no filter of system calls is set.
fn map_pool(folder: impl FnOnce(&mut [u8]) -> Option<usize>, free: bool) -> Option<()> {
    const O_RDWR: usize = 2;
    let mut path = [0; 1024];
    let len = folder(&mut path)?;
    let name = path.get_mut(len..len + 1 + POOL_FILE.len())?;
    name[0] = b'/';
    name[1..].copy_from_slice(POOL_FILE.as_bytes());
    path.get(len + 1 + POOL_FILE.len())?;
    let fd = sys::open(&path, O_RDWR)?;
    let address = map(fd, free);
    sys::close(fd);
    POOL.store(address? as *mut u8, Release);
    let header = pool();
    clock::choose(Clock::from_u32(header.clock), real::clock_gettime());
    Some(())
}

/// The whole file, mapped shared, if it is a pool of our version. The header is looked at through a mapping too: a pool may
/// lie in a device's memory, which sysfs lets be mapped and not read (drivers/pci/pci-sysfs.c).
fn map(fd: i32, free: bool) -> Option<usize> {
    let size = sys::size(fd).filter(|size| *size >= POOL_HEADER_SIZE)?;
    let head = sys::map_shared(fd, POOL_HEADER_SIZE)?;
    // SAFETY: just mapped, from a file that is long enough; unmapped below and not used after that.
    let len = pool_len(unsafe { core::slice::from_raw_parts(head as *const u8, 64) });
    if free {
        sys::unmap(head, POOL_HEADER_SIZE);
    }
    sys::map_shared(fd, len.filter(|len| *len <= size)?)
}

/// Bytes of the pool whose header begins so; none if it is no pool of our version.
fn pool_len(head: &[u8]) -> Option<usize> {
    if !head.starts_with(&MAGIC) {
        return None;
    }
    let number = |at: usize| Some(u32::from_le_bytes(head.get(at..at + 4)?.try_into().ok()?));
    let version = number(offset_of!(PoolHeader, version))?;
    let chunk_size = number(offset_of!(PoolHeader, chunk_size))?;
    let count = number(offset_of!(PoolHeader, chunk_count))?;
    if version as u16 != VERSION.0 || chunk_size as usize != CHUNK_SIZE {
        return None;
    }
    Some(POOL_HEADER_SIZE + count as usize * CHUNK_SIZE)
}

/// Finds the session folder in the environment; gives its length in `path`.
fn session_folder(path: &mut [u8]) -> Option<usize> {
    let fd = sys::open(b"/proc/self/environ\0", 0)?;
    let folder = find_variable(fd, path);
    sys::close(fd);
    folder
}

/// Reads `NAME=value` strings that end with NUL, and copies the value of ours.
fn find_variable(fd: i32, value: &mut [u8]) -> Option<usize> {
    let mut buffer = [0; 1024];
    // Characters of the name that the string has matched so far, or none any more; and of the value taken.
    let (mut matched, mut taken) = (Some(0), 0);
    loop {
        let got = sys::read(fd, &mut buffer);
        if got == 0 {
            return None;
        }
        for &byte in &buffer[..got] {
            match matched {
                _ if byte == 0 && taken > 0 => return Some(taken),
                _ if byte == 0 => matched = Some(0),
                Some(at) if at == SESSION_VARIABLE.len() + 1 => {
                    *value.get_mut(taken)? = byte;
                    taken += 1;
                }
                Some(at) => {
                    let wanted = *SESSION_VARIABLE.as_bytes().get(at).unwrap_or(&b'=');
                    matched = (byte == wanted).then_some(at + 1);
                }
                None => {}
            }
        }
    }
}

/// Inode of the pid namespace, from `pid:[4026531836]`; 0: it cannot be read.
fn pid_namespace() -> u32 {
    let mut link = [0; 32];
    let digits = sys::readlink(b"/proc/self/ns/pid\0", &mut link).iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0u32, |inode, digit| inode.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')))
}

/// The executable's path as exec was given it, where the link in /proc may not be read.
#[cold]
fn name_executable() {
    let path = readable::executable() as *const core::ffi::c_char;
    // SAFETY: a string that the kernel has put on the stack; the chunk is ours, and nobody has been told of it yet.
    unsafe {
        let path = crate::hooks::path(path);
        let header = &mut *chunk(process_chunk()).add(PROCESS_OFFSET).cast::<ProcessHeader>();
        for (to, from) in header.exe.iter_mut().zip(path) {
            *to = *from;
        }
        header.exe_len = path.len().min(EXE_SIZE) as u16;
    }
}

/// Who a process is.
struct Identity {
    pid: u32,
    parent: u32,
    user: u32,
}

/// Asks the kernel; under a filter of system calls, goes by what the status says, or in a child by what its parent was.
fn identity(parent: u32, status: &Status) -> Identity {
    if readable::may_ask() {
        return Identity { pid: sys::getpid(), parent: sys::getppid(), user: sys::geteuid() };
    }
    if parent == NO_CHUNK {
        return Identity { pid: status.pid, parent: status.parent, user: status.user };
    }
    // SAFETY: the parent's chunk; what is read does not change after its start.
    let from = unsafe { &*chunk(parent).add(PROCESS_OFFSET).cast::<ProcessHeader>() };
    Identity { pid: ask_tid(), parent: from.pid, user: from.user }
}

/// Claims and fills in the process's chunk. Gives the new state.
fn claim_process(entry: Entry, parent: u32, status: &Status) -> u32 {
    let Some(index) = chunks::take_chunk() else { return FULL };
    let identity = identity(parent, status);
    let base = chunks::open_chunk(
        index,
        fencelab_abi::ChunkKind::Process,
        &chunks::Owner { process: index, pid: identity.pid, ..chunks::Owner::default() },
    );
    // SAFETY: the chunk is ours alone, and zero or a stale process header.
    let header = unsafe { &mut *base.add(PROCESS_OFFSET).cast::<ProcessHeader>() };
    header.pid = identity.pid;
    header.parent = identity.parent;
    header.entry = entry as u32;
    *header.blind.get_mut() = if readable::may_ask() { 0 } else { blind_bits::SECCOMP };
    header.forked_from = parent;
    header.user = identity.user;
    header.seen = clock::now();
    *header.unrecorded.get_mut() = 0;
    for word in [&mut header.exiting, &mut header.gone] {
        *word.get_mut() = 0;
    }
    header.pid_namespace = 0;
    if parent == NO_CHUNK {
        header.exe.fill(0);
        header.exe_len = 0;
        if readable::may_ask() {
            let exe = &mut header.exe[..EXE_SIZE - 1];
            header.exe_len = sys::readlink(b"/proc/self/exe\0", exe).len() as u16;
            header.pid_namespace = pid_namespace();
        }
        header.cmdline_len =
            sys::read_file(b"/proc/self/cmdline\0", &mut header.cmdline[..CMDLINE_SIZE]).len() as u16;
    } else {
        // SAFETY: the parent's chunk; what is read does not change after its start.
        let from = unsafe { &*chunk(parent).add(PROCESS_OFFSET).cast::<ProcessHeader>() };
        header.exe_len = from.exe_len;
        header.exe = from.exe;
        header.cmdline_len = from.cmdline_len;
        header.cmdline = from.cmdline;
        header.pid_namespace = match identity.pid {
            // It may be in another one than its parent (unshare(CLONE_NEWPID)).
            _ if readable::may_ask() => pid_namespace(),
            // The first in a namespace of its own.
            1 => 0,
            _ => from.pid_namespace,
        };
    }
    chunks::publish(base, fencelab_abi::ChunkKind::Process);
    PROCESS.store(index, Relaxed);
    READY
}
