//! Pages that the kernel merges with others of the same content (KSM).

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::sys::mman::MmapAdvise;

use super::{Fixture, ONE, Pages, SUITE};
use crate::case::{Case, Stop, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::submit::ended;

pub(super) const CASES: &[Case] =
    &[Case::new(SUITE, "ksm", "a job writes its own copy of merged pages", ONE, ksm)
        .rules(&["UPTR-RESTART", "UPTR-GUARD"])];

const KSM: &str = "/sys/kernel/mm/ksm";

/// ksmd, running for the length of a case and then as it was.
struct Daemon {
    before: String,
}

impl Daemon {
    fn start() -> Result<Daemon, Stop> {
        let run = format!("{KSM}/run");
        let before =
            fs::read_to_string(&run).map_err(|e| Stop::skip(format!("no merging of pages: {run}: {e}")))?;
        let daemon = Daemon { before };
        fs::write(&run, "1").must("start ksmd")?;
        Ok(daemon)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = fs::write(format!("{KSM}/run"), self.before.trim());
    }
}

fn scans() -> u64 {
    let text = fs::read_to_string(format!("{KSM}/full_scans")).unwrap_or_default();
    text.trim().parse().unwrap_or(0)
}

fn ksm(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    let twin = Pages::new(4)?;
    let daemon = Daemon::start()?;
    for pages in [&fixture.pages, &twin] {
        pages.fill(7);
        match pages.try_advise(MmapAdvise::MADV_MERGEABLE) {
            Err(Errno::EINVAL) => return Err(Stop::skip("this kernel merges no pages (CONFIG_KSM)")),
            answer => answer.must("offer pages for merging")?,
        }
    }
    let (before, began) = (scans(), Instant::now());
    while scans() < before + 3 && began.elapsed() < Duration::from_secs(6) {
        sleep(Duration::from_millis(20));
    }
    ctx.note(format!("ksmd scanned {} times", scans() - before));
    ended(&fixture.queue.job().fill(&fixture.buffer, 8).submit()?, "a job on merged pages")?;
    fixture.pages.holds(8, "the job's pages")?;
    twin.holds(7, "the pages that they were merged with")?;
    drop(daemon);
    Ok(())
}
