//! MERGE: a sync file that signals with the last of several fences.

use super::{SUITE, fence, members, merged, status, tick};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::sw_sync::Timeline;
use crate::uapi::sync_file::SyncFile;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "merge",
        "a merged sync file signals with the last of its fences, its parts with their own",
        &[],
        merge,
    ),
    Case::new(
        SUITE,
        "merge-name",
        "a merged sync file has the name it was given, cut at 31 bytes",
        &[],
        name,
    ),
    Case::new(SUITE, "merge-self", "a sync file merged with itself is the same fence", &[], itself),
    Case::new(
        SUITE,
        "merge-same-context",
        "of two fences of one timeline the later one remains",
        &[],
        same_context,
    )
    .rules(&["FENCE-ORDER"]),
    Case::new(SUITE, "merge-signalled", "a fence that has signalled drops out of a merge", &[], signalled),
    Case::new(SUITE, "merge-all-signalled", "a merge of signalled fences is signalled", &[], all_signalled),
    Case::new(SUITE, "merge-tree", "a tree of merges signals with its last leaf", &[], tree),
    Case::new(SUITE, "merge-tree-flat", "a tree of merges holds each timeline once", &[], flat),
    Case::new(SUITE, "merge-many", "one sync file may hold many fences", &[], many),
    Case::new(SUITE, "merge-parts-closed", "a merged sync file outlives its parts", &[], parts_closed),
    Case::new(
        SUITE,
        "merge-error",
        "a part that fails gives the whole its error, once all have signalled",
        &[],
        error,
    ),
    Case::new(
        SUITE,
        "merge-error-unobserved",
        "a part that fails while nobody waits keeps its error in the info of the whole",
        &[],
        error_unobserved,
    ),
    Case::new(
        SUITE,
        "merge-threads",
        "merges of one sync file in several threads do not disturb it",
        &[],
        threads,
    ),
];

fn merge(_: &mut Ctx) -> Tested {
    let timelines = [Timeline::new()?, Timeline::new()?];
    let (a, b) = (fence(&timelines[0], 1)?, fence(&timelines[1], 1)?);
    let both = merged(&a, &b)?;
    check_eq!(status(&both)?, 0, "the status, both pending");
    tick(&timelines[0], 1)?;
    check_eq!((status(&a)?, status(&b)?, status(&both)?), (1, 0, 0), "the status, one signalled");
    tick(&timelines[1], 1)?;
    check_eq!((status(&a)?, status(&b)?, status(&both)?), (1, 1, 1), "the status, both signalled");
    Ok(())
}

fn name(_: &mut Ctx) -> Tested {
    let timelines = [Timeline::new()?, Timeline::new()?];
    let (a, b) = (fence(&timelines[0], 1)?, fence(&timelines[1], 1)?);
    let long = "a name of more than thirty-one bytes";
    for (given, expected) in [("both", "both"), (long, &long[..31])] {
        let both = a.merge(&b, given).must("merge two sync files")?;
        check_eq!(both.info().must("read a sync file's info")?.name, expected, "the name");
    }
    Ok(())
}

fn itself(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let file = fence(&timeline, 1)?;
    let twice = merged(&file, &file)?;
    check_eq!(members(&twice)?, 1, "the number of fences");
    tick(&timeline, 1)?;
    check_eq!(status(&twice)?, 1, "the status after the signal");
    Ok(())
}

fn same_context(_: &mut Ctx) -> Tested {
    let timeline = Timeline::new()?;
    let (early, late) = (fence(&timeline, 1)?, fence(&timeline, 2)?);
    for both in [merged(&early, &late)?, merged(&late, &early)?] {
        check_eq!(members(&both)?, 1, "the number of fences");
        check_eq!(status(&both)?, 0, "the status before");
    }
    let both = merged(&early, &late)?;
    tick(&timeline, 1)?;
    check_eq!(status(&both)?, 0, "the status, the early one signalled");
    tick(&timeline, 1)?;
    check_eq!(status(&both)?, 1, "the status, both signalled");
    Ok(())
}

fn signalled(_: &mut Ctx) -> Tested {
    let timelines = [Timeline::new()?, Timeline::new()?];
    let (done, pending) = (fence(&timelines[0], 1)?, fence(&timelines[1], 1)?);
    tick(&timelines[0], 1)?;
    for both in [merged(&done, &pending)?, merged(&pending, &done)?] {
        check_eq!(members(&both)?, 1, "the number of fences");
        check_eq!(status(&both)?, 0, "the status");
    }
    Ok(())
}

fn all_signalled(_: &mut Ctx) -> Tested {
    let timelines = [Timeline::new()?, Timeline::new()?];
    let files = [fence(&timelines[0], 1)?, fence(&timelines[1], 1)?];
    tick(&timelines[0], 1)?;
    tick(&timelines[1], 1)?;
    let both = merged(&files[0], &files[1])?;
    check_eq!(status(&both)?, 1, "the status");
    check!(both.wait(0).must("poll")?, "poll does not see the signal");
    Ok(())
}

