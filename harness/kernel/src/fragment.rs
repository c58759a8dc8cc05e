//! Config fragments: the options we ask for, each with the file and line that asks.

use crate::error::Error;

/// A piece of kernel configuration: `CONFIG_X=value` and `# CONFIG_X is not set` lines, with comments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fragment {
    name: String,
    text: String,
}

/// One option that a fragment asks for. `n` stands for "not set".
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) option: String,
    pub(crate) value: String,
    pub(crate) fragment: String,
    pub(crate) line: usize,
}

/// Embeds fragments from `configs/kernel` under the names by which error messages call them.
macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../configs/kernel/", $name)))),*]
    };
}

const BASE: &[(&str, &str)] = embed![
    "machine.config",
    "virtio.config",
    "filesystems.config",
    "userspace.config",
    "cgroups.config",
    "memory.config",
    "lockdep.config",
    "watchdogs.config",
    "tracing.config",
    "faults.config",
    "dma-buf.config",
    "drivers.config",
    "selftests.config",
];

const OPTIONAL: &[(&str, &str)] = embed!["optional/kasan.config"];

impl Fragment {
    /// A fragment of the caller's own; `name` is what errors call it, usually its path.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Fragment {
        Fragment { name: name.into(), text: text.into() }
    }

    /// The fragments that every guest kernel is built from.
    pub fn base() -> Vec<Fragment> {
        BASE.iter().map(|&(name, text)| Fragment::new(name, text)).collect()
    }

    /// An extra that ships with the program but is off by default, by its short name (`kasan`).
    pub fn optional(name: &str) -> Option<Fragment> {
        OPTIONAL
            .iter()
            .find(|(file, _)| short_name(file) == name)
            .map(|&(file, text)| Fragment::new(file, text))
    }

    /// The short names that [`Fragment::optional`] knows.
    pub fn optional_names() -> impl Iterator<Item = &'static str> {
        OPTIONAL.iter().map(|(file, _)| short_name(file))
    }

    /// The name given at construction.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text as written, comments included.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The options asked for, in order. A line that is neither an option nor a comment is an error: a typing mistake must
    /// not become an option that is silently missing.
    pub(crate) fn asked(&self) -> Result<Vec<Asked>, Error> {
        let mut asked = Vec::new();
        for (index, text) in self.text.lines().enumerate() {
            match parse_line(text) {
                Line::Nothing => {}
                Line::Option(option, value) => asked.push(Asked {
                    option: option.to_owned(),
                    value: value.to_owned(),
                    fragment: self.name.clone(),
                    line: index + 1,
                }),
                Line::Bad => {
                    return Err(Error::BadFragment {
                        fragment: self.name.clone(),
                        line: index + 1,
                        text: text.to_owned(),
                    });
                }
            }
        }
        Ok(asked)
    }
}

fn short_name(file: &str) -> &str {
    let file = file.rsplit('/').next().unwrap_or(file);
    file.strip_suffix(".config").unwrap_or(file)
}

/// One line of a fragment or of a `.config`: both are written in the same form (`scripts/kconfig/confdata.c`).
pub(crate) enum Line<'a> {
    Nothing,
    Option(&'a str, &'a str),
    Bad,
}

pub(crate) fn parse_line(text: &str) -> Line<'_> {
    let text = text.trim();
    let unset = text.strip_prefix("# ").and_then(|rest| rest.strip_suffix(" is not set"));
    if let Some(option) = unset.filter(|option| is_option(option)) {
        return Line::Option(option, "n");
    }
    if text.is_empty() || text.starts_with('#') {
        return Line::Nothing;
    }
    match text.split_once('=') {
        Some((option, value)) if is_option(option) && !value.is_empty() => Line::Option(option, value),
        _ => Line::Bad,
    }
}

fn is_option(name: &str) -> bool {
    name.strip_prefix("CONFIG_")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_carry_their_place() {
        let fragment =
            Fragment::new("my.config", "# why\n\nCONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"a=b\"\n");
        let asked = fragment.asked().unwrap();
        let seen: Vec<_> = asked.iter().map(|a| (a.option.as_str(), a.value.as_str(), a.line)).collect();
        assert_eq!(seen, [("CONFIG_A", "y", 3), ("CONFIG_B", "n", 4), ("CONFIG_C", "\"a=b\"", 5)]);
        assert!(asked.iter().all(|a| a.fragment == "my.config"));
    }

    #[test]
    fn a_mistyped_line_is_an_error_with_its_place() {
        for bad in ["CONFIG_A", "CONIFG_A=y", "CONFIG_A =y", "CONFIG_A=", "CONFIG_=y", "A=y"] {
            let error = Fragment::new("x.config", format!("CONFIG_OK=y\n{bad}\n")).asked().unwrap_err();
            let message = error.to_string();
            assert!(message.contains("x.config:2") && message.contains(bad), "{message}");
        }
    }

    #[test]
    fn a_comment_about_an_option_asks_for_nothing() {
        let asked =
            Fragment::new("x", "# CONFIG_A=y would be too slow\n#CONFIG_B is not set\n").asked().unwrap();
        assert_eq!(asked, []);
    }

    #[test]
    fn every_fragment_of_the_checkout_is_embedded_and_well_formed() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/kernel");
        for (folder, prefix, embedded) in
            [(folder.clone(), "", BASE), (folder.join("optional"), "optional/", OPTIONAL)]
        {
            let mut on_disk: Vec<String> = std::fs::read_dir(&folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .filter(|name| name.ends_with(".config"))
                .map(|name| format!("{prefix}{name}"))
                .collect();
            on_disk.sort();
            let mut names: Vec<&str> = embedded.iter().map(|&(name, _)| name).collect();
            names.sort_unstable();
            assert_eq!(names, on_disk);
            for &(name, text) in embedded {
                let asked = Fragment::new(name, text).asked().unwrap();
                assert!(!asked.is_empty(), "{name} asks for nothing");
                assert!(text.starts_with("# "), "{name} does not say what it is for");
            }
        }
    }

    #[test]
    fn no_option_is_asked_for_twice() {
        let mut seen = std::collections::HashMap::new();
        for asked in Fragment::base().iter().flat_map(|fragment| fragment.asked().unwrap()) {
            let place = format!("{}:{}", asked.fragment, asked.line);
            let before = seen.insert(asked.option.clone(), place.clone());
            assert_eq!(before, None, "{} is asked for again at {place}", asked.option);
        }
    }

    #[test]
    fn optional_fragments_are_found_by_short_name() {
        let kasan = Fragment::optional("kasan").unwrap();
        assert_eq!(kasan.name(), "optional/kasan.config");
        assert!(kasan.text().contains("CONFIG_KASAN=y"));
        assert_eq!(Fragment::optional("optional/kasan.config"), None);
        assert_eq!(Fragment::optional_names().collect::<Vec<_>>(), ["kasan"]);
    }
}
