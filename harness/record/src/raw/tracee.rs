//! A traced program that has just been exec'ed: system calls and functions run in it, before its first instruction.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;

use libc::user_regs_struct as Registers;
use nix::sys::ptrace;
use nix::unistd::Pid;

use super::Image;
use crate::unseen::Reason;

/// A stop: what waitpid says of one.
const PTRACE_GETSIGMASK: libc::c_uint = 0x420a;
const PTRACE_SETSIGMASK: libc::c_uint = 0x420b;
/// PTRACE_EVENT_STOP.
const EVENT_STOP: i32 = 128;
/// `syscall; int3`.
const CODE: u64 = 0xcc_05_0f;
/// Selector of 64-bit code (arch/x86/include/asm/segment.h: __USER_CS).
const CODE_64: u64 = 0x33;
/// What a call is given below the program's stack pointer.
const PATH_AT: u64 = 2048;
const STACK_AT: u64 = 8192;

/// Why nothing could be brought in.
pub(super) enum Failed {
    /// For a reason to be told.
    Because(Reason),
    /// It is gone.
    Gone,
}

impl From<nix::Error> for Failed {
    fn from(error: nix::Error) -> Self {
        if error == nix::Error::ESRCH { Failed::Gone } else { Failed::Because(Reason::Unknown) }
    }
}

impl From<io::Error> for Failed {
    fn from(_: io::Error) -> Self {
        Failed::Because(Reason::Unknown)
    }
}

/// Brings the shim into a program that is stopped at its exec. `folder` is the session's.
pub(super) fn inject(pid: Pid, image: &Image, folder: &[u8]) -> Result<(), Failed> {
    settle(pid)?;
    let before = ptrace::getregs(pid)?;
    if before.cs != CODE_64 {
        return Err(Failed::Because(Reason::Foreign));
    }
    let mask = Mask::get(pid)?;
    // Nothing but our own traps, until the program runs.
    Mask(!(1 << (libc::SIGTRAP - 1))).set(pid)?;
    let memory = OpenOptions::new().read(true).write(true).open(format!("/proc/{pid}/mem"))?;
    let word = ptrace::read(pid, before.rip as ptrace::AddressType)?;
    let code = word as u64 & !0xff_ff_ff | CODE;
    ptrace::write(pid, before.rip as ptrace::AddressType, code as libc::c_long)?;
    let mut tracee = Tracee { pid, memory, before, stopped: false };
    let brought = tracee.bring(image, folder);
    ptrace::write(pid, before.rip as ptrace::AddressType, word)?;
    ptrace::setregs(pid, before)?;
    // What a parent has blocked of ours would end the program.
    Mask(mask.0 & !(1 << (libc::SIGSYS - 1))).set(pid)?;
    if tracee.stopped {
        let _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP);
    }
    brought
}

/// The stop at the exec is inside the system call, which will yet set a register: goes on to where it has returned.
fn settle(pid: Pid) -> Result<(), Failed> {
    ptrace::interrupt(pid)?;
    ptrace::cont(pid, None)?;
    loop {
        let status = wait(pid)?;
        if status >> 16 == EVENT_STOP {
            return Ok(());
        }
        // Whatever else was on its way comes again when nobody blocks it.
        ptrace::cont(pid, None)?;
        ptrace::interrupt(pid)?;
    }
}

