//! The two kernels that a source can become.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fragment::Fragment;
use crate::patch::{self, Patch};

/// Which annotations a guest kernel carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// The source as it is: only the annotations that mainline carries.
    Stock,
    /// The source plus our patches, one per patch of the annotation series.
    Annotated,
}

impl Variant {
    /// Both, in the order in which building them is cheapest.
    pub const ALL: [Variant; 2] = [Variant::Stock, Variant::Annotated];

    /// The name used on the command line, in cache folders and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Stock => "stock",
            Variant::Annotated => "annotated",
        }
    }

    /// The patches that this variant adds to its source, in the order in which they apply.
    pub fn patches(self) -> &'static [Patch] {
        match self {
            Variant::Stock => &[],
            Variant::Annotated => patch::SERIES,
        }
    }

    /// The variant of a running kernel, from its release (`uname -r`); `None` for a kernel that was not built here.
    pub fn of_release(release: &str) -> Option<Variant> {
        // The longer suffix ends with neither the other nor anything else, so the order does not matter.
        Variant::ALL.into_iter().find(|variant| release.ends_with(variant.local_version()))
    }

    /// What the build appends to the kernel's version.
    fn local_version(self) -> &'static str {
        match self {
            Variant::Stock => "-fencelab",
            Variant::Annotated => "-fencelab-annotated",
        }
    }

    /// The one option that differs between the variants.
    pub(crate) fn fragment(self) -> Fragment {
        Fragment::new(
            format!("variant {self}"),
            format!("CONFIG_LOCALVERSION=\"{}\"\n", self.local_version()),
        )
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no [`Variant`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no kernel variant is called {0:?}; there are stock and annotated")]
pub struct UnknownVariant(String);

impl FromStr for Variant {
    type Err = UnknownVariant;

    fn from_str(text: &str) -> Result<Self, UnknownVariant> {
        Variant::ALL
            .into_iter()
            .find(|variant| variant.name() == text)
            .ok_or_else(|| UnknownVariant(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for variant in Variant::ALL {
            assert_eq!(variant.name().parse(), Ok(variant));
        }
        let error = "Stock".parse::<Variant>().unwrap_err().to_string();
        assert!(error.contains("\"Stock\"") && error.contains("annotated"), "{error}");
    }

    #[test]
    fn a_release_tells_its_variant() {
        assert_eq!(Variant::of_release("6.12.117-fencelab"), Some(Variant::Stock));
        assert_eq!(Variant::of_release("6.12.117-fencelab-annotated"), Some(Variant::Annotated));
        assert_eq!(Variant::of_release("6.1.0-38-amd64"), None);
        assert_eq!(Variant::of_release(""), None);
    }

    #[test]
    fn only_the_annotated_variant_is_patched() {
        assert!(Variant::Stock.patches().is_empty());
        let numbers: Vec<u8> = Variant::Annotated.patches().iter().map(Patch::number).collect();
        assert_eq!(numbers, [5, 6, 8, 13]);
    }
}
