//! What such a buffer may not be: another device's, or a window to the GPU's memory.

use super::{Fixture, ONE, SUITE};
use crate::case::{Case, Tested};
use crate::ctx::Ctx;
use crate::must::Must;
use crate::submit::ended;
use crate::uapi::prime;

pub(super) const CASES: &[Case] = &[
    Case::new(SUITE, "no-export", "a buffer of a process's pages cannot be exported", ONE, no_export)
        .rules(&["UPTR-NOEXPORT"]),
    Case::new(SUITE, "many", "many such buffers, some over the same pages, work and go", ONE, many)
        .rules(&["UPTR-GUARD", "UPTR-ORDER"]),
];

fn no_export(ctx: &mut Ctx) -> Tested {
    let Fixture { gpu, queue, buffer, pages } = Fixture::new(ctx, 1)?;
    for flags in [0, prime::CLOEXEC, prime::CLOEXEC | prime::RDWR] {
        prime::handle_to_fd(gpu.file(), buffer.gem().handle(), flags)
            .refused("export a buffer of a process's pages", gpu.export_refusal())?;
    }
    ended(&queue.job().fill(&buffer, 1).submit()?, "a job after a refused export")?;
    pages.holds(1, "the pages")
}

fn many(ctx: &mut Ctx) -> Tested {
    let Fixture { gpu, queue, buffer, pages } = Fixture::new(ctx, 4)?;
    for word in 1..=16 {
        let again = super::adopt(&gpu, &pages)?;
        let first = queue.job().fill(&buffer, word << 8).submit()?;
        ended(&queue.job().fill(&again, word).submit()?, "a job on pages that are two buffers")?;
        ended(&first, "the job before it")?;
        pages.holds(word, "pages that are two buffers")?;
    }
    Ok(())
}
