//! What was seen of a case that overran its limit, as text.

use std::fmt::Write;

use fencelab_events::{Dossier, Task};

/// The name of a case's dossier in the session's folder, by its id and attempt.
pub fn file_name(case: &str, attempt: u32) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.+@".contains(c) { c } else { '-' };
    format!("dossiers/{}-{attempt}.txt", case.chars().map(plain).collect::<String>())
}

/// The dossier as text: tasks with their stacks, what blocked, the kernel's own lists of fences, the steps that were
/// taken.
pub fn text(dossier: &Dossier) -> String {
    let mut out = String::from("What was seen before anything was killed\n");
    if !dossier.verdict.is_empty() {
        out.push_str("Who waits for whom\n");
    }
    for line in &dossier.verdict {
        let _ = writeln!(out, "    {line}");
    }
    for task in &dossier.tasks {
        of_task(&mut out, task);
    }
    if !dossier.blocked.is_empty() {
        out.push_str("Kernel threads that were blocked\n");
    }
    for task in &dossier.blocked {
        of_task(&mut out, task);
    }
    if !dossier.calls.is_empty() {
        out.push_str("Its last calls, those first that had not returned\n");
    }
    for call in &dossier.calls {
        let _ = writeln!(out, "    {call}");
    }
    for (file, content) in &dossier.debugfs {
        let _ = writeln!(out, "{file}\n{}", content.trim_end());
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
