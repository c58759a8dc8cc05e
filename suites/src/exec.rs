//! Runs one case in the calling process.

use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::device::Device;
use crate::report::{Note, Reporter};

/// Runs `case` on `devices`, reports its end on `reporter` and returns it. A panic in the case passes through:
/// the process dies and the harness reports a crash with the panic's text. With `coverage` it tells what lockdep has
/// before it unloads a module ([`crate::lockdep`]).
pub fn run(case: &Case, devices: Vec<Device>, reporter: Reporter, coverage: bool) -> Tested {
    let mut ctx = Ctx::new(devices, reporter.clone(), coverage);
    let tested = (case.run)(&mut ctx);
    reporter.send(&Note::done(tested.clone()));
    tested
}
