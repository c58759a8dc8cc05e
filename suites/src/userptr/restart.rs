//! The next job after a change: it sees the new pages, or is refused.

use nix::errno::Errno;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::MmapAdvise;
use nix::unistd::ftruncate;
use std::os::fd::AsFd;
use std::thread::sleep;
use std::time::Duration;

use super::{Fixture, ONE, Pages, SUITE};
use crate::case::{Case, Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::gpu::PAGE;
use crate::must::Must;
use crate::squeeze::{Squeeze, until_swapped};
use crate::submit::ended;

pub(super) const CASES: &[Case] = &[
    case("write", "a job writes the pages of the process", write),
    case("restart-madvise", "after the pages were thrown away a job writes new ones", thrown_away),
    case(
        "restart-munmap",
        "a job on pages that are gone is refused, and works when there are new ones",
        unmapped,
    ),
    case("restart-mprotect", "a job may not write write-protected pages", protected),
    case("restart-mremap", "pages that moved away are no longer the job's", moved),
    case("restart-file", "a job writes the file's pages that are mapped over the old ones", file),
    case("squeezed", "pages give way, under their job, to buffers of the same GPU, and come back", squeezed),
    case("restart-swap", "pages that were swapped out come back for a job", swapped),
];

const fn case(name: &'static str, about: &'static str, run: fn(&mut Ctx) -> Tested) -> Case {
    Case::new(SUITE, name, about, ONE, run).rules(&[
        "UPTR-RESTART",
        "UPTR-GUARD",
        "UPTR-NOALLOC",
        "UPTR-ORDER",
    ])
}

/// What a job on pages that it cannot have is refused with: by amdgpu's hmm_range_fault() with EFAULT, or EPERM where the
/// pages are there and may not be written; by i915's pin_user_pages() with EFAULT.
const NO_PAGES: &[Errno] = &[Errno::EFAULT, Errno::EPERM];

impl Fixture {
    /// A job that fills the pages: what it wrote must be there.
    fn works(&self, word: u64, what: &str) -> Tested {
        ended(&self.queue.job().fill(&self.buffer, word).submit()?, &format!("a job on {what}"))?;
        self.pages.holds(word, what)
    }

    fn is_refused(&self, what: &str) -> Tested {
        let answer = self.queue.job().fill(&self.buffer, 99).try_submit()?;
        answer.refused_with(&format!("submit a job on {what}"), NO_PAGES).map(drop)
    }
}

fn write(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    fixture.works(1, "new pages")?;
    fixture.pages.fill(2);
    fixture.works(3, "pages that the process wrote")
}

fn thrown_away(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    fixture.works(1, "new pages")?;
    fixture.pages.advise(MmapAdvise::MADV_DONTNEED)?;
    fixture.pages.holds(0, "pages that were thrown away")?;
    fixture.works(2, "pages that came anew")?;
    fixture.pages.advise_first(MmapAdvise::MADV_DONTNEED)?;
    fixture.works(3, "pages the first of which came anew")
}

fn unmapped(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    fixture.works(1, "new pages")?;
    fixture.pages.unmap()?;
    fixture.is_refused("pages that are not mapped")?;
    fixture.pages.map_over()?;
    fixture.works(2, "pages that were mapped anew")?;
    fixture.pages.map_over()?;
    fixture.pages.holds(0, "pages that were mapped over others")?;
    fixture.works(3, "pages that were mapped over others")
}

fn protected(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    fixture.works(1, "new pages")?;
    fixture.pages.protect(false)?;
    fixture.is_refused("write-protected pages")?;
    fixture.pages.holds(1, "write-protected pages")?;
    fixture.pages.protect(true)?;
    fixture.works(2, "pages that may be written again")
}

fn moved(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    fixture.works(1, "new pages")?;
    let away = fixture.pages.move_away()?;
    fixture.is_refused("pages that moved away")?;
    away.holds(1, "the pages that moved away")?;
    fixture.pages.map_over()?;
    fixture.works(2, "pages that were mapped in their place")?;
    away.holds(1, "the pages that moved away")
}

fn file(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    fixture.works(1, "new pages")?;
    let memfd = memfd_create("fencelab", MFdFlags::MFD_CLOEXEC).must("create a memfd")?;
    ftruncate(&memfd, fixture.pages.size() as i64).must("size the memfd")?;
    fixture.pages.map_file_over(memfd.as_fd())?;
    fixture.works(2, "a file's pages")?;
    // The file shrinks under the map: its pages are gone, and touching them would be SIGBUS.
    ftruncate(&memfd, 0).must("cut the memfd")?;
    fixture.is_refused("a file's pages that were cut off")?;
    ftruncate(&memfd, fixture.pages.size() as i64).must("size the memfd again")?;
    fixture.works(3, "a file's pages that came back")
}

/// Has the kernel put pages into swap; skips where none goes there. A page that another CPU has not yet put on the lists
/// of reclaim is passed over, so that one attempt may not be enough.
fn swap_out(pages: &Pages) -> Tested {
    for _ in 0..10 {
        pages.advise(MmapAdvise::MADV_PAGEOUT)?;
        if pages.counted("Swap")? > 0 {
            return Ok(());
        }
        sleep(Duration::from_millis(20));
    }
    Err(Stop::skip(
        "none of the pages went to swap, which needs a swap device and a driver that does not pin them",
    ))
}

fn swapped(ctx: &mut Ctx) -> Tested {
    let fixture = Fixture::new(ctx, 4)?;
    fixture.works(1, "new pages")?;
    swap_out(&fixture.pages)?;
    fixture.pages.holds(1, "pages that came back from swap")?;
    swap_out(&fixture.pages)?;
    fixture.works(2, "pages that were swapped out")
}

/// How long each job takes.
const JOB: Duration = Duration::from_millis(3);
/// What the case holds and the buffers that it makes are together more than this, in bytes.
const SQUEEZED: usize = 12 << 20;
const HELD: usize = 8 << 20;
/// What of it a job writes: a driver that pins its pages leaves the others to give way.
const WRITTEN: usize = 2 << 20;
const BUFFER: usize = 1 << 20;
const BUFFERS: u64 = 6;

/// The GPU's driver asks for pages and finds reclaim, that finds pages that a job of the same GPU writes: its notifier waits for
/// the job there, and the job must not need what the driver holds meanwhile.
fn squeezed(ctx: &mut Ctx) -> Tested {
    until_swapped("the GPU's", || squeeze(ctx))
}

/// One attempt: how many of the case's bytes were in swap at its end.
fn squeeze(ctx: &Ctx) -> Result<Option<u64>, Stop> {
    let held = Pages::new((HELD - WRITTEN) / PAGE)?;
    held.fill(7);
    let fixture = Fixture::new(ctx, WRITTEN / PAGE)?;
    fixture.works(1, "new pages")?;
    let other = fixture.gpu.queue()?;
    let squeeze = Squeeze::to(SQUEEZED)?;
    let mut made = Vec::new();
    for word in 2..BUFFERS + 2 {
        let job = fixture.queue.job().delay(JOB).fill(&fixture.buffer, word);
        let (job, buffer) = (job.submit()?, fixture.gpu.buffer(BUFFER)?);
        let filled = other.job().fill(&buffer, word).submit()?;
        ended(&filled, "a job on a buffer for which pages gave way")?;
        buffer.map()?.fill(word, BUFFER);
        ended(&job, "a job on pages that give way")?;
        made.push((word, buffer));
    }
    fixture.works(99, "pages that gave way")?;
    held.holds(7, "memory that gave way")?;
    for (word, buffer) in &made {
        let differs = buffer.map()?.differs(*word, BUFFER);
        check_eq!(differs, None, "the first difference in buffer {word}");
    }
    Ok(squeeze.swapped())
}
