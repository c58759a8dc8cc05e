//! A bench for each boot: the guest with no more devices than its cases need.

use anyhow::{Context, Result};
use fencelab_bench::local::Local;
use fencelab_bench::vm::{self, Config, Vm};
use fencelab_bench::{Bench, Program};
use fencelab_prove::{Made, Task};

use crate::args::ProveArgs;
use crate::{benches, kernels, paths, plan};

/// Makes benches, on any thread.
pub(super) fn maker(args: &ProveArgs) -> Result<impl Fn(&Task) -> Result<Made, String> + Sync + use<>> {
    let (bench, accel) = (args.bench.clone(), args.accel);
    let program = Program::new(paths::program()?);
    let cache = paths::cache()?.join("accel");
    let config = if bench == "local" { None } else { Some(benches::config(&bench)?) };
    Ok(move |task: &Task| -> Result<Made, String> {
        let made = match &config {
            None => here(&program),
            Some(config) => guest(task, config, &program, accel, &cache),
        };
        made.map_err(|error| format!("{error:#}"))
    })
}

fn here(program: &Program) -> Result<Made> {
    let bench = Local::new(program.clone());
    let devices = bench.devices().context("list the devices of this machine")?;
    let cases = plan::everything(&devices, &[]);
    Ok(Made { bench: Box::new(bench), annotated: false, devices, cases })
}

fn guest(
    task: &Task,
    config: &Config,
    program: &Program,
    accel: vm::Accel,
    cache: &std::path::Path,
) -> Result<Made> {
    let kernel = kernels::resolve(task.kernel())?;
    let annotated = kernels::is_annotated(&kernel.release);
    let mut config = config.clone();
    let wanted = task.devices();
    config.devices.retain(|device| wanted.contains(&device.name.as_str()));
    let devices: Vec<_> = config.devices.iter().map(|device| device.described()).collect();
    let cases = plan::everything(&devices, &[]);
    let options =
        vm::Options { config, kernel, program: program.clone(), accel, accel_cache: Some(cache.to_owned()) };
    Ok(Made { bench: Box::new(Vm::new(options)), annotated, devices, cases })
}
