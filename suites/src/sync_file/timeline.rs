//! sw_sync timelines: the order in which fences signal, and that each signals once.

use super::{SUITE, fence, status, tick};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::uapi::sw_sync::Timeline;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "signal",
        "a fence is pending until its timeline reaches it, then signalled",
        &[],
        signal,
    ),
    Case::new(
        SUITE,
        "already-reached",
        "a fence for a seqno that was reached is signalled from the start",
        &[],
        reached,
    ),
    Case::new(
        SUITE,
        "status-monotone",
        "a fence that signalled stays so, with one status and one timestamp",
        &[],
        monotone,
    )
    .rules(&["FENCE-ONCE"]),
    Case::new(
        SUITE,
        "context-order",
        "fences of one timeline signal in the order of their seqnos",
        &[],
        order,
    )
    .rules(&["FENCE-ORDER"]),
    Case::new(
        SUITE,
        "created-in-reverse",
        "the order of seqnos counts, not the order in which the fences were made",
        &[],
        reverse,
    )
    .rules(&["FENCE-ORDER"]),
    Case::new(SUITE, "jump", "one step over many seqnos signals every fence below", &[], jump)
        .rules(&["FENCE-ORDER"]),
    Case::new(SUITE, "seqno-wrap", "order survives the wrap of the 32-bit seqno", &[], wrap)
        .rules(&["FENCE-ORDER"]),
    Case::new(
        SUITE,
        "large-steps",
        "a step of more than 2^31 passes every fence on its way",
        &[],
        large_steps,
    )
    .rules(&["FENCE-ORDER"]),
    Case::new(SUITE, "timelines-apart", "one timeline's steps leave another's fences alone", &[], apart),
    Case::new(SUITE, "many-fences", "a thousand fences on one timeline signal in order", &[], many)
        .rules(&["FENCE-ORDER"]),
    Case::new(
        SUITE,
        "file-closed-first",
        "a pending fence may lose its last file before it signals",
        &[],
        closed_first,
    ),
];

fn signal(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 2)?;
    for expected in [0, 0, 1, 1] {
        check_eq!(status(&file)?, expected, "the status");
        tick(&timeline, 1)?;
    }
    Ok(())
}

fn reached(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    check_eq!(status(&fence(&timeline, 0)?)?, 1, "the status of a fence at the first value");
    tick(&timeline, 5)?;
    check_eq!(status(&fence(&timeline, 5)?)?, 1, "the status of a fence at the value");
    check_eq!(status(&fence(&timeline, 3)?)?, 1, "the status of a fence below the value");
    check_eq!(status(&fence(&timeline, 6)?)?, 0, "the status of a fence above the value");
    Ok(())
}

fn monotone(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let (file, pending) = (fence(&timeline, 1)?, fence(&timeline, 100)?);
    tick(&timeline, 1)?;
    let first = super::info::only_fence(&file)?;
    tick(&timeline, 1)?;
    check_eq!(super::info::only_fence(&file)?, first, "the fence after the timeline went on");
    drop(timeline);
    check_eq!(super::info::only_fence(&file)?, first, "the fence after the timeline was closed");
    check!(status(&pending)? < 0, "a fence that was pending at the close did not fail");
    Ok(())
}

fn order(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let files = (1..=4).map(|seqno| fence(&timeline, seqno)).collect::<Result<Vec<_>, _>>()?;
    for reached in 0..=4 {
        for (i, file) in files.iter().enumerate() {
            check_eq!(status(file)?, i32::from(i < reached), "the status of a fence at value {reached}");
        }
        tick(&timeline, 1)?;
    }
    Ok(())
}

fn reverse(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let (third, second, first) = (fence(&timeline, 3)?, fence(&timeline, 2)?, fence(&timeline, 1)?);
    let mut stamps = Vec::new();
    for file in [&first, &second, &third] {
        tick(&timeline, 1)?;
        check_eq!(status(file)?, 1, "the status of the next fence");
        stamps.push(super::info::only_fence(file)?.timestamp_ns);
    }
    check!(stamps.is_sorted(), "the timestamps {stamps:?} are not in the order of the seqnos");
    Ok(())
}

fn jump(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let below = [fence(&timeline, 1)?, fence(&timeline, 50)?, fence(&timeline, 99)?];
    let above = fence(&timeline, 101)?;
    tick(&timeline, 100)?;
    for file in &below {
        check_eq!(status(file)?, 1, "the status below the value");
    }
    check_eq!(status(&above)?, 0, "the status above the value");
    Ok(())
}

/// The value is brought close to 2^32 in two steps below 2^31 each, as the kernel compares distances.
fn wrap(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    tick(&timeline, i32::MAX as u32)?;
    tick(&timeline, i32::MAX as u32)?;
    let files = [fence(&timeline, u32::MAX)?, fence(&timeline, 0)?, fence(&timeline, 1)?];
    for (i, file) in files.iter().enumerate() {
        check_eq!(status(file)?, 0, "the status before the value");
        tick(&timeline, 1)?;
        check_eq!(status(file)?, 1, "the status of fence {i} at its value");
    }
    Ok(())
}

fn large_steps(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let (near, far) = (fence(&timeline, 1)?, fence(&timeline, i32::MAX as u32)?);
    tick(&timeline, u32::MAX)?;
    check_eq!((status(&near)?, status(&far)?), (1, 1), "the status of both fences after 2^32 - 1 steps");
    Ok(())
}

fn apart(_: &mut Ctx) -> Tested {
    let (one, other) = (Timeline::new()?, Timeline::new()?);
    let (a, b) = (fence(&one, 1)?, fence(&other, 1)?);
    tick(&one, 10)?;
    check_eq!((status(&a)?, status(&b)?), (1, 0), "the status of both timelines' fences");
    drop(one);
    check_eq!(status(&b)?, 0, "the status after the other timeline was closed");
    Ok(())
}

fn many(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let files = (1..=1000).map(|seqno| fence(&timeline, seqno)).collect::<Result<Vec<_>, _>>()?;
    tick(&timeline, 400)?;
    for (i, file) in files.iter().enumerate() {
        check_eq!(status(file)?, i32::from(i < 400), "the status of fence {}", i + 1);
    }
    Ok(())
}

fn closed_first(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    drop(fence(&timeline, 1)?);
    tick(&timeline, 1)?;
    check_eq!(status(&fence(&timeline, 1)?)?, 1, "the status of a new fence for the same seqno");
    Ok(())
}
