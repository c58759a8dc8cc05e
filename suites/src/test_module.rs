//! Kernel modules that run tests when they are loaded: loaded afresh for a case, and unloaded after it.

use std::fs;
use std::path::Path;

use nix::errno::Errno;

use crate::case::{Stop, Tested};
use crate::ctx::Ctx;
use crate::lockdep;
use crate::modules::{Error, Loaded, Modules};
use crate::must::Must;
use crate::report::{Note, Reporter};

/// Why a module's tests have no result of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// The module's init function answered this.
    Init(Errno),
    /// It was not tried, or what it needs is missing.
    Stop(Stop),
}

impl LoadError {
    /// For a caller to whom an init function that fails is just a failure.
    pub fn into_stop(self, name: &str) -> Stop {
        match self {
            LoadError::Init(errno) => Stop::fail(format!("failed to load {name}: {errno}")),
            LoadError::Stop(stop) => stop,
        }
    }
}

/// A module that a case loaded; unloaded when it is dropped. What it needed stays, as `modprobe` leaves it.
pub struct TestModule {
    name: &'static str,
    live: bool,
    coverage: Option<Reporter>,
}

/// The running kernel's modules.
///
/// # Errors
/// Skips where it has no list of them.
pub fn modules() -> Result<Modules, Stop> {
    Modules::here().map_err(|e| Stop::skip(format!("this kernel's modules are not known: failed to {e}")))
}

impl TestModule {
    /// Loads a module, which runs its tests.
    ///
    /// # Errors
    /// [`LoadError::Stop`] skips where this kernel does not have it as a module, or has it loaded and in use;
    /// [`LoadError::Init`] has the errno of its init function.
    pub fn load(
        ctx: &Ctx,
        modules: &Modules,
        name: &'static str,
        parameters: &str,
    ) -> Result<Self, LoadError> {
        clear(name).map_err(LoadError::Stop)?;
        match modules.load(name, parameters) {
            Ok(Loaded::Now) => Ok(TestModule { name, live: true, coverage: ctx.coverage() }),
            Ok(Loaded::BuiltIn) => {
                Err(skip(format!("{name} is built into this kernel; it ran when that booted")))
            }
            Ok(Loaded::Before) => Err(skip(format!("{name} is loaded already"))),
            Err(Error::Unknown { .. }) => Err(skip(format!("this kernel has no module {name}"))),
            Err(Error::Refused { name: refused, errno }) if refused == name => Err(LoadError::Init(errno)),
            Err(e) => Err(LoadError::Stop(Stop::fail(format!("failed to {e}")))),
        }
    }

    /// What sysfs shows of one of its parameters.
    ///
    /// # Errors
    /// [`Stop::Fail`] where the parameter is not shown.
    pub fn parameter(&self, name: &str) -> Result<String, Stop> {
        let path = format!("/sys/module/{}/parameters/{name}", self.name);
        let value = fs::read_to_string(&path).must(&format!("read {path}"))?;
        Ok(value.trim_end().to_owned())
    }

    /// Unloads the module now, where the case wants to know that it went.
    ///
    /// # Errors
    /// [`Stop::Fail`] where it stays.
    pub fn unload(mut self) -> Tested {
        self.live = false;
        self.tell_lockdep();
        Modules::unload(self.name).map_err(|e| Stop::fail(format!("failed to {e}")))
    }

    /// The classes of the module's locks go with it, and with them what its tests showed of the contract.
    fn tell_lockdep(&self) {
        let Some(reporter) = &self.coverage else { return };
        if let Ok(Some(table)) = lockdep::read() {
            let took_us = u64::try_from(table.took.as_micros()).unwrap_or(u64::MAX);
            reporter.send(&Note::Lockdep { text: table.text, took_us });
        }
    }
}

impl Drop for TestModule {
    fn drop(&mut self) {
        if self.live {
            self.tell_lockdep();
            // The next case that needs the module finds it loaded and says so.
            let _ = Modules::unload(self.name);
        }
    }
}

/// The names of a module's parameters, as its file has them; none where the file is compressed or not there.
pub fn parameters(modules: &Modules, name: &str) -> Vec<String> {
    let bytes = modules.file(name).and_then(|path| fs::read(path).ok());
    parameter_names(&bytes.unwrap_or_default())
}

fn skip(text: String) -> LoadError {
    LoadError::Stop(Stop::Skip(text))
}

/// Makes sure that the module is not loaded. One that has registered a driver is left alone: it may drive a device.
fn clear(name: &str) -> Tested {
    let module = Path::new("/sys/module").join(name);
    if !module.join("initstate").exists() {
        return Ok(());
    }
    if module.join("drivers").exists() {
        return Err(Stop::skip(format!("the module {name} is loaded and has registered its driver")));
    }
    Modules::unload(name)
        .map_err(|e| Stop::skip(format!("{name} is loaded, left by an earlier case: failed to {e}")))
}

/// The names in the `parmtype=NAME:TYPE` strings of a module's `.modinfo` section.
fn parameter_names(file: &[u8]) -> Vec<String> {
    file.split(|&byte| byte == 0)
        .filter_map(|string| string.strip_prefix(b"parmtype="))
        .filter_map(|string| string.split(|&byte| byte == b':').next())
        .map(|name| String::from_utf8_lossy(name).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_in_modinfo() {
        let file =
            b"\x7fELF\0parmtype=st_filter:charp\0parm=st_filter:x\0parmtype=igt__12__dma_fence:bool\0end";
        assert_eq!(parameter_names(file), ["st_filter", "igt__12__dma_fence"]);
        assert!(parameter_names(b"").is_empty());
    }

    #[test]
    fn an_init_function_that_fails_is_a_failure() {
        let stop = LoadError::Init(Errno::EINVAL).into_stop("dmabuf_selftests");
        assert_eq!(stop, Stop::Fail("failed to load dmabuf_selftests: EINVAL: Invalid argument".into()));
    }
}
