use std::process::Command;

use super::*;

/// Every operation and every sort of object, once.
const ALL: &str = include_str!("../../tests/all.yaml");

fn compiles(scenario: &Scenario, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("scenario.c");
    std::fs::write(&source, program(scenario, name)).unwrap();
    let flags = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-pthread", "-o"];
    let output =
        Command::new("cc").args(flags).arg(folder.path().join("scenario")).arg(&source).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_operation_compiles_without_a_warning() {
    let scenario = Scenario::read("all.yaml", ALL).unwrap();
    let used: std::collections::HashSet<&str> = scenario.steps().map(|(_, step)| step.op.word()).collect();
    for word in crate::Op::WORDS {
        assert!(used.contains(word), "all.yaml has no `{word}`");
    }
    compiles(&scenario, "all.yaml");
}

#[test]
fn each_operation_alone_compiles_with_only_what_it_needs() {
    // A helper that is there and not called would be a warning.
    let all = Scenario::read("all.yaml", ALL).unwrap();
    for word in ["wait", "submit", "commit", "export", "import", "attach", "signal"] {
        let mut one = all.clone();
        for process in one.processes.values_mut() {
            for steps in process.values_mut() {
                // A vgem fence cannot be signalled that is not attached.
                let alone = |step: &crate::Step| {
                    step.op.targets().iter().all(|t| t.object.as_str() != "mark" || word == "attach")
                };
                steps.retain(|step| step.op.word() == word && alone(step));
                steps.iter_mut().for_each(|step| step.after.clear());
            }
        }
        let used: Vec<Name> = one
            .steps()
            .flat_map(|(_, s)| s.op.targets().into_iter().map(|t| t.object.clone()).collect::<Vec<_>>())
            .collect();
        one.objects.retain(|name, _| used.contains(name));
        compiles(&one, word);
    }
}

#[test]
fn helpers_need_only_helpers_that_are_there() {
    let known = runtime::known();
    let all: BTreeSet<&str> = known.clone();
    assert!(runtime::sections(&all).contains("SYNCOBJ_CREATE"));
    assert!(known.contains("base") && known.contains("main"));
}