/// The next stop of a tracee, as waitpid encodes it.
fn wait(pid: Pid) -> Result<i32, Failed> {
    let mut status = 0;
    // SAFETY: an int of ours.
    let got = unsafe { libc::waitpid(pid.as_raw(), &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
    if got == pid.as_raw() && libc::WIFSTOPPED(status) { Ok(status) } else { Err(Failed::Gone) }
}

struct Tracee {
    pid: Pid,
    memory: File,
    /// Registers at the program's first instruction.
    before: Registers,
    /// A SIGSTOP came meanwhile.
    stopped: bool,
}

impl Tracee {
    fn bring(&mut self, image: &Image, folder: &[u8]) -> Result<(), Failed> {
        const READ_WRITE: u64 = (libc::PROT_READ | libc::PROT_WRITE) as u64;
        const READ_EXEC: u64 = (libc::PROT_READ | libc::PROT_EXEC) as u64;
        const PRIVATE: u64 = (libc::MAP_PRIVATE | libc::MAP_ANONYMOUS) as u64;
        let base = self.call(libc::SYS_mmap, [0, image.len, READ_WRITE, PRIVATE, u64::MAX, 0])?;
        let base =
            u64::try_from(base).ok().filter(|base| *base > 0).ok_or(Failed::Because(Reason::Unknown))?;
        let bytes = image.at(base).map_err(|_| Failed::Because(Reason::Unknown))?;
        self.memory.write_all_at(&bytes, base)?;
        let (start, end) = image.code;
        self.call(libc::SYS_mprotect, [base + start, end - start, READ_EXEC, 0, 0, 0])?;
        match self.start(base, image, folder)? {
            0 => Ok(()),
            _ => {
                self.call(libc::SYS_munmap, [base, image.len, 0, 0, 0, 0])?;
                Err(Failed::Because(Reason::Confined))
            }
        }
    }

    /// Makes a system call there.
    fn call(&mut self, number: libc::c_long, a: [u64; 6]) -> Result<i64, Failed> {
        let [rdi, rsi, rdx, r10, r8, r9] = a;
        let number = number as u64;
        let registers =
            Registers { rax: number, orig_rax: u64::MAX, rdi, rsi, rdx, r10, r8, r9, ..self.before };
        self.run(registers).map(|rax| rax as i64)
    }

    /// Has the shim start.
    fn start(&mut self, base: u64, image: &Image, folder: &[u8]) -> Result<u64, Failed> {
        /// Bytes of `syscall`: behind it is the trap to return to.
        const SYSCALL: u64 = 2;
        let path = self.before.rsp - PATH_AT;
        self.memory.write_all_at(&[folder, &[0]].concat(), path)?;
        let rsp = (self.before.rsp - STACK_AT) / 16 * 16 - 8;
        self.memory.write_all_at(&(self.before.rip + SYSCALL).to_le_bytes(), rsp)?;
        let rip = base + image.start;
        let (rdi, rsi, rdx) = (base, image.len, path);
        self.run(Registers { rip, rsp, rdi, rsi, rdx, orig_rax: u64::MAX, ..self.before })
    }

    /// Runs from there to the trap. Gives rax.
    fn run(&mut self, registers: Registers) -> Result<u64, Failed> {
        ptrace::setregs(self.pid, registers)?;
        ptrace::cont(self.pid, None)?;
        loop {
            let status = wait(self.pid)?;
            match libc::WSTOPSIG(status) {
                libc::SIGTRAP if status >> 16 == 0 => return Ok(ptrace::getregs(self.pid)?.rax),
                libc::SIGSTOP => self.stopped = true,
                _ => {}
            }
            ptrace::cont(self.pid, None)?;
        }
    }
}

/// A thread's blocked signals.
#[derive(Clone, Copy)]
struct Mask(u64);

impl Mask {
    fn get(pid: Pid) -> Result<Self, Failed> {
        let mut mask = 0u64;
        // SAFETY: eight bytes of ours.
        let got = unsafe { libc::ptrace(PTRACE_GETSIGMASK, pid.as_raw(), 8, &raw mut mask) };
        if got == 0 { Ok(Self(mask)) } else { Err(nix::Error::last().into()) }
    }

    fn set(self, pid: Pid) -> Result<(), Failed> {
        // SAFETY: eight bytes of ours.
        let set = unsafe { libc::ptrace(PTRACE_SETSIGMASK, pid.as_raw(), 8, &raw const self.0) };
        if set == 0 { Ok(()) } else { Err(nix::Error::last().into()) }
    }
}
