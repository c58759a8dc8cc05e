//! Makes a failing sequence smaller: takes out pieces, large ones first, for as long as what is left still fails.

use std::time::Instant;

use super::op::{ACTORS, Sequence};

/// The smallest failing sequence that was found before `until`, with its failure.
pub(super) fn shrink(
    mut sequence: Sequence,
    mut why: String,
    until: Instant,
    mut fails: impl FnMut(&Sequence) -> Option<String>,
) -> (Sequence, String) {
    let mut try_it = |smaller: Sequence, sequence: &mut Sequence, why: &mut String| {
        let failure = if Instant::now() < until { fails(&smaller) } else { None };
        let Some(failure) = failure else { return false };
        (*sequence, *why) = (smaller, failure);
        true
    };
    let mut size = sequence.rounds.len() / 2;
    while size > 0 {
        let mut at = 0;
        while at < sequence.rounds.len() {
            let mut smaller = sequence.clone();
            smaller.rounds.drain(at..(at + size).min(sequence.rounds.len()));
            if !try_it(smaller, &mut sequence, &mut why) {
                at += size;
            }
        }
        size /= 2;
    }
    for actor in 0..ACTORS {
        for round in 0..sequence.rounds.len() {
            let mut smaller = sequence.clone();
            if smaller.rounds[round][actor].take().is_some() {
                try_it(smaller, &mut sequence, &mut why);
            }
        }
    }
    sequence.rounds.retain(|round| round.iter().any(Option::is_some));
    (sequence, why)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::op::{Op, world_of};
    use super::*;
    use crate::random::Random;

    #[test]
    fn what_matters_is_left() {
        let mut sequence = Sequence::random(&world_of(4), 40, &mut Random::new(3));
        sequence.rounds[11][1] = Some(Op::Make { device: 77, slot: 0 });
        sequence.rounds[29][2] = Some(Op::Forget { slot: 88 });
        let has = |s: &Sequence, op| s.rounds.iter().flatten().any(|o| *o == Some(op));
        let fails = |s: &Sequence| {
            let both = has(s, Op::Make { device: 77, slot: 0 }) && has(s, Op::Forget { slot: 88 });
            both.then(|| "both".to_owned())
        };
        let until = Instant::now() + Duration::from_secs(60);
        let (small, why) = shrink(sequence, "first".into(), until, fails);
        assert_eq!((small.calls(), why.as_str()), (2, "both"));
    }
}
