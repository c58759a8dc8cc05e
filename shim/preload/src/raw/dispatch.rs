//! The SIGSYS handler: makes the program's system calls.

use core::arch::global_asm;
use core::ffi::{c_int, c_void};

use super::frame::{ARCH_X86_64, Frame, Info, SYS_USER_DISPATCH};
use super::{altstack, clone, last, signals, threads};
use crate::hooks::{close, confine, dup, exec, exit, number, open, poll, rights, socket};
use crate::readable;
use crate::real::RAW;
use crate::sys::{self, nr};

const EINVAL: isize = -22;

/// The handler.
pub(super) extern "C" fn on_sigsys(signal: c_int, info: &Info, frame: &mut Frame) {
    if info.code != SYS_USER_DISPATCH {
        return signals::foreign(signal, info, frame);
    }
    if info.arch != ARCH_X86_64 {
        frame.ax = call_32(frame) as u32 as usize;
        return;
    }
    let a = frame.arguments();
    let number = info.number as u32 as usize;
    let result = match number {
        nr::RT_SIGRETURN => signals::sigreturn(frame),
        nr::RT_SIGPROCMASK => signals::sigprocmask(frame, a),
        nr::RT_SIGACTION => signals::sigaction(a),
        nr::SIGALTSTACK => match altstack::sigaltstack(frame, a) {
            Some(result) => result,
            None => return let_go(frame, number),
        },
        nr::RT_SIGSUSPEND
        | nr::PPOLL
        | nr::PSELECT6
        | nr::EPOLL_PWAIT
        | nr::EPOLL_PWAIT2
        | nr::IO_PGETEVENTS => signals::with_mask(number, a),
        nr::CLONE | nr::CLONE3 | nr::FORK | nr::VFORK => clone::task(frame, number, a),
        nr::MUNMAP if takes_our_stack(frame, a) => {
            threads::forget(sys::gettid());
            return let_go(frame, number);
        }
        nr::PRCTL | nr::SECCOMP if confines(number, a) => {
            confine::seccomp();
            return let_go(frame, number);
        }
        nr::EXIT_GROUP => {
            exit::tell(a[0] as c_int);
            call(number, a)
        }
        nr::EXIT => {
            exit::thread_ends(a[0] as c_int);
            threads::forget(sys::gettid());
            last::exit(a[0])
        }
        _ => hooked(number, a),
    };
    frame.ax = result as usize;
}

/// Calls that have a hook, and all others.
#[inline(never)]
pub(crate) fn hooked(number: usize, a: [usize; 6]) -> isize {
    let (fd, pointer) = (a[0] as c_int, a[1] as *mut c_void);
    let word = |at: usize| a[at] as u32;
    let int = |at: usize| a[at] as c_int;
    (match number {
        nr::IOCTL => number::ioctl(RAW, fd, a[1], a[2] as *mut c_void),
        nr::OPEN => open::open(RAW, a[0] as *const _, int(1), word(2)),
        nr::OPENAT => open::openat(RAW, fd, a[1] as *const _, int(2), word(3)),
        nr::OPENAT2 => openat2(a),
        nr::CLOSE => close::close(RAW, fd),
        nr::CLOSE_RANGE => close::close_range(RAW, word(0), word(1), int(2)),
        nr::DUP => dup::dup(RAW, fd),
        nr::DUP2 => dup::dup2(RAW, fd, int(1)),
        nr::DUP3 => dup::dup3(RAW, fd, int(1), int(2)),
        nr::FCNTL => dup::fcntl(RAW, fd, int(1), a[2] as *mut c_void),
        nr::SENDMSG => return rights::sendmsg(RAW, fd, pointer, int(2)),
        nr::RECVMSG => return rights::recvmsg(RAW, fd, pointer, int(2)),
        nr::SENDMMSG => rights::sendmmsg(RAW, fd, pointer, word(2), int(3)),
        nr::RECVMMSG => rights::recvmmsg(RAW, fd, pointer, word(2), int(3), a[4] as *mut c_void),
        nr::PIDFD_OPEN => rights::pidfd_open(RAW, fd, word(1)),
        nr::PIDFD_GETFD => rights::pidfd_getfd(RAW, fd, int(1), word(2)),
        nr::SOCKETPAIR => socket::socketpair(RAW, fd, int(1), int(2), a[3] as *mut c_int),
        nr::CONNECT => socket::connect(RAW, fd, pointer, word(2)),
        nr::BIND => socket::bind(RAW, fd, pointer, word(2)),
        nr::ACCEPT => socket::accept(RAW, fd, pointer, a[2] as *mut u32),
        nr::ACCEPT4 => socket::accept4(RAW, fd, pointer, a[2] as *mut u32, int(3)),
        nr::POLL => poll::poll(RAW, a[0] as *mut c_void, a[1] as u64, int(2)),
        nr::EXECVE => exec::execve(RAW, a[0] as *const _, a[1] as *const _, a[2] as *const _),
        nr::EXECVEAT => exec::execveat(RAW, fd, a[1] as *const _, a[2] as *const _, a[3] as *const _, int(4)),
        nr::CHROOT => confine::chroot(RAW, a[0] as *const _),
        nr::SETUID => confine::setuid(RAW, word(0)),
        nr::SETREUID => confine::setreuid(RAW, word(0), word(1)),
        nr::SETRESUID => confine::setresuid(RAW, word(0), word(1), word(2)),
        // A kernel without Syscall User Dispatch: what we use is not there for the program.
        nr::PRCTL if word(0) as usize == super::PR_SET_SYSCALL_USER_DISPATCH => return EINVAL,
        nr::PRCTL => confine::prctl(RAW, fd, [a[1], a[2], a[3], a[4]].map(|argument| argument as u64)),
        _ => return call(number, a),
    }) as isize
}

