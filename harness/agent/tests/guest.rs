//! Guests on a real kernel: `FENCELAB_TEST_KERNEL` names a folder with bzImage and lib/modules. Ignored by a plain
//! `cargo test`, because each boots a machine; with `FENCELAB_TEST_GUEST=1` and `-- --ignored` a missing kernel is a
//! failure, never a skip.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::{Talk, agent_with_mocks};
use fencelab_bench::protocol::{Exec, Exit, FromAgent, Lockdep, Outcome, ToAgent};
use fencelab_bench::vm::{Accel, Config, Kernel, Options, Vm};
use fencelab_bench::{Bench, Down, Error, Order};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

fn options() -> Options {
    let folder = std::env::var_os("FENCELAB_TEST_KERNEL").map(PathBuf::from);
    let folder = folder.expect("FENCELAB_TEST_KERNEL names the kernel to boot");
    Options {
        config: Config::default(),
        kernel: Kernel::find(&folder).unwrap_or_else(|e| panic!("failed to {e}")),
        program: agent_with_mocks(),
        accel: Accel::Tcg,
        accel_cache: None,
    }
}

/// A guest without the devices that only cost time.
fn small() -> Options {
    let mut options = options();
    options.config.devices.clear();
    options
}

fn talk() -> Talk {
    Talk::up(&mut Vm::new(small())).0
}

fn error(options: Options) -> Error {
    let (sender, incoming) = std::sync::mpsc::channel();
    let error = Vm::new(options).up(&Order::default(), sender, &mut |_| ()).err().expect("it cannot come up");
    // After an error nothing more comes, and the senders are gone.
    while incoming.recv().is_ok() {}
    error
}

/// A small guest whose QEMU can be told from those of other tests.
fn marked(marker: &str) -> Options {
    let mut options = small();
    options.config.append = format!("fencelab.test={marker}");
    options
}

/// The QEMU of that guest.
fn qemu(marker: &str) -> Pid {
    let marker = format!("fencelab.test={marker}");
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let mut found = processes.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let command = fs::read(entry.path().join("cmdline")).ok()?;
        String::from_utf8_lossy(&command).contains(&marker).then(|| Pid::from_raw(pid))
    });
    found.next().expect("QEMU runs")
}

