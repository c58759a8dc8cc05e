//! Guests on a real kernel: `FENCELAB_TEST_KERNEL` names a folder with bzImage and lib/modules. Ignored by a plain
//! `cargo test`, because each boots a machine; with `FENCELAB_TEST_GUEST=1 cargo test -- --ignored` a missing kernel is
//! a failure, never a skip.

mod common;

use std::path::PathBuf;

use common::{Talk, agent_with_mocks};
use fencelab_bench::protocol::{Lockdep, Outcome};
use fencelab_bench::vm::{Accel, Config, Kernel, Options, Vm};
use fencelab_bench::{Bench, Down};

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

#[test]
#[ignore = "boots a guest; run by ci/test"]
fn a_guest_comes_up_with_every_device_and_an_armed_lockdep() {
    let mut bench = Vm::new(options());
    let (talk, _) = Talk::up(&mut bench);
    let hello = talk.machine.hello().clone();
    println!("{hello:#?}");
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
fn cases_and_commands_run_in_a_guest() {
    let (mut talk, _) = Talk::up(&mut Vm::new(options()));
    assert_eq!(talk.run("pass").finished.outcome, Outcome::Pass);
    let (out, _, exit) = talk.exec("uname -r; echo $A; pwd; exit 3", b"");
    println!("{} {exit:?}", String::from_utf8_lossy(&out));
    assert_eq!(talk.machine.down(), Down::Clean);
}
