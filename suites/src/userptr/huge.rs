//! Huge pages that are split under a buffer.

use nix::sys::mman::MmapAdvise;

use super::{Fixture, ONE, Pages, SUITE};
use crate::case::{Case, Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::gpu::PAGE;
use crate::submit::ended;

pub(super) const CASES: &[Case] =
    &[Case::new(SUITE, "thp-split", "a job writes all of a huge page that was split", ONE, split)
        .rules(&["UPTR-RESTART", "UPTR-GUARD"])];

/// A huge page of x86-64, and of aarch64 with small pages of 4 KiB.
const HUGE: usize = 2 << 20;

fn split(ctx: &mut Ctx) -> Tested {
    let enabled = std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled");
    if enabled.is_err() {
        return Err(Stop::skip("this kernel has no transparent huge pages"));
    }
    let pages = Pages::aligned(HUGE, HUGE)?;
    pages.advise(MmapAdvise::MADV_DONTFORK)?;
    pages.advise(MmapAdvise::MADV_HUGEPAGE)?;
    pages.fill(0);
    let fixture = Fixture::over(ctx, pages)?;
    let fill = |word| -> Tested {
        ended(&fixture.queue.job().fill(&fixture.buffer, word).submit()?, "a job on a huge page")?;
        fixture.pages.holds(word, "the huge page")
    };
    fill(1)?;
    let huge = fixture.pages.counted("AnonHugePages")?;
    if huge < HUGE as u64 {
        return Err(Stop::skip(format!("the kernel gave no huge page, but {huge} bytes of huge pages")));
    }
    fixture.pages.advise_first(MmapAdvise::MADV_DONTNEED)?;
    check_eq!(fixture.pages.word(0), 0, "the first word of the part that was thrown away");
    check_eq!(fixture.pages.word(PAGE / 8), 1, "the first word behind it");
    fill(2)
}