/// A balanced tree over `files`; its depth is their number's logarithm.
fn tree_of(files: &[SyncFile]) -> Result<SyncFile, Stop> {
    match files {
        [one] => one.try_clone().must("duplicate a sync file"),
        _ => {
            let (left, right) = files.split_at(files.len() / 2);
            merged(&tree_of(left)?, &tree_of(right)?)
        }
    }
}

fn leaves(count: usize) -> Result<(Vec<Timeline>, Vec<SyncFile>), Stop> {
    let timelines = (0..count).map(|_| Timeline::new()).collect::<Result<Vec<_>, _>>()?;
    let files = timelines.iter().map(|t| fence(t, 1)).collect::<Result<Vec<_>, _>>()?;
    Ok((timelines, files))
}

fn tree(_: &mut Ctx) -> Tested {
    let (timelines, files) = leaves(16)?;
    let root = tree_of(&files)?;
    for timeline in timelines.iter().rev() {
        check_eq!(status(&root)?, 0, "the status of the tree with a pending leaf");
        tick(timeline, 1)?;
    }
    check_eq!(status(&root)?, 1, "the status of the tree after its last leaf");
    Ok(())
}

fn flat(_: &mut Ctx) -> Tested {
    let (_timelines, files) = leaves(8)?;
    let (left, right) = (tree_of(&files[..6])?, tree_of(&files[2..])?);
    check_eq!(members(&merged(&left, &right)?)?, 8, "the number of fences in two trees that overlap");
    Ok(())
}

fn many(_: &mut Ctx) -> Tested {
    let (timelines, files) = leaves(200)?;
    let all = tree_of(&files)?;
    check_eq!(members(&all)?, 200, "the number of fences");
    let (last, rest) = (&timelines[199], &timelines[..199]);
    rest.iter().try_for_each(|timeline| tick(timeline, 1))?;
    check_eq!(status(&all)?, 0, "the status, one of 200 pending");
    tick(last, 1)?;
    check_eq!(status(&all)?, 1, "the status, all signalled");
    Ok(())
}

fn parts_closed(_: &mut Ctx) -> Tested {
    let (timelines, files) = leaves(2)?;
    let both = tree_of(&files)?;
    drop(files);
    tick(&timelines[0], 1)?;
    check_eq!(status(&both)?, 0, "the status, one pending");
    tick(&timelines[1], 1)?;
    check_eq!(status(&both)?, 1, "the status, both signalled");
    Ok(())
}

/// A poll makes the kernel listen to each part (`dma_fence_array_enable_signaling`), which is how an error gets to
/// the whole. The whole then signals from an irq_work, so the end is waited for.
fn error(_: &mut Ctx) -> Tested {
    let (mut timelines, files) = leaves(2)?;
    let both = tree_of(&files)?;
    check!(!both.wait(0).must("poll")?, "two pending fences are readable");
    drop(timelines.remove(0));
    check_eq!(status(&both)?, 0, "the status, one failed and one pending");
    tick(&timelines[0], 1)?;
    check!(both.wait(10_000).must("poll")?, "the whole does not signal");
    check_eq!(status(&both)?, -libc::ENOENT, "the status, one failed and one signalled");
    Ok(())
}

/// Without a poll nobody listened when the part failed, and 6.12 then calls the whole a success in a FILE_INFO
/// without room for fences; with room it looks at each part.
fn error_unobserved(ctx: &mut Ctx) -> Tested {
    let (mut timelines, files) = leaves(2)?;
    let both = tree_of(&files)?;
    drop(timelines.remove(0));
    tick(&timelines[0], 1)?;
    let info = both.info().must("read a sync file's info")?;
    let mut parts: Vec<i32> = info.fences.iter().map(|f| f.status).collect();
    parts.sort_unstable();
    check_eq!(parts, [-libc::ENOENT, 1], "the status of the parts");
    check_eq!(info.status, -libc::ENOENT, "the status of the whole, taken from its parts");
    let whole = status(&both)?;
    if whole > 0 {
        ctx.note(format!(
            "FILE_INFO without room says status {whole} of a merge with a failed part that nobody polled"
        ));
    }
    Ok(())
}

fn threads(ctx: &mut Ctx) -> Tested {
    let (timelines, files) = leaves(4)?;
    let root = std::sync::Arc::new(tree_of(&files)?);
    let merging: Vec<_> = files
        .into_iter()
        .map(|leaf| {
            let root = std::sync::Arc::clone(&root);
            ctx.spawn(move || (0..100).try_for_each(|_| merged(&root, &leaf).map(drop)))
        })
        .collect();
    for thread in merging {
        thread.join().map_err(|_| Stop::fail("a merging thread panicked"))??;
    }
    check_eq!(members(&root)?, 4, "the number of fences");
    timelines.iter().try_for_each(|timeline| tick(timeline, 1))?;
    check_eq!(status(&root)?, 1, "the status");
    Ok(())
}
