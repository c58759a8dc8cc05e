//! System calls, made directly: none of these touches errno.

use core::arch::asm;

/// x86-64's numbers (arch/x86/entry/syscalls/syscall_64.tbl).
pub mod nr {
    #![allow(missing_docs, reason = "the names are the kernel's")]
    pub const READ: usize = 0;
    pub const OPEN: usize = 2;
    pub const CLOSE: usize = 3;
    pub const FSTAT: usize = 5;
    pub const POLL: usize = 7;
    pub const MMAP: usize = 9;
    pub const MPROTECT: usize = 10;
    pub const MUNMAP: usize = 11;
    pub const BRK: usize = 12;
    pub const RT_SIGACTION: usize = 13;
    pub const RT_SIGPROCMASK: usize = 14;
    pub const RT_SIGRETURN: usize = 15;
    pub const IOCTL: usize = 16;
    pub const MADVISE: usize = 28;
    pub const DUP: usize = 32;
    pub const DUP2: usize = 33;
    pub const NANOSLEEP: usize = 35;
    pub const GETPID: usize = 39;
    pub const CONNECT: usize = 42;
    pub const ACCEPT: usize = 43;
    pub const SENDMSG: usize = 46;
    pub const RECVMSG: usize = 47;
    pub const BIND: usize = 49;
    pub const SOCKETPAIR: usize = 53;
    pub const CLONE: usize = 56;
    pub const FORK: usize = 57;
    pub const VFORK: usize = 58;
    pub const EXECVE: usize = 59;
    pub const EXIT: usize = 60;
    pub const KILL: usize = 62;
    pub const FCNTL: usize = 72;
    pub const SETUID: usize = 105;
    pub const GETEUID: usize = 107;
    pub const GETPPID: usize = 110;
    pub const SETREUID: usize = 113;
    pub const SETRESUID: usize = 117;
    pub const RT_SIGSUSPEND: usize = 130;
    pub const SIGALTSTACK: usize = 131;
    pub const PRCTL: usize = 157;
    pub const CHROOT: usize = 161;
    pub const GETTID: usize = 186;
    pub const GETXATTR: usize = 191;
    pub const FUTEX: usize = 202;
    pub const GETDENTS64: usize = 217;
    pub const EXIT_GROUP: usize = 231;
    pub const TGKILL: usize = 234;
    pub const OPENAT: usize = 257;
    pub const NEWFSTATAT: usize = 262;
    pub const READLINKAT: usize = 267;
    pub const PSELECT6: usize = 270;
    pub const PPOLL: usize = 271;
    pub const EPOLL_PWAIT: usize = 281;
    pub const ACCEPT4: usize = 288;
    pub const DUP3: usize = 292;
    pub const RECVMMSG: usize = 299;
    pub const SENDMMSG: usize = 307;
    pub const SECCOMP: usize = 317;
    pub const EXECVEAT: usize = 322;
    pub const IO_PGETEVENTS: usize = 333;
    pub const PIDFD_OPEN: usize = 434;
    pub const CLONE3: usize = 435;
    pub const CLOSE_RANGE: usize = 436;
    pub const OPENAT2: usize = 437;
    pub const PIDFD_GETFD: usize = 438;
    pub const FACCESSAT2: usize = 439;
    pub const EPOLL_PWAIT2: usize = 441;
}

/// Largest errno, negated, as results of raw calls carry it.
pub const MAX_ERRNO: isize = -4095;

/// Paths are relative to the working directory. Filters of today know the calls that take it, not those before them.
const AT_FDCWD: usize = -100isize as usize;

/// Makes a system call with up to six arguments; a result from -4095 to -1 is a negated errno.
///
/// # Safety
///
/// As for the call itself.
#[inline]
pub unsafe fn syscall(number: usize, a: [usize; 6]) -> isize {
    let result: isize;
    // SAFETY: the kernel changes rcx, r11, rax and what the caller vouched for.
    unsafe {
        asm!("syscall", inlateout("rax") number => result,
            in("rdi") a[0], in("rsi") a[1], in("rdx") a[2], in("r10") a[3], in("r8") a[4], in("r9") a[5],
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    result
}

/// The calling thread's id.
#[inline(never)]
pub fn gettid() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { syscall(nr::GETTID, [0; 6]) as u32 }
}

/// The process's id.
#[inline(never)]
pub fn getpid() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { syscall(nr::GETPID, [0; 6]) as u32 }
}

/// The parent's id.
#[inline(never)]
pub fn getppid() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { syscall(nr::GETPPID, [0; 6]) as u32 }
}

/// The effective user.
#[inline(never)]
pub fn geteuid() -> u32 {
    // SAFETY: takes no arguments and cannot fail.
    unsafe { syscall(nr::GETEUID, [0; 6]) as u32 }
}

