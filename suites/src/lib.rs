//! The cases, and the safe uAPI wrappers that they share.
//!
//! A case is one function over a [`Ctx`]: it names its devices by role, its rules and its time budget, and
//! the harness makes the matrix of the devices that are present. [`catalogue::plan`] makes that matrix from
//! descriptions alone, so listing needs no device; [`exec::run`] runs one case in the calling process.

pub mod atomic;
pub mod binding;
pub mod buffer;
pub mod case;
pub mod catalogue;
pub mod cgroup;
pub mod child;
pub mod ctx;
pub mod device;
pub mod dma_buf;
pub mod exec;
pub mod fuzz;
pub mod gbm;
pub mod gpu;
pub mod hang;
pub mod i915_selftest;
pub mod kms;
pub mod kmsg;
pub mod kunit;
pub mod lockdep;
pub mod mock;
pub mod modules;
pub mod must;
pub mod open;
pub mod pending;
pub mod prime;
pub mod race;
pub mod random;
pub mod report;
pub mod reset;
pub mod selftest;
mod squeeze;
pub mod stress;
pub mod submit;
pub mod sync_file;
pub mod syncobj;
pub mod tasks;
pub mod test_module;
pub mod uapi;
pub mod unplug;
pub mod userptr;
pub mod waiter;
pub mod xe;

pub use case::{Case, Role, Stop, Tested};
pub use ctx::Ctx;
pub use device::{Device, Kind};
pub use must::Must;
pub use open::DrmFile;

/// The example of `README.md`, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
