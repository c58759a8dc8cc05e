//! What was seen of a case that overran its limit, as text.

use std::fmt::Write;

use fencelab_events::{Dossier, Task};

/// The dossier as text: tasks with their stacks, what blocked, the steps that were taken.
pub(crate) fn text(dossier: &Dossier) -> String {
    let mut out = String::from("What was seen before anything was killed\n");
    for task in &dossier.tasks {
        of_task(&mut out, task);
    }
    if !dossier.blocked.is_empty() {
        out.push_str("Kernel threads that were blocked\n");
    }
    for task in &dossier.blocked {
        of_task(&mut out, task);
    }
    for step in &dossier.ladder {
        let _ = writeln!(out, "then         {step}");
    }
    out
}

fn of_task(out: &mut String, task: &Task) {
    let Task { comm, tid, state, wchan, syscall, stack, .. } = task;
    let _ = writeln!(out, "{comm}/{tid} {state} in {wchan}, syscall {syscall}");
    for frame in stack.lines() {
        let _ = writeln!(out, "    {frame}");
    }
}
