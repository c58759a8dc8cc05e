//! Every wait on one, two and three objects in every combination of states, for each set of flags.
//!
//! The answer is predicted by [`predict`], a model of what `drm.h` promises, and compared with the kernel's.

use nix::errno::Errno::{self, EINVAL, ETIME};

use super::clock::{in_ms, now_ns};
use super::fixture::Fixture;
use super::object::{Point, Syncobj};
use super::{SUITE, SYNCOBJ};
use crate::case::{Case, Stop, Tested};
use crate::check;
use crate::ctx::Ctx;
use crate::must::Must;
use crate::uapi::syncobj::{WAIT_ALL, WAIT_AVAILABLE, WAIT_FOR_SUBMIT, WaitFor};

/// A case for one set of flags.
macro_rules! matrix {
    ($name:literal, $run:ident, $flags:expr, $about:literal) => {
        Case::new(SUITE, $name, $about, SYNCOBJ, |ctx| $run(ctx, $flags)).rules(&["SYNC-NULL"])
    };
}

pub(super) const CASES: &[Case] = &[
    matrix!("wait-any", binary, 0, "a wait for any of several fences answers as the fences' states demand"),
    matrix!(
        "wait-all",
        binary,
        WAIT_ALL,
        "a wait for all of several fences answers as the fences' states demand"
    ),
    matrix!(
        "wait-any-for-submit",
        binary,
        WAIT_FOR_SUBMIT,
        "with WAIT_FOR_SUBMIT an object without a fence is waited for until the timeout"
    ),
    matrix!(
        "wait-all-for-submit",
        binary,
        WAIT_ALL | WAIT_FOR_SUBMIT,
        "with WAIT_FOR_SUBMIT a wait for all lasts until every object has a signalled fence"
    ),
    matrix!(
        "timeline-wait-any",
        timeline,
        0,
        "a wait for any of several points answers as the points' states demand"
    ),
    matrix!(
        "timeline-wait-all",
        timeline,
        WAIT_ALL,
        "a wait for all of several points answers as the points' states demand"
    ),
    matrix!(
        "timeline-wait-any-for-submit",
        timeline,
        WAIT_FOR_SUBMIT,
        "with WAIT_FOR_SUBMIT a point without a fence is waited for until the timeout"
    ),
    matrix!(
        "timeline-wait-all-for-submit",
        timeline,
        WAIT_ALL | WAIT_FOR_SUBMIT,
        "with WAIT_FOR_SUBMIT a wait for all lasts until every point has a signalled fence"
    ),
    matrix!(
        "timeline-wait-any-available",
        timeline,
        WAIT_AVAILABLE,
        "with WAIT_AVAILABLE a point with a pending fence ends the wait"
    ),
    matrix!(
        "timeline-wait-all-available",
        timeline,
        WAIT_ALL | WAIT_AVAILABLE,
        "with WAIT_AVAILABLE a wait for all ends when every point has a fence"
    ),
    matrix!(
        "timeline-wait-any-available-for-submit",
        timeline,
        WAIT_AVAILABLE | WAIT_FOR_SUBMIT,
        "WAIT_FOR_SUBMIT adds nothing to WAIT_AVAILABLE"
    ),
    matrix!(
        "timeline-wait-all-available-for-submit",
        timeline,
        WAIT_ALL | WAIT_AVAILABLE | WAIT_FOR_SUBMIT,
        "WAIT_FOR_SUBMIT adds nothing to WAIT_AVAILABLE in a wait for all"
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Unsubmitted,
    Pending,
    Signalled,
}
use State::{Pending, Signalled, Unsubmitted};

const STATES: [State; 3] = [Unsubmitted, Pending, Signalled];

/// The longest list of objects in one wait.
const LONGEST: usize = 3;

/// The point that timelines are waited for at.
const POINT: u64 = 3;

/// What a wait that nobody ends must answer: the index of the first object that satisfies it (for a wait for
/// any), or why it failed.
fn predict(states: &[State], flags: u32) -> Result<Option<u32>, Errno> {
    if flags & (WAIT_FOR_SUBMIT | WAIT_AVAILABLE) == 0 && states.contains(&Unsubmitted) {
        return Err(EINVAL);
    }
    let satisfied = |s: &State| *s == Signalled || (flags & WAIT_AVAILABLE != 0 && *s == Pending);
    if flags & WAIT_ALL != 0 {
        return if states.iter().all(satisfied) { Ok(None) } else { Err(ETIME) };
    }
    states.iter().position(satisfied).map(|i| Some(i as u32)).ok_or(ETIME)
}

/// Every list of 1 to [`LONGEST`] states.
fn combinations() -> Vec<Vec<State>> {
    let mut all: Vec<Vec<State>> = Vec::new();
    let mut longest: Vec<Vec<State>> = vec![Vec::new()];
    for _ in 0..LONGEST {
        longest = longest
            .iter()
            .flat_map(|list| STATES.map(|s| list.iter().copied().chain([s]).collect::<Vec<_>>()))
            .collect();
        all.extend(longest.iter().cloned());
    }
    all
}

/// For each state, as many objects as one list may need: waits change nothing, so all lists share them.
type Pool = Vec<(State, Vec<Syncobj>)>;

fn pool(make: impl Fn(State) -> Result<Syncobj, Stop>) -> Result<Pool, Stop> {
    let objects = |state| (0..LONGEST).map(|_| make(state)).collect::<Result<Vec<_>, _>>();
    STATES.into_iter().map(|state| Ok((state, objects(state)?))).collect()
}

fn pick<'a>(pool: &'a Pool, states: &[State], point: u64) -> Vec<Point<'a>> {
    let of = |state: &State| pool.iter().find(|(s, _)| s == state);
    states
        .iter()
        .enumerate()
        .filter_map(|(i, state)| of(state).map(|(_, objects)| (&objects[i], point)))
        .collect()
}

