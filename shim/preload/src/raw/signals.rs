//! Calls about signals, among which SIGSYS must stay ours.

use core::arch::{asm, global_asm};
use core::ffi::c_int;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::dispatch::{call, on_sigsys};
use super::exec;
use super::frame::{FROM_TKILL, Frame, Info, MASK_OFFSET};
use crate::readable::{self, Trust, load64};
use crate::sys::{self, nr};

const SIGSYS: usize = 31;
/// Its bit in a mask.
const OURS: u64 = 1 << (SIGSYS - 1);
/// SIGKILL and SIGSTOP, which no mask may hold.
const NEVER_BLOCKED: usize = 1 << 8 | 1 << 18;
/// Bytes of a mask.
const MASK: usize = 8;
pub(super) const EINVAL: isize = -22;
pub(super) const EFAULT: isize = -14;

const SA_SIGINFO: usize = 4;
const SA_RESTORER: usize = 0x0400_0000;
const SA_ONSTACK: usize = 0x0800_0000;
const SA_NODEFER: usize = 0x4000_0000;

/// The kernel's struct sigaction: handler, flags, restorer, mask.
type Action = [usize; 4];

/// What the program believes to have set for SIGSYS.
static THEIRS: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];

unsafe extern "C" {
    fn fencelab_raw_restorer();
}

global_asm!(
    ".pushsection .text.fencelab_raw_restorer,\"ax\",@progbits",
    ".globl fencelab_raw_restorer",
    ".hidden fencelab_raw_restorer",
    "fencelab_raw_restorer:",
    "mov eax, {number}",
    "syscall",
    ".popsection",
    number = const nr::RT_SIGRETURN,
);

/// Takes SIGSYS. The handler runs under the mask of what it interrupts, or a call that blocks could not be interrupted.
pub(super) fn install() {
    let flags = SA_SIGINFO | SA_RESTORER | SA_ONSTACK | SA_NODEFER;
    let action: Action =
        [on_sigsys as *const () as usize, flags, fencelab_raw_restorer as *const () as usize, 0];
    let mask = OURS;
    const SIG_UNBLOCK: usize = 1;
    call(nr::RT_SIGACTION, [SIGSYS, action.as_ptr() as usize, 0, MASK, 0, 0]);
    call(nr::RT_SIGPROCMASK, [SIG_UNBLOCK, &raw const mask as usize, 0, MASK, 0, 0]);
}

/// Whether the program's memory can be read there.
pub(super) fn is_there(address: usize, len: usize) -> bool {
    readable::check(address, len, Trust::Ask)
}

/// Whether it can be written there: the kernel stores the thread's mask.
pub(super) fn is_writable(address: usize, len: usize) -> bool {
    (0..len).step_by(MASK).all(|at| call(nr::RT_SIGPROCMASK, [0, 0, address + at, MASK, 0, 0]) == 0)
}

/// rt_sigprocmask. What it sets comes into force for good when the handler returns.
pub(super) fn sigprocmask(frame: &mut Frame, mut a: [usize; 6]) -> isize {
    const SIG_BLOCK: u32 = 0;
    const SIG_UNBLOCK: u32 = 1;
    const SIG_SETMASK: u32 = 2;
    let asked = a[1] != 0 && a[3] == MASK && is_there(a[1], MASK);
    // SAFETY: checked.
    let wanted = if asked { !OURS & unsafe { load64(a[1]) } } else { 0 };
    if asked {
        a[1] = &raw const wanted as usize;
    }
    let result = call(nr::RT_SIGPROCMASK, a);
    if asked && result == 0 {
        frame.mask = match a[0] as u32 {
            SIG_BLOCK => frame.mask | wanted,
            SIG_UNBLOCK => frame.mask & !wanted,
            SIG_SETMASK => wanted,
            _ => frame.mask,
        };
    }
    result
}

