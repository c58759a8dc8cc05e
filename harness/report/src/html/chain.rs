//! A lock cycle, as a row of locks: each taken while the one before it was held.

use std::fmt::Write;

use fencelab_klog::{Event, Frame, Link, Options, Report, parse_log};

use super::escape::Esc;

/// Frames that tell where a lock was taken.
const FRAMES: usize = 3;

/// The cycle of a splat's text; none where it shows none.
pub(super) fn of(text: &str) -> Option<String> {
    let report =
        parse_log(text.as_bytes(), Options::default()).into_iter().find_map(|event| match event {
            Event::Report(report) => Some(report),
            _ => None,
        })?;
    (report.details.links.len() > 1).then(|| cycle(&report))
}

/// From the lock that was wanted through the chain to the one that was held, and back: the last step is this report's.
fn cycle(report: &Report) -> String {
    let links = &report.details.links;
    let mut out = String::from("<ol class=\"chain\">");
    for (index, link) in links.iter().enumerate() {
        // The trace of #k shows how it was taken under #k-1; that of #0 closes the cycle.
        step(&mut out, link, (index > 0).then_some(link), "taken under it, in");
    }
    if let Some(first) = links.first() {
        step(&mut out, first, Some(first), "wanted under it now, in");
    }
    out + "</ol>\n"
}

fn step(out: &mut String, link: &Link, taken: Option<&Link>, how: &str) {
    let place = taken.map(|link| place(&link.frames)).unwrap_or_default();
    let how = if place.is_empty() { "" } else { how };
    // Writing to a string cannot fail.
    let _ = write!(
        out,
        "<li><span>{how} <code>{}</code></span><b>{}</b></li>",
        Esc(place),
        Esc(link.lock.class.to_string())
    );
}

/// The innermost functions that are not lockdep's own.
fn place(frames: &[Frame]) -> String {
    let own = |frame: &&Frame| {
        let function = frame.function.as_str();
        matches!(
            function,
            "__lock_acquire" | "lock_acquire" | "validate_chain" | "check_prev_add" | "check_noncircular"
        )
    };
    let told: Vec<_> = frames.iter().filter(|f| !own(f)).take(FRAMES).map(|f| f.function.as_str()).collect();
    told.join(" ← ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_begins_and_ends_with_the_lock_that_was_wanted() {
        let text = include_str!("../../tests/golden/reclaim.txt");
        let html = of(text).unwrap();
        let locks: Vec<_> =
            html.split("<b>").skip(1).map(|rest| rest.split("</b>").next().unwrap()).collect();
        assert_eq!(locks, ["fs_reclaim", "dma_fence_map", "fs_reclaim"]);
        assert!(html.contains("__dma_fence_might_wait ← dma_resv_lockdep ← do_one_initcall"), "{html}");
        assert!(html.contains("fs_reclaim_acquire ← __kmalloc_cache_noprof ← bochs_pipe_update"), "{html}");
    }

    #[test]
    fn what_is_no_cycle_has_none() {
        assert_eq!(of("BUG: sleeping function called from invalid context at dma-fence.c:500"), None);
        assert_eq!(of(""), None);
    }
}
