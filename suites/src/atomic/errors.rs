//! Commits that must be refused, and change nothing.

use std::sync::Arc;

use drm::ClientCapability;
use drm::buffer::Buffer as _;
use drm::control::{Device as _, framebuffer};
use nix::errno::Errno;

use crate::buffer::Dumb;
use crate::case::{Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::kms::{Commit, Layout, Stage};
use crate::must::Must;
use crate::open::DrmFile;
use crate::uapi::mode;

/// An id that no object has.
const NOBODY: u32 = 0x7fff_0000;

/// Sends commits that must be refused with these errnos, and checks that each gives -1 as its out-fence, that
/// none changes the state and none sends an event.
fn all_refused(stage: &Stage, commits: Vec<(&str, Commit, Errno)>) -> Tested {
    let before = stage.state()?;
    for (what, commit, errno) in commits {
        let Err(refused) = stage.out_fence(commit).send() else {
            return Err(Stop::fail(format!("a commit with {what} was taken")));
        };
        check_eq!(refused.errno, errno, "the answer to a commit with {what}");
        check_eq!(refused.out_word(), -1, "the out-fence of a commit with {what}");
        check_eq!(stage.state()?, before, "the state after a commit with {what}");
    }
    stage.events().none()
}

pub(super) fn ids(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let (plane, crtc) = (stage.primary(), u32::from(stage.crtc()));
    let (fb_id, active) = (stage.property(plane, "FB_ID"), stage.property(crtc, "ACTIVE"));
    let flip = || stage.flip(stage.back.id()).event(1);
    all_refused(
        &stage,
        vec![
            ("an unknown object", flip().set(NOBODY, fb_id, 0), Errno::ENOENT),
            ("object 0", flip().set(0, fb_id, 0), Errno::ENOENT),
            ("an object without properties", flip().set(stage.back.id(), fb_id, 0), Errno::ENOENT),
            ("an unknown property", flip().set(plane, NOBODY, 0), Errno::ENOENT),
            ("property 0", flip().set(plane, 0, 0), Errno::ENOENT),
            ("another object's property", flip().set(plane, active, 1), Errno::ENOENT),
        ],
    )
}

pub(super) fn values(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let (plane, crtc) = (stage.primary(), u32::from(stage.crtc()));
    let flip = || stage.flip(stage.back.id()).event(1);
    let with = |object, name, value| stage.set(flip(), object, name, value);
    let far_right = with(plane, "CRTC_X", i64::from(i32::MAX) as u64);
    all_refused(
        &stage,
        vec![
            ("an unknown framebuffer", with(plane, "FB_ID", NOBODY.into()), Errno::EINVAL),
            ("a plane as framebuffer", with(plane, "FB_ID", plane.into()), Errno::EINVAL),
            ("an unknown CRTC", with(plane, "CRTC_ID", NOBODY.into()), Errno::EINVAL),
            ("a plane as CRTC", with(plane, "CRTC_ID", plane.into()), Errno::EINVAL),
            ("no CRTC for a framebuffer", with(plane, "CRTC_ID", 0), Errno::EINVAL),
            ("ACTIVE 2", with(crtc, "ACTIVE", 2), Errno::EINVAL),
            ("an immutable property", with(plane, "type", 0), Errno::EINVAL),
            ("an unknown mode", with(crtc, "MODE_ID", NOBODY.into()), Errno::EINVAL),
            ("a source beyond the framebuffer", with(plane, "SRC_W", 0x4000_0000), Errno::ENOSPC),
            ("a source that starts beyond it", with(plane, "SRC_X", 0x4000_0000), Errno::ENOSPC),
            ("a place beyond 32 bits", far_right, Errno::ERANGE),
        ],
    )
}

pub(super) fn flags(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let flip = || stage.flip(stage.back.id());
    // These end before a property is read, so that the out-fence word stays as it was.
    let before = stage.state()?;
    for (what, flag) in [("an unknown flag", 0x8000_0000), ("flag 0x10", 0x10)] {
        flip().flag(flag).send().refused(what, Errno::EINVAL)?;
    }
    let both = mode::TEST_ONLY | mode::PAGE_FLIP_EVENT;
    flip().flag(both).send().refused("a test with an event", Errno::EINVAL)?;
    check_eq!(stage.state()?, before, "the state after the refusals");
    stage.events().none()
}

pub(super) fn clients(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let before = stage.state()?;
    let second = Arc::new(DrmFile::card(ctx.device(0))?);
    let setting = |card: &DrmFile| {
        let fb_id = stage.property(stage.primary(), "FB_ID");
        let setting = mode::Setting { object: stage.primary(), property: fb_id, value: 0 };
        // SAFETY: the one value is a number.
        unsafe { mode::atomic(card, 0, &[setting], 0) }
    };
    // drm_ioctl_permit() in drivers/gpu/drm/drm_ioctl.c: the first opener is the master.
    setting(&second).refused("a commit by who is not master", Errno::EACCES)?;
    drop(second);
    check_eq!(stage.state()?, before, "the state after the refusal");
    drop(stage);
    let master = DrmFile::card(ctx.device(0))?;
    let nothing = |card: &DrmFile| {
        // SAFETY: there are no values.
        unsafe { mode::atomic(card, 0, &[], 0) }
    };
    nothing(&master).refused("a commit without the capability", Errno::EINVAL)?;
    master.client_cap(ClientCapability::Atomic)?;
    nothing(&master).must("commit nothing with the capability")
}

pub(super) fn framebuffers(ctx: &mut Ctx) -> Tested {
    let card = Arc::new(DrmFile::card(ctx.device(0))?);
    let dumb = Dumb::new(&card, 64, 64)?;
    let (handle, pitch) = (dumb.gem().handle(), dumb.pitch());
    let add = |handle, size, pitch| card.add_framebuffer(&Layout { handle, size, pitch }, 24, 32);
    let good = add(handle, (64, 64), pitch).must("add a framebuffer")?;
    card.destroy_framebuffer(good).must("remove a framebuffer")?;
    let lines = (Dumb::size(&dumb) as u32 / pitch) + 1;
    // virtio_gpu_user_framebuffer_create() compares no sizes and leaves that to the host.
    if ctx.device(0).driver != "virtio-gpu" {
        add(handle, (64, lines), pitch).refused("more lines than there are bytes", Errno::EINVAL)?;
    }
    add(handle, (64, 64), 64).refused("lines shorter than their pixels", Errno::EINVAL)?;
    add(handle, (0, 64), pitch).refused("no pixels", Errno::EINVAL)?;
    // drm_gem_fb_init_with_funcs() and virtio_gpu_user_framebuffer_create() choose differently.
    let unknown = add(NOBODY, (64, 64), pitch);
    unknown.refused_with("an unknown handle", &[Errno::ENOENT, Errno::EINVAL])?;
    let unknown: framebuffer::Handle = drm::control::from_u32(NOBODY).unwrap_or(good);
    card.destroy_framebuffer(unknown).refused("remove an unknown framebuffer", Errno::ENOENT)
}
