//! The bench that the command line names.

use std::path::Path;

use anyhow::{Context, Result, bail};
use fencelab_bench::local::Local;
use fencelab_bench::vm::{self, Accel, Config, Vm};
use fencelab_bench::{Bench, Program};
use fencelab_events::Device;

use crate::{kernels, paths};

/// A bench, not yet up.
pub(crate) struct Chosen {
    /// The bench.
    pub(crate) bench: Box<dyn Bench>,
    /// More of its kind, to run beside it.
    pub(crate) beside: Vec<Box<dyn Bench>>,
    /// Its kernel carries the series' annotations.
    pub(crate) annotated: bool,
    /// A case can take the runner's machine down with it.
    pub(crate) is_here: bool,
}

/// The bench of this name or file, with this kernel where it boots one.
pub(crate) fn choose(bench: &str, kernel: &str, accel: Accel) -> Result<Chosen> {
    choose_jobs(bench, kernel, accel, 1)
}

/// The bench of this name or file, so many times.
pub(crate) fn choose_jobs(bench: &str, kernel: &str, accel: Accel, jobs: u16) -> Result<Chosen> {
    let program = Program::new(paths::program()?);
    if bench == "local" && jobs > 1 {
        bail!("run {jobs} guests side by side (--jobs): `local` is this machine, and there is one of it");
    }
    if bench == "local" {
        return Ok(Chosen {
            bench: Box::new(Local::new(program).without_drm()),
            beside: Vec::new(),
            annotated: false,
            is_here: true,
        });
    }
    let config = config(bench)?;
    let kernel = kernels::resolve(kernel)?;
    let annotated = kernels::is_annotated(&kernel.release);
    let accel_cache = Some(paths::cache()?.join("accel"));
    let vm = Vm::new(vm::Options { config, kernel, program, accel, accel_cache });
    let beside = (1..jobs).map(|_| Box::new(vm.clone()) as Box<dyn Bench>).collect();
    Ok(Chosen { bench: Box::new(vm), beside, annotated, is_here: false })
}

/// The devices of this bench, without bringing it up and without a kernel.
pub(crate) fn devices(bench: &str) -> Result<Vec<Device>> {
    if bench == "local" {
        let local = Local::new(Program::new(paths::program()?)).without_drm();
        return local.devices().context("list the devices of this machine");
    }
    Ok(config(bench)?.devices.iter().map(|device| device.described()).collect())
}

/// The description of the guest of this name or file.
pub(crate) fn config(bench: &str) -> Result<Config> {
    if bench == "vm" {
        return Ok(Config::default());
    }
    let path = Path::new(bench);
    if !path.exists() && !bench.contains(['/', '.']) {
        anyhow::bail!(
            "find the bench `{bench}`: there are `vm`, `local`, and benches described in a YAML file"
        );
    }
    Config::read(path).context("read the bench")
}
