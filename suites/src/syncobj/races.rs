//! Threads that use one object at the same time. What must hold is what holds in every order; the rest is for the
//! kernel's own checkers to see.

use std::sync::Arc;
use std::thread::JoinHandle;

use nix::errno::Errno::{EINVAL, ETIME};

use super::clock::in_ms;
use super::fixture::Fixture;
use super::object::Syncobj;
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Stop, Tested};
use crate::check;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::syncobj::{WAIT_FOR_SUBMIT, WaitFor};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "race-signal-reset-wait",
        "waits beside SIGNAL and RESET end with success, EINVAL or ETIME, and nothing else",
        SYNCOBJ,
        signal_reset_wait,
    ),
    Case::new(
        SUITE,
        "race-import-export",
        "an export beside imports and resets gives a whole fence or none",
        SYNCOBJ,
        import_export,
    ),
    Case::new(
        SUITE,
        "race-timeline",
        "a query beside submissions, signals and waits never goes back",
        SYNCOBJ,
        timeline_forward,
    )
    .rules(&["SYNC-POINT"]),
];

/// How often each thread does its part.
const ROUNDS: u32 = 200;

fn finish(threads: Vec<JoinHandle<Tested>>) -> Tested {
    threads
        .into_iter()
        .try_for_each(|thread| thread.join().unwrap_or_else(|_| Err(Stop::fail("a racing thread panicked"))))
}

/// A thread that does one thing to the object again and again.
fn repeat(
    ctx: &Ctx,
    object: &Arc<Syncobj>,
    part: impl Fn(&Syncobj, u32) -> Tested + Send + 'static,
) -> JoinHandle<Tested> {
    let object = Arc::clone(object);
    ctx.spawn(move || (1..=ROUNDS).try_for_each(|round| part(&object, round)))
}

fn signal_reset_wait(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = Arc::new(fix.empty()?);
    let wait = |flags| {
        move |object: &Syncobj, _| match object.wait(&WaitFor {
            flags,
            timeout_ns: in_ms(1)?,
            deadline_ns: 0,
        }) {
            Ok(0) | Err(EINVAL | ETIME) => Ok(()),
            answer => Err(Stop::fail(format!("a racing wait ended with {answer:?}"))),
        }
    };
    finish(vec![
        repeat(ctx, &object, |object, _| object.signal().must("signal a syncobj")),
        repeat(ctx, &object, |object, _| object.reset().must("reset a syncobj")),
        repeat(ctx, &object, wait(0)),
        repeat(ctx, &object, wait(WAIT_FOR_SUBMIT)),
    ])
}

fn import_export(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let object = Arc::new(fix.empty()?);
    let fences = [fix.fence(1)?, fix.fence(u32::from(u16::MAX))?];
    fix.tick(1)?;
    let import = move |object: &Syncobj, round: u32| {
        object.import(&fences[round as usize % 2]).must("import a sync file")
    };
    let export = |object: &Syncobj, _| match object.export() {
        Ok(file) => {
            let status = file.status().must("read the status")?;
            check!(status == 0 || status == 1, "an exported fence has the status {status}");
            Ok(())
        }
        answer => answer.refused("export beside resets", EINVAL),
    };
    finish(vec![
        repeat(ctx, &object, import),
        repeat(ctx, &object, |object, _| object.reset().must("reset a syncobj")),
        repeat(ctx, &object, export),
        repeat(ctx, &object, export),
    ])
}

fn timeline_forward(ctx: &mut Ctx) -> Tested {
    let fix = Arc::new(Fixture::timeline(ctx)?);
    let object = Arc::new(fix.empty()?);
    let submit = {
        let fix = Arc::clone(&fix);
        move |object: &Syncobj, round: u32| fix.submit((object, round.into()), round)
    };
    let tick = {
        let fix = Arc::clone(&fix);
        move |_: &Syncobj, _| fix.tick(1)
    };
    let query = {
        let last = std::sync::atomic::AtomicU64::new(0);
        move |object: &Syncobj, _| {
            let now = object.signalled_point().must("query")?;
            let before = last.swap(now, std::sync::atomic::Ordering::Relaxed);
            check!(now >= before, "the signalled point went back from {before} to {now}");
            Ok(())
        }
    };
    finish(vec![repeat(ctx, &object, submit), repeat(ctx, &object, tick), repeat(ctx, &object, query)])?;
    object.wait_point(ROUNDS.into(), &WaitFor::default()).must("wait for the last point").map(drop)
}
