//! What lockdep has seen of the contract: the lock-order edges from and to `dma_fence_map`, in `/proc/lockdep`
//! (`kernel/locking/lockdep_proc.c`). Edges from it are locks taken inside signalling sections, edges to it locks held over waits.

use std::collections::BTreeSet;
use std::fs;

/// The map's class.
const MAP: &str = "dma_fence_map";

/// Edges, each in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Coverage(BTreeSet<String>);

impl Coverage {
    /// What the kernel knows now; nothing where it has no lockdep or this is not root.
    pub(super) fn now() -> Coverage {
        parse(&fs::read_to_string("/proc/lockdep").unwrap_or_default())
    }

    /// What it knows now, and what of that is new.
    pub(super) fn grown(&self) -> (Coverage, Vec<String>) {
        let now = Coverage::now();
        let new = now.0.difference(&self.0).cloned().collect();
        (now, new)
    }

    /// How much there is, and how much of it came since `before`.
    pub(super) fn words(&self, before: &Coverage) -> String {
        match self.0.is_empty() {
            true => "no contract coverage: /proc/lockdep has nothing about dma_fence_map".into(),
            false => format!(
                "contract coverage: {} lock-order edges at {MAP}, {} of them new",
                self.0.len(),
                self.0.difference(&before.0).count()
            ),
        }
    }
}

/// Says in the kernel log which sequence begins, for whoever reads a report between the lines.
pub(super) fn mark(number: usize) {
    // Without the right to write there the report lacks the line.
    let _ = fs::write("/dev/kmsg", format!("fencelab: stress sequence {}\n", number + 1));
}

/// Class lines hold `FD:` and end with the name; their direct edges follow as ` -> [address] name`.
fn parse(text: &str) -> Coverage {
    let mut edges = BTreeSet::new();
    let mut class = "";
    for line in text.lines() {
        if let Some(edge) = line.strip_prefix(" -> ") {
            let to = edge.split_once("] ").map_or("", |(_, name)| name.trim());
            if class == MAP || to == MAP {
                edges.insert(format!("{class} -> {to}"));
            }
        } else if line.contains("FD:") {
            class = line.split_once(": ").and_then(|(_, rest)| rest.rsplit(": ").next()).unwrap_or("").trim();
        }
    }
    Coverage(edges)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "all lock classes:\n\
        ffffffff82a1 FD:   33 BD:   12 ++++: dma_fence_map\n -> [ffffffff82b0] fs_reclaim\n -> [ffffffff82b1] &obj->lock\n\n\
        ffffffff82a2 FD:   53 BD:    1 +.+.: reservation_ww_class_mutex\n -> [ffffffff82a1] dma_fence_map\n -> [ffffffff82b0] fs_reclaim\n\n";

    #[test]
    fn edges_from_and_to_the_map_are_read() {
        let edges: Vec<String> = parse(TEXT).0.into_iter().collect();
        assert_eq!(
            edges,
            [
                "dma_fence_map -> &obj->lock",
                "dma_fence_map -> fs_reclaim",
                "reservation_ww_class_mutex -> dma_fence_map"
            ]
        );
        assert!(parse("").0.is_empty());
    }
}
