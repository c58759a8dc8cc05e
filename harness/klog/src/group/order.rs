//! Which of a bug's sightings was the first, and which the last.

use serde::Serialize;

use super::Sighting;
use super::clock::Moment;

/// By what the first and the last sighting of a bug were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// By the wall clock that all of them have, whatever order the logs were read in.
    WallClock,
    /// By the time since boot that all of them have: of logs of one boot it is the order of printing.
    SinceBoot,
    /// By the order in which logs and lines were read.
    Read,
}

/// The first and the last of some sightings.
#[derive(Clone, Debug)]
struct Span<T> {
    first: (T, Sighting),
    last: (T, Sighting),
}

impl<T: Ord + Copy> Span<T> {
    fn new(key: T, sighting: &Sighting) -> Span<T> {
        Span { first: (key, sighting.clone()), last: (key, sighting.clone()) }
    }

    fn see(&mut self, key: T, sighting: &Sighting) {
        if key < self.first.0 {
            self.first = (key, sighting.clone());
        }
        if key >= self.last.0 {
            self.last = (key, sighting.clone());
        }
    }
}

/// First and last in each order that all sightings so far allow.
#[derive(Clone, Debug)]
pub(super) struct Ends {
    wall: Option<Span<Moment>>,
    boot: Option<Span<u64>>,
    read: Span<u64>,
}

impl Ends {
    pub(super) fn new(sighting: &Sighting) -> Ends {
        Ends {
            wall: moment(sighting).map(|moment| Span::new(moment, sighting)),
            boot: sighting.time_us.map(|us| Span::new(us, sighting)),
            read: Span::new(0, sighting),
        }
    }

    pub(super) fn see(&mut self, sighting: &Sighting) {
        self.wall = self.wall.take().zip(moment(sighting)).and_then(|(mut span, moment)| {
            // A time that names its year is before or after none that does not.
            (span.first.0.has_year == moment.has_year).then(|| span.see(moment, sighting))?;
            Some(span)
        });
        let before = &self.read.last.1;
        // In one log the clock went back: the machine was started again.
        let again = before.source == sighting.source && before.time_us > sighting.time_us;
        self.boot = self.boot.take().zip(sighting.time_us.filter(|_| !again)).map(|(mut span, us)| {
            span.see(us, sighting);
            span
        });
        self.read.see(self.read.last.0 + 1, sighting);
    }

    /// First, last, and by what they were told: the best order that all sightings allow.
    pub(super) fn told(self) -> (Sighting, Sighting, Order) {
        match (self.wall, self.boot) {
            (Some(span), _) => (span.first.1, span.last.1, Order::WallClock),
            (None, Some(span)) => (span.first.1, span.last.1, Order::SinceBoot),
            (None, None) => (self.read.first.1, self.read.last.1, Order::Read),
        }
    }
}

fn moment(sighting: &Sighting) -> Option<Moment> {
    Moment::parse(sighting.wall.as_deref()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(source: &str, line: u64, time_us: Option<u64>, wall: Option<&str>) -> Sighting {
        Sighting { source: source.to_owned(), line, time_us, wall: wall.map(str::to_owned) }
    }

    fn told(sightings: &[Sighting]) -> (String, String, Order) {
        let mut ends = Ends::new(&sightings[0]);
        sightings[1..].iter().for_each(|sighting| ends.see(sighting));
        let (first, last, order) = ends.told();
        let place = |sighting: Sighting| format!("{}:{}", sighting.source, sighting.line);
        (place(first), place(last), order)
    }

    fn expect(sightings: &[Sighting], first: &str, last: &str, order: Order) {
        assert_eq!(told(sightings), (first.to_owned(), last.to_owned(), order));
    }

    #[test]
    fn by_the_best_clock_that_all_have() {
        let late = sighting("a", 1, Some(5), Some("2026-11-14T12:00:00Z"));
        let early = sighting("b", 2, Some(9), Some("2026-11-14T12:30:00+01:00"));
        expect(&[late.clone(), early.clone()], "b:2", "a:1", Order::WallClock);
        let bare = sighting("c", 3, Some(7), None);
        expect(&[early.clone(), bare, late.clone()], "a:1", "b:2", Order::SinceBoot);
        let none = sighting("d", 4, None, None);
        expect(&[early.clone(), none, late.clone()], "b:2", "a:1", Order::Read);
        let yearless = sighting("e", 5, Some(1), Some("Nov 14 12:00:00"));
        expect(&[early, yearless, late], "e:5", "b:2", Order::SinceBoot);
    }

    #[test]
    fn a_log_of_two_boots_is_in_the_order_of_its_lines() {
        let boots = [sighting("a", 10, Some(900), None), sighting("a", 20, Some(5), None)];
        expect(&boots, "a:10", "a:20", Order::Read);
    }
}
