//! QEMU's command line.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};

use super::Options;
use super::accel::Engine;
use super::records::Records;
use crate::Error;
use crate::link::Parts;
use crate::streams::Streams;
use crate::supervise::die_with_us;

/// What a guest's root file system is: the host's, read-only. `cache=loose` lets the guest keep what it has read;
/// a file that changes on the host while the guest runs is the user's to avoid.
const ROOT: &str =
    "root=/dev/root rootfstype=9p rootflags=version=9p2000.L,trans=virtio,msize=524288,cache=loose ro";

/// How the kernel speaks and dies. An emulated timer that comes late on a loaded host is no broken one: without
/// no_timer_check such a guest panics at boot ("IO-APIC + timer doesn't work!", arch/x86/kernel/apic/io_apic.c), and with
/// RCU's usual 21 s it reports stalls that are the host's.
const KERNEL: &str =
    "console=ttyS0 loglevel=4 panic=-1 printk.devkmsg=on no_timer_check rcupdate.rcu_cpu_stall_timeout=120";

/// Folders of which the guest has its own.
const HIDDEN: [&str; 4] = ["/dev", "/proc", "/run", "/sys"];

/// Whether the guest can see what it needs. The kernel splits its command line at spaces and knows quotes; the
/// init's path must need neither.
pub(super) fn check(options: &Options) -> Result<(), Error> {
    let wrong = |what, path: &Path, why| Err(Error::Path { what, path: path.into(), why });
    for (what, path) in [("init", &options.program.path), ("modules", &options.kernel.modules)] {
        if !path.is_absolute() {
            return wrong(what, path, "the path is not absolute");
        }
        if HIDDEN.iter().any(|folder| path.starts_with(folder)) {
            return wrong(what, path, "it lies in a folder of which the guest has its own");
        }
    }
    let plain = |text: &str| !text.contains(|c: char| c.is_whitespace() || c == '"');
    match options.program.path.to_str() {
        Some(text) if plain(text) => Ok(()),
        _ => wrong("init", &options.program.path, "a kernel's command line cannot carry a space or a quote"),
    }
}

/// Makes the sockets and QEMU's command. QEMU inherits its ends already connected: no path on disk, nothing to
/// clean up, and each end sees at once when the other has gone.
pub(super) fn build(options: &Options, engine: Engine, records: Option<&Records>) -> io::Result<Parts> {
    let mut command = Command::new(&options.config.qemu);
    die_with_us(&mut command);
    let mut inherit = Vec::new();
    command.args(machine(options, engine));
    command.args(records.iter().flat_map(|records| records.arguments()));
    let mut socket = |command: &mut Command, id: &str| -> io::Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        command.arg("-chardev").arg(format!("socket,id={id},fd={}", theirs.as_raw_fd()));
        inherit.push(theirs.into());
        Ok(ours)
    };
    let console = socket(&mut command, "console")?;
    command.args(["-serial", "chardev:console"]);
    let monitor = socket(&mut command, "monitor")?;
    command.args(["-mon", "chardev=monitor,mode=control"]);
    command.args(["-device", "virtio-serial-pci,max_ports=4"]);
    let mut port = |name: &str| -> io::Result<UnixStream> {
        let ours = socket(&mut command, name)?;
        command.arg("-device").arg(format!("virtserialport,chardev={name},name=fencelab.{name}"));
        Ok(ours)
    };
    let (agent, klog, trace) = (port("agent")?, port("klog")?, port("trace")?);
    let (words, theirs) = UnixStream::pair()?;
    command.stdin(Stdio::null()).stdout(OwnedFd::from(theirs.try_clone()?)).stderr(OwnedFd::from(theirs));
    let streams = Streams { agent, klog, trace, words, console: Some(console), monitor: Some(monitor) };
    Ok(Parts { command, inherit, streams })
}

/// Everything but the streams.
fn machine(options: &Options, engine: Engine) -> Vec<String> {
    let config = &options.config;
    let mut line: Vec<String> = Vec::new();
    let mut add = |words: &[&str]| line.extend(words.iter().map(|&w| w.to_owned()));
    add(&["-nodefaults", "-no-user-config", "-name", "fencelab", "-machine", "q35,usb=off"]);
    match engine {
        Engine::Kvm => add(&["-accel", "kvm", "-cpu", "host"]),
        Engine::Tcg => add(&["-accel", "tcg", "-cpu", "max"]),
    }
    add(&["-smp", &config.cpus.to_string(), "-m", &format!("{}M", config.memory_mib)]);
    add(&["-display", "none", "-vga", "none"]);
    // A panic runs on to its reset, so that its last words reach the console; the reset then ends QEMU.
    add(&["-no-reboot", "-action", "panic=none", "-device", "pvpanic-pci"]);
    // Emulated guests start without entropy, and getrandom() would block until there is some.
    add(&["-device", "virtio-rng-pci"]);
    add(&["-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap"]);
    add(&["-device", "virtio-9p-pci,fsdev=root,mount_tag=/dev/root"]);
    for device in &config.devices {
        line.extend(device.qemu.iter().cloned());
    }
    line.extend([
        "-kernel".into(),
        options.kernel.image.display().to_string(),
        "-append".into(),
        append(options),
    ]);
    line
}

/// The kernel's command line; what follows `--` goes to init.
fn append(options: &Options) -> String {
    let init = |path: &Path| format!("init={}", path.display());
    let own = [KERNEL, ROOT, &init(&options.program.path)].join(" ");
    let extra: Vec<String> = options.program.extra.iter().map(|a| a.to_string_lossy().into_owned()).collect();
    let words = [own.as_str(), &options.config.append, "-- agent --init", &extra.join(" ")];
    words.iter().filter(|w| !w.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{Accel, Config, Kernel};
    use super::*;
    use crate::Program;

    fn options(path: &str) -> Options {
        Options {
            config: Config::default(),
            kernel: Kernel { image: "/k/bzImage".into(), modules: "/k/m".into(), release: "6.12".into() },
            program: Program::new(path).arg("--case-program").arg("/bin/x"),
            accel: Accel::Auto,
            accel_cache: None,
        }
    }

    #[test]
    fn every_device_and_the_init_are_on_the_line() {
        let line = machine(&options("/bin/fencelab"), Engine::Tcg).join(" ");
        for part in
            ["virtio-gpu-pci", "bochs-display", "qxl", "cirrus-vga", "-accel tcg -cpu max", "-m 2048M"]
        {
            assert!(line.contains(part), "{part} is not in {line}");
        }
        assert!(line.ends_with("init=/bin/fencelab -- agent --init --case-program /bin/x"), "{line}");
        assert!(machine(&options("/bin/fencelab"), Engine::Kvm).join(" ").contains("-accel kvm -cpu host"));
    }

    #[test]
    fn an_init_that_the_command_line_cannot_carry_is_refused() {
        assert!(check(&options("/bin/fencelab")).is_ok());
        for path in ["/my programs/fencelab", "target/fencelab", "/a\"b", "/run/user/0/fencelab"] {
            assert!(matches!(check(&options(path)), Err(Error::Path { what: "init", .. })), "{path}");
        }
        let mut hidden = options("/bin/fencelab");
        hidden.kernel.modules = "/dev/shm/modules".into();
        assert!(matches!(check(&hidden), Err(Error::Path { what: "modules", .. })));
    }
}
