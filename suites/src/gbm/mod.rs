//! The suite `gbm`: buffers as a driver's own allocator lays them out, tiled, in several planes, with modifiers.
//!
//! Base suites use dumb buffers, whose layout anybody understands. What a GPU really draws into is laid out by its user-space
//! driver, so these cases ask that, through libgbm. The crate `gbm` needs the library to link and to start; therefore it is
//! behind the cargo feature `gbm`, and without that the cases are listed and skip with the reason.

#[cfg(not(feature = "gbm"))]
mod absent;
#[cfg(feature = "gbm")]
mod allocator;
mod import;
mod layout;
mod scanout;

#[cfg(not(feature = "gbm"))]
use absent as allocator;

use crate::Tested;
use crate::case::{Case, Role};
use crate::ctx::Ctx;

/// Its name.
pub const SUITE: &str = "gbm";
/// The library is in this program.
pub const BUILT_IN: bool = cfg!(feature = "gbm");
/// Why its cases skip where it is not.
pub const LEFT_OUT: &str = "this fencelab was built without libgbm: build it with `--features gbm`";
const SCREEN: &[Role] = &[Role::Scanout];
const DRM: &[Role] = &[Role::Drm];
const SHOWN: &[Role] = &[Role::Drm, Role::Scanout];

const fn case(
    name: &'static str,
    about: &'static str,
    roles: &'static [Role],
    rules: &'static [&'static str],
    run: fn(&mut Ctx) -> Tested,
) -> Case {
    // Mesa's drivers are large, and an emulated guest reads them from its host.
    Case::new(SUITE, name, about, roles, run).rules(rules).budget_s(90)
}

/// The suite's cases.
pub const CASES: &[Case] = &[
    case(
        "scanout",
        "a device shows what its allocator makes for it, with every modifier that both know",
        SCREEN,
        &["ATOM-SECTION", "ATOM-TIME"],
        scanout::own,
    ),
    case(
        "scanout-fence",
        "a flip to an allocator's buffer waits for its writer, and not for its reader",
        SCREEN,
        &["RESV-USAGE", "ATOM-IN"],
        scanout::fence,
    ),
    case(
        "planes",
        "every plane of a buffer is exported, lies in its dma-buf, and comes back as it was",
        DRM,
        &[],
        layout::planes,
    ),
    case(
        "bytes",
        "what is written through the allocator's map is what the dma-buf holds",
        DRM,
        &["BUF-WAIT"],
        layout::bytes,
    ),
    case(
        "import",
        "another device shows an allocator's buffer or refuses it, the same way each time, and keeps nothing",
        SHOWN,
        &["BUF-ERRNO", "BUF-HELD", "ATOM-FOREIGN"],
        import::shown,
    ),
    case(
        "import-unlisted",
        "a layout that no plane of the importer lists is refused",
        SHOWN,
        &["BUF-ERRNO"],
        import::unlisted,
    ),
];
