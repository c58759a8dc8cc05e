//! What `fencelab list` says that a run of the guest has.

use std::collections::BTreeSet;
use std::process::Command;

/// The first `columns` words of each line.
fn listed(words: &[&str], columns: usize) -> Vec<Vec<String>> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_fencelab")).arg("list").args(words).output().expect("run fencelab");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("a list in UTF-8");
    text.lines()
        .map(|line| line.split_ascii_whitespace().take(columns).map(str::to_owned).collect())
        .collect()
}

/// The devices that cases of this name drive together.
fn tuples(case: &str) -> BTreeSet<Vec<String>> {
    let ids = listed(&[case], 1);
    let devices = |id: &Vec<String>| {
        id[0].split_once('@').expect("a case on devices").1.split('+').map(str::to_owned).collect()
    };
    ids.iter().map(devices).collect()
}

/// Whoever exports buffers, and the DRM devices among them, which import.
fn sharing() -> (Vec<String>, Vec<String>) {
    let devices = listed(&["--what", "devices"], 3);
    let is_drm = |device: &&Vec<String>| device.len() == 3;
    let importers: Vec<String> = devices.iter().filter(is_drm).map(|device| device[0].clone()).collect();
    let exporters = importers.iter().cloned().chain(["udmabuf".into(), "heap-system".into()]).collect();
    (exporters, importers)
}

#[test]
fn every_ordered_pair_and_triple_shares_buffers() {
    let (exporters, importers) = sharing();
    assert!(importers.len() >= 8, "{importers:?}");
    let (mut pairs, mut triples) = (BTreeSet::new(), BTreeSet::new());
    for exporter in &exporters {
        for first in importers.iter().filter(|importer| *importer != exporter) {
            pairs.insert(vec![exporter.clone(), first.clone()]);
            for second in importers.iter().filter(|importer| *importer != exporter && *importer != first) {
                triples.insert(vec![exporter.clone(), first.clone(), second.clone()]);
            }
        }
    }
    assert_eq!(tuples("dma-buf/import"), pairs);
    assert_eq!(tuples("dma-buf/triple-answers"), triples);
}

#[test]
fn the_guest_has_at_least_six_hundred_cases_on_devices() {
    let cases = listed(&[], 1).len();
    assert!(cases >= 600, "{cases}");
}
