//! From a session's ticks to CLOCK_MONOTONIC.

use fencelab_abi::{Clock, ClockPair};

/// One moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    ticks: u64,
    ns: u64,
    /// Half the ticks between the two reads: how exactly the moment is known.
    error: u64,
}

/// Maps ticks to nanoseconds of CLOCK_MONOTONIC: linear between the moments that the recorder noted, and at the mean
/// rate of all of them before the first and after the last.
#[derive(Clone, Debug, Default)]
pub struct ClockMap {
    /// Rising on both clocks. Empty: a tick is a nanosecond.
    moments: Vec<Moment>,
}

impl ClockMap {
    /// A map through these pairs, which may be in any order and hold nonsense: what does not rise on both clocks is left
    /// out.
    pub fn new(clock: Option<Clock>, pairs: impl IntoIterator<Item = ClockPair>) -> Self {
        if clock == Some(Clock::Monotonic) {
            return Self::default();
        }
        let sane = pairs.into_iter().filter(|pair| pair.before <= pair.after && pair.monotonic > 0);
        let mut moments: Vec<Moment> = sane.map(moment).collect();
        moments.sort_by_key(|moment| (moment.ticks, moment.ns));
        let mut rising: Vec<Moment> = Vec::with_capacity(moments.len());
        for moment in moments {
            match rising.last() {
                Some(last) if moment.ticks <= last.ticks || moment.ns <= last.ns => {}
                _ => rising.push(moment),
            }
        }
        Self { moments: rising }
    }

    /// CLOCK_MONOTONIC at a tick, in nanoseconds.
    pub fn ns(&self, ticks: u64) -> u64 {
        match self.around(ticks) {
            None => ticks,
            Some((first, last, from)) => {
                scale(ticks, from.ticks, from.ns, (first.ticks, last.ticks), (first.ns, last.ns))
            }
        }
    }

    /// The tick at a moment of CLOCK_MONOTONIC: the inverse of [`ClockMap::ns`], within its rounding.
    pub fn ticks(&self, ns: u64) -> u64 {
        let at = self.moments.partition_point(|moment| moment.ns <= ns);
        match self.span(at) {
            None => ns,
            Some((first, last, from)) => {
                scale(ns, from.ns, from.ticks, (first.ns, last.ns), (first.ticks, last.ticks))
            }
        }
    }

    /// How far [`ClockMap::ns`] may be off at a tick by the exactness of the moments around it, in nanoseconds. `None`:
    /// not known, as there are fewer than two moments.
    pub fn error_ns(&self, ticks: u64) -> Option<u64> {
        let (first, last, _) = self.around(ticks)?;
        let error = first.error.max(last.error);
        let span = last.ticks - first.ticks;
        let ns = u128::from(error) * u128::from(last.ns - first.ns) / u128::from(span);
        // Outside, the error of the rate grows with the distance.
        let outside = first.ticks.saturating_sub(ticks).max(ticks.saturating_sub(last.ticks));
        let grown =
            ns.saturating_add(ns.saturating_mul(2).saturating_mul(u128::from(outside)) / u128::from(span));
        Some(u64::try_from(grown).unwrap_or(u64::MAX))
    }

    /// Whether ticks are mapped at all. If not, a tick is taken for a nanosecond.
    pub fn is_mapped(&self) -> bool {
        self.moments.len() >= 2
    }

    /// The two moments that give the rate at a tick, and the one to count from.
    fn around(&self, ticks: u64) -> Option<(Moment, Moment, Moment)> {
        self.span(self.moments.partition_point(|moment| moment.ticks <= ticks))
    }

    /// As [`ClockMap::around`], for what lies behind so many moments.
    fn span(&self, behind: usize) -> Option<(Moment, Moment, Moment)> {
        let (first, last) = (*self.moments.first()?, *self.moments.last()?);
        if self.moments.len() < 2 {
            return None;
        }
        match (behind.checked_sub(1).and_then(|at| self.moments.get(at)), self.moments.get(behind)) {
            (Some(&before), Some(&after)) => Some((before, after, before)),
            (None, _) => Some((first, last, first)),
            (_, None) => Some((first, last, last)),
        }
    }
}

