//! Calls about signals, among which SIGSYS must stay ours.

use core::arch::{asm, global_asm};
use core::ffi::c_int;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::dispatch::{call, on_sigsys};
use super::frame::{FROM_TKILL, Frame, Info, MASK_OFFSET, Stack};
use super::{exec, last};
use crate::readable::{self, Trust, load, load64};
use crate::sys::{self, nr};

const SIGSYS: usize = 31;
/// Its bit in a mask.
const OURS: u64 = 1 << (SIGSYS - 1);
/// SIGKILL and SIGSTOP, which no mask may hold.
const NEVER_BLOCKED: usize = 1 << 8 | 1 << 18;
/// Bytes of a mask.
const MASK: usize = 8;
const EINVAL: isize = -22;
const EFAULT: isize = -14;
const EPERM: isize = -1;
const ENOMEM: isize = -12;

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
fn is_there(address: usize, len: usize) -> bool {
    readable::check(address, len, Trust::Ask)
}

/// Whether it can be written there: the kernel stores the thread's mask.
fn is_writable(address: usize, len: usize) -> bool {
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

/// sigaltstack. The handler may be standing on that stack, where the kernel would refuse to change it: that call is made
/// behind the handler, on the program's stack. Gives what the program gets, or has in rax for that call. `None`: the thread
/// must be let go.
pub(super) fn sigaltstack(frame: &mut Frame, a: [usize; 6]) -> Option<isize> {
    const NONE: Stack = Stack { start: 0, flags: 0, pad: 0, size: 0 };
    let new = a[0] != 0;
    if new && !is_there(a[0], size_of::<Stack>()) || a[1] != 0 && !is_writable(a[1], size_of::<Stack>()) {
        return Some(EFAULT);
    }
    // SAFETY: checked.
    let wanted = new.then(|| unsafe {
        let (start, flags, size) =
            (load64(a[0]) as usize, load(a[0] + 8, 4) as i32, load64(a[0] + 16) as usize);
        Stack { start, flags, pad: 0, size }
    });
    let now = if last::is_ours(&frame.stack) { NONE } else { frame.stack };
    let mut result = 0;
    match wanted.map(|wanted| checked(wanted, &now, frame.sp)) {
        Some(Err(errno)) => return Some(errno),
        Some(Ok(stack)) if stack.size > 0 => result = call_behind(frame, a[0])?,
        Some(Ok(_)) if now.size > 0 => result = call_behind(frame, last::stack()?)?,
        _ => {}
    }
    if a[1] != 0 {
        let old = Stack { flags: state(&now, frame.sp), ..now };
        // SAFETY: checked.
        unsafe { (a[1] as *mut Stack).write_unaligned(old) };
    }
    Some(result)
}

unsafe extern "C" {
    fn fencelab_raw_behind();
}

// A call in the program's own context, but from here, so that it goes through. The program's rdi and rsi and the
// address to go on at are below its red zone.
global_asm!(
    ".pushsection .text.fencelab_raw_behind,\"ax\",@progbits",
    ".globl fencelab_raw_behind",
    ".hidden fencelab_raw_behind",
    "fencelab_raw_behind:",
    "syscall",
    "pop rdi",
    "pop rsi",
    "pop rcx",
    "lea rsp, [rsp + 128]",
    "jmp rcx",
    ".popsection",
);

/// Has sigaltstack called with that stack_t when the handler has returned. Gives the number that rax must hold.
fn call_behind(frame: &mut Frame, stack: usize) -> Option<isize> {
    const RED_ZONE: usize = 128;
    let kept = [frame.di, frame.si, frame.ip];
    let place = frame.sp - RED_ZONE - size_of_val(&kept);
    if !is_writable(place, size_of_val(&kept)) {
        return None;
    }
    // SAFETY: below the red zone of the program's stack, and it can be written.
    unsafe { (place as *mut [usize; 3]).write_unaligned(kept) };
    (frame.sp, frame.di, frame.si) = (place, stack, 0);
    frame.ip = fencelab_raw_behind as *const () as usize;
    Some(nr::SIGALTSTACK as isize)
}

const SS_ONSTACK: i32 = 1;
const SS_DISABLE: i32 = 2;
const SS_AUTODISARM: i32 = i32::MIN;

fn is_on(stack: &Stack, sp: usize) -> bool {
    stack.flags & SS_AUTODISARM == 0 && sp > stack.start && sp - stack.start <= stack.size
}

/// The flags that the kernel gives back.
fn state(stack: &Stack, sp: usize) -> i32 {
    let state = match stack.size {
        0 => SS_DISABLE,
        _ if is_on(stack, sp) => SS_ONSTACK,
        _ => 0,
    };
    state | stack.flags & SS_AUTODISARM
}

fn checked(wanted: Stack, now: &Stack, sp: usize) -> Result<Stack, isize> {
    const MINSIGSTKSZ: usize = 2048;
    if now.size != 0 && is_on(now, sp) {
        return Err(EPERM);
    }
    match wanted.flags & !SS_AUTODISARM {
        SS_DISABLE => Ok(Stack { start: 0, size: 0, ..wanted }),
        0 | SS_ONSTACK if wanted.size < MINSIGSTKSZ => Err(ENOMEM),
        0 | SS_ONSTACK => Ok(wanted),
        _ => Err(EINVAL),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Stack = Stack { start: 0, flags: 0, pad: 0, size: 0 };

    #[test]
    fn an_alternate_stack_is_set_as_the_kernel_does() {
        let wanted = Stack { start: 0x1000, flags: 0, pad: 0, size: 8192 };
        assert_eq!(checked(wanted, &NONE, 0x9_0000), Ok(wanted));
        assert_eq!(checked(wanted, &wanted, 0x2000), Err(EPERM));
        assert_eq!(checked(Stack { size: 100, ..wanted }, &NONE, 0), Err(ENOMEM));
        assert_eq!(checked(Stack { flags: 64, ..wanted }, &NONE, 0), Err(EINVAL));
        assert_eq!(checked(Stack { flags: SS_DISABLE, ..wanted }, &wanted, 0).map(|stack| stack.size), Ok(0));
    }

    #[test]
    fn its_state_is_told_as_the_kernel_does() {
        let stack = Stack { start: 0x1000, flags: 0, pad: 0, size: 8192 };
        assert_eq!((state(&NONE, 0), state(&stack, 0), state(&stack, 0x2000)), (SS_DISABLE, 0, SS_ONSTACK));
    }
}