/// `long openat2(int folder, const char *path, struct open_how *how, size_t size)`: the flags are how's first word.
fn openat2(a: [usize; 6]) -> c_int {
    let made = crate::hooks::timed(|| call(nr::OPENAT2, a) as c_int);
    let flags = if made.result >= 0 {
        // SAFETY: the call succeeded: the kernel has read it.
        unsafe { readable::load(a[2], 4) as c_int }
    } else {
        0
    };
    open::opened(RAW, a[1] as *const _, flags, made)
}

/// ppoll, whose mask has been looked at.
pub(super) fn ppoll(a: [usize; 6]) -> isize {
    let [list, timeout, mask] = [a[0], a[2], a[3]].map(|address| address as *mut c_void);
    poll::ppoll(RAW, list, a[1] as u64, timeout, mask) as isize
}

/// A call as it is.
#[inline(never)]
pub(super) fn call(number: usize, a: [usize; 6]) -> isize {
    // SAFETY: the program asks for it.
    unsafe { sys::syscall(number, a) }
}

/// Whether a munmap takes away what the handler stands on: a detached thread of musl's frees its own stack, and then exits
/// without one.
fn takes_our_stack(frame: &Frame, a: [usize; 6]) -> bool {
    let range = a[0]..a[0].saturating_add(a[1]);
    range.contains(&(frame as *const Frame as usize)) || range.contains(&frame.sp)
}

/// Whether it sets a filter of system calls: prctl(PR_SET_SECCOMP), seccomp(SECCOMP_SET_MODE_...).
fn confines(number: usize, a: [usize; 6]) -> bool {
    const PR_SET_SECCOMP: usize = 22;
    const FILTER: usize = 1;
    if number == nr::PRCTL { a[0] as u32 as usize == PR_SET_SECCOMP } else { a[0] as u32 as usize <= FILTER }
}

/// From now on the thread makes its calls itself, beginning with this one once more.
fn let_go(frame: &mut Frame, number: usize) {
    /// Bytes of `syscall`.
    const INSTRUCTION: usize = 2;
    super::disarm();
    frame.ax = number;
    frame.ip -= INSTRUCTION;
}

unsafe extern "C" {
    /// `int 0x80` with the frame's registers.
    fn fencelab_call_32(registers: &[usize; 7]) -> isize;
}

global_asm!(
    ".pushsection .text.fencelab_call_32,\"ax\",@progbits",
    ".globl fencelab_call_32",
    ".hidden fencelab_call_32",
    "fencelab_call_32:",
    "push rbx",
    "push rbp",
    "mov rax, [rdi]",
    "mov rbx, [rdi + 8]",
    "mov rcx, [rdi + 16]",
    "mov rdx, [rdi + 24]",
    "mov rsi, [rdi + 32]",
    "mov rbp, [rdi + 48]",
    "mov rdi, [rdi + 40]",
    "int 0x80",
    "pop rbp",
    "pop rbx",
    "ret",
    ".popsection",
);

/// A call of the 32-bit interface, as a 64-bit program may make it: unrecorded.
fn call_32(frame: &Frame) -> isize {
    let registers = [frame.ax, frame.bx, frame.cx, frame.dx, frame.si, frame.di, frame.bp];
    // SAFETY: the program asks for it; the kernel keeps all registers but eax and r8 to r11.
    unsafe { fencelab_call_32(&registers) }
}