/// Calls that wait under another mask.
pub(super) fn with_mask(number: usize, mut a: [usize; 6]) -> isize {
    let mut pair = [0; 2];
    let at = match number {
        nr::RT_SIGSUSPEND => 0,
        nr::PPOLL => 3,
        nr::EPOLL_PWAIT | nr::EPOLL_PWAIT2 => 4,
        // pselect6 and io_pgetevents: the mask's address and size are in memory.
        _ => 5,
    };
    let mask_at = if at == 5 && a[5] != 0 && is_there(a[5], 16) {
        // SAFETY: checked.
        pair = unsafe { [load64(a[5]) as usize, load64(a[5] + 8) as usize] };
        pair[0]
    } else if at < 5 {
        a[at]
    } else {
        0
    };
    let mut mask = 0;
    if mask_at != 0 && is_there(mask_at, MASK) {
        // SAFETY: checked.
        mask = unsafe { load64(mask_at) };
    }
    if mask & OURS != 0 {
        mask &= !OURS;
        pair[0] = &raw const mask as usize;
        a[at] = if at == 5 { pair.as_ptr() as usize } else { pair[0] };
    }
    if number == nr::PPOLL { super::dispatch::ppoll(a) } else { call(number, a) }
}

/// rt_sigaction: what is set for SIGSYS is only remembered, and no other handler blocks it.
pub(super) fn sigaction(mut a: [usize; 6]) -> isize {
    let asked = a[1] != 0 && a[3] == MASK && is_there(a[1], size_of::<Action>());
    let mut action: Action = [0; 4];
    if asked {
        for (word, at) in action.iter_mut().zip((a[1]..).step_by(8)) {
            // SAFETY: checked.
            *word = unsafe { load64(at) as usize };
        }
    }
    if a[0] as u32 as usize == SIGSYS {
        return remember(a, asked.then_some(action));
    }
    if asked && action[3] as u64 & OURS != 0 {
        action[3] &= !OURS as usize;
        a[1] = action.as_ptr() as usize;
    }
    call(nr::RT_SIGACTION, a)
}

fn remember(a: [usize; 6], new: Option<Action>) -> isize {
    if a[3] != MASK {
        return EINVAL;
    }
    if (a[1] != 0 && new.is_none()) || (a[2] != 0 && !is_writable(a[2], size_of::<Action>())) {
        return EFAULT;
    }
    if a[2] != 0 {
        let old = [0, 1, 2, 3].map(|word: usize| THEIRS[word].load(Relaxed));
        // SAFETY: checked.
        unsafe { (a[2] as *mut Action).write_unaligned(old) };
    }
    let new = new.map(|[handler, flags, restorer, mask]| [handler, flags, restorer, mask & !NEVER_BLOCKED]);
    for (theirs, word) in THEIRS.iter().zip(new.into_iter().flatten()) {
        theirs.store(word, Relaxed);
    }
    0
}

/// rt_sigreturn, from a handler of the program's: its frame is at its stack pointer. Leaves this handler for good.
pub(super) fn sigreturn(frame: &Frame) -> ! {
    let mask = (frame.sp + MASK_OFFSET) as *mut u64;
    // SAFETY: the program says that a frame is there, and the kernel reads it next.
    unsafe {
        let blocked = mask.read_volatile();
        if blocked & OURS != 0 {
            mask.write_volatile(blocked & !OURS);
        }
        asm!("mov rsp, {sp}", "mov eax, {number}", "syscall", "ud2",
            sp = in(reg) frame.sp, number = const nr::RT_SIGRETURN, options(noreturn));
    }
}

/// A SIGSYS that is no system call of the program's: seccomp's, or somebody has sent it.
pub(super) fn foreign(signal: c_int, info: &Info, frame: &mut Frame) {
    const SIG_DFL: usize = 0;
    const SIG_IGN: usize = 1;
    if info.code == FROM_TKILL && exec::is_withdrawn() {
        return;
    }
    match THEIRS[0].load(Relaxed) {
        SIG_IGN => {}
        SIG_DFL => {
            let action: Action = [SIG_DFL, SA_RESTORER, fencelab_raw_restorer as *const () as usize, 0];
            super::disarm();
            call(nr::RT_SIGACTION, [SIGSYS, action.as_ptr() as usize, 0, MASK, 0, 0]);
            call(nr::TGKILL, [sys::getpid() as usize, sys::gettid() as usize, SIGSYS, 0, 0, 0]);
        }
        // SAFETY: the program has said that this is its handler.
        handler => unsafe {
            let handler: extern "C" fn(c_int, &Info, &mut Frame) = core::mem::transmute(handler);
            handler(signal, info, frame);
        },
    }
}
