//! The plan: every case on every tuple of the bench's devices.

use fencelab_events::{Device, DeviceKind, PlannedCase};
use fencelab_suites::{Kind, catalogue};

/// Every case on the described devices, in the order in which a night runs them. The suites that test fencelab
/// itself are among them only where one of the words begins with their name.
pub(crate) fn everything(devices: &[Device], words: &[String]) -> Vec<PlannedCase> {
    let devices: Vec<_> = devices.iter().map(described).collect();
    let asked = |name: &str| words.iter().any(|word| word.split(['/', '*']).next() == Some(name));
    let mut suites = catalogue::suites();
    suites.extend(catalogue::hidden().into_iter().filter(|(name, _)| asked(name)));
    catalogue::plan(&suites, &devices).iter().map(planned).collect()
}

/// Every case on the devices of any bench that fencelab knows: what a selection may name.
pub(crate) fn known(here: &[PlannedCase], words: &[String]) -> Vec<PlannedCase> {
    let built_in: Vec<Device> =
        fencelab_bench::vm::Config::default().devices.iter().map(|device| device.described()).collect();
    let hardware = catalogue::suites().iter().flat_map(|(_, cases)| *cases).find_map(metal);
    let mut known = everything(&built_in, words);
    known.extend(everything(hardware.as_slice(), words));
    known.extend(
        here.iter().filter(|case| !known.iter().any(|k| k.id == case.id)).cloned().collect::<Vec<_>>(),
    );
    known
}

/// The hardware that a case needs and no guest has.
fn metal(case: &fencelab_suites::Case) -> Option<Device> {
    let driver = case.metal()?;
    Some(Device {
        name: driver.into(),
        driver: driver.into(),
        kind: DeviceKind::Drm,
        has_kms: true,
        has_render: true,
        node: None,
        render_node: None,
        bus_path: None,
    })
}

fn planned(bound: &catalogue::Planned) -> PlannedCase {
    let case = bound.case;
    PlannedCase {
        id: bound.id(),
        suite: case.suite.into(),
        name: case.name.into(),
        devices: bound.devices.iter().map(|d| d.name.clone()).collect(),
        limit_ms: u64::try_from(case.budget.as_millis()).unwrap_or(u64::MAX),
        rules: case.rules.iter().map(|rule| (*rule).into()).collect(),
        about: case.about.into(),
        env: vec![],
        program: None,
    }
}

/// The suites' own view of a bench's device: neither knows the other's type, so that each stands alone.
pub(crate) fn described(device: &Device) -> fencelab_suites::Device {
    fencelab_suites::Device {
        name: device.name.clone(),
        driver: device.driver.clone(),
        kind: match device.kind {
            DeviceKind::Drm => Kind::Drm,
            DeviceKind::Udmabuf => Kind::Udmabuf,
            DeviceKind::DmaHeap => Kind::DmaHeap,
            DeviceKind::Module => Kind::Module,
        },
        has_kms: device.has_kms,
        has_render: device.has_render,
        node: None,
        render_node: None,
        bus_path: None,
    }
}
