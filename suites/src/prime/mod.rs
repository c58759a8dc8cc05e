//! The suite `prime`: jobs on buffers that two devices share.
//!
//! `dma-buf` checks that sharing works; here GPUs use what is shared, each in its own way: a dynamic importer hears when
//! the buffer moves, an exporter of the i915 kind locks buffers of its own while it is attached to.

mod jobs;
mod moves;
mod order;

use crate::case::{Case, Role, count, join};

/// Its name.
pub const SUITE: &str = "prime";

const IMPORT: &[Role] = &[Role::Exporter, Role::Submitter];
const EXPORT: &[Role] = &[Role::Submitter, Role::Importer];
const PAIR: &[Role] = &[Role::Submitter, Role::Submitter];
/// Every use of a shared buffer drives the locking convention.
const DRIVES: &[&str] = &["BUF-HELD", "BUF-NOTHELD", "BUF-EXPORTER", "BUF-WW", "RESV-CTX"];

const PARTS: &[&[Case]] = &[jobs::CASES, order::CASES, moves::CASES];

/// The suite's cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);
