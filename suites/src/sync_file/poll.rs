//! `poll` on sync files: readable once signalled, asleep until then.

use std::sync::Arc;

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};

use super::{SUITE, fence, merged, tick};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::sw_sync::Timeline;
use crate::uapi::sync_file::SyncFile;
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "poll", "a sync file is not readable before its fence signals, and is after", &[], poll),
    Case::new(SUITE, "poll-timeout", "a poll on a pending fence ends with its timeout", &[], timeout),
    Case::new(SUITE, "poll-woken", "a sleeping poll is woken by the signal", &[], woken),
    Case::new(
        SUITE,
        "poll-threads",
        "one signal wakes every poll on the fence, through one file or several",
        &[],
        threads,
    ),
    Case::new(
        SUITE,
        "poll-merged",
        "a poll on a merged sync file sleeps until its last fence",
        &[],
        poll_merged,
    ),
    Case::new(SUITE, "poll-timeline-closed", "the close of the timeline wakes a poll", &[], closed)
        .rules(&["FENCE-OWNER"]),
    Case::new(SUITE, "poll-epoll", "epoll reports each sync file once it has signalled", &[], epoll),
    Case::new(
        SUITE,
        "poll-race",
        "a poll beside the signal returns readable, whichever comes first",
        &[],
        race,
    ),
];

/// Long enough that only a missed wake-up gets there.
const PATIENCE_MS: u16 = 10_000;

fn poll(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    check!(!file.wait(0).must("poll")?, "a pending fence is readable");
    tick(&timeline, 1)?;
    check!(file.wait(0).must("poll")?, "a signalled fence is not readable");
    check!(file.wait(0).must("poll")?, "a signalled fence is readable only once");
    Ok(())
}

fn timeout(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    check!(!file.wait(5).must("poll")?, "a pending fence is readable after a timeout");
    Ok(())
}

/// Starts a thread that sleeps in a poll on the file.
fn poll_in_thread(ctx: &Ctx, file: &Arc<SyncFile>) -> Result<Waiter<nix::Result<bool>>, Stop> {
    let file = Arc::clone(file);
    Waiter::start(ctx, move || file.wait(PATIENCE_MS))
}

fn must_wake(waiter: Waiter<nix::Result<bool>>) -> Tested {
    check_eq!(waiter.join()?, Ok(true), "the answer of a poll");
    Ok(())
}

fn woken(ctx: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = Arc::new(fence(&timeline, 1)?);
    let thread = poll_in_thread(ctx, &file)?;
    tick(&timeline, 1)?;
    must_wake(thread)
}

fn threads(ctx: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let same = Arc::new(fence(&timeline, 1)?);
    let mut polls = Vec::new();
    for _ in 0..4 {
        polls.push(poll_in_thread(ctx, &same)?);
        polls.push(poll_in_thread(ctx, &Arc::new(fence(&timeline, 1)?))?);
    }
    tick(&timeline, 1)?;
    polls.into_iter().try_for_each(must_wake)
}

fn poll_merged(ctx: &mut Ctx) -> Tested {
    let timelines = [Timeline::new()?, Timeline::new()?];
    let both = Arc::new(merged(&fence(&timelines[0], 1)?, &fence(&timelines[1], 1)?)?);
    let thread = poll_in_thread(ctx, &both)?;
    tick(&timelines[0], 1)?;
    check!(thread.blocked()?, "one of two fences woke a poll on the whole");
    check!(!both.wait(0).must("poll")?, "one of two fences made the whole readable");
    tick(&timelines[1], 1)?;
    must_wake(thread)
}

fn closed(ctx: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = Arc::new(fence(&timeline, 1)?);
    let thread = poll_in_thread(ctx, &file)?;
    drop(timeline);
    must_wake(thread)
}

fn epoll(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let files = [fence(&timeline, 1)?, fence(&timeline, 2)?];
    let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC).must("create an epoll")?;
    for (i, file) in files.iter().enumerate() {
        epoll
            .add(file, EpollEvent::new(EpollFlags::EPOLLIN, i as u64))
            .must("add a sync file to an epoll")?;
    }
    let mut events = [EpollEvent::empty(); 4];
    for expected in 0..=2 {
        let ready = epoll.wait(&mut events, EpollTimeout::ZERO).must("wait on an epoll")?;
        check_eq!(ready, expected, "the number of readable sync files");
        tick(&timeline, 1)?;
    }
    Ok(())
}

/// Here the threads may or may not sleep when the signal comes.
fn race(ctx: &mut Ctx) -> Tested {
    for _ in 0..50 {
        let timeline = Timeline::new()?;
        let file = Arc::new(fence(&timeline, 1)?);
        let polls = [Arc::clone(&file), file].map(|file| ctx.spawn(move || file.wait(PATIENCE_MS)));
        tick(&timeline, 1)?;
        for thread in polls {
            let answer = thread.join().map_err(|_| Stop::fail("a polling thread panicked"))?;
            check_eq!(answer, Ok(true), "the answer of a poll");
        }
    }
    Ok(())
}
