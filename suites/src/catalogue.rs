//! Every case there is, and the matrix of cases and devices.

use crate::case::Case;
use crate::device::Device;
use crate::{
    atomic, dma_buf, fuzz, gbm, hang, i915_selftest, kunit, prime, race, reset, stress, submit, sync_file,
    syncobj, unplug, userptr, xe,
};

/// A case bound to its devices.
#[derive(Debug, Clone)]
pub struct Planned {
    /// The case.
    pub case: &'static Case,
    /// Its devices, in the order of its roles.
    pub devices: Vec<Device>,
}

impl Planned {
    /// `suite/case@device+device`, or `suite/case` for a case without devices.
    pub fn id(&self) -> String {
        let names: Vec<&str> = self.devices.iter().map(|d| d.name.as_str()).collect();
        match names.as_slice() {
            [] => self.case.id(),
            names => format!("{}@{}", self.case.id(), names.join("+")),
        }
    }
}

/// All suites, in the order in which a night runs them: what leaves the devices alone first.
pub fn suites() -> Vec<(&'static str, &'static [Case])> {
    vec![
        (sync_file::SUITE, sync_file::CASES),
        (syncobj::SUITE, syncobj::CASES),
        (dma_buf::SUITE, dma_buf::CASES),
        (submit::SUITE, submit::CASES),
        (prime::SUITE, prime::CASES),
        (userptr::SUITE, userptr::CASES),
        (xe::SUITE, xe::CASES),
        // Its longest case takes minutes in emulation: at the end the other guests would wait for it.
        (kunit::SUITE, kunit::CASES),
        (atomic::SUITE, atomic::CASES),
        (gbm::SUITE, gbm::CASES),
        (reset::SUITE, reset::CASES),
        (fuzz::SUITE, fuzz::CASES),
        (i915_selftest::SUITE, i915_selftest::CASES),
        (stress::SUITE, stress::CASES),
        (unplug::SUITE, unplug::CASES),
        (hang::SUITE, hang::CASES),
        (race::SUITE, race::CASES),
    ]
}

/// The suites that test the harness itself; planned only where they are asked for by name.
pub fn hidden() -> Vec<(&'static str, &'static [Case])> {
    vec![("mock", crate::mock::CASES)]
}

/// The case of this suite and name, the hidden ones among them.
pub fn find(suite: &str, name: &str) -> Option<&'static Case> {
    suites()
        .into_iter()
        .chain(hidden())
        .flat_map(|(_, cases)| cases)
        .find(|c| c.suite == suite && c.name == name)
}

/// Every case of these suites on every ordered tuple of distinct devices that its roles admit.
pub fn plan(suites: &[(&'static str, &'static [Case])], devices: &[Device]) -> Vec<Planned> {
    suites.iter().flat_map(|(_, cases)| *cases).flat_map(|case| bind(case, devices)).collect()
}

fn bind(case: &'static Case, devices: &[Device]) -> Vec<Planned> {
    let mut tuples: Vec<Vec<Device>> = vec![Vec::new()];
    for role in case.roles {
        let longer = |tuple: &Vec<Device>| {
            let fits = devices.iter().filter(|d| role.admits(d) && !tuple.contains(d));
            fits.map(|d| tuple.iter().chain([d]).cloned().collect()).collect::<Vec<_>>()
        };
        tuples = tuples.iter().flat_map(longer).collect();
    }
    tuples.into_iter().map(|devices| Planned { case, devices }).collect()
}

/// Why a case has no devices among these; none where it has.
pub fn unmet(case: &'static Case, devices: &[Device]) -> Option<String> {
    if !bind(case, devices).is_empty() {
        return None;
    }
    let missing = case.roles.iter().filter(|role| !devices.iter().any(|device| role.admits(device)));
    let mut needs: Vec<&str> = missing.map(|role| role.need()).collect();
    needs.dedup();
    match needs.is_empty() {
        true => Some(format!("{} devices of different kinds", case.roles.len())),
        false => Some(needs.join(" and ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_without_devices_tells_what_it_needs() {
        let case = find("atomic", "foreign-out-fence").unwrap();
        assert_eq!(unmet(case, &[]).as_deref(), Some("a DRM device that drives a display"));
        assert_eq!(unmet(find("sync-file", "poll").unwrap(), &[]), None);
    }
}
