//! Reading the program's memory without ever faulting where the program would not have.
//!
//! A program may pass any address; the kernel answers EFAULT, and so it must stay. What a call that *succeeded* named, the
//! kernel has just read, so we may. Before a call, or after one that failed, an address is read only if it lies in memory
//! that stays mapped: between the stack pointer and the end of the thread's stack, in the executable's own data, or in the
//! heap below the break. What is left is asked of the kernel, and only in front of a call that may block, or on a stack of
//! the program's own making: a rt_sigprocmask with no valid `how` reads its mask and does nothing else. A program under
//! seccomp is not asked for.

use core::arch::asm;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use fencelab_abi::process::blind;

use crate::sys::{self, nr};
use crate::{raw, session, tls};

/// Ends of the main thread's stack, of the executable's data and of the heap.
static STACK_END: AtomicUsize = AtomicUsize::new(0);
static DATA: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
static HEAP_START: AtomicUsize = AtomicUsize::new(0);
/// Where libc keeps the break, 0: unknown.
static HEAP_END_AT: AtomicUsize = AtomicUsize::new(0);
static MAY_PROBE: AtomicBool = AtomicBool::new(true);

/// How far from the main thread's stack's end the stack pointer is still on it.
const STACK_REACH: usize = 8 << 20;
/// How far above the stack pointer an address may be on a stack that nobody knows of.
const NEAR: usize = 64 << 10;
const PAGE: usize = 4096;

/// What may be done to find out whether memory is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The kernel has just used it: nothing more.
    Proven,
    /// Look where it lies.
    Look,
    /// Look, then ask the kernel.
    Ask,
}

/// Learns the mappings that stay, from /proc/self/auxv. At the process's start.
pub fn learn() {
    const AT_PHDR: u64 = 3;
    const AT_PHNUM: u64 = 5;
    const AT_EXECFN: u64 = 31;
    let mut buffer = [0; 1024];
    let auxv = sys::read_file(b"/proc/self/auxv\0", &mut buffer);
    let value = |wanted: u64| {
        let mut pairs = auxv.chunks_exact(16).map(|pair| (word(&pair[..8]), word(&pair[8..])));
        pairs.find(|pair| pair.0 == wanted).map_or(0, |pair| pair.1 as usize)
    };
    STACK_END.store(value(AT_EXECFN), Relaxed);
    let (start, end) = data_segment(value(AT_PHDR), value(AT_PHNUM));
    DATA[0].store(start, Relaxed);
    DATA[1].store(end, Relaxed);
    // Under a filter of system calls the kernel is not asked where the heap begins: there is none for us.
    if may_ask() {
        HEAP_START.store(sys::heap_end(), Relaxed);
        HEAP_END_AT.store(crate::real::heap_end_variable(), Relaxed);
    }
}

/// Where the executable's path is, as exec was given it: the last that the kernel has put on the stack.
pub fn executable() -> usize {
    STACK_END.load(Relaxed)
}

fn word(bytes: &[u8]) -> u64 {
    bytes.try_into().map_or(0, u64::from_ne_bytes)
}

/// The executable's writable segment, from its program headers (ELF-64).
fn data_segment(headers: usize, count: usize) -> (usize, usize) {
    const PT_LOAD: u32 = 1;
    const PT_PHDR: u32 = 6;
    const WRITABLE: u32 = 2;
    if headers == 0 {
        return (0, 0);
    }
    // SAFETY: the kernel gave us where the executable's program headers are mapped.
    let table = unsafe { core::slice::from_raw_parts(headers as *const [u64; 7], count) };
    let kind = |header: &[u64; 7]| (header[0] as u32, (header[0] >> 32) as u32);
    let own = table.iter().find(|header| kind(header).0 == PT_PHDR);
    let base = own.map_or(0, |own| headers.wrapping_sub(own[2] as usize));
    let data = table.iter().find(|header| kind(header).0 == PT_LOAD && kind(header).1 & WRITABLE != 0);
    data.map_or((0, 0), |data| {
        let start = base.wrapping_add(data[2] as usize);
        (start, start.wrapping_add(data[5] as usize))
    })
}

/// From now on the kernel is not asked.
pub fn stop_probing() {
    MAY_PROBE.store(false, Relaxed);
    session::blind(blind::SECCOMP);
}

/// Whether the kernel may still be asked things that the program did not ask.
pub fn may_ask() -> bool {
    MAY_PROBE.load(Relaxed)
}

