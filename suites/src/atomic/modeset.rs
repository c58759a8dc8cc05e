//! Turning a pipeline on and off.

use drm::control::Device as _;
use nix::errno::Errno;

use crate::case::Tested;
use crate::ctx::Ctx;
use crate::kms::Stage;
use crate::must::Must;
use crate::uapi::mode::{PAGE_FLIP_EVENT, TEST_ONLY};
use crate::{check, check_eq};

pub(super) fn on_off(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    let crtc = u32::from(stage.crtc());
    for _ in 0..3 {
        stage.light()?;
        check_eq!(stage.value(crtc, "ACTIVE")?, 1, "ACTIVE after turning on");
        check_eq!(stage.shown()?, stage.front.id(), "the framebuffer after turning on");
        let legacy = stage.card().get_crtc(stage.crtc()).must("get the CRTC")?;
        let name = |mode: drm::control::Mode| (mode.size(), mode.vrefresh());
        check_eq!(legacy.mode().map(name), Some(name(stage.mode())), "the mode that GETCRTC tells");
        stage.turn_off()?;
        check_eq!(stage.value(crtc, "ACTIVE")?, 0, "ACTIVE after turning off");
        check_eq!(stage.shown()?, 0, "the framebuffer after turning off");
    }
    Ok(())
}

pub(super) fn event(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    let mut events = stage.events();
    let crtc = u32::from(stage.crtc());
    for (user_data, commit) in [(0xa0, stage.on(stage.front.id())), (0xb0, stage.off())] {
        commit.event(user_data).nonblock().send().must("queue a modeset")?;
        let event = events.flip(user_data)?;
        check_eq!(event.crtc_id, crtc, "the event's CRTC");
    }
    events.none()
}

pub(super) fn not_allowed(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    let before = stage.state()?;
    let mut commit =
        stage.set(stage.commit(), stage.connector().into(), "CRTC_ID", u32::from(stage.crtc()).into());
    commit = stage.set(commit, stage.crtc().into(), "MODE_ID", stage.mode_blob());
    commit = stage.set(commit, stage.crtc().into(), "ACTIVE", 1);
    commit = stage.place(commit, stage.primary(), stage.front.id(), (0, 0), stage.size());
    commit.send().refused("a modeset without ALLOW_MODESET", Errno::EINVAL)?;
    check_eq!(stage.state()?, before, "the state after the refusal");
    Ok(())
}

pub(super) fn test_only(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    let mut events = stage.events();
    let dark = stage.state()?;
    stage.on(stage.front.id()).test_only().send().must("test turning on")?;
    check_eq!(stage.state()?, dark, "the state after testing to turn on");
    stage.light()?;
    let lit = stage.state()?;
    for nonblock in [false, true] {
        for commit in [stage.flip(stage.back.id()), stage.off(), stage.on(stage.back.id())] {
            let commit = if nonblock { commit.nonblock() } else { commit };
            commit.test_only().send().must("test a commit")?;
            check_eq!(stage.state()?, lit, "the state after a test");
        }
    }
    stage
        .flip(stage.back.id())
        .flag(TEST_ONLY | PAGE_FLIP_EVENT)
        .send()
        .refused("a test that asks for an event", Errno::EINVAL)?;
    events.none()
}

pub(super) fn blobs(ctx: &mut Ctx) -> Tested {
    let stage = Stage::dark(ctx.device(0))?;
    let (card, crtc) = (stage.card(), u32::from(stage.crtc()));
    let with_mode = |blob| {
        let commit = stage.on(stage.front.id());
        stage.set(commit, crtc, "MODE_ID", blob).test_only().send()
    };
    with_mode(stage.mode_blob()).must("test the mode")?;
    let short: u64 = card.create_property_blob(&[0u8; 16]).must("create a short blob")?.into();
    let empty_mode: u64 = card.create_property_blob(&[0u8; 68]).must("create a blob of zeroes")?.into();
    with_mode(short).refused("a mode of 16 bytes", Errno::EINVAL)?;
    with_mode(empty_mode).refused("a mode of zeroes", Errno::EINVAL)?;
    for blob in [short, empty_mode] {
        card.destroy_property_blob(blob).must("destroy a blob")?;
        card.destroy_property_blob(blob).refused("destroy a blob again", Errno::ENOENT)?;
        with_mode(blob).refused("a mode whose blob is gone", Errno::EINVAL)?;
    }
    card.create_property_blob(&[0u8; 0]).refused("a blob of no bytes", Errno::EINVAL)?;
    // A blob in use survives its destruction until the last user is gone.
    let mode: u64 = card.create_property_blob(&stage.mode()).must("create a blob for the mode")?.into();
    let commit = stage.on(stage.front.id());
    stage.set(commit, crtc, "MODE_ID", mode).send().must("turn on by another blob")?;
    card.destroy_property_blob(mode).must("destroy the blob that is in use")?;
    check!(
        !card.get_property_blob(mode).must("get the blob that is in use")?.is_empty(),
        "the blob is empty"
    );
    stage.flip(stage.back.id()).send().must("flip after its destruction").map(drop)
}
