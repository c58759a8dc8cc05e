//! The guest's drivers.

use std::fs;
use std::path::Path;

use fencelab_bench::protocol::Setup;
use fencelab_suites::modules::Modules;
use nix::mount::{MsFlags, mount};

use super::swap;

/// Shows the modules in their usual place and loads those that are asked for; what went wrong.
pub(super) fn load(setup: &Setup) -> Vec<String> {
    let mut trouble = Vec::new();
    if let Some(Err(error)) = setup.modules_dir.as_deref().map(show) {
        trouble.push(format!("the kernel's modules cannot be shown in /lib/modules: {error}"));
    }
    let modules = match Modules::here() {
        Ok(modules) => modules,
        Err(error) => {
            trouble.push(format!("no module can be loaded: failed to {error}"));
            return trouble;
        }
    };
    let swap = (setup.swap_mib > 0).then_some(swap::MODULE);
    for name in setup.modules.iter().map(String::as_str).chain(swap) {
        if let Err(error) = modules.load(name, "") {
            trouble.push(format!("failed to {error}: its device is missing"));
        }
    }
    trouble
}

fn show(folder: &str) -> std::io::Result<()> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    let place = Path::new("/lib/modules").join(release.trim());
    if place == Path::new(folder) {
        return Ok(());
    }
    fs::create_dir_all(&place)?;
    mount(Some(folder), &place, None::<&str>, MsFlags::MS_BIND, None::<&str>)?;
    Ok(())
}
