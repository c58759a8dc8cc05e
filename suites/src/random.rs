//! Random choices that a seed repeats.

use crate::buffer::Pattern;

/// The variable by which the harness gives a case its seed.
pub const SEED: &str = "FENCELAB_SEED";

/// A stream of choices; the same for the same seed, on every machine.
#[derive(Debug, Clone)]
pub struct Random(Pattern);

impl Random {
    /// The stream of this seed.
    pub fn new(seed: u64) -> Self {
        Random(Pattern::new(seed))
    }

    /// Any number.
    #[expect(clippy::should_implement_trait, reason = "a stream without an end is no iterator to collect")]
    pub fn next(&mut self) -> u64 {
        self.0.next().unwrap_or_default()
    }

    /// A number below `limit`; 0 for a limit of 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        // The bias of a remainder is of no weight for limits this small.
        self.next().checked_rem(limit).unwrap_or(0)
    }

    /// One of them.
    ///
    /// # Panics
    /// Where there are none: a mistake in the case.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }
}

/// The seed that the harness gave, or one that the clock gives.
pub fn seed() -> u64 {
    let given = std::env::var(SEED).ok().and_then(|text| text.parse().ok());
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    given.unwrap_or_else(|| since.map_or(1, |time| time.as_nanos() as u64 & 0xffff_ffff))
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn a_seed_repeats_its_choices_and_no_other_does() {
        let draw = |seed| {
            let mut random = Random::new(seed);
            (0..32).map(|_| random.below(100)).collect::<Vec<_>>()
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
        assert!(draw(5).iter().all(|number| *number < 100));
        assert_eq!(Random::new(1).below(0), 0);
    }
}
