//! Two CRTCs of one device: what a commit over both waits for, and what one may not do to the other.

use nix::errno::Errno;

use super::in_fence::waits;
use crate::buffer::Access;
use crate::case::{Case, Role, Stop, Tested};
use crate::ctx::Ctx;
use crate::dma_buf::open_fds;
use crate::kms::{Events, Pair, Stage};
use crate::must::Must;
use crate::pending::Pending;
use crate::uapi::sync_file::SyncFile;
use crate::waiter::Waiter;
use crate::{check, check_eq};

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
        one_commit,
    ),
    case("crtcs-apart", "a flip that waits on one CRTC holds up no flip of the other", APART, apart),
    case(
        "crtcs-apart-blocking",
        "a blocking commit that waits on one CRTC holds up no flip of the other",
        APART,
        apart_blocking,
    ),
    case(
        "crtcs-test-only",
        "a TEST_ONLY commit over two CRTCs leaves no state and gives -1 for both",
        &["ATOM-OUT"],
        test_only,
    ),
    case(
        "crtcs-refused",
        "what one CRTC refuses changes nothing on the other, and gives -1 for both",
        &["ATOM-OUT"],
        refused,
    ),
    case(
        "crtcs-chain",
        "the out-fence of one CRTC works as the in-fence of the other",
        &["ATOM-IN", "ATOM-OUT", "FENCE-ORDER"],
        chain,
    ),
    case("crtcs-modeset", "one CRTC turns off and on while the other waits for a fence", APART, modeset),
    case(
        "crtcs-busy",
        "a pending flip makes its own CRTC EBUSY, and what includes that, and not the other",
        &["ATOM-BUSY", "ATOM-OUT"],
        busy,
    ),
    case(
        "crtcs-off-events",
        "turning one CRTC off while both owe events takes none of them",
        &["ATOM-IN", "ATOM-TIME"],
        off_events,
    ),
    case(
        "crtcs-one-buffer",
        "a writer of the buffer that both CRTCs are to show holds both up, a reader neither",
        &["RESV-USAGE", "ATOM-IN"],
        one_buffer,
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

/// The timeline that a pending fence belongs to.
fn timeline(fence: &SyncFile) -> Result<String, Stop> {
    let info = fence.info().must("ask an out-fence for its info")?;
    let [only] = info.fences.as_slice() else {
        return Err(Stop::fail(format!("an out-fence holds {} fences", info.fences.len())));
    };
    Ok(only.timeline.clone())
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

fn one_commit(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let (left, right) = (&pair.left, &pair.right);
    let (one, two) = (Pending::new()?, Pending::new()?);
    let mut events = pair.events();
    let mut commit = left.in_fence(pair.flip(), &one)?;
    commit = right.in_fence(commit, &two)?;
    commit = right.out_fence(left.out_fence(commit));
    let done = commit.event(1).nonblock().send().must("queue a flip of both CRTCs")?;
    let given = done.out_fences.len();
    let [first, second] = done.out_fences.as_slice() else {
        return Err(Stop::fail(format!("a commit over two CRTCs gave {given} out-fences")));
    };
    check!(timeline(first)? != timeline(second)?, "both CRTCs' out-fences are of {}", timeline(first)?);
    for fence in [&one, &two] {
        events.none()?;
        check_eq!(
            (first.status(), second.status()),
            (Ok(0), Ok(0)),
            "the out-fences' status before {fence:?}"
        );
        fence.signal()?;
    }
    both(&pair, &mut events, 1)?;
    for out in [first, second] {
        check!(out.wait(8000).must("poll an out-fence")?, "an out-fence did not signal");
        check_eq!(out.status(), Ok(1), "an out-fence's status");
    }
    check_eq!(pair.shown()?, [left.back.id(), right.back.id()], "the framebuffers after the flip");
    events.none()
}

fn apart(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let mut events = pair.events();
    for (held, free) in [(&pair.left, &pair.right), (&pair.right, &pair.left)] {
        let fence = queue(held, 10)?;
        flips_freely(free, &mut events)?;
        check_eq!(fence.fence().status(), Ok(0), "the status of the fence that the other CRTC waits for");
        fence.signal()?;
        let event = events.flip(10)?;
        check_eq!(event.crtc_id, u32::from(held.crtc()), "the CRTC of the held flip's event");
    }
    Ok(())
}

fn apart_blocking(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let mut events = pair.events();
    let fence = Pending::new()?;
    let held = pair.left.in_fence(pair.left.flip(pair.left.back.id()), &fence)?;
    let waiter = Waiter::start(ctx, move || held.send())?;
    flips_freely(&pair.right, &mut events)?;
    check!(waiter.blocked()?, "the blocking commit passed its in-fence");
    fence.signal()?;
    waiter.join()?.must("flip after the fence signalled").map(drop)
}

fn test_only(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let before = (pair.left.state()?, pair.right.state()?, open_fds()?);
    for nonblock in [false, true] {
        for commit in
            [pair.flip(), pair.left.off().and(pair.right.off()), pair.left.flip(pair.left.back.id())]
        {
            let commit = pair.right.out_fence(pair.left.out_fence(commit)).test_only();
            let commit = if nonblock { commit.nonblock() } else { commit };
            let done = commit.send().must("test a commit over both CRTCs")?;
            check_eq!(done.out_words(), [-1, -1], "the out-fences of a test");
            let after = (pair.left.state()?, pair.right.state()?, open_fds()?);
            check!(after == before, "a test changed {before:?} to {after:?}");
        }
    }
    pair.events().none()
}

fn refused(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let before = (pair.left.state()?, pair.right.state()?, open_fds()?);
    for wrong in [&pair.left, &pair.right] {
        // A source beyond the framebuffer passes the reading of properties and fails in the check.
        let commit = wrong.set(pair.flip(), wrong.primary(), "SRC_W", 0x4000_0000);
        let commit = pair.right.out_fence(pair.left.out_fence(commit)).event(1).nonblock();
        let Err(refused) = commit.send() else {
            return Err(Stop::fail("a commit with a plane that reads beyond its framebuffer was taken"));
        };
        check_eq!(refused.errno, Errno::ENOSPC, "the answer to a source beyond the framebuffer");
        check_eq!(refused.out_words(), [-1, -1], "the out-fences of a refused commit");
        let after = (pair.left.state()?, pair.right.state()?, open_fds()?);
        check!(after == before, "a refused commit changed {before:?} to {after:?}");
    }
    pair.events().none()
}

fn chain(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    for (first, second) in [(&pair.left, &pair.right), (&pair.right, &pair.left)] {
        let fence = Pending::new()?;
        let commit = first.out_fence(first.in_fence(first.flip(first.back.id()), &fence)?);
        let between = commit.nonblock().send().must("queue the first flip")?.out_fence()?;
        waits(second, second.in_fence(second.flip(second.back.id()), &between)?, &fence)?;
        check_eq!(between.status(), Ok(1), "the status of the out-fence once the flip behind it is done");
        pair.light()?;
    }
    Ok(())
}

/// Drivers whose modeset may rightly wait for all of the device's CRTCs: amdgpu's `do_aquire_global_lock()`, i915's and xe's
/// shared clocks.
fn waits_for_all(driver: &str) -> bool {
    matches!(driver, "amdgpu" | "i915" | "xe")
}

fn modeset(ctx: &mut Ctx) -> Tested {
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

fn busy(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    let (left, right) = (&pair.left, &pair.right);
    let mut events = pair.events();
    let fence = queue(left, 1)?;
    left.flip(left.front.id()).nonblock().send().refused("a second flip of the busy CRTC", Errno::EBUSY)?;
    let over_both = right.out_fence(left.out_fence(pair.flip())).event(2).nonblock();
    let Err(refused) = over_both.send() else {
        return Err(Stop::fail(
            "a non-blocking commit over both CRTCs was taken ahead of the pending flip of one",
        ));
    };
    check_eq!(refused.errno, Errno::EBUSY, "the answer to a commit over both CRTCs");
    check_eq!(refused.out_words(), [-1, -1], "its out-fences");
    right.flip(right.front.id()).event(3).nonblock().send().must("queue a flip of the free CRTC")?;
    events.flip(3)?;
    fence.signal()?;
    events.flip(1)?;
    pair.flip().event(4).nonblock().send().must("queue a flip of both CRTCs when none is busy")?;
    both(&pair, &mut events, 4)?;
    events.none()
}

fn off_events(ctx: &mut Ctx) -> Tested {
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
        let mut came = [events.next_flip()?, events.next_flip()?];
        came.sort_unstable();
        check_eq!(came, [1, 2], "the events' user_data");
    }
    waiter.join()?.must("turn a CRTC off after its flip")?;
    check_eq!(pair.shown()?, [0, right.back.id()], "the framebuffers after turning one off");
    flips_freely(right, &mut events)?;
    events.none()
}

fn one_buffer(ctx: &mut Ctx) -> Tested {
    let pair = Pair::lit(ctx.device(0))?;
    check_same_size(&pair)?;
    let (left, right) = (&pair.left, &pair.right);
    let shared = left.back.id();
    let show = || left.flip(shared).and(right.flip(shared));
    // Shown before: a driver that keeps it elsewhere moves it there first, and a move waits for everybody.
    show().send().must("show one buffer on both CRTCs")?;
    let dmabuf = left.back.buffer().gem().export()?;
    pair.light()?;
    let mut events = pair.events();
    let reader = Pending::new()?;
    dmabuf.import_fence(Access::Read, &reader)?;
    show().event(1).nonblock().send().must("show a buffer that is read")?;
    both(&pair, &mut events, 1)?;
    pair.light()?;
    let writer = Pending::new()?;
    dmabuf.import_fence(Access::Write, &writer)?;
    for stage in [left, right] {
        stage.flip(shared).event(2).nonblock().send().must("queue a flip to a buffer that is written")?;
    }
    events.none()?;
    writer.signal()?;
    both(&pair, &mut events, 2)?;
    check_eq!(reader.fence().status(), Ok(0), "the status of the reader that nobody had to wait for");
    // Its fence must not hold up the turning off.
    reader.signal()
}

fn check_same_size(pair: &Pair) -> Tested {
    let (left, right) = (pair.left.size(), pair.right.size());
    match left == right {
        true => Ok(()),
        false => Err(Stop::skip(format!("one monitor shows {left:?}, the other {right:?}"))),
    }
}
