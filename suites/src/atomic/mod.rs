//! The suite `atomic`: commits, and the fences that go in and come out of them.
//!
//! vkms has a real vblank timer. bochs, cirrus and qxl have none: their events and out-fences come as soon as
//! the commit is done, and their frame counter stays 0. What is checked here holds for both kinds.

mod crtcs;
mod cursor;
mod errors;
mod flip;
mod foreign;
mod fuzz;
mod implicit;
mod in_fence;
mod jobs;
mod legacy;
mod lifetime;
mod modeset;
mod modifiers;
mod out_fence;
mod pixels;
mod sources;
mod writeback;

pub(crate) use foreign::ForeignScreen;
pub(crate) use implicit::shown_before;
pub(crate) use in_fence::completes;

use crate::Tested;
use crate::case::{Case, Role, count, join};
use crate::ctx::Ctx;

/// Its name.
pub const SUITE: &str = "atomic";
const ONE: &[Role] = &[Role::Scanout];
const TWO: &[Role] = &[Role::Scanout, Role::Scanout];
const VGEM: &[Role] = &[Role::Scanout, Role::Vgem];
const RENDER: &[Role] = &[Role::Scanout, Role::Render];
const ALLOCATOR: &[Role] = &[Role::Scanout, Role::Allocator];
const FOREIGN: &[Role] = &[Role::Scanout, Role::Exporter];
/// Every commit drives the sections of the commit helpers.
const DRIVES: &[&str] = &["ATOM-SECTION", "ATOM-TIME"];

const fn case(
    name: &'static str,
    about: &'static str,
    roles: &'static [Role],
    run: fn(&mut Ctx) -> Tested,
) -> Case {
    Case::new(SUITE, name, about, roles, run).rules(DRIVES)
}

const PARTS: &[&[Case]] = &[BASE, jobs::CASES, crtcs::CASES];

/// The suite's cases.
pub const CASES: &[Case] = &join::<{ count(PARTS) }>(PARTS);

