//! The finished `.config`, and the check that it grants what was asked for.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crate::fragment::{Asked, Line, parse_line};

/// An option that a fragment asked for and Kconfig did not grant: misspelt, gone, or with an unmet dependency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// `CONFIG_…`.
    pub option: String,
    /// The value that the fragment asked for; `n` for "not set".
    pub asked: String,
    /// The value in the finished configuration; `n` for "not set".
    pub got: String,
    /// The fragment that asked last.
    pub fragment: String,
    /// Its line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Missing { option, asked, got, fragment, line } = self;
        write!(f, "{option}={asked} ({fragment}:{line}) became {got}")
    }
}

/// Finds what `config`, the text of a `.config`, does not grant. Where two fragments ask for different values of one option
/// the later one counts, as it does for Kconfig.
pub(crate) fn missing(asked: &[Asked], config: &str) -> Vec<Missing> {
    let granted: HashMap<&str, &str> = config
        .lines()
        .filter_map(|line| match parse_line(line) {
            Line::Option(option, value) => Some((option, value)),
            Line::Nothing | Line::Bad => None,
        })
        .collect();
    let last: BTreeMap<&str, &Asked> = asked.iter().map(|asked| (asked.option.as_str(), asked)).collect();
    let mut missing: Vec<&Asked> =
        last.into_values().filter(|asked| value(&granted, asked) != asked.value).collect();
    missing.sort_by_key(|asked| (&asked.fragment, asked.line));
    missing
        .into_iter()
        .map(|asked| Missing {
            option: asked.option.clone(),
            asked: asked.value.clone(),
            got: value(&granted, asked).to_owned(),
            fragment: asked.fragment.clone(),
            line: asked.line,
        })
        .collect()
}

fn value<'a>(granted: &HashMap<&str, &'a str>, asked: &Asked) -> &'a str {
    granted.get(asked.option.as_str()).copied().unwrap_or("n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fragment::Fragment;

    fn check(fragments: &[(&str, &str)], config: &str) -> Vec<String> {
        let asked: Vec<Asked> =
            fragments.iter().flat_map(|&(name, text)| Fragment::new(name, text).asked().unwrap()).collect();
        missing(&asked, config).iter().map(Missing::to_string).collect()
    }

    #[test]
    fn each_missing_option_names_its_place_and_what_it_got() {
        let fragments =
            [("b.config", "CONFIG_MODULAR=m\nCONFIG_BITS=18\n"), ("a.config", "#\nCONFIG_MMU_NOTIFIER=y\n")];
        let config = "CONFIG_MODULAR=y\nCONFIG_BITS=15\n# CONFIG_OTHER is not set\n";
        assert_eq!(
            check(&fragments, config),
            [
                "CONFIG_MMU_NOTIFIER=y (a.config:2) became n",
                "CONFIG_MODULAR=m (b.config:1) became y",
                "CONFIG_BITS=18 (b.config:2) became 15",
            ]
        );
    }

    #[test]
    fn unset_and_absent_both_grant_n() {
        let fragments = [("a", "# CONFIG_X is not set\n# CONFIG_Y is not set\nCONFIG_Z=y\n")];
        assert_eq!(check(&fragments, "# CONFIG_X is not set\nCONFIG_Z=y\n"), [""; 0]);
    }

    #[test]
    fn the_later_fragment_counts() {
        let fragments = [("base", "CONFIG_A=y\n"), ("mine", "# CONFIG_A is not set\n")];
        assert_eq!(check(&fragments, ""), [""; 0]);
        assert_eq!(check(&fragments, "CONFIG_A=y\n"), ["CONFIG_A=n (mine:1) became y"]);
    }

    #[test]
    fn an_empty_configuration_misses_everything_once() {
        let asked: Vec<Asked> =
            Fragment::base().iter().flat_map(|fragment| fragment.asked().unwrap()).collect();
        let wanted = asked.iter().filter(|asked| asked.value != "n").count();
        assert_eq!(missing(&asked, "").len(), wanted);
    }
}
