//! sigaltstack, which is answered from the frame: the handler runs on that stack.

use core::arch::global_asm;

use super::frame::{Frame, Stack};
use super::last;
use super::signals::{EFAULT, EINVAL, is_there, is_writable};
use crate::readable::{load, load64};
use crate::sys::nr;

const EPERM: isize = -1;
const ENOMEM: isize = -12;

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