/// Those of commits alone, on one CRTC.
const BASE: &[Case] = &[
    case("on-off", "a pipeline turns on and off, and says so", ONE, modeset::on_off),
    case("modeset-event", "turning on and off sends an event where one was asked for", ONE, modeset::event),
    case("modeset-not-allowed", "turning on needs ALLOW_MODESET", ONE, modeset::not_allowed),
    case("test-only", "a TEST_ONLY commit leaves no state", ONE, modeset::test_only),
    case("blobs", "a mode is a blob of the right size that exists", ONE, modeset::blobs),
    case("flip", "a blocking flip shows the other framebuffer", ONE, flip::blocking),
    case("flip-event", "a flip's event has its user_data, its CRTC and times in order", ONE, flip::event),
    case("flip-same", "a flip to what is shown completes too", ONE, flip::same),
    case("flip-busy", "a non-blocking commit ahead of a pending flip is EBUSY", ONE, flip::busy).rules(&[
        "ATOM-BUSY",
        "ATOM-OUT",
        "ATOM-SECTION",
    ]),
    case("flip-queue", "a blocking commit queues behind a pending flip", ONE, flip::queued).rules(&[
        "ATOM-IN",
        "ATOM-SECTION",
        "FENCE-NO-TIMEOUT",
    ]),
    case("flip-no-crtc", "an event needs a CRTC to come from", ONE, flip::event_without_crtc),
    case("vblank", "frames are counted while the pipeline is on", ONE, flip::vblank).rules(&["ATOM-TIME"]),
    case("in-fence-none", "IN_FENCE_FD -1 waits for nothing", ONE, in_fence::none),
    case("in-fence-signalled", "a signalled in-fence holds no flip up", ONE, in_fence::signalled),
    case("in-fence-pending", "a flip waits for its in-fence", ONE, in_fence::pending).rules(&[
        "ATOM-IN",
        "ATOM-FOREIGN",
        "ATOM-SECTION",
        "FENCE-NO-TIMEOUT",
    ]),
    case("in-fence-long", "a flip does not give up on its in-fence", ONE, in_fence::long)
        .rules(&["FENCE-NO-TIMEOUT", "ATOM-IN"])
        .budget_s(50),
    case("in-fence-blocking", "a blocking commit waits for its in-fence", ONE, in_fence::blocking).rules(&[
        "ATOM-IN",
        "ATOM-FOREIGN",
        "FENCE-ATOMIC-WAIT",
    ]),
    case(
        "in-fence-interrupted",
        "a signal ends a blocking commit's wait, nothing changed",
        ONE,
        in_fence::interrupted,
    )
    .rules(&["ATOM-IN"]),
    case("in-fence-merged", "a flip waits for every fence of a merged one", ONE, in_fence::merged)
        .rules(&["ATOM-IN", "ATOM-FOREIGN"]),
    case(
        "in-fence-dead-owner",
        "a fence that ends in an error lets the flip go on",
        ONE,
        in_fence::dead_owner,
    )
    .rules(&["ATOM-IN", "FENCE-OWNER"]),
    case("in-fence-modeset", "turning on waits for its in-fence", ONE, in_fence::modeset).rules(&[
        "ATOM-IN",
        "ATOM-FOREIGN",
        "ATOM-SECTION",
    ]),
    case("in-fence-errors", "bad in-fences are refused and change nothing", ONE, in_fence::errors)
        .rules(&["ATOM-IN", "ATOM-OUT"]),
    case("out-fence", "an out-fence signals at scanout", ONE, out_fence::signals)
        .rules(&["ATOM-OUT", "ATOM-TIME"]),
    case("out-fence-pending", "an out-fence is pending while its flip is", ONE, out_fence::pending).rules(&[
        "ATOM-OUT",
        "ATOM-IN",
        "ATOM-SECTION",
    ]),
    case("out-fence-order", "out-fences of a CRTC signal in their order", ONE, out_fence::order).rules(&[
        "ATOM-OUT",
        "FENCE-ORDER",
        "FENCE-ONCE",
    ]),
    case("out-fence-modeset", "turning on and off give out-fences that signal", ONE, out_fence::modeset)
        .rules(&["ATOM-OUT"]),
    case("out-fence-failure", "a refused commit gives -1 and leaves no fd", ONE, out_fence::failure)
        .rules(&["ATOM-OUT"]),
    case("out-fence-test-only", "a TEST_ONLY commit gives -1", ONE, out_fence::test_only)
        .rules(&["ATOM-OUT"]),
    case("out-fence-address", "an address that cannot be written is refused", ONE, out_fence::bad_address)
        .rules(&["ATOM-OUT"]),
    case("implicit-write", "a flip waits for a writer of its buffer", ONE, implicit::write).rules(&[
        "RESV-USAGE",
        "ATOM-IN",
        "ATOM-SECTION",
    ]),
    case("implicit-read", "a flip does not wait for a reader of its buffer", ONE, implicit::read)
        .rules(&["RESV-USAGE"]),
    case("implicit-modeset", "turning on waits for a writer of its buffer", ONE, implicit::modeset)
        .rules(&["RESV-USAGE", "ATOM-IN"]),
    case(
        "explicit-overrides",
        "with an in-fence a flip passes the writers",
        ONE,
        implicit::explicit_overrides,
    )
    .rules(&["ATOM-EXPLICIT"]),
    case("explicit-waits", "an in-fence counts where no writer is in the way", ONE, implicit::explicit_waits)
        .rules(&["ATOM-EXPLICIT", "ATOM-IN"]),
    case("legacy-setcrtc", "SETCRTC turns on and off what atomic sees", ONE, legacy::set_crtc),
    case("legacy-page-flip", "PAGE_FLIP sends its event, and is EBUSY in between", ONE, legacy::page_flip)
        .rules(&["ATOM-BUSY", "ATOM-SECTION"]),
    case(
        "legacy-page-flip-fence",
        "PAGE_FLIP waits for a writer of its buffer",
        ONE,
        legacy::page_flip_fence,
    )
    .rules(&["RESV-USAGE", "ATOM-SECTION"]),
    case("rmfb", "removing what is shown turns the plane off", ONE, legacy::rmfb),
    case("rmfb-pending", "removing a framebuffer waits for its pending flip", ONE, legacy::rmfb_pending)
        .rules(&["ATOM-IN"]),
    case("cursor", "a cursor comes, moves and goes", ONE, cursor::moves),
    case("cursor-in-fence", "a cursor's in-fence holds the commit up", ONE, cursor::in_fence)
        .rules(&["ATOM-IN"]),
    case("off-while-pending", "turning off waits for a pending flip", ONE, lifetime::off_while_pending)
        .rules(&["ATOM-IN", "ATOM-TIME"]),
    case(
        "close-while-pending",
        "closing the device waits for a pending flip",
        ONE,
        lifetime::close_while_pending,
    )
    .rules(&["ATOM-IN"]),
    case(
        "fence-closed",
        "closing the in-fence's fd takes nothing from a pending flip",
        ONE,
        lifetime::fence_closed,
    )
    .rules(&["ATOM-IN"]),
    case("errors-ids", "unknown objects and properties are ENOENT and change nothing", ONE, errors::ids)
        .rules(&["ATOM-OUT"]),
    case("errors-values", "bad values are refused and change nothing", ONE, errors::values)
        .rules(&["ATOM-OUT"]),
    case("errors-flags", "bad flags are refused and change nothing", ONE, errors::flags).rules(&["ATOM-OUT"]),
    case("errors-clients", "a client needs the capability and the mastership", ONE, errors::clients),
    case(
        "errors-framebuffers",
        "a framebuffer needs a buffer that is large enough",
        ONE,
        errors::framebuffers,
    ),
    case(
        "errors-modifiers",
        "a framebuffer whose layout cannot be is refused, one that the plane lists is shown",
        ONE,
        modifiers::framebuffers,
    ),
    case("foreign-vgem", "a vgem fence works as an in-fence", VGEM, foreign::vgem).rules(&["ATOM-FOREIGN"]),
    case("foreign-out-fence", "another device's out-fence works as an in-fence", TWO, foreign::out_fence)
        .rules(&["ATOM-FOREIGN", "ATOM-IN", "ATOM-OUT"]),
    case(
        "foreign-buffer",
        "another device's buffer is shown, and its writers waited for",
        FOREIGN,
        foreign::buffer,
    )
    .rules(&["RESV-USAGE", "ATOM-FOREIGN", "BUF-HELD"]),
    case("foreign-pixels", "another device's bytes are what is scanned out", FOREIGN, pixels::foreign)
        .rules(&["BUF-HELD"]),
    case("pixels", "a flip changes what is scanned out", ONE, pixels::own),
    case("in-fence-syncobj", "the fence of a sync object works as an in-fence", RENDER, sources::syncobj)
        .rules(&["ATOM-IN", "ATOM-FOREIGN", "SYNC-SNAPSHOT"]),
    case(
        "in-fence-reservation",
        "a buffer's exported fences work as an in-fence",
        ALLOCATOR,
        sources::reservation,
    )
    .rules(&["ATOM-IN", "BUF-SYNCFILE"]),
    case("in-fence-tree", "a flip waits for the last of a tree of merges", ONE, sources::merge_tree)
        .rules(&["ATOM-IN"]),
    case(
        "in-fence-vgem-closed",
        "a flip goes on when the owner of its fence goes",
        VGEM,
        sources::vgem_closed,
    )
    .rules(&["ATOM-FOREIGN"]),
    case(
        "plane-off-in-fence",
        "turning a plane off under an in-fence is as sound as any commit",
        ONE,
        sources::plane_off,
    ),
    case("writeback", "what is written back is what is shown", ONE, writeback::pixels).rules(&["ATOM-OUT"]),
    case("writeback-in-fence", "a writeback waits for its commit's in-fence", ONE, writeback::waits)
        .rules(&["ATOM-IN", "ATOM-OUT"]),
    case("writeback-reader", "a reader waits for what is still written back", ONE, writeback::feeds)
        .rules(&["ATOM-OUT", "BUF-SYNCFILE"]),
    case("writeback-refusals", "a writeback that cannot be gives no fence", ONE, writeback::refusals)
        .rules(&["ATOM-OUT"]),
    case("fuzz", "random commits work or are refused and change nothing", ONE, fuzz::properties)
        .rules(&["ATOM-OUT", "ATOM-SECTION"])
        .budget_s(60),
];
