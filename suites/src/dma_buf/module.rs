//! A driver's module while its buffers are shared.

use std::path::Path;

use nix::errno::Errno;
use nix::kmod::{DeleteModuleFlags, delete_module};

use super::cpu::write_pattern;
use crate::binding::Binding;
use crate::buffer::{Exported, Exporter};
use crate::case::{Stop, Tested};
use crate::check_eq;
use crate::ctx::Ctx;
use crate::device::{Device, again};
use crate::must::Must;
use crate::test_module::modules;

/// The module behind a driver, as it is loaded.
fn module_of(device: &Device) -> Result<String, Stop> {
    let name = device.driver.replace('-', "_");
    let loaded = |name: &str| Path::new("/sys/module").join(name).join("initstate").exists();
    match loaded(&name) {
        true => Ok(name),
        false => Err(Stop::skip(format!("{} is built in, or its module has another name", device.driver))),
    }
}

pub(super) fn busy(ctx: &mut Ctx) -> Tested {
    let device = ctx.device(0);
    let name = module_of(device)?;
    let exporter = Exporter::open(device)?;
    let Exported { dmabuf, source } = exporter.make_small()?;
    write_pattern(&dmabuf, &mut dmabuf.map()?, 1)?;
    source.abandon();
    drop(exporter);
    // Nothing of the device is open but its buffer, which holds the exporter's module (dma_buf_export()).
    let cname = std::ffi::CString::new(name.as_str()).map_err(Stop::fail)?;
    let unload = || delete_module(&cname, DeleteModuleFlags::O_NONBLOCK);
    unload().refused_with("unload the module of a shared buffer", &[Errno::EAGAIN, Errno::EBUSY])?;
    let map = dmabuf.map()?;
    check_eq!(map.differs(1, map.len()), None, "the first difference after the refusal");
    drop((map, dmabuf));
    // Software devices have nobody else who needs their module; displays on a bus may.
    if Binding::of(device).is_ok() {
        return Ok(());
    }
    unload().must("unload the module once its buffers are gone")?;
    let loaded = modules()?.load(&name, "").map_err(|e| Stop::fail(format!("failed to {e}")))?;
    ctx.note(format_args!("{name} was unloaded and loaded again: {loaded:?}"));
    let made = Exporter::open(&again(device)?)?.make_small()?;
    write_pattern(&made.dmabuf, &mut made.dmabuf.map()?, 3)
}
