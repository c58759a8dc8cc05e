//! The suite `unplug`: devices that are taken from their drivers while their buffers, fences and displays are in use.
//!
//! In no night: it takes a machine's own GPU away for a moment, and stock 6.12 does not survive all of it.

mod flip;
mod shared;
mod twins;

use crate::Tested;
use crate::case::{Case, Role};
use crate::ctx::Ctx;

/// Its name.
pub const SUITE: &str = "unplug";

const fn case(
    name: &'static str,
    about: &'static str,
    roles: &'static [Role],
    run: fn(&mut Ctx) -> Tested,
) -> Case {
    Case::new(SUITE, name, about, roles, run).budget_s(120)
}

/// The suite's cases.
pub const CASES: &[Case] = &[
    case("exporter", "fences and fds outlive the exporter's device", &[Role::Drm], shared::exporter)
        .rules(&["FENCE-TIME", "BUF-ERRNO"]),
    case(
        "importer",
        "the exporter's bytes and fences outlive the importer's device",
        &[Role::PageExporter, Role::PageImporter],
        shared::importer,
    )
    .rules(&["FENCE-TIME", "BUF-ERRNO"]),
    case(
        "pending-flip",
        "a device that goes under a pending flip signals its out-fence",
        &[Role::Scanout],
        flip::pending,
    )
    .rules(&["FENCE-OWNER", "ATOM-TIME"]),
    case(
        "running-jobs",
        "a GPU that goes under its jobs signals their fences, and the other GPU's jobs go on",
        &[Role::Submitter, Role::Submitter],
        twins::running,
    )
    .rules(&["FENCE-OWNER", "FENCE-TIME", "RESET-FOREIGN"]),
    case(
        "module-fences",
        "a module whose fences are held stays, or they outlive it",
        &[Role::Submitter],
        twins::held,
    )
    .rules(&["FENCE-OWNER"]),
    case(
        "module-busy",
        "a module in use is not unloaded, and one that is not goes cleanly",
        &[Role::Submitter],
        twins::any_moment,
    )
    .rules(&["FENCE-OWNER", "FENCE-TIME"]),
];
