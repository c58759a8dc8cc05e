//! Suite `syncobj`: DRM sync objects, binary and timeline, on every DRM device that has them.
//!
//! The fences inside come from sw_sync by way of sync files, so that pending, signalled and failed fences can be
//! made on any machine. A device that is known to have no sync objects has the cases of `unsupported` alone.

mod clock;
mod errors;
mod eventfd;
mod fd;
mod fixture;
mod lifecycle;
mod object;
mod races;
mod signal;
mod timeline;
mod transfer;
mod unsupported;
mod wait;
mod wait_change;
mod wait_matrix;

pub(crate) use clock::in_ms;
pub use fixture::Fixture;
pub use object::{Point, Syncobj};

use crate::case::{Case, Role, count, join};

/// The suite's name.
pub const SUITE: &str = "syncobj";

/// Where a call is refused.
const DRM: &[Role] = &[Role::Drm];
/// Every other case runs on each device with sync objects by itself.
const SYNCOBJ: &[Role] = &[Role::Syncobj];

const PARTS: &[&[Case]] = &[
    unsupported::CASES,
    lifecycle::CASES,
    errors::CASES,
    signal::CASES,
    wait::CASES,
    wait_matrix::CASES,
    wait_change::CASES,
    timeline::CASES,
    transfer::CASES,
    fd::CASES,
    eventfd::CASES,
    races::CASES,
];

/// The cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);
