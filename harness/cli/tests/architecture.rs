//! The design as the tree has it: who may depend on whom, and that ARCHITECTURE.md speaks of paths that exist.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each crate of ours with those of ours that it may use; the design's arrows, which point down only.
const ARROWS: &[(&str, &[&str])] = &[
    ("fencelab-abi", &[]),
    ("fencelab-events", &[]),
    ("fencelab-kernel", &[]),
    ("fencelab-klog", &[]),
    ("fencelab-scenario", &[]),
    ("fencelab-suites", &[]),
    ("fencelab-preload", &["fencelab-abi"]),
    ("fencelab-record", &["fencelab-abi", "fencelab-trace"]),
    ("fencelab-trace", &["fencelab-abi"]),
    ("fencelab-bench", &["fencelab-events"]),
    ("fencelab-rules", &["fencelab-events"]),
    ("fencelab-adapters", &["fencelab-events", "fencelab-suites"]),
    (
        "fencelab-agent",
        &[
            "fencelab-abi",
            "fencelab-adapters",
            "fencelab-bench",
            "fencelab-events",
            "fencelab-record",
            "fencelab-suites",
            "fencelab-trace",
        ],
    ),
    (
        "fencelab-runner",
        &[
            "fencelab-abi",
            "fencelab-bench",
            "fencelab-events",
            "fencelab-fences",
            "fencelab-klog",
            "fencelab-trace",
        ],
    ),
    ("fencelab-prove", &["fencelab-bench", "fencelab-events", "fencelab-rules", "fencelab-runner"]),
    ("fencelab-fences", &["fencelab-abi", "fencelab-trace"]),
    ("fencelab-replay", &["fencelab-abi", "fencelab-fences", "fencelab-scenario", "fencelab-trace"]),
    ("fencelab-report", &["fencelab-events", "fencelab-fences", "fencelab-klog", "fencelab-rules"]),
    (
        "fencelab",
        &[
            "fencelab-abi",
            "fencelab-adapters",
            "fencelab-agent",
            "fencelab-bench",
            "fencelab-events",
            "fencelab-fences",
            "fencelab-kernel",
            "fencelab-klog",
            "fencelab-prove",
            "fencelab-record",
            "fencelab-replay",
            "fencelab-report",
            "fencelab-rules",
            "fencelab-runner",
            "fencelab-scenario",
            "fencelab-suites",
            "fencelab-trace",
        ],
    ),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the workspace's root").to_path_buf()
}

/// Our crates and what each uses of ours, tests and builds included.
fn uses() -> BTreeMap<String, Vec<String>> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version=1", "--offline"])
        .current_dir(root())
        .output()
        .expect("run cargo metadata");
    let metadata: serde_json::Value =
        serde_json::from_slice(&metadata.stdout).expect("cargo metadata's JSON");
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    let packages = metadata["packages"].as_array().expect("packages");
    let ours = |package: &serde_json::Value| {
        let dependencies = package["dependencies"].as_array().expect("dependencies").iter().map(name);
        let mut ours: Vec<String> = dependencies.filter(|d| d.starts_with("fencelab")).collect();
        ours.sort();
        ours.dedup();
        (name(package), ours)
    };
    packages.iter().map(ours).collect()
}

#[test]
fn arrows_point_down_only() {
    let uses = uses();
    let drawn: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    for (name, used) in &uses {
        let (_, allowed) = ARROWS
            .iter()
            .find(|(n, _)| n == name)
            .unwrap_or_else(|| panic!("{name} is not drawn: {drawn:?}"));
        for dependency in used {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not use {dependency}");
        }
    }
    assert_eq!(uses.len(), ARROWS.len(), "an arrow is drawn for a crate that is gone");
}

#[test]
fn the_code_map_speaks_of_paths_that_exist() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    // In the map a path stands in backticks and holds a slash.
    let paths = text
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| word.contains('/') && !word.contains([' ', '<', '*', '@']));
    let mut seen = 0;
    for path in paths {
        assert!(root().join(path).exists(), "ARCHITECTURE.md names {path}, which does not exist");
        seen += 1;
    }
    assert!(seen > 20, "only {seen} paths found in ARCHITECTURE.md");
}
