//! Threads that use one object at the same time. What must hold is what holds in every order; the rest is for the
//! kernel's own checkers to see.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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

/// How long a call may be refused each time, where chance decides.
const PATIENCE: Duration = Duration::from_secs(8);

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

/// Threads that change an object for as long as others make calls on it that may be refused.
struct Race<'a> {
    ctx: &'a Ctx,
    object: Arc<Syncobj>,
    over: Arc<AtomicBool>,
    changing: Vec<JoinHandle<Tested>>,
    calling: Vec<JoinHandle<Tested>>,
}

impl<'a> Race<'a> {
    fn on(ctx: &'a Ctx, object: Syncobj) -> Self {
        let over = Arc::default();
        Race { ctx, object: Arc::new(object), over, changing: vec![], calling: vec![] }
    }

    /// A thread that changes the object until the calls are over.
    fn change(mut self, part: impl Fn(&Syncobj, u32) -> Tested + Send + 'static) -> Self {
        let (object, over) = (Arc::clone(&self.object), Arc::clone(&self.over));
        let going_on = move |_: &u32| !over.load(Ordering::Relaxed);
        self.changing
            .push(self.ctx.spawn(move || (1..).take_while(going_on).try_for_each(|n| part(&object, n))));
        self
    }

    /// A thread that makes a call which may be refused, and says whether it was taken: in one round at least it must be.
    fn call(
        mut self,
        what: &'static str,
        call: impl Fn(&Syncobj) -> Result<bool, Stop> + Send + 'static,
    ) -> Self {
        let object = Arc::clone(&self.object);
        self.calling.push(self.ctx.spawn(move || {
            let (began, mut rounds, mut taken) = (Instant::now(), 0, 0);
            while rounds < ROUNDS || (taken == 0 && began.elapsed() < PATIENCE) {
                taken += u32::from(call(&object)?);
                rounds += 1;
            }
            check!(taken > 0, "{what} was refused each of {rounds} times");
            Ok(())
        }));
        self
    }

    fn run(self) -> Tested {
        let called = finish(self.calling);
        self.over.store(true, Ordering::Relaxed);
        finish(self.changing).and(called)
    }
}

fn signal_reset_wait(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let wait = |flags| {
        move |object: &Syncobj| match object.wait(&WaitFor { flags, timeout_ns: in_ms(1)?, deadline_ns: 0 }) {
            Ok(0) => Ok(true),
            Err(EINVAL | ETIME) => Ok(false),
            answer => Err(Stop::fail(format!("a racing wait ended with {answer:?}"))),
        }
    };
    Race::on(ctx, fix.empty()?)
        .change(|object, _| object.signal().must("signal a syncobj"))
        .change(|object, _| object.reset().must("reset a syncobj"))
        .call("a wait", wait(0))
        .call("a wait for submission", wait(WAIT_FOR_SUBMIT))
        .run()
}

fn import_export(ctx: &mut Ctx) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let fences = [fix.fence(1)?, fix.fence(u32::from(u16::MAX))?];
    fix.tick(1)?;
    let import = move |object: &Syncobj, round: u32| {
        object.import(&fences[round as usize % 2]).must("import a sync file")
    };
    let export = |object: &Syncobj| match object.export() {
        Ok(file) => {
            let status = file.status().must("read the status")?;
            check!(status == 0 || status == 1, "an exported fence has the status {status}");
            Ok(true)
        }
        answer => answer.refused("export beside resets", EINVAL).map(|()| false),
    };
    Race::on(ctx, fix.empty()?)
        .change(import)
        .change(|object, _| object.reset().must("reset a syncobj"))
        .call("an export", export)
        .call("another export", export)
        .run()
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
