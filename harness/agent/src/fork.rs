//! A fork into a cgroup, and what its child does first. `clone3()` with CLONE_INTO_CGROUP, because moving a process that runs
//! already waits for an RCU grace period, tens of milliseconds on a busy machine.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr;

use nix::errno::Errno;

/// `struct clone_args` (include/uapi/linux/sched.h), version 2.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// What a forked process is to the one that forks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kin {
    /// Its child, which only becomes another program.
    Child,
    /// Its parent's child, which goes on in the program: libc knows its thread's id.
    Sibling,
}

/// A fork whose child begins in the cgroup. Zero in the child.
///
/// # Errors
/// The kernel's.
pub(crate) fn fork_into(cgroup: Option<BorrowedFd<'_>>, kin: Kin) -> io::Result<i32> {
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    let mut args = CloneArgs::default();
    if let Some(cgroup) = cgroup {
        args.flags = CLONE_INTO_CGROUP;
        args.cgroup = u64::try_from(cgroup.as_raw_fd()).unwrap_or(0);
    }
    match kin {
        Kin::Child => args.exit_signal = libc::SIGCHLD as u64,
        // As libc's own fork has it (sysdeps/unix/sysv/linux/arch-fork.h); the signal is the one of our own end.
        Kin::Sibling => {
            args.flags |= (libc::CLONE_PARENT | libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID) as u64;
            args.child_tid = tid_address()?;
        }
    }
    // SAFETY: without CLONE_VM this is a fork: the child has its own copy of all memory, and this one thread, whose id is
    // stored where libc keeps it. Other threads' locks may be held in the copy of one that has others: such a one forks a
    // `Child`, which takes none.
    let child = unsafe { libc::syscall(libc::SYS_clone3, &raw const args, size_of::<CloneArgs>()) };
    Ok(Errno::result(child)? as i32)
}

/// Where libc keeps this thread's id: it has told the kernel by set_tid_address(2), and a kernel with CONFIG_CHECKPOINT_RESTORE
/// tells it to us.
///
/// # Errors
/// The kernel's, where it does not.
pub(crate) fn tid_address() -> io::Result<u64> {
    let mut address: u64 = 0;
    // SAFETY: the kernel stores an address of this process there.
    Errno::result(unsafe { libc::prctl(libc::PR_GET_TID_ADDRESS, &raw mut address) })?;
    Ok(address)
}

/// In the child: a session of its own, killed when the agent ends, with these descriptors as 0, 1, 2 and so on.
///
/// # Errors
/// The kernel's.
pub(crate) fn settle(fds: &[OwnedFd]) -> io::Result<()> {
    // SAFETY: system calls on values of this stack and of the slice. None of them allocates or locks.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
        libc::setsid();
        // A core file would land on the guest's tmpfs.
        let no_core = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        libc::setrlimit(libc::RLIMIT_CORE, &raw const no_core);
        for (number, fd) in (0..).zip(fds) {
            if libc::dup2(fd.as_raw_fd(), number) < 0 {
                return Err(io::Error::last_os_error());
            }
        }
    }
    Ok(())
}
