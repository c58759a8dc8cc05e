//! Unique names: of two cases with one name, GitLab loses the second.

use std::collections::HashMap;

use crate::text::line;

/// Longer names are cut: they are shown in tables.
const LONGEST: usize = 400;

/// The names given so far.
#[derive(Default)]
pub(super) struct Names {
    /// How often each was asked for.
    given: HashMap<String, usize>,
}

impl Names {
    /// This name, made safe, and with a number behind it where it was given before.
    pub(super) fn unique(&mut self, wanted: &str) -> String {
        let name: String = line(wanted).chars().take(LONGEST).collect();
        let mut candidate = name.clone();
        while self.given.contains_key(&candidate) {
            let times = self.given.entry(name.clone()).or_default();
            *times += 1;
            candidate = format!("{name} #{times}");
        }
        self.given.insert(candidate.clone(), 1);
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_given_once() {
        let mut names = Names::default();
        let given = ["a", "a #2", "a", "a", "b"].map(|name| names.unique(name));
        assert_eq!(given, ["a", "a #2", "a #3", "a #4", "b"]);
    }

    #[test]
    fn names_that_differ_only_in_what_cannot_be_shown_stay_apart() {
        let mut names = Names::default();
        assert_ne!(names.unique("a\u{80}"), names.unique("a\u{81}"));
        assert_ne!(names.unique(&"x".repeat(500)), names.unique(&"x".repeat(501)));
    }
}