/// Whether `len` bytes at `address` may be read.
#[inline(never)]
pub fn check(address: usize, len: usize, trust: Trust) -> bool {
    check_at_once(address, len, trust)
}

/// The same, where every instruction counts.
#[inline(always)]
pub fn check_at_once(address: usize, len: usize, trust: Trust) -> bool {
    let Some(end) = address.checked_add(len) else { return false };
    trust == Trust::Proven || on_stack(address, end) || elsewhere(address, end, trust)
}

/// Whether it lies between the stack pointer and the end of the stack that this points into: the main thread's, or one that
/// libc knows of. Below a coroutine's stack, or a signal handler's own, there may be anything.
#[inline]
fn on_stack(address: usize, end: usize) -> bool {
    let here = tls::stack_pointer();
    let main_end = STACK_END.load(Relaxed);
    if here < main_end && main_end - here < STACK_REACH {
        return address >= here && end <= main_end;
    }
    // In raw mode, not even the thread pointer may be looked at.
    !raw::is_on() && address >= here && end <= tls::thread_pointer() && tls::is_on_own_stack(here)
}

/// Whether `len` bytes at `address` are in memory that stays mapped.
#[inline(never)]
pub fn stays(address: usize, len: usize) -> bool {
    address.checked_add(len).is_some_and(|end| on_stack(address, end) || in_program(address, end))
}

fn in_program(address: usize, end: usize) -> bool {
    let in_data = address >= DATA[0].load(Relaxed) && end <= DATA[1].load(Relaxed);
    in_data || in_heap(address, end)
}

#[cold]
fn elsewhere(address: usize, end: usize, trust: Trust) -> bool {
    if in_program(address, end) {
        return true;
    }
    // In raw mode a question costs little beside the call itself; and it is seldom that a thread is on a stack of its own making.
    let is_near = address.wrapping_sub(tls::stack_pointer()) < NEAR;
    let asked = (trust == Trust::Ask || raw::is_on() || is_near) && MAY_PROBE.load(Relaxed);
    asked && (address / PAGE..=(end - 1) / PAGE).all(|page| probe((page * PAGE).max(address)))
}

fn in_heap(address: usize, end: usize) -> bool {
    let variable = HEAP_END_AT.load(Relaxed);
    if variable == 0 || address < HEAP_START.load(Relaxed) {
        return false;
    }
    // SAFETY: libc's __curbrk, a variable that is there as long as libc is.
    end <= unsafe { (variable as *const usize).read_volatile() }
}

/// Whether the kernel can read the 8 bytes at or just before the address.
fn probe(address: usize) -> bool {
    const NO_SUCH_HOW: usize = 0x7fff;
    const EINVAL: isize = -22;
    let within = (address & !7) as *const u8;
    // SAFETY: the mask is read, `how` is invalid, nothing changes.
    unsafe { sys::syscall(nr::RT_SIGPROCMASK, [NO_SUCH_HOW, within as usize, 0, 8, 0, 0]) == EINVAL }
}

/// Reads 8 bytes of the program's memory, which it may be changing.
///
/// # Safety
///
/// They are there: [`check`] said so.
#[inline]
pub unsafe fn load64(address: usize) -> u64 {
    let word;
    // SAFETY: one load; in assembly, so that nothing is assumed of memory that others write.
    unsafe { asm!("mov {0}, qword ptr [{1}]", out(reg) word, in(reg) address, options(nostack, readonly)) };
    word
}

/// Reads up to 8 bytes, the rest is zero.
///
/// # Safety
///
/// As for [`load64`].
#[inline]
pub unsafe fn load(address: usize, len: usize) -> u64 {
    if len == 8 {
        // SAFETY: as promised.
        return unsafe { load64(address) };
    }
    if len == 4 {
        let word: u32;
        // SAFETY: as above, four bytes.
        unsafe {
            asm!("mov {0:e}, dword ptr [{1}]", out(reg) word, in(reg) address, options(nostack, readonly));
        }
        return u64::from(word);
    }
    // SAFETY: as promised.
    unsafe { load_bytes(address, len) }
}

/// The same, byte by byte.
///
/// # Safety
///
/// As for [`load64`].
#[inline(never)]
unsafe fn load_bytes(address: usize, len: usize) -> u64 {
    (0..len.min(8)).fold(0, |word, at| {
        let byte: u8;
        // SAFETY: as above, one byte.
        unsafe {
            asm!("mov {0}, byte ptr [{1}]", out(reg_byte) byte, in(reg) address + at, options(nostack, readonly));
        }
        word | u64::from(byte) << (8 * at)
    })
}
