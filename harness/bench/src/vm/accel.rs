//! How the guest's processors are made: by KVM where it works, else in software. Whether it works shows only in a
//! guest that speaks, so the first boot is the probe, and a small file remembers a failed one.

use std::fmt;
use std::fs::{self, File};
use std::path::Path;
use std::str::FromStr;

use crate::Down;
use crate::facts::Shared;
use crate::link::Failure;

/// What the user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accel {
    /// KVM where it works, else emulation.
    #[default]
    Auto,
    /// KVM or nothing.
    Kvm,
    /// Emulation.
    Tcg,
}

/// What a boot uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Kvm,
    Tcg,
}

impl FromStr for Accel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Accel::Auto),
            "kvm" => Ok(Accel::Kvm),
            "tcg" => Ok(Accel::Tcg),
            other => Err(format!("unknown accelerator `{other}`, expected auto, kvm or tcg")),
        }
    }
}

impl fmt::Display for Accel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Accel::Auto => "auto",
            Accel::Kvm => "kvm",
            Accel::Tcg => "tcg",
        })
    }
}

/// The engine to begin with, and a note where it is not the fast one.
pub(crate) fn choose(accel: Accel, cache: Option<&Path>, note: &mut dyn FnMut(String)) -> Engine {
    match accel {
        Accel::Kvm => Engine::Kvm,
        Accel::Tcg => Engine::Tcg,
        Accel::Auto if remembered(cache) => {
            note(
                "KVM did not work earlier since this host's boot; the guest is emulated, which is slower"
                    .into(),
            );
            Engine::Tcg
        }
        Accel::Auto => match File::options().read(true).write(true).open("/dev/kvm") {
            Ok(_) => Engine::Kvm,
            Err(error) => {
                note(format!("/dev/kvm: {error}; the guest is emulated, which is slower"));
                Engine::Tcg
            }
        },
    }
}

/// What to tell of a KVM guest that did not come up.
pub(crate) fn complaint(failure: &Failure, facts: &Shared) -> String {
    match (failure, facts.lock().words.last()) {
        (Failure::Mute(limit), _) => {
            format!("/dev/kvm opens, but its guest said nothing for {} s", limit.as_secs())
        }
        (_, Some(word)) => format!("KVM failed ({word})"),
        (Failure::Ended(Down::Vanished { how }), None) => format!("KVM failed ({how})"),
        (_, None) => "KVM failed".into(),
    }
}

fn host_boot_id() -> Option<String> {
    Some(fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned())
}

fn remembered(cache: Option<&Path>) -> bool {
    let said = cache.and_then(|path| fs::read_to_string(path).ok());
    let boot = host_boot_id();
    boot.is_some() && said.as_deref().map(str::trim) == boot.as_deref()
}

/// Remembers that KVM does not work in this boot of the host. A cache that cannot be written costs the next run
/// a few seconds, no more.
pub(crate) fn remember(cache: Option<&Path>) {
    if let (Some(path), Some(boot)) = (cache, host_boot_id()) {
        if let Some(folder) = path.parent() {
            let _ = fs::create_dir_all(folder);
        }
        let _ = fs::write(path, boot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_probe_is_remembered_for_this_boot_alone() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("deeper/accel");
        assert!(!remembered(Some(&cache)));
        remember(Some(&cache));
        assert!(remembered(Some(&cache)));
        let mut notes = Vec::new();
        assert_eq!(choose(Accel::Auto, Some(&cache), &mut |n| notes.push(n)), Engine::Tcg);
        assert_eq!(notes.len(), 1);
        assert_eq!(choose(Accel::Kvm, Some(&cache), &mut |n| notes.push(n)), Engine::Kvm);
        assert_eq!(notes.len(), 1);
        fs::write(&cache, "another boot").unwrap();
        assert!(!remembered(Some(&cache)));
    }

    #[test]
    fn accelerators_are_named_both_ways() {
        for accel in [Accel::Auto, Accel::Kvm, Accel::Tcg] {
            assert_eq!(accel.to_string().parse(), Ok(accel));
        }
        assert!("hvf".parse::<Accel>().unwrap_err().contains("expected auto, kvm or tcg"));
    }
}
