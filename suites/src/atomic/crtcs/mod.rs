//! Two CRTCs of one device: what a commit over both waits for, and what one may not do to the other.

mod modeset;
mod refusals;
mod waiting;

use crate::case::{Case, Role, Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::kms::{Events, Pair, Stage};
use crate::must::Must;
use crate::pending::Pending;

const ROLES: &[Role] = &[Role::TwoCrtcs];
const APART: &[&str] = &["ATOM-IN", "ATOM-TIME", "ATOM-SECTION"];

const fn case(
    name: &'static str,
    about: &'static str,
    rules: &'static [&'static str],
    run: fn(&mut Ctx) -> Tested,
) -> Case {
    Case::new(super::SUITE, name, about, ROLES, run).rules(rules)
}

/// The cases.
pub(super) const CASES: &[Case] = &[
    case(
        "crtcs-one-commit",
        "a commit over two CRTCs waits for the in-fences of both, and gives each its out-fence and event",
        &["ATOM-IN", "ATOM-OUT", "ATOM-SECTION"],
        waiting::one_commit,
    ),
    case("crtcs-apart", "a flip that waits on one CRTC holds up no flip of the other", APART, waiting::apart),
    case(
        "crtcs-apart-blocking",
        "a blocking commit that waits on one CRTC holds up no flip of the other",
        APART,
        waiting::apart_blocking,
    ),
    case(
        "crtcs-test-only",
        "a TEST_ONLY commit over two CRTCs leaves no state and gives -1 for both",
        &["ATOM-OUT"],
        refusals::test_only,
    ),
    case(
        "crtcs-refused",
        "what one CRTC refuses changes nothing on the other, and gives -1 for both",
        &["ATOM-OUT"],
        refusals::refused,
    ),
    case(
        "crtcs-chain",
        "the out-fence of one CRTC works as the in-fence of the other",
        &["ATOM-IN", "ATOM-OUT", "FENCE-ORDER"],
        waiting::chain,
    ),
    case(
        "crtcs-modeset",
        "one CRTC turns off and on while the other waits for a fence",
        APART,
        modeset::modeset,
    ),
    case(
        "crtcs-busy",
        "a pending flip makes its own CRTC EBUSY, and what includes that, and not the other",
        &["ATOM-BUSY", "ATOM-OUT"],
        refusals::busy,
    ),
    case(
        "crtcs-off-events",
        "turning one CRTC off while both owe events takes none of them",
        &["ATOM-IN", "ATOM-TIME"],
        modeset::off_events,
    ),
    case(
        "crtcs-one-buffer",
        "a writer of the buffer that both CRTCs are to show holds both up, a reader neither",
        &["RESV-USAGE", "ATOM-IN"],
        waiting::one_buffer,
    ),
];

/// Waits for a flip event of each CRTC, in whichever order they come.
fn both(pair: &Pair, events: &mut Events, user_data: u64) -> Tested {
    let mut crtcs = [events.flip(user_data)?.crtc_id, events.flip(user_data)?.crtc_id];
    let mut expected = [u32::from(pair.left.crtc()), u32::from(pair.right.crtc())];
    crtcs.sort_unstable();
    expected.sort_unstable();
    check_eq!(crtcs, expected, "the CRTCs of the events");
    Ok(())
}

/// Queues a flip to the back that waits for a new fence, with an event.
fn queue(stage: &Stage, user_data: u64) -> Result<Pending, Stop> {
    let fence = Pending::new()?;
    let commit = stage.in_fence(stage.flip(stage.back.id()), &fence)?;
    commit.event(user_data).nonblock().send().must("queue a flip that waits")?;
    Ok(fence)
}

/// Flips there and back, both ways of asking.
fn flips_freely(stage: &Stage, events: &mut Events) -> Tested {
    for (user_data, framebuffer) in [(20, &stage.back), (21, &stage.front), (22, &stage.back)] {
        stage
            .flip(framebuffer.id())
            .event(user_data)
            .nonblock()
            .send()
            .must("queue a flip on the free CRTC")?;
        let event = events.flip(user_data)?;
        check_eq!(event.crtc_id, u32::from(stage.crtc()), "the CRTC of the free CRTC's event");
    }
    stage.flip(stage.front.id()).send().must("flip the free CRTC").map(drop)
}
