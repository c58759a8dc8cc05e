//! What is merely worth a look.

use fencelab_trace::Session;

use crate::fence::JobId;
use crate::spans::Ends;
use crate::walk::Walk;
use crate::words::span;

/// More than anybody reads.
const MOST: usize = 16;

/// Processes that left sync objects for the kernel to clear up.
pub(crate) fn leaked(session: &Session, walk: &Walk) -> Vec<String> {
    let text = |(process, count): &(fencelab_trace::ProcessId, u32)| {
        let process = session.process(*process);
        let name = process
            .map_or_else(|| "a process".into(), |process| format!("{}[{}]", process.name(), process.pid));
        format!("{name} ended with {count} sync object{} not destroyed", if *count == 1 { "" } else { "s" })
    };
    walk.leaks.iter().take(MOST).map(text).collect()
}

/// The jobs that took longest.
pub(crate) fn long_jobs(session: &Session, walk: &Walk) -> Vec<String> {
    /// Nanoseconds that are long for a job.
    const LONG: u64 = 1_000_000_000;
    let world = &walk.world;
    let ends = Ends::new(session, world);
    let took = |(index, job)| {
        let (ns, _) = ends.span(job)?;
        (ns >= LONG).then_some((ns, JobId(index as u32)))
    };
    let mut long: Vec<(u64, JobId)> = world.jobs.iter().enumerate().filter_map(took).collect();
    long.sort_unstable_by_key(|(ns, id)| (std::cmp::Reverse(*ns), *id));
    let words = walk.words(session);
    long.iter()
        .take(MOST)
        .map(|(ns, id)| format!("{}: done {} after it could begin, at most", words.job(*id), span(*ns)))
        .collect()
}
