//! Commits of random properties, values and flags: each works or is refused cleanly.

use nix::errno::Errno;

use crate::case::Tested;
use crate::ctx::Ctx;
use crate::dma_buf::open_fds;
use crate::kms::{Commit, Stage};
use crate::must::Must;
use crate::random::Random;
use crate::uapi::BAD_ADDRESS;
use crate::uapi::mode::{ALLOW_MODESET, NONBLOCK, PAGE_FLIP_EVENT, TEST_ONLY};
use crate::{check, check_eq};

/// Enough that a seed finds most of what it can, few enough for a night.
const COMMITS: u64 = 150;
/// How many at most where none was taken by then: a few in a hundred are.
const COMMITS_AT_MOST: u64 = 8 * COMMITS;

/// The answers that a caller can make sense of.
const CLEAN: [Errno; 9] = [
    Errno::EINVAL,
    Errno::ENOENT,
    Errno::ERANGE,
    Errno::ENOSPC,
    Errno::EBUSY,
    Errno::EACCES,
    Errno::EFAULT,
    Errno::EOPNOTSUPP,
    Errno::EDOM,
];

pub(super) fn properties(ctx: &mut Ctx) -> Tested {
    let stage = Stage::lit(ctx.device(0))?;
    let mut random = ctx.random();
    let (mut taken, mut refused) = (0, 0);
    let fds = open_fds()?;
    while taken + refused < COMMITS || (taken == 0 && refused < COMMITS_AT_MOST) {
        let number = taken + refused;
        let before = stage.state()?;
        let commit = random_commit(&stage, &mut random);
        let what = format!("{commit:?}");
        match commit.send() {
            Ok(done) => {
                taken += 1;
                drop(done);
            }
            Err(answer) => {
                refused += 1;
                let errno = answer.errno;
                check!(CLEAN.contains(&errno), "commit {number} answered {errno:?}: {what}");
                check_eq!(stage.state()?, before, "the state after commit {number} was refused: {what}");
            }
        }
    }
    ctx.note(format_args!("{taken} commits taken, {refused} refused"));
    check!(refused > 0, "no random commit was refused");
    check!(taken > 0, "each of {refused} random commits was refused");
    recovers(&stage)?;
    check_eq!(open_fds()?, fds, "open fds after the commits");
    Ok(())
}

/// Whatever was done to it, the pipeline can be turned off and on.
fn recovers(stage: &Stage) -> Tested {
    let mut events = stage.events();
    while events.next(std::time::Duration::from_millis(200))?.is_some() {}
    stage.turn_off()?;
    stage.light()?;
    stage.flip(stage.back.id()).send().must("flip after the random commits").map(drop)
}

fn random_commit(stage: &Stage, random: &mut Random) -> Commit {
    let properties = stage.properties();
    // Every third is a good commit with one thing wrong: those come furthest.
    let mut commit = match random.below(3) {
        0 => stage.on(stage.back.id()),
        _ => stage.commit(),
    };
    for _ in 0..=random.below(4) {
        let (object, property, name) = random.pick(&properties);
        commit = commit.set(*object, *property, value(stage, random, name));
    }
    for flag in [TEST_ONLY, NONBLOCK, ALLOW_MODESET, PAGE_FLIP_EVENT] {
        if random.below(2) == 0 {
            commit = commit.flag(flag);
        }
    }
    if random.below(16) == 0 { commit.flag(random.next() as u32) } else { commit }
}

/// A value for a property: now and then one that means something.
fn value(stage: &Stage, random: &mut Random, name: &str) -> u64 {
    // The kernel writes where these point to: nowhere, or where nothing is mapped.
    if name.ends_with("OUT_FENCE_PTR") {
        return if random.below(2) == 0 { 0 } else { BAD_ADDRESS };
    }
    let (width, height) = stage.size();
    let known = [
        0,
        1,
        u64::MAX,
        stage.front.id().into(),
        stage.back.id().into(),
        u32::from(stage.crtc()).into(),
        stage.mode_blob(),
        width.into(),
        u64::from(height) << 16,
        0x7fff_ffff,
        0x8000_0000,
    ];
    match random.below(4) {
        0 => random.next(),
        1 => random.next() & 0xffff,
        _ => *random.pick(&known),
    }
}
