//! `fencelab prove`.

mod bench;
mod list;
pub(crate) mod plan;
mod watch;

use anyhow::{Context, Result, bail};
use fencelab_prove::{About, Prover, Site};
use fencelab_report::proofs;
use fencelab_rules::{Expected, Proofs};
use fencelab_runner::{CoveragePolicy, Folder, Options, Stop};

use crate::args::ProveArgs;
use crate::outcome::Outcome;
use crate::paths;
use watch::Watch;

/// Where the twins take their orders, on this machine.
const PLANT: &str = "/sys/kernel/debug/fencelab/plant";

pub(crate) fn run(args: &ProveArgs) -> Result<Outcome> {
    let expected = plan::choose(&args.knobs, &args.kernel)?;
    if args.list {
        print!("{}", list::text(&expected));
        return Ok(Outcome::CLEAN);
    }
    let here = args.bench == "local";
    if here {
        allowed_here(args, &expected)?;
    }
    let folder = args.output.clone().unwrap_or_else(|| paths::new_folder("proofs"));
    if folder.join(proofs::FORMATS[0].file).exists() || folder.join("proofs.json").exists() {
        bail!("prove in {}: it holds proofs already", folder.display());
    }
    let stop = Stop::default();
    super::run::listen(&stop)?;
    // A proof is one planted fault in a guest of its own: there is nothing to compare its locks with.
    let options = Options { coverage: CoveragePolicy::Never, ..super::run::options(true) };
    let site = Site { folder: folder.clone(), about: about(args), options, stop };
    let make = bench::maker(args)?;
    let jobs = if here { 1 } else { args.jobs.map_or_else(default_jobs, usize::from) };
    let prover = Prover { site, expected, knobs: plan::knobs()?, jobs, make: &make };
    let mut all = Proofs {
        fencelab: env!("CARGO_PKG_VERSION").into(),
        bench: args.bench.clone(),
        began_ms: fencelab_runner::files::now_ms(),
        explained: plan::plan()?.explained,
        whole: args.knobs.is_empty(),
        ..Proofs::default()
    };
    let mut watch = Watch::new(&prover, Folder::new(&folder));
    let proven = prover.run(&mut all, &mut watch);
    watch.end();
    if here {
        // What was planted on this machine must not stay.
        std::fs::write(PLANT, "off").context("disarm the twins of this machine")?;
    }
    proven?;
    watch::write_reports(&Folder::new(&folder), &all)?;
    proofs::text(&all, crate::reports::style(), &mut std::io::stdout().lock())?;
    println!("\nproofs: {}", folder.display());
    crate::reports::flush();
    Ok(Outcome::Exit(proofs::exit(&all)))
}

/// A fault in this machine's kernel takes its lockdep away until it reboots, and may take more.
fn allowed_here(args: &ProveArgs, expected: &[Expected]) -> Result<()> {
    if !args.i_know {
        bail!(
            "plant faults in the kernel of this machine: that ends its lockdep until it reboots, and may hang it; give --i-know if that is what you want"
        );
    }
    if expected.len() != 1 {
        bail!(
            "plant {} faults in the kernel of this machine: lockdep speaks once per boot, so name one knob",
            expected.len()
        );
    }
    Ok(())
}

fn about(args: &ProveArgs) -> About {
    About {
        fencelab: env!("CARGO_PKG_VERSION").into(),
        bench: args.bench.clone(),
        argv: std::env::args().collect(),
        host: super::run::host(),
    }
}

/// A machine for each processor; an emulated one keeps more than one of them busy.
fn default_jobs() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
