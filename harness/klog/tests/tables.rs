//! Lockdep's tables as a guest of ours printed them.

use fencelab_klog::lockdep::chains::Chains;
use fencelab_klog::lockdep::classes::Classes;
use fencelab_klog::lockdep::coverage::{Coverage, Exercise, SIGNALLING};
use fencelab_klog::lockdep::graph::LockGraph;
use fencelab_klog::lockdep::stats::Stats;

fn classes(name: &str) -> Classes {
    let text =
        std::fs::read_to_string(format!("tests/fixtures/{name}.txt")).expect("the fixture can be read");
    Classes::parse(&text).expect("the fixture is a table")
}

#[test]
fn the_boot_primes_the_waiting_side_and_not_the_signalling_side() {
    let (before, after) = (classes("lockdep-before"), classes("lockdep-after"));
    let signalling = before.classes.iter().find(|class| class.class.name == SIGNALLING).unwrap();
    assert_eq!((signalling.forward, signalling.backward, signalling.usage.as_str()), (1, 118, "++++"));
    let around = &before.before()[SIGNALLING];
    assert!(around.contains("mmu_notifier_invalidate_range_start"), "{around:?}");

    let coverage = Coverage::between(&before, &after);
    assert_eq!(coverage.signalling_side(), Exercise::NotExercised);
    assert_eq!(coverage.waiting_side(), Exercise::OnlyKnown);
    assert!(coverage.reservation.inside_before > 0);
}

#[test]
fn the_neighbourhood_of_the_signalling_class_as_a_picture() {
    let before = classes("lockdep-before");
    let graph = LockGraph::around(SIGNALLING, &before, &Classes::default(), 1);
    assert!(!graph.is_empty());
    assert!(
        graph.dot().contains("\"mmu_notifier_invalidate_range_start\" -> \"dma_fence_map\" [color=red"),
        "{}",
        graph.dot()
    );
    let svg = graph.svg();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n") && svg.contains(">dma_fence_map</text>"));
}

#[test]
fn counters_and_chains() {
    let stats = Stats::parse(&std::fs::read_to_string("tests/fixtures/lockdep_stats.txt").unwrap());
    assert_eq!(stats.armed(), Some(true));
    assert_eq!(stats.counters["lock-classes"].max, Some(8192));
    assert_eq!(stats.nearly_full(90).count(), 0);

    let chains =
        Chains::parse(&std::fs::read_to_string("tests/fixtures/lockdep_chains.txt").unwrap()).unwrap();
    assert_eq!((chains.chains.len(), chains.buggered, chains.cut), (40, false, None));
    assert!(chains.chains.iter().all(|chain| !chain.classes.is_empty()));
}
