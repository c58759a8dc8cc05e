//! Proofs as their user sees them: a bar on a terminal, plain lines elsewhere; the reports kept up to date.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use anyhow::{Context, Result};
use fencelab_prove::{Prover, Task, Watcher};
use fencelab_report::proofs;
use fencelab_rules::{Judgement, Proofs};
use fencelab_runner::Folder;
use indicatif::{ProgressBar, ProgressStyle};

/// Shows the boots.
pub(super) struct Watch {
    bar: Option<ProgressBar>,
    folder: Folder,
    total: usize,
    done: usize,
}

impl Watch {
    pub(super) fn new(prover: &Prover<'_>, folder: Folder) -> Watch {
        let total = Task::all(&prover.expected).len();
        let bar = stderr().is_terminal().then(|| {
            let template = "{elapsed_precise} {bar:24} {pos}/{len} {wide_msg}";
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            ProgressBar::new(total as u64).with_style(style.progress_chars("━╸ "))
        });
        if let Some(bar) = &bar {
            bar.enable_steady_tick(Duration::from_millis(250));
        }
        let watch = Watch { bar, folder, total, done: 0 };
        watch.say(&format!("proving: {total} boots, {} at a time", prover.jobs.min(total)));
        watch
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }
}

fn name(task: &Task) -> String {
    match task {
        Task::Fault(expected) => expected.name.clone(),
        Task::Controls { kernel, expected } => format!("{} controls on {kernel}", expected.len()),
    }
}

impl Watcher for Watch {
    fn began(&mut self, task: &Task) {
        if let Some(bar) = &self.bar {
            bar.set_message(name(task));
        }
    }

    fn ended(&mut self, task: &Task, all: &Proofs) {
        self.done += 1;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done as u64);
        }
        let (word, why) = match task {
            Task::Fault(expected) => {
                let proof =
                    all.proofs.iter().find(|p| p.name == expected.name && p.kernel == expected.kernel);
                proof.map_or(("not run", String::new()), |proof| (proof.judgement.word(), proof.why.clone()))
            }
            Task::Controls { kernel, .. } => {
                let loud = all.controls.iter().find(|c| c.kernel == *kernel && !c.silent);
                loud.map_or(("silent", String::new()), |c| ("not silent", format!("{}: {}", c.case, c.why)))
            }
        };
        let good = word == Judgement::Attributed.word() || word == "silent";
        if self.bar.is_none() || !good {
            let why = if why.is_empty() { why } else { format!(": {why}") };
            self.say(&format!("{:>3}/{} {word:<13} {}{why}", self.done, self.total, name(task)));
        }
        if let Err(error) = write_reports(&self.folder, all) {
            self.say(&format!("fencelab: {error:#}"));
        }
    }
}

/// Writes every report, each in one step.
pub(super) fn write_reports(folder: &Folder, all: &Proofs) -> Result<()> {
    for format in proofs::FORMATS {
        let mut text = Vec::new();
        (format.write)(all, &mut text).with_context(|| format!("write {}", format.file))?;
        folder.replace(format.file, &text)?;
    }
    Ok(())
}
