//! Contract coverage: what lockdep's graph gained around the contract's classes, case by case.
//!
//! The kernel counts the dependencies of every class anew for each reader of /proc/lockdep: a few milliseconds on a real
//! machine, half a second in an emulated guest. The first reading of a boot tells which it is, and where it is dear only
//! the cases are followed by one that claim a rule which the edges show; what the others added is read once, at the
//! boot's end.

use std::time::{Duration, Instant};

use fencelab_bench::protocol::{FromAgent, ToAgent};
use fencelab_events::coverage::shown_by_edges;
use fencelab_events::{Coverage, Event, Lockdep, PlannedCase, Side};
use fencelab_klog::lockdep::classes::Classes;
use fencelab_klog::lockdep::coverage::{self, ContractEdges};

use crate::error::Error;
use crate::live::Live;
use crate::run::Worker;

/// When lockdep's graph is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CoveragePolicy {
    /// After each case where that is cheap; else after those that claim a rule which it shows.
    #[default]
    Auto,
    /// After each case.
    Always,
    /// Never.
    Never,
}

/// A reading that takes longer is dear.
const DEAR: Duration = Duration::from_millis(100);
/// How long the agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What one boot's lockdep is known to have.
#[derive(Debug)]
pub(crate) struct Known {
    edges: ContractEdges,
    /// What the first reading took.
    cost: Duration,
    /// Something ran since the last reading.
    behind: bool,
}

/// A reading as it came: the table, and what it cost in microseconds.
pub(crate) type Reading = (String, u64);

impl Known {
    /// Takes what was read at one time and before; what was new in it.
    fn absorb(&mut self, readings: &[Reading]) -> Result<Coverage, String> {
        let mut edges = ContractEdges::default();
        for (text, _) in readings {
            let table = Classes::parse(text).map_err(|error| error.to_string())?;
            // Half a table would count as a side that no case exercised.
            if let Some(line) = table.cut {
                return Err(format!("it breaks off in line {line}"));
            }
            edges.absorb(ContractEdges::of(&table));
        }
        let added = self.edges.absorb(edges);
        let took_us = readings.iter().map(|(_, us)| us).sum();
        Ok(Coverage { signalling: side(added.signalling), reservation: side(added.reservation), took_us })
    }
}

fn side(side: coverage::Side) -> Side {
    Side {
        inside: side.inside.into_iter().collect(),
        inside_before: side.inside_before,
        around: side.around.into_iter().collect(),
        around_before: side.around_before,
    }
}

impl Worker<'_, '_> {
    /// The first reading of a boot: what there is before any case runs.
    pub(crate) fn begin_coverage(&mut self, live: &mut Live) -> Result<(), Error> {
        if self.options.coverage == CoveragePolicy::Never || live.lockdep != Lockdep::Armed {
            return Ok(());
        }
        let Some(reading) = self.read_contract(live)? else { return Ok(()) };
        let cost = Duration::from_micros(reading.1);
        live.known = Some(Known { edges: ContractEdges::default(), cost, behind: false });
        match self.absorb(live, &[reading])? {
            Some(coverage) => self.write(Event::BootCoverage { boot: live.boot, coverage }),
            None => Ok(()),
        }
    }

    /// Is this case to be followed by a reading?
    pub(crate) fn wants_coverage(&self, live: &mut Live, case: &PlannedCase) -> bool {
        let policy = self.options.coverage;
        let armed = live.lockdep == Lockdep::Armed;
        let Some(known) = live.known.as_mut().filter(|_| armed) else { return false };
        let wanted = policy == CoveragePolicy::Always
            || known.cost < DEAR
            || case.rules.iter().any(|rule| shown_by_edges(rule));
        known.behind |= !wanted;
        wanted
    }

    /// What a case added, from what it told itself and a reading after it. A case after which lockdep is off is judged by
    /// its splat.
    pub(crate) fn coverage_of_case(
        &mut self,
        live: &mut Live,
        mut told: Vec<Reading>,
    ) -> Result<Option<Coverage>, Error> {
        if live.lockdep == Lockdep::Armed && !live.is_down() {
            told.extend(self.read_contract(live)?);
        }
        if told.is_empty() { Ok(None) } else { self.absorb(live, &told) }
    }

    /// What the cases added that no reading followed.
    pub(crate) fn end_coverage(&mut self, live: &mut Live) -> Result<(), Error> {
        let behind = live.known.as_ref().is_some_and(|known| known.behind);
        if !behind || live.lockdep != Lockdep::Armed || live.is_down() {
            return Ok(());
        }
        let Some(reading) = self.read_contract(live)? else { return Ok(()) };
        match self.absorb(live, &[reading])? {
            Some(coverage) => self.write(Event::BootCoverage { boot: live.boot, coverage }),
            None => Ok(()),
        }
    }

    /// Takes readings in. A table of another form is said once, and no more are asked for.
    fn absorb(&mut self, live: &mut Live, readings: &[Reading]) -> Result<Option<Coverage>, Error> {
        let Some(known) = live.known.as_mut() else { return Ok(None) };
        known.behind = false;
        match known.absorb(readings) {
            Ok(coverage) => Ok(Some(coverage)),
            Err(error) => self.give_up_coverage(live, &format!("read /proc/lockdep: {error}")).map(|()| None),
        }
    }

    /// Asks the agent; what else it says meanwhile is not for this time between cases.
    fn read_contract(&mut self, live: &mut Live) -> Result<Option<Reading>, Error> {
        if live.send(&ToAgent::Contract).is_err() {
            return Ok(None);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            match live.next(deadline)? {
                Some(FromAgent::Contract { text, took_us }) => return Ok(Some((text, took_us))),
                Some(FromAgent::NoContract { why }) => {
                    self.give_up_coverage(live, &why)?;
                    return Ok(None);
                }
                Some(_) => {}
                None if live.is_down() => return Ok(None),
                None => {
                    self.give_up_coverage(live, "the agent did not answer in time")?;
                    return Ok(None);
                }
            }
        }
    }

    fn give_up_coverage(&mut self, live: &mut Live, why: &str) -> Result<(), Error> {
        live.known = None;
        let text = format!("the contract's coverage is not known in boot {}: failed to {why}", live.boot);
        self.write(Event::Note { text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_owed_what_its_module_took_with_it() {
        let mut known = Known { edges: ContractEdges::default(), cost: Duration::ZERO, behind: false };
        let table =
            |edge: &str| format!("all lock classes:\n1 FD: 1 BD: 1 ....: dma_fence_map\n -> [2] {edge}\n");
        let told = [(table("&module->lock"), 5), (table("&kept->lock"), 7)];
        let coverage = known.absorb(&told).unwrap();
        assert_eq!((coverage.signalling.inside.len(), coverage.took_us), (2, 12));
        let again = known.absorb(&told[1..]).unwrap();
        assert_eq!((again.signalling.inside.len(), again.signalling.inside_before), (0, 2));
        assert!(again.signalling_exercised());
        assert!(known.absorb(&[("?".into(), 0)]).is_err());
        let cut = known.absorb(&[("all lock classes:\n1 FD: 1 BD: 1 ....: dma_fen".into(), 0)]);
        assert_eq!(cut.unwrap_err(), "it breaks off in line 2");
    }
}
