//! One CRTC turned off and on beside another that is busy.

use super::{flips_freely, queue};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::kms::Pair;
use crate::must::Must;
use crate::waiter::Waiter;
use crate::{check, check_eq};

/// Drivers whose modeset may rightly wait for all of the device's CRTCs: amdgpu's `do_aquire_global_lock()`, i915's and xe's
/// shared clocks.
fn waits_for_all(driver: &str) -> bool {
    matches!(driver, "amdgpu" | "i915" | "xe")
}

pub(super) fn modeset(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let mut events = pair.events();
    let fence = queue(&pair.left, 1)?;
    if waits_for_all(&ctx.device(0).driver) {
        let (off, on) = (pair.right.off(), pair.right.on(pair.right.front.id()));
        let turning = ctx.spawn(move || off.send().and_then(|_| on.send()));
        events.none()?;
        fence.signal()?;
        let turned = turning.join().map_err(|_| Stop::fail("the thread that turns off and on panicked"))?;
        turned.must("turn one CRTC off and on once the other's fence has signalled")?;
    } else {
        for (user_data, commit) in [(2, pair.right.off()), (3, pair.right.on(pair.right.front.id()))] {
            commit.event(user_data).nonblock().send().must("queue a modeset of the free CRTC")?;
            events.flip(user_data)?;
        }
        check_eq!(fence.fence().status(), Ok(0), "the status of the fence that the other CRTC waits for");
        fence.signal()?;
    }
    events.flip(1)?;
    check_eq!(pair.shown()?, [pair.left.back.id(), pair.right.front.id()], "the framebuffers at the end");
    Ok(())
}

pub(super) fn off_events(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let (left, right) = (&pair.left, &pair.right);
    let mut events = pair.events();
    let (one, two) = (queue(left, 1)?, queue(right, 2)?);
    let off = left.off();
    let waiter = Waiter::start(ctx, move || off.send())?;
    events.none()?;
    // The one that stays on is not held up by the one that is turned off, nor does it let that go on.
    two.signal()?;
    if !waits_for_all(&ctx.device(0).driver) {
        events.flip(2)?;
        check!(waiter.blocked()?, "a CRTC turned off under its pending flip");
        one.signal()?;
        events.flip(1)?;
    } else {
        one.signal()?;
        let mut came = [events.next_flip()?.user_data, events.next_flip()?.user_data];
        came.sort_unstable();
        check_eq!(came, [1, 2], "the events' user_data");
    }
    waiter.join()?.must("turn a CRTC off after its flip")?;
    check_eq!(pair.shown()?, [0, right.back.id()], "the framebuffers after turning one off");
    flips_freely(right, &mut events)?;
    events.none()
}
