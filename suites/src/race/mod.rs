//! The suite `race`: programs that go well as they are timed here, and would hang in another order of the same calls.
//!
//! Two processes share what they need and nothing by which one could wait for the other; one of them comes late. Each case
//! passes. That they need not have, an analysis of their records must predict. The suite is in no night;
//! `fencelab run race` runs it.

mod cells;
mod queue;
mod racers;

use crate::case::{Case, Role};

/// Its name.
pub const SUITE: &str = "race";

const DRM: &[Role] = &[Role::Render];
const ONE: &[Role] = &[Role::Scanout];

/// The suite's cases.
pub const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "reset-waited-on",
        "one empties a sync object for which the other waits",
        DRM,
        cells::reset,
    ),
    Case::new(
        SUITE,
        "any-takes-both",
        "one waits for any of two and empties both, the other waits for one",
        DRM,
        cells::any,
    ),
    Case::new(
        SUITE,
        "replace-waited-on",
        "one replaces a fence that the other waits for",
        DRM,
        cells::replace,
    ),
    Case::new(
        SUITE,
        "wait-before-submit",
        "one waits for what the other has yet to submit, without saying so",
        DRM,
        cells::refused,
    ),
    Case::new(
        SUITE,
        "commit-order",
        "one commits and then signals what the other's commit waits for",
        ONE,
        queue::commits,
    ),
];