fn moment(pair: ClockPair) -> Moment {
    let width = pair.after - pair.before;
    Moment { ticks: pair.before + width / 2, ns: pair.monotonic, error: width.div_ceil(2) }
}

/// `x` on the line that maps `from` to `to` with the rate of the two spans; never below 0 or beyond 64 bits.
fn scale(x: u64, from: u64, to: u64, (x0, x1): (u64, u64), (y0, y1): (u64, u64)) -> u64 {
    // Nearly always everything is small enough for one division of 64 bits, which costs a tenth of the other.
    let short = x.checked_sub(from).and_then(|distance| distance.checked_mul(y1 - y0));
    if let Some(y) = short.and_then(|moved| (moved / (x1 - x0).max(1)).checked_add(to)) {
        return y;
    }
    let (run, rise) = (i128::from(x1 - x0), i128::from(y1 - y0));
    let distance = i128::from(x) - i128::from(from);
    let moved = distance.saturating_mul(rise).div_euclid(run.max(1));
    let y = moved.saturating_add(i128::from(to)).clamp(0, i128::from(u64::MAX));
    u64::try_from(y).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(ticks: u64, monotonic: u64) -> ClockPair {
        ClockPair { before: ticks - 20, monotonic, after: ticks + 20 }
    }

    fn tsc(pairs: &[ClockPair]) -> ClockMap {
        ClockMap::new(Some(Clock::Tsc), pairs.iter().copied())
    }

    /// A time stamp counter of about 2.1 GHz whose rate, seen from CLOCK_MONOTONIC as NTP slews it, wanders by 100 ppm.
    fn drifting(ns: u64) -> u64 {
        let seconds = ns as f64 / 1e9;
        (2.1 * (ns as f64 + 1e5 * (seconds / 7.0).sin())) as u64 + 1_000_000
    }

    #[test]
    fn drift_stays_within_a_microsecond() {
        let pairs: Vec<_> = (1..60).map(|s| pair(drifting(s * 1_000_000_000), s * 1_000_000_000)).collect();
        let map = tsc(&pairs);
        for ms in 1000..59_000 {
            let ns = ms * 1_000_000;
            let off = map.ns(drifting(ns)).abs_diff(ns);
            assert!(off < 1000, "{off} ns off at {ms} ms");
        }
    }

    #[test]
    fn what_lies_outside_goes_on_at_the_mean_rate() {
        let map = tsc(&[pair(1_000_000, 5_000_000), pair(3_000_000, 6_000_000)]);
        assert_eq!(map.ns(5_000_000), 7_000_000);
        assert_eq!(map.ns(500_000), 4_750_000);
        assert_eq!(map.ticks(7_000_000), 5_000_000);
        assert_eq!(map.error_ns(2_000_000), Some(10));
        assert_eq!(map.error_ns(5_000_000), Some(30));
    }

    #[test]
    fn nonsense_is_left_out() {
        let torn = ClockPair { before: 9, monotonic: 1, after: 3 };
        let back = pair(2_000_000, 1_000);
        let map = tsc(&[pair(3_000_000, 6_000_000), torn, back, pair(1_000_000, 5_000_000)]);
        assert_eq!(map.ns(3_000_000), 6_000_000);
        assert!(tsc(&[torn]).ns(77) == 77 && !tsc(&[torn]).is_mapped());
        let extreme = [pair(u64::MAX - 20, u64::MAX), pair(40, 2)];
        assert_eq!(tsc(&extreme).ns(u64::MAX), u64::MAX);
    }

    #[test]
    fn there_and_back() {
        let map = tsc(&[pair(1_000, 5_000), pair(3_101, 6_007), pair(9_000, 9_999)]);
        for ticks in [0, 999, 1_000, 2_345, 3_101, 5_000, 12_000] {
            assert!(map.ticks(map.ns(ticks)).abs_diff(ticks) <= 3, "{ticks}");
        }
    }
}
