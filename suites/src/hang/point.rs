//! Waits for points of sync objects that nobody submits.

use std::sync::Arc;

use drm::DriverCapability::TimelineSyncObj;
use nix::errno::Errno;

use super::LASTS;
use super::expect::{End, Expect, On, Stuck, Verdict};
use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::open::DrmFile;
use crate::syncobj::{Syncobj, in_ms};
use crate::uapi::syncobj::{WAIT_FOR_SUBMIT, WaitFor, timeline_wait};
use crate::waiter::Waiter;
use crate::{check, check_eq};

const IOCTL: &str = "SYNCOBJ_TIMELINE_WAIT";

/// A thread that waits for point 1 of `waited`, and would submit it on `submitted` then.
fn wait_then_submit(
    ctx: &Ctx,
    file: &Arc<DrmFile>,
    waited: &Syncobj,
    submitted: Option<&Arc<Syncobj>>,
) -> Result<Waiter<nix::Result<()>>, Stop> {
    let (file, handle) = (Arc::clone(file), waited.raw());
    let submitted = submitted.cloned();
    let timeout_ns = in_ms(LASTS.as_millis() as i64)?;
    let what = WaitFor { flags: WAIT_FOR_SUBMIT, timeout_ns, deadline_ns: 0 };
    Waiter::start(ctx, move || {
        timeline_wait(&file, &[handle], &[1], &what)?;
        let signalled = submitted.map(|object| object.signal_point(1));
        check_signal(signalled)
    })
}

fn check_signal(signalled: Option<std::io::Result<()>>) -> nix::Result<()> {
    signalled.unwrap_or(Ok(())).map_err(|_| Errno::EIO)
}

fn file(ctx: &Ctx) -> Result<Arc<DrmFile>, Stop> {
    let file = DrmFile::any(ctx.device(0))?;
    file.need(TimelineSyncObj)?;
    Ok(Arc::new(file))
}

pub(super) fn cycle(ctx: &mut Ctx) -> Tested {
    let file = file(ctx)?;
    let (one, two) = (Arc::new(Syncobj::new(&file, false)?), Arc::new(Syncobj::new(&file, false)?));
    let first = wait_then_submit(ctx, &file, &one, Some(&two))?;
    let second = wait_then_submit(ctx, &file, &two, Some(&one))?;
    let on = |object: &Syncobj, submitter| On::Point { handle: object.raw(), point: 1, submitter };
    let stuck = vec![
        Stuck::thread(&first, IOCTL, on(&one, Some(second.tid()))),
        Stuck::thread(&second, IOCTL, on(&two, Some(first.tid()))),
    ];
    Expect { hang: "H9".into(), verdict: Verdict::Cycle, stuck, ends: End::Timeout }.say(ctx)?;
    for waiter in [first, second] {
        check_eq!(waiter.join()?, Err(Errno::ETIME), "the end of a wait in the circle");
    }
    one.signal_point(1).must("submit the point after all")?;
    check!(one.wait_point(1, &WaitFor::default()).is_ok(), "a submitted point is not signalled");
    Ok(())
}

pub(super) fn never(ctx: &mut Ctx) -> Tested {
    let file = file(ctx)?;
    let object = Syncobj::new(&file, false)?;
    let waiter = wait_then_submit(ctx, &file, &object, None)?;
    let on = On::Point { handle: object.raw(), point: 1, submitter: None };
    let stuck = vec![Stuck::thread(&waiter, IOCTL, on)];
    Expect { hang: "H12".into(), verdict: Verdict::NeverSubmitted, stuck, ends: End::Timeout }.say(ctx)?;
    check_eq!(waiter.join()?, Err(Errno::ETIME), "the end of a wait for what nobody submits");
    Ok(())
}
