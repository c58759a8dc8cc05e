//! Cases that exist, and have no devices on a bench: why.

use fencelab_events::Device;
use fencelab_suites::{Case, Kind, catalogue, gbm};
use glob::Pattern;

use crate::plan::described;

/// Whether a pattern takes a suite or a case that exists, whatever the devices.
pub(crate) fn is_known(pattern: &str) -> bool {
    cases(pattern).next().is_some()
}

/// The cases that a pattern takes, its devices left aside.
fn cases(pattern: &str) -> impl Iterator<Item = &'static Case> {
    let bare = pattern.split('@').next().unwrap_or(pattern);
    let pattern = Pattern::new(bare).ok();
    let all = catalogue::suites().into_iter().flat_map(|(_, cases)| cases);
    all.filter(move |case| pattern.as_ref().is_some_and(|p| p.matches(case.suite) || p.matches(&case.id())))
}

/// Why words that name cases take none on these devices.
pub(crate) fn nothing(words: &[String], devices: &[Device]) -> anyhow::Error {
    let mine: Vec<_> = devices.iter().map(described).collect();
    let needs = words.iter().find_map(|word| cases(word).find_map(|case| catalogue::unmet(case, &mine)));
    let needs = needs.map(|needs| format!(": it needs {needs}")).unwrap_or_default();
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    anyhow::anyhow!(
        "find devices for {} on this bench{needs}; {}; `fencelab doctor` says what else is missing",
        words.join(", "),
        have(devices)
    )
}

fn have(devices: &[Device]) -> String {
    let drm: Vec<&str> = devices
        .iter()
        .filter(|device| described(device).kind == Kind::Drm)
        .map(|device| device.name.as_str())
        .collect();
    match drm.is_empty() {
        true => "it has no DRM device in /dev/dri (`--bench vm` boots a guest that has several)".into(),
        false => format!("it has {}", drm.join(", ")),
    }
}

/// For each suite with cases that cannot run here: the suite, how many cases, and what they need.
pub(crate) fn uncovered(devices: &[Device]) -> Vec<(&'static str, usize, String)> {
    let mine: Vec<_> = devices.iter().map(described).collect();
    let mut found: Vec<(&'static str, usize, String)> = Vec::new();
    for (suite, cases) in catalogue::suites() {
        let library = (suite == gbm::SUITE && !gbm::BUILT_IN).then(|| format!("libgbm: {}", gbm::LEFT_OUT));
        for needs in cases.iter().filter_map(|case| library.clone().or_else(|| catalogue::unmet(case, &mine)))
        {
            match found.iter_mut().find(|(s, _, n)| *s == suite && *n == needs) {
                Some((_, count, _)) => *count += 1,
                None => found.push((suite, 1, needs)),
            }
        }
    }
    found
}
