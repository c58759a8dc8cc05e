//! `fencelab kernel`.

use std::io::{IsTerminal, stderr};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use fencelab_kernel::{Kernel, Phase, Progress, Variant};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{KernelArgs, KernelBuildArgs, KernelCommand};
use crate::kernels;
use crate::outcome::Outcome;

pub(crate) fn run(args: &KernelArgs) -> Result<Outcome> {
    match &args.command {
        KernelCommand::Build(args) => build(args),
        KernelCommand::List => list(),
    }
}

fn build(args: &KernelBuildArgs) -> Result<Outcome> {
    let variants = match &args.variant {
        Some(name) => vec![name.parse::<Variant>().context("choose the variant")?],
        None => Variant::USUAL.to_vec(),
    };
    for variant in variants {
        let request = kernels::request(variant, args.tree.as_deref())?;
        let cached = fencelab_kernel::find(&request)?.is_some();
        let mut show = Show::new();
        let built = fencelab_kernel::build(&request, &mut |progress| show.progress(progress));
        show.end();
        let kernel = built.with_context(|| format!("build the {} kernel", variant.name()))?;
        println!("{}", line(&kernel, if cached { "cached" } else { "built" }));
    }
    Ok(Outcome::CLEAN)
}

fn list() -> Result<Outcome> {
    for kernel in fencelab_kernel::cached(&kernels::cache()?)? {
        println!("{}", line(&kernel, "cached"));
    }
    Ok(Outcome::CLEAN)
}

fn line(kernel: &Kernel, how: &str) -> String {
    let folder = kernel.image.parent().unwrap_or(&kernel.image);
    format!("{how:<7} {:<32} {}", kernel.release, folder.display())
}

/// How often a build says where it is when nobody sees a bar.
const HEARTBEAT: Duration = Duration::from_secs(60);

/// A build as its user sees it: a bar on a terminal, a line a minute elsewhere.
struct Show {
    bar: Option<ProgressBar>,
    phase: Option<Phase>,
    said: Instant,
}

impl Show {
    fn new() -> Show {
        Show { bar: None, phase: None, said: Instant::now() }
    }

    fn progress(&mut self, progress: Progress) {
        let new = self.phase.replace(progress.phase) != Some(progress.phase);
        let what = format!("{} kernel: {}", progress.variant.name(), progress.phase);
        if stderr().is_terminal() {
            self.draw(&what, progress, new);
        } else if new || self.said.elapsed() > HEARTBEAT {
            self.said = Instant::now();
            match progress.total {
                Some(total) if progress.done > 0 => {
                    eprintln!("{what}, step {} of about {total}", progress.done)
                }
                _ => eprintln!("{what}"),
            }
        }
    }

    fn draw(&mut self, what: &str, progress: Progress, new: bool) {
        if new {
            self.end();
            let template = match progress.total {
                Some(_) => "{elapsed_precise} {bar:24} {pos}/{len} {msg}",
                None => "{elapsed_precise} {spinner} {pos} {msg}",
            };
            let style =
                ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(progress.total.unwrap_or(0)).with_style(style.progress_chars("━╸ "));
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            self.bar = Some(bar);
        }
        if let Some(bar) = &self.bar {
            bar.set_length(progress.total.unwrap_or(0));
            bar.set_position(progress.done);
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
