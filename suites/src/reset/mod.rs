//! The suite `reset`: a GPU that hangs or is reset while others hold its fences, buffers and flips.
//!
//! Only a twin hangs on command; a forced reset works wherever debugfs offers one, on real hardware too.

mod forced;
mod foreign;
mod hang;

use crate::case::{Case, Role, Stop, count, join};
use crate::check;
use crate::gpu::RESET_PATIENCE;
use crate::must::Must;
use crate::uapi::sync_file::SyncFile;

/// Its name.
pub const SUITE: &str = "reset";

const ONE: &[Role] = &[Role::Submitter];
/// Every reset drives these sections.
const DRIVES: &[&str] =
    &["SCHED-TDR-ALLOC", "SCHED-TDR-MODESET", "SCHED-RESET-SEM", "SIG-MODESET", "SIG-CONSOLE", "FENCE-TIME"];

const PARTS: &[&[Case]] = &[hang::CASES, foreign::CASES, forced::CASES];

/// The suite's cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);

/// Waits until the fence is over, as long as a reset may take: its status.
pub(crate) fn settled(fence: &SyncFile, what: &str) -> Result<i32, Stop> {
    let patience = u16::try_from(RESET_PATIENCE.as_millis()).unwrap_or(u16::MAX);
    check!(
        fence.wait(patience).must("poll a fence")?,
        "{what} did not end in {} s",
        RESET_PATIENCE.as_secs()
    );
    fence.status().must("ask a fence for its status")
}

/// Waits until the fence of a job that hung is over: its error, which it must have.
fn failed(fence: &SyncFile, what: &str) -> Result<i32, Stop> {
    let status = settled(fence, what)?;
    check!(status < 0, "the fence of {what} has the status {status}, and no error");
    Ok(status)
}
