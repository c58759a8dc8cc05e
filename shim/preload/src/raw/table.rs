//! The system calls behind the hooks: what stands in for libc's functions.

use crate::real::{Function, RAW, set};
use crate::sys::{self, nr};

/// A call, with what is in the registers of its arguments.
extern "C" fn call<const NUMBER: usize>(a: usize, b: usize, c: usize, d: usize, e: usize, f: usize) -> isize {
    // SAFETY: the program asks for it.
    unsafe { sys::syscall(NUMBER, [a, b, c, d, e, f]) }
}

/// ppoll's hook does not know of the mask's size.
extern "C" fn ppoll(list: usize, count: usize, timeout: usize, mask: usize) -> isize {
    // SAFETY: as above.
    unsafe { sys::syscall(nr::PPOLL, [list, count, timeout, mask, 8, 0]) }
}

macro_rules! fill {
    ($($function:ident = $number:expr;)*) => {
        /// Puts them where the hooks look.
        pub(crate) fn fill() {
            $( set(RAW, Function::$function, call::<{ $number }> as *const () as usize); )*
            set(RAW, Function::Ppoll, ppoll as *const () as usize);
            set(RAW, Function::Execve, super::exec::execve as *const () as usize);
            set(RAW, Function::Execveat, super::exec::execveat as *const () as usize);
        }
    };
}

fill! {
    Accept = nr::ACCEPT; Accept4 = nr::ACCEPT4; Bind = nr::BIND; Chroot = nr::CHROOT; Close = nr::CLOSE;
    CloseRange = nr::CLOSE_RANGE; Connect = nr::CONNECT; Dup = nr::DUP; Dup2 = nr::DUP2; Dup3 = nr::DUP3;
    Fcntl = nr::FCNTL; Ioctl = nr::IOCTL; Open = nr::OPEN; Openat = nr::OPENAT; PidfdGetfd = nr::PIDFD_GETFD;
    PidfdOpen = nr::PIDFD_OPEN; Poll = nr::POLL; Prctl = nr::PRCTL; Recvmmsg = nr::RECVMMSG; Recvmsg = nr::RECVMSG; Sendmmsg = nr::SENDMMSG; Sendmsg = nr::SENDMSG;
    Setresuid = nr::SETRESUID; Setreuid = nr::SETREUID; Setuid = nr::SETUID; Socketpair = nr::SOCKETPAIR;
}
