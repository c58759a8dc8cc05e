//! A device that goes while its display is in use.

use std::sync::Arc;
use std::time::Duration;

use crate::atomic::completes;
use crate::binding::Binding;
use crate::case::Tested;
use crate::check;
use crate::ctx::Ctx;
use crate::kms::{Pipe, Stage};
use crate::must::Must;
use crate::pending::Pending;

/// The device of a pending flip goes: its out-fence signals all the same, once the flip's own fence has.
pub(super) fn pending(ctx: &mut Ctx) -> Tested {
    let device = ctx.device(0);
    let binding = Binding::of(device)?;
    let pipe = Pipe::open(device)?;
    pipe.turn_off()?;
    let (front, back) = (pipe.framebuffer()?, pipe.framebuffer()?);
    pipe.on(front.id()).send().must("turn the pipeline on")?;
    let fence = Pending::new()?;
    let commit = pipe.in_fence(pipe.flip(back.id()), &fence)?;
    let out = pipe.out_fence(commit).nonblock().send().must("queue a flip")?.out_fence()?;
    let binding = Arc::new(binding);
    let other = Arc::clone(&binding);
    let unbinding = ctx.spawn(move || other.unbind());
    std::thread::sleep(Duration::from_millis(200));
    fence.signal()?;
    let signalled = out.wait(10_000).must("poll the out-fence")?;
    check!(signalled, "the out-fence of a device that goes never signals");
    unbinding.join().map_err(|_| crate::Stop::fail("the unbinding thread panicked"))??;
    front.abandon();
    back.abandon();
    drop(pipe);
    binding.bind()?;
    let stage = Stage::lit(&crate::device::again(device)?)?;
    completes(&stage, stage.flip(stage.back.id()))
}