/// Opens a file with O_CLOEXEC and more flags. `path` ends with NUL.
#[inline(never)]
pub fn open(path: &[u8], flags: usize) -> Option<i32> {
    const O_CLOEXEC: usize = 0o2000000;
    debug_assert!(path.ends_with(&[0]));
    // SAFETY: the path is a C string.
    let fd = unsafe { syscall(nr::OPENAT, [AT_FDCWD, path.as_ptr() as usize, flags | O_CLOEXEC, 0, 0, 0]) };
    (fd >= 0).then_some(fd as i32)
}

/// Closes an fd of ours.
#[inline(never)]
pub fn close(fd: i32) {
    // SAFETY: the caller got it from `open` and uses it no more.
    unsafe { syscall(nr::CLOSE, [fd as usize, 0, 0, 0, 0, 0]) };
}

/// Reads at most the buffer's length; 0 at the end and on errors.
#[inline(never)]
pub fn read(fd: i32, buffer: &mut [u8]) -> usize {
    // SAFETY: the buffer is ours.
    let got =
        unsafe { syscall(nr::READ, [fd as usize, buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0]) };
    if got < 0 { 0 } else { got as usize }
}

/// Reads a symbolic link. `path` ends with NUL.
#[inline(never)]
pub fn readlink<'a>(path: &[u8], buffer: &'a mut [u8]) -> &'a [u8] {
    debug_assert!(path.ends_with(&[0]));
    let args = [AT_FDCWD, path.as_ptr() as usize, buffer.as_mut_ptr() as usize, buffer.len(), 0, 0];
    // SAFETY: the path is a C string, the buffer ours.
    let got = unsafe { syscall(nr::READLINKAT, args) };
    buffer.get(..got.max(0) as usize).unwrap_or(&[])
}

/// Reads a whole small file, as much of it as fits. `path` ends with NUL.
#[inline(never)]
pub fn read_file<'a>(path: &[u8], buffer: &'a mut [u8]) -> &'a [u8] {
    let mut len = 0;
    if let Some(fd) = open(path, 0) {
        while let Some(rest) = buffer.get_mut(len..).filter(|rest| !rest.is_empty()) {
            match read(fd, rest) {
                0 => break,
                got => len += got,
            }
        }
        close(fd);
    }
    buffer.get(..len).unwrap_or(&[])
}

/// Sleeps, as fault mode asks; a signal ends it early.
pub fn sleep(nanos: u64) {
    let time = [nanos / 1_000_000_000, nanos % 1_000_000_000];
    // SAFETY: a timespec of ours.
    unsafe { syscall(nr::NANOSLEEP, [time.as_ptr() as usize, 0, 0, 0, 0, 0]) };
}

/// Ends the process at once.
pub fn abort() -> ! {
    const SIGKILL: usize = 9;
    loop {
        // SAFETY: kill(getpid(), SIGKILL).
        unsafe { syscall(nr::KILL, [getpid() as usize, SIGKILL, 0, 0, 0, 0]) };
    }
}

/// The size of an open file.
pub fn size(fd: i32) -> Option<usize> {
    stat(fd).map(|stat| stat[6] as usize)
}

/// The inode of an open file.
#[inline(never)]
pub fn inode(fd: i32) -> u64 {
    stat(fd).map_or(0, |stat| stat[1])
}

/// struct stat as words (arch/x86/include/uapi/asm/stat.h).
#[inline(never)]
fn stat(fd: i32) -> Option<[u64; 18]> {
    let mut stat = [0u64; 18];
    // SAFETY: a struct stat of ours: 144 bytes.
    let result = unsafe { syscall(nr::FSTAT, [fd as usize, stat.as_mut_ptr() as usize, 0, 0, 0, 0]) };
    (result == 0).then_some(stat)
}

/// Maps a file's first bytes, shared, for reading and writing.
#[inline(never)]
pub fn map_shared(fd: i32, len: usize) -> Option<usize> {
    const READ_WRITE: usize = 3;
    const SHARED: usize = 1;
    // SAFETY: a new mapping, where the kernel likes.
    let address = unsafe { syscall(nr::MMAP, [0, len, READ_WRITE, SHARED, fd as usize, 0]) };
    (address > 0).then_some(address as usize)
}

/// Changes what may be done with pages: PROT_READ, PROT_WRITE and PROT_EXEC are 1, 2 and 4.
#[inline(never)]
pub fn protect(address: usize, len: usize, protection: usize) -> bool {
    // SAFETY: the caller vouches that nothing needs more of these pages than it asks for.
    unsafe { syscall(nr::MPROTECT, [address, len, protection, 0, 0, 0]) == 0 }
}

/// Gives up a mapping of ours.
pub fn unmap(address: usize, len: usize) {
    // SAFETY: the caller mapped it and uses it no more.
    unsafe { syscall(nr::MUNMAP, [address, len, 0, 0, 0, 0]) };
}

/// The end of the heap.
pub fn heap_end() -> usize {
    // SAFETY: brk(0) changes nothing.
    unsafe { syscall(nr::BRK, [0; 6]) as usize }
}