fn binary(ctx: &mut Ctx, flags: u32) -> Tested {
    let fix = Fixture::binary(ctx)?;
    let pool = pool(|state| match state {
        Unsubmitted => fix.empty(),
        Pending => fix.holding(1),
        Signalled => fix.signalled(),
    })?;
    let wait = |points: &[Point<'_>], what: &WaitFor| {
        let objects: Vec<&Syncobj> = points.iter().map(|p| p.0).collect();
        fix.wait(&objects, what)
    };
    compare(&pool, 0, flags, wait)
}

fn timeline(ctx: &mut Ctx, flags: u32) -> Tested {
    let fix = Fixture::timeline(ctx)?;
    let pool = pool(|state| {
        let object = fix.empty()?;
        match state {
            Unsubmitted => object.signal_point(POINT - 1).must("signal a point")?,
            Pending => fix.submit((&object, POINT), 1)?,
            Signalled => object.signal_point(POINT).must("signal a point")?,
        }
        Ok(object)
    })?;
    compare(&pool, POINT, flags, |points, what| fix.wait_points(points, what))
}

fn compare(
    pool: &Pool,
    point: u64,
    flags: u32,
    wait: impl Fn(&[Point<'_>], &WaitFor) -> nix::Result<u32>,
) -> Tested {
    for states in combinations() {
        let points = pick(pool, &states, point);
        for timeout_ns in timeouts(states.len())? {
            let answer = wait(&points, &WaitFor { flags, timeout_ns, deadline_ns: 0 });
            let answer = answer.map(|first| (flags & WAIT_ALL == 0).then_some(first));
            let expected = predict(&states, flags);
            check!(
                answer == expected,
                "a wait on {states:?} with flags {flags:#x} until {timeout_ns}: expected {expected:?}, found {answer:?}"
            );
        }
    }
    Ok(())
}

/// Poll, a time in the past, and for the shorter lists one that has yet to come. How long that wait took is not
/// checked: the kernel counts it in jiffies, and a guest whose CPU was away makes up for lost ticks all at once.
fn timeouts(objects: usize) -> Result<Vec<i64>, Stop> {
    let mut all = vec![0, now_ns()? - 1];
    if objects < LONGEST {
        all.push(in_ms(2)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_follows_drm_h() {
        assert_eq!(predict(&[Unsubmitted, Signalled], 0), Err(EINVAL));
        assert_eq!(predict(&[Unsubmitted, Signalled], WAIT_FOR_SUBMIT), Ok(Some(1)));
        assert_eq!(predict(&[Pending, Signalled], WAIT_ALL), Err(ETIME));
        assert_eq!(predict(&[Pending, Signalled], WAIT_AVAILABLE), Ok(Some(0)));
        assert_eq!(predict(&[Signalled, Signalled], WAIT_ALL), Ok(None));
    }

    #[test]
    fn every_list_comes_once() {
        let all = combinations();
        assert_eq!(all.len(), 3 + 9 + 27);
        assert!(all.contains(&vec![Pending, Unsubmitted, Signalled]));
    }
}
