//! Builds, caches and finds guest kernels.
//!
//! [`build`] turns a [`Source`] (Debian's `linux-source` package, or a developer's own tree, which it never writes to) into
//! a [`Kernel`]: an image and its modules, in a cache folder, under a key that covers everything that went into it.
//! [`find`] looks there first. [`Kernel::at`] takes any kernel that somebody else built.
//!
//! There are three [`Variant`]s. `stock` is the source as it is. `annotated` adds our own patches, which put dma-fence
//! annotations where the series of May 2020 had them; what such a kernel reports is a finding *under* an annotation that
//! mainline does not carry. `kasan` is `stock` with KASAN, built only for who names it. `uname -r` tells them apart: see
//! [`Variant::of_release`].
//!
//! Each kernel has the twins beside its own modules: software GPUs (`ci/twins`), compiled anew when their sources change and
//! not with the kernel. The headers for that, and for any other module, are in its `lib/modules/RELEASE/build`.
//!
//! Fragments and patches come from `configs/kernel` and, with the twins' sources, are part of the binary, so an installed program needs no checkout.
//! The library takes its folders and its progress callback as parameters; it never asks the environment, a home or a
//! terminal. It runs `make`, `tar`, `patch` and the compiler, found by the caller's `PATH`.

mod build;
mod cache;
mod config;
mod error;
mod first_error;
mod fragment;
mod headers;
mod image;
mod kernel;
mod key;
mod make;
mod patch;
mod progress;
mod source;
mod tools;
mod twins;
mod variant;
mod work;

pub use build::{Request, build, find};
pub use cache::cached;
pub use config::Missing;
pub use error::{Error, Reason};
pub use first_error::FirstError;
pub use fragment::Fragment;
pub use image::release;
pub use kernel::Kernel;
pub use patch::Patch;
pub use progress::{Phase, Progress};
pub use source::Source;
pub use tools::Tool;
pub use variant::{UnknownVariant, Variant};
