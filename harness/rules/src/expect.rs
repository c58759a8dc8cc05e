//! Which case provokes what: `configs/proofs/plan.yaml`, built into fencelab, read by its caller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::knob::Knob;
use crate::proof::{Explained, Subject};

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What provokes a knob, by the word in its list. `{device}` is the twin whose knob it is, `{other}` the other one.
    pub provocations: BTreeMap<String, Provocation>,
    /// Where a real driver shows a patch's violation.
    #[serde(default)]
    pub drivers: Vec<DriverProof>,
    /// Patches that cannot be shown without the hardware, or not at all.
    #[serde(default)]
    pub explained: Vec<Explained>,
    /// Rules that no twin breaks, with the case that was seen to fail where a preloaded library does.
    #[serde(default)]
    pub broken: Vec<Broken>,
    /// Rules of which no guest has a device, with the reason.
    #[serde(default)]
    pub metal: BTreeMap<String, String>,
    /// Rules that can be planted and are not, with the reason.
    #[serde(default)]
    pub unplanted: BTreeMap<String, String>,
    /// Rules that user space can test and no case does, with the reason.
    #[serde(default)]
    pub untested: BTreeMap<String, String>,
    /// Rules that a kernel report shows and no matcher knows, with the reason.
    #[serde(default)]
    pub unmatched: BTreeMap<String, String>,
}

/// A case's name with places for devices: `submit/many@{device}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Provocation(pub String);

/// A rule that a preloaded library breaks, and who notices.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Broken {
    /// The rule.
    pub rule: String,
    /// What is broken, where the rule says more than one thing.
    #[serde(default)]
    pub fault: Option<String>,
    /// The case with its devices, which passes where nothing is broken.
    pub case: String,
    /// Words of its failure.
    pub says: String,
}

impl Broken {
    /// What is broken: the rule, or a part of it.
    pub fn fault(&self) -> &str {
        self.fault.as_deref().unwrap_or(&self.rule)
    }
}

/// A fault that a real driver has.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriverProof {
    /// The patch.
    pub row: u8,
    /// The kernel that shows it.
    pub kernel: String,
    /// The case with its devices.
    pub case: String,
    /// The rules that the report must be given.
    pub rules: Vec<String>,
    /// The kinds of report that are right.
    pub kinds: Vec<String>,
    /// What it is.
    pub what: String,
}

/// One boot to make: what is planted, which case runs, and what must be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Its name.
    pub name: String,
    /// What is to be shown.
    pub subject: Subject,
    /// The kernel to boot.
    pub kernel: String,
    /// The case with its devices.
    pub case: String,
}

impl Provocation {
    /// The case for this knob.
    pub fn case(&self, knob: &Knob) -> String {
        let (device, other) = match knob.device.as_str() {
            "i915" => ("i915-twin", "amdgpu-twin"),
            // A knob of the core fires on either twin.
            _ => ("amdgpu-twin", "i915-twin"),
        };
        self.0.replace("{device}", device).replace("{other}", other)
    }
}

impl Plan {
    /// What is to be seen of this knob; none where nobody knows what provokes it.
    pub fn expected(&self, knob: &Knob, kernel: &str) -> Option<Expected> {
        // A word of one device alone goes before the word for all.
        let own = format!("{}/{}", knob.provoked_by, knob.name);
        let provocation = self.provocations.get(&own).or_else(|| self.provocations.get(&knob.provoked_by))?;
        Some(Expected {
            name: knob.name.clone(),
            subject: Subject::Knob(knob.clone()),
            kernel: kernel.into(),
            case: provocation.case(knob),
        })
    }

    /// What is to be seen of real drivers.
    pub fn expected_of_drivers(&self) -> impl Iterator<Item = Expected> {
        self.drivers.iter().map(|proof| Expected {
            name: format!("{} ({})", proof.case, proof.kernel),
            subject: Subject::Driver {
                row: proof.row,
                rules: proof.rules.clone(),
                kinds: proof.kinds.clone(),
                what: proof.what.clone(),
            },
            kernel: proof.kernel.clone(),
            case: proof.case.clone(),
        })
    }
}
