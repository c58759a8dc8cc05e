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

/// How many pages of the job, and how many of the same content beside them.
const PAGES: usize = 4;

/// How long ksmd may take to find them: it looks at each page twice.
const PATIENCE: Duration = Duration::from_secs(8);

/// How many pages of this process are merged.
fn merged() -> Result<usize, Stop> {
    let file = "/proc/self/ksm_merging_pages";
    let text = fs::read_to_string(file)
        .map_err(|e| Stop::skip(format!("whether pages are merged cannot be read: {file}: {e}")))?;
    text.trim().parse().map_err(|_| Stop::fail(format!("no number in {file}: {text:?}")))
}

/// Waits until all pages are merged; skips where none of the job's can be among those that are.
fn wait_until_merged(ctx: &Ctx) -> Tested {
    let began = Instant::now();
    while merged()? < 2 * PAGES && began.elapsed() < PATIENCE {
        sleep(Duration::from_millis(20));
    }
    let count = merged()?;
    ctx.note(format!("ksmd merged {count} of {} pages", 2 * PAGES));
    if count <= PAGES {
        return Err(Stop::skip(format!("ksmd merged {count} of {} pages in {PATIENCE:?}", 2 * PAGES)));
    }
    Ok(())
}

fn ksm(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, PAGES)?;
    let twin = Pages::new(PAGES)?;
    let daemon = Daemon::start()?;
    for pages in [&fixture.pages, &twin] {
        pages.fill(7);
        match pages.try_advise(MmapAdvise::MADV_MERGEABLE) {
            Err(Errno::EINVAL) => return Err(Stop::skip("this kernel merges no pages (CONFIG_KSM)")),
            answer => answer.must("offer pages for merging")?,
        }
    }
    wait_until_merged(ctx)?;
    ended(&fixture.queue.job().fill(&fixture.buffer, 8).submit()?, "a job on merged pages")?;
    fixture.pages.holds(8, "the job's pages")?;
    twin.holds(7, "the pages that they were merged with")?;
    drop(daemon);
    Ok(())
}
