//! Any text as one of lockdep's tables in /proc: no panic, and an error names a line that is there.
//!
//! `cargo fuzz run tables`, from this folder's parent; `tests/fixtures/lockdep*.txt` make a good corpus.
#![no_main]

use fencelab_klog::lockdep::coverage::Coverage;
use fencelab_klog::lockdep::graph::LockGraph;
use fencelab_klog::lockdep::{TableError, chains::Chains, classes::Classes, stats::Stats};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    match Classes::parse(&text) {
        Ok(classes) => {
            let graph = LockGraph::around("dma_fence_map", &classes, &Classes::default(), 1);
            assert!(graph.dot().ends_with("}\n") && graph.svg().ends_with("</svg>\n"));
            let none = Coverage::between(&classes, &classes);
            assert_eq!(none.new_edges, 0);
        }
        Err(TableError::Line { line }) => assert!((1..=text.lines().count()).contains(&line)),
        Err(TableError::Header { .. }) => {}
    }
    let _ = (Chains::parse(&text), Stats::parse(&text));
});
