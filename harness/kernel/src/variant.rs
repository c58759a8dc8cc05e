//! The kernels that a source can become.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fragment::Fragment;
use crate::patch::{self, Patch};

/// What a guest kernel carries beyond its source and the fragments that all share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// The source as it is: only the annotations that mainline carries.
    Stock,
    /// The source plus our patches, one per patch of the annotation series.
    Annotated,
    /// The source as it is, with KASAN: slow to build and to run, so only for who asks for it.
    Kasan,
}

impl Variant {
    /// Every one.
    pub const ALL: [Variant; 3] = [Variant::Stock, Variant::Annotated, Variant::Kasan];

    /// Those that are built where nobody names one, in the order in which that is cheapest.
    pub const USUAL: [Variant; 2] = [Variant::Stock, Variant::Annotated];

    /// The name used on the command line, in cache folders and in reports.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Stock => "stock",
            Variant::Annotated => "annotated",
            Variant::Kasan => "kasan",
        }
    }

    /// The patches that this variant adds to its source, in the order in which they apply.
    pub fn patches(self) -> &'static [Patch] {
        match self {
            Variant::Stock | Variant::Kasan => &[],
            Variant::Annotated => patch::SERIES,
        }
    }

    /// The variant of a running kernel, from its release (`uname -r`); `None` for a kernel that was not built here.
    pub fn of_release(release: &str) -> Option<Variant> {
        // No suffix is the end of another, so the order does not matter.
        Variant::ALL.into_iter().find(|variant| release.ends_with(variant.local_version()))
    }

    /// What the build appends to the kernel's version.
    fn local_version(self) -> &'static str {
        match self {
            Variant::Stock => "-fencelab",
            Variant::Annotated => "-fencelab-annotated",
            Variant::Kasan => "-fencelab-kasan",
        }
    }

    /// The option that tells the variants apart.
    pub(crate) fn name_fragment(self) -> Fragment {
        Fragment::new(
            format!("variant {self}"),
            format!("CONFIG_LOCALVERSION=\"{}\"\n", self.local_version()),
        )
    }

    /// What this variant asks for on top of what all share. It counts for the kernel's key, as [`Variant::name`] does.
    pub(crate) fn own_fragment(self) -> Option<Fragment> {
        match self {
            Variant::Stock | Variant::Annotated => None,
            Variant::Kasan => Fragment::optional("kasan"),
        }
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text names no [`Variant`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no kernel variant is called {0:?}; there are stock, annotated and kasan")]
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
        assert!(error.contains("\"Stock\""), "{error}");
        assert!(Variant::ALL.iter().all(|variant| error.contains(variant.name())), "{error}");
    }

    #[test]
    fn a_release_tells_its_variant() {
        assert_eq!(Variant::of_release("6.12.117-fencelab"), Some(Variant::Stock));
        assert_eq!(Variant::of_release("6.12.117-fencelab-annotated"), Some(Variant::Annotated));
        assert_eq!(Variant::of_release("6.12.117-fencelab-kasan"), Some(Variant::Kasan));
        assert_eq!(Variant::of_release("6.1.0-38-amd64"), None);
        assert_eq!(Variant::of_release(""), None);
    }

    #[test]
    fn only_the_annotated_variant_is_patched() {
        assert!(Variant::Stock.patches().is_empty() && Variant::Kasan.patches().is_empty());
        let numbers: Vec<u8> = Variant::Annotated.patches().iter().map(Patch::number).collect();
        assert_eq!(numbers, [5, 6, 8, 13]);
    }

    #[test]
    fn kasan_has_its_fragment_and_nobody_waits_for_it() {
        assert!(Variant::Kasan.own_fragment().unwrap().text().contains("CONFIG_KASAN=y"));
        assert!(Variant::USUAL.into_iter().all(|variant| variant.own_fragment().is_none()));
        assert!(!Variant::USUAL.contains(&Variant::Kasan));
    }
}