fn command(talk: &mut Talk, script: &str) {
    let argv = ["sh", "-c", script].map(str::to_owned).to_vec();
    talk.send(&ToAgent::Exec(Exec { argv, env: Vec::new(), cwd: "/".into() }));
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn it_comes_up_with_every_device_and_an_armed_lockdep() {
    let mut bench = Vm::new(options());
    let (talk, _) = Talk::up(&mut bench);
    let hello = talk.machine.hello().clone();
    let described = bench.devices().unwrap();
    let mut names: Vec<&str> = hello.devices.iter().map(|d| d.name.as_str()).collect();
    let mut expected: Vec<&str> = described.iter().map(|d| d.name.as_str()).collect();
    names.sort_unstable();
    expected.sort_unstable();
    assert_eq!(names, expected, "{:?}", hello.doctor);
    for device in described {
        let found = hello.devices.iter().find(|d| d.name == device.name).unwrap();
        assert_eq!((found.has_kms, found.has_render), (device.has_kms, device.has_render), "{}", device.name);
    }
    assert_eq!(hello.lockdep, Lockdep::Armed);
    assert_eq!(hello.doctor, Vec::<String>::new());
    assert_eq!(talk.machine.down(), Down::Clean);
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn it_tells_what_lockdep_has_around_the_contracts_classes() {
    let mut talk = talk();
    talk.send(&ToAgent::Contract);
    let (text, took_us) = loop {
        match talk.hear().expect("the machine stays up") {
            FromAgent::Contract { text, took_us } => break (text, took_us),
            FromAgent::NoContract { why } => panic!("{why}"),
            _ => {}
        }
    };
    assert!(text.starts_with("all lock classes:\n") && took_us > 0, "{text}");
    // What dma_resv_lockdep() primes at boot (drivers/dma-buf/dma-resv.c), and nothing of other classes.
    let wait =
        text.lines().filter(|line| line.starts_with(" -> ") && line.ends_with(" dma_fence_map")).count();
    assert!(wait >= 1 && text.contains(": mmu_notifier_invalidate_range_start\n"), "{text}");
    assert!(text.lines().count() < 2000, "{} lines", text.lines().count());
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn cases_and_commands_run_in_it() {
    let mut talk = talk();
    let ran = talk.run("pass");
    assert_eq!(ran.finished.outcome, Outcome::Pass);
    assert!(ran.finished.memory_peak.is_some_and(|bytes| bytes > 10_000), "{:?}", ran.finished.memory_peak);
    assert_eq!(talk.run("segv").finished.exit, Some(Exit::Signal(11)));

    let every_byte: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let (out, err, exit) = talk.exec("cat; echo $A; pwd; echo oops >&2; exit 3", &every_byte);
    assert_eq!(exit, Ok(Exit::Status(3)));
    assert!(out == [every_byte.as_slice(), b"b c\n/usr\n"].concat());
    assert_eq!(err, b"oops\n");
    assert_eq!(talk.exec("kill -TERM $$", b"").2, Ok(Exit::Signal(15)));

    // All of / takes writes, and the host never sees one.
    let script = "for d in / /etc /usr/bin /tmp /run /dev/shm /var/tmp /root; do echo x >$d/fencelab-test || exit 1; done;
                  cat /etc/hostname >/dev/null && rm /etc/hostname && hostname && ls /lib/modules/$(uname -r)/modules.dep";
    let (out, err, exit) = talk.exec(script, b"");
    assert_eq!(exit, Ok(Exit::Status(0)), "{}", String::from_utf8_lossy(&err));
    assert!(out.starts_with(b"fencelab\n/lib/modules/"), "{}", String::from_utf8_lossy(&out));
    assert!(Path::new("/etc/hostname").exists() && !Path::new("/etc/fencelab-test").exists());
    assert_eq!(talk.machine.down(), Down::Clean);
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_case_has_its_exact_part_of_the_kernel_log() {
    let mut talk = talk();
    let mut windows = Vec::new();
    for _ in 0..3 {
        let ran = talk.run("pass");
        windows.push((ran.started.klog, ran.finished.klog));
        command(&mut talk, "echo between >/dev/kmsg");
        talk.command_end().2.unwrap();
    }
    let ran = talk.run("log");
    let (down, talk) = {
        let Talk { machine, .. } = &mut talk;
        machine.send(&ToAgent::Shutdown).unwrap();
        talk.until_down()
    };
    // The agent obeyed an order that this bench knows nothing of.
    assert!(matches!(&down, Down::Vanished { how } if how == "the guest powered off by itself"), "{down:?}");
    let number = |record: &String| record.split(',').nth(1).unwrap().parse::<u64>().unwrap();
    let numbers: Vec<u64> = talk.klog.iter().map(number).collect();
    assert!(numbers.iter().zip(0..).all(|(found, expected)| *found == expected), "{numbers:?}");
    assert!(windows.iter().all(|(from, to)| from <= to) && windows.windows(2).all(|w| w[0].1 < w[1].0));
    let own = talk.klog.iter().filter(|r| (ran.started.klog..ran.finished.klog).contains(&number(r)));
    let own: Vec<&str> = own.map(|r| r.split(';').nth(1).unwrap().trim_end()).collect();
    assert_eq!(own, ["first of the case", "last of the case"]);
    assert!(talk.klog.iter().any(|r| r.trim_end().ends_with("fencelab: case mock/log@")), "{:#?}", talk.klog);
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn fences_are_traced() {
    let mut options = options();
    options.config.devices.retain(|d| d.name == "vkms");
    let (mut talk, _) = Talk::up(&mut Vm::new(options));
    let (_, err, exit) = talk.exec("exec 3<>/sys/kernel/debug/sync/sw_sync && sleep 0.1", b"");
    assert_eq!(exit, Ok(Exit::Status(0)), "{}", String::from_utf8_lossy(&err));
    let (out, _, _) = talk.exec("cat /sys/kernel/tracing/instances/*/events/dma_fence/enable", b"");
    assert_eq!(out, b"1\n");
}

/// The names of the ioctls that a process made, in order.
fn ioctls(pool: &Path, pid: i32) -> Vec<&'static str> {
    let session = fencelab_trace::Session::from_pool(fs::File::open(pool).unwrap()).unwrap();
    let mut reader = session.reader();
    let mut names = Vec::new();
    for id in session.calls().filter(|id| session.thread(id.thread).unwrap().pid.cast_signed() == pid) {
        names
            .extend(reader.read(&session, id).unwrap().and_then(|call| call.ioctl()).map(|ioctl| ioctl.name));
    }
    names
}

/// Our own suites call the kernel through `drm` and rustix, which a preload sees only because rustix goes through libc.
#[test]
#[ignore = "boots a guest; run by ci/test"]
fn what_the_suites_ask_of_a_driver_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let mut options = options();
    options.program = common::agent();
    options.config.devices.retain(|d| d.name == "virtio-gpu");
    options.config.record_mib = 8;
    let mut talk = Talk::recorded(&mut Vm::new(options), folder.path());
    assert_eq!(talk.machine.hello().doctor, Vec::<String>::new());
    assert!(talk.machine.hello().recorded);
    let id = talk.begin("syncobj/create", &["virtio-gpu"], common::LIMIT);
    let ran = talk.end(id);
    assert_eq!(ran.finished.outcome, Outcome::Pass, "{}", ran.finished.reason);
    assert!(
        ran.started.log_clock.is_some_and(|clock| clock.ahead_us.abs() < 10_000_000),
        "{:?}",
        ran.started
    );
    assert_eq!(talk.machine.down(), Down::Clean);
    let pool = folder.path().join("pool");
    assert_eq!(fs::metadata(&pool).unwrap().len(), 8 << 20);
    let names = ioctls(&pool, ran.started.pid);
    for name in ["DRM_IOCTL_SYNCOBJ_CREATE", "DRM_IOCTL_SYNCOBJ_DESTROY"] {
        assert!(names.contains(&name), "{name} is not among {names:?}");
    }
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_panic_is_told_with_its_last_words() {
    let mut talk = talk();
    command(&mut talk, "echo c >/proc/sysrq-trigger");
    let (down, talk) = talk.until_down();
    assert_eq!(down, Down::Panic { message: "sysrq triggered crash".into() });
    assert!(talk.console.iter().any(|line| line.contains("sysrq_handle_crash")), "{:#?}", talk.console);
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_guest_that_stops_is_silent() {
    let mut options = marked("silent");
    options.config.deadlines.silent_s = 5;
    let (talk, _) = Talk::up(&mut Vm::new(options));
    kill(qemu("silent"), Signal::SIGSTOP).unwrap();
    let (down, _) = talk.until_down();
    assert_eq!(down, Down::Silent { after_ms: 5000 });
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_killed_qemu_has_vanished() {
    let (talk, _) = Talk::up(&mut Vm::new(marked("killed")));
    kill(qemu("killed"), Signal::SIGKILL).unwrap();
    let (down, _) = talk.until_down();
    assert!(matches!(&down, Down::Vanished { how } if how.contains("signal: 9")), "{down:?}");
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_guest_that_powers_off_by_itself_has_vanished() {
    let mut talk = talk();
    command(&mut talk, "echo o >/proc/sysrq-trigger; sleep 100");
    let (down, _) = talk.until_down();
    assert_eq!(down, Down::Vanished { how: "the guest powered off by itself".into() });
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_dropped_guest_is_gone() {
    let (talk, _) = Talk::up(&mut Vm::new(marked("dropped")));
    let qemu = qemu("dropped");
    drop(talk.machine);
    assert!(kill(qemu, None).is_err());
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn an_unkillable_case_is_stuck_and_its_stacks_are_there() {
    let mut talk = talk();
    let id = talk.begin("unkillable", &[], common::LIMIT);
    let Some(FromAgent::Started(_)) = talk.hear() else { panic!("it starts") };
    assert!(matches!(talk.hear(), Some(FromAgent::Note { text, .. }) if text == "frozen"));
    talk.send(&ToAgent::Cancel);
    let Some(FromAgent::Stuck { dossier, .. }) = talk.hear() else { panic!("it is looked at first") };
    let Some(FromAgent::Finished(finished)) = talk.hear() else { panic!("it is given up") };
    assert_eq!((finished.id, finished.outcome), (id, Outcome::Stuck), "{}", finished.reason);
    assert!(finished.reason.contains("these cannot be killed: cases.sh/"), "{}", finished.reason);
    let frozen = dossier.tasks.iter().find(|t| t.state == 'D').expect("each task is looked at");
    assert!(frozen.stack.contains("__refrigerator"), "{frozen:?}");
    // The machine is spent, not gone: the agent still answers, and it can be taken down.
    talk.send(&ToAgent::Lockdep);
    assert!(matches!(talk.hear(), Some(FromAgent::Lockdep(Lockdep::Armed))));
    assert_eq!(talk.machine.down(), Down::Clean);
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_guest_dies_with_its_runner() {
    const ROLE: &str = "FENCELAB_TEST_ROLE";
    if std::env::var_os(ROLE).is_some() {
        let _talk = Talk::up(&mut Vm::new(marked("runner")));
        println!("up");
        loop {
            std::thread::park();
        }
    }
    let mut runner = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "a_guest_dies_with_its_runner", "--nocapture"])
        .env(ROLE, "runner")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(runner.stdout.take().unwrap()).lines();
    assert!(lines.map_while(Result::ok).any(|line| line.ends_with("up")));
    let qemu = qemu("runner");
    runner.kill().unwrap();
    runner.wait().unwrap();
    while fs::read(format!("/proc/{qemu}/cmdline")).is_ok_and(|line| !line.is_empty()) {
        std::thread::yield_now();
    }
}

/// A program in QEMU's place: it fails as KVM can, and emulates when asked to.
fn failing_kvm(folder: &Path, failure: &str) -> String {
    let path = folder.join("qemu");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *'-accel kvm'*) {failure} ;; esac\nexec qemu-system-x86_64 \"$@\"\n"
    );
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    path.display().to_string()
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_kvm_guest_that_says_nothing_is_emulated_and_that_is_remembered() {
    if !Path::new("/dev/kvm").exists() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut options = small();
    options.accel = Accel::Auto;
    options.accel_cache = Some(folder.path().join("accel"));
    options.config.qemu = failing_kvm(folder.path(), "exec sleep 1000");
    options.config.deadlines.kvm_silent_s = 1;
    let mut bench = Vm::new(options.clone());
    let (talk, notes) = Talk::up(&mut bench);
    let told =
        "/dev/kvm opens, but its guest said nothing for 1 s; the guest is emulated instead, which is slower";
    assert_eq!(notes, [told]);
    assert_eq!(talk.machine.down(), Down::Clean);
    let (talk, notes) = Talk::up(&mut bench);
    assert_eq!(notes, Vec::<String>::new(), "it is said once");
    drop(talk);
    let (_talk, notes) = Talk::up(&mut Vm::new(options));
    assert!(matches!(notes.as_slice(), [one] if one.contains("KVM did not work earlier")), "{notes:?}");
}

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn trouble_at_the_start_is_one_clear_error() {
    let folder = tempfile::tempdir().unwrap();
    let mut broken = small();
    broken.config.qemu = "qemu-system-nonesuch".into();
    assert!(matches!(error(broken), Error::NoQemu { .. }));

    let mut broken = small();
    broken.config.devices = options().config.devices;
    broken.config.devices[0].qemu = vec!["-device".into(), "nonesuch".into()];
    let told = error(broken);
    assert!(matches!(&told, Error::QemuRefused { message } if message.contains("nonesuch")), "{told}");

    let mut broken = small();
    broken.accel = Accel::Kvm;
    broken.config.qemu = failing_kvm(folder.path(), "echo 'kvm: no' >&2; exit 1");
    let told = error(broken);
    assert!(matches!(&told, Error::QemuRefused { message } if message == "kvm: no"), "{told}");

    let mut broken = small();
    broken.config.memory_mib = 64;
    let told = error(broken);
    assert!(matches!(told, Error::GuestMemory { mib: 64, .. }), "{told}");

    let mut broken = small();
    broken.config.memory_mib = 1 << 20;
    let told = error(broken);
    assert!(matches!(told, Error::HostMemory { .. }), "{told}");

    let mut broken = small();
    broken.kernel.image = folder.path().join("bzImage");
    assert!(error(broken).to_string().ends_with("bzImage: No such file or directory (os error 2)"));

    let mut broken = small();
    broken.program.path = folder.path().join("nonesuch");
    let told = error(broken);
    assert!(told.to_string().contains("nonesuch"), "{told}");

    let mut broken = small();
    broken.program.path = "/bin/false".into();
    let told = error(broken);
    assert!(matches!(&told, Error::PanicAtBoot { message } if message.contains("kill init")), "{told}");
}
