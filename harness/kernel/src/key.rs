//! The name under which a finished kernel is cached.

use sha2::{Digest, Sha256};

use crate::fragment::Asked;
use crate::variant::Variant;

/// Raised when the build itself changes in a way that makes old results wrong.
const RECIPE: u32 = 1;

/// Everything that decides what a build yields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inputs<'a> {
    pub(crate) variant: Variant,
    /// See [`Source::fingerprint`](crate::source::Source::fingerprint).
    pub(crate) source: &'a str,
    /// Options and values only: nobody should wait for a build because a comment changed.
    pub(crate) options: &'a [Asked],
    /// Version lines of compiler and linker.
    pub(crate) toolchain: &'a str,
}

impl Inputs<'_> {
    /// The folder's name: the variant for people, a hash for the rest. Two builds with equal keys yield equal kernels, as
    /// far as the source's fingerprint tells sources apart.
    pub(crate) fn key(&self) -> String {
        let patches = self.variant.patches().iter().map(|patch| -> &str { patch.diff() });
        let options = self.options.iter().flat_map(|asked| [asked.option.as_str(), asked.value.as_str()]);
        let mut hash = Sha256::new();
        for part in
            [self.variant.name(), self.source, self.toolchain].into_iter().chain(patches).chain(options)
        {
            // With its length in front, no part can pass for the end of another.
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        hash.update(RECIPE.to_le_bytes());
        let hash = format!("{:x}", hash.finalize());
        format!("{}-{}", self.variant, &hash[..16])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::Fragment;

    fn key(variant: Variant, source: &str, config: &str, toolchain: &str) -> String {
        let options = Fragment::new("test", config).asked().unwrap();
        Inputs { variant, source, options: &options, toolchain }.key()
    }

    #[test]
    fn equal_inputs_have_equal_keys() {
        let first = key(Variant::Stock, "s", "CONFIG_A=y\n", "gcc 12");
        assert_eq!(key(Variant::Stock, "s", "# why\nCONFIG_A=y\n", "gcc 12"), first);
        assert!(first.starts_with("stock-") && first.len() == "stock-".len() + 16, "{first}");
    }

    #[test]
    fn every_input_counts() {
        let both = "CONFIG_A=y\nCONFIG_B=y\n";
        let keys = [
            key(Variant::Stock, "s", both, "gcc 12"),
            key(Variant::Annotated, "s", both, "gcc 12"),
            key(Variant::Stock, "t", both, "gcc 12"),
            key(Variant::Stock, "s", both, "gcc 13"),
            key(Variant::Stock, "s", "CONFIG_B=y\nCONFIG_A=y\n", "gcc 12"),
            key(Variant::Stock, "s", "CONFIG_A=y\n", "gcc 12"),
            key(Variant::Stock, "s", "CONFIG_A=y\n# CONFIG_B is not set\n", "gcc 12"),
        ];
        let distinct: std::collections::HashSet<&String> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len(), "{keys:?}");
    }
}
