//! The recorder inside other people's programs: one shared object that takes the place of the libc functions through
//! which a program reaches GPU drivers, calls the real ones, and writes a record of each call.
//!
//! # What it may not do
//!
//! The program comes first. On the way of a call there is no allocation, no lock, no thread, no signal handler, no
//! kept fd and no panic; errno is what the real call left. The system calls it makes of its own are at a process's start
//! (see [`session`]), who it is after a fork, DRM_IOCTL_VERSION when a DRM device is opened, and a probe of memory (see
//! [`readable`]) before a call that may block when its argument lies neither on the stack nor in the heap or data of the
//! program.
//!
//! # How it is built
//!
//! As a member of the workspace this is a plain library: checked, linted and tested like any other. The shared object
//! needs what a workspace's profile cannot give to one member (panic=abort, no libc), so harness/record's build script
//! makes it from the same sources with rustc alone, with the feature `so`, and embeds it: a `fencelab` always carries the
//! shim that it can read.
//!
//! # Where things are
//!
//! [`raw`] is the way in for programs without a libc that could be hooked.
//!
//! [`hooks`] holds what replaces libc's functions, a file per family; ioctl has three ways, by what there is to be followed. [`session`] maps the trace, [`chunk`] claims chunks
//! of it, [`ring`] and [`draft`] write records there, [`payload`] gathers what an ioctl's pointers lead to, [`fds`] remembers what fds are.
#![no_std]
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]
#![allow(
    clippy::not_unsafe_ptr_arg_deref,
    reason = "the hooks take what a program passes to libc, and are called by the program alone"
)]

#[cfg(feature = "so")]
mod audit;
pub mod borrow;
pub mod chunk;
pub mod clock;
pub mod draft;
#[cfg(feature = "so")]
mod elf;
#[cfg(feature = "so")]
mod exports;
pub mod fault;
pub mod fds;
pub mod hooks;
#[cfg(feature = "so")]
mod mem;
pub mod payload;
pub mod raw;
pub mod readable;
pub mod real;
pub mod ring;
pub mod session;
pub mod status;
pub mod sys;
pub mod tls;

/// The build allows no panic to get here; if one does, the program must not go on with half a call made.
#[cfg(feature = "so")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    sys::abort()
}
