//! Lists of cases and blocklists, as igt_runner, deqp-runner and drm-ci have them: one a line, `#` begins a comment.

use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

use crate::Error;

/// A list's lines, each with its number.
#[derive(Debug)]
pub(crate) struct List {
    /// The file, for errors.
    pub(crate) path: PathBuf,
    /// Number, from 1, and text.
    pub(crate) lines: Vec<(usize, String)>,
}

impl List {
    /// Reads it; comments and empty lines are left out.
    pub(crate) fn read(path: &Path) -> Result<List, Error> {
        let text = fs::read_to_string(path).map_err(Error::read(path))?;
        let lines = (1..).zip(text.lines()).filter_map(|(number, line)| {
            let line = line.trim();
            (!line.is_empty() && !line.starts_with('#')).then(|| (number, line.to_owned()))
        });
        Ok(List { path: path.into(), lines: lines.collect() })
    }

    /// An error about one of its lines.
    pub(crate) fn error(&self, line: usize, what: impl Into<String>) -> Error {
        Error::Line { path: self.path.clone(), line, what: what.into() }
    }

    /// Those of `known` that the list names, in the list's order; `aliases` are the other ways to write a name.
    ///
    /// # Errors
    /// For the first line that names none, with the nearest name.
    pub(crate) fn pick(
        &self,
        known: &[String],
        alias: impl Fn(&str) -> String,
    ) -> Result<Vec<String>, Error> {
        let all: std::collections::HashSet<&str> = known.iter().map(String::as_str).collect();
        let mut picked = Vec::new();
        for (number, line) in &self.lines {
            let name = alias(line);
            if !all.contains(name.as_str()) {
                return Err(self.error(*number, unknown(line, &name, known)));
            }
            picked.push(name);
        }
        Ok(picked)
    }
}

fn unknown(line: &str, name: &str, known: &[String]) -> String {
    let near = known
        .iter()
        .map(|k| (strsim::jaro_winkler(k, name), k))
        .filter(|(score, _)| *score > 0.85)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match near {
        Some((_, near)) => format!("there is no test `{line}`; did you mean `{near}`?"),
        None => format!("there is no test `{line}`"),
    }
}

/// The expressions of a blocklist.
#[derive(Debug, Default)]
pub(crate) struct Blocklist(Vec<Regex>);

impl Blocklist {
    /// Reads it; none where there is no file.
    pub(crate) fn read(path: Option<&Path>) -> Result<Blocklist, Error> {
        let Some(path) = path else { return Ok(Blocklist::default()) };
        let list = List::read(path)?;
        let compile = |(number, line): &(usize, String)| {
            Regex::new(&format!("^(?:{line})$"))
                .map_err(|_| list.error(*number, format!("`{line}` is no regular expression")))
        };
        list.lines.iter().map(compile).collect::<Result<_, _>>().map(Blocklist)
    }

    /// Whether a case is to be left out, under any of its names.
    pub(crate) fn takes(&self, names: &[&str]) -> bool {
        self.0.iter().any(|regex| names.iter().any(|name| regex.is_match(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn an_unknown_name_is_told_with_its_line_and_the_nearest() {
        let file = file("# ours\n\ncore_auth\nkms_flop\n");
        let list = List::read(file.path()).unwrap();
        let known = ["core_auth".to_owned(), "kms_flip".to_owned()];
        let error = list.pick(&known, str::to_owned).unwrap_err().to_string();
        assert!(error.ends_with(":4: there is no test `kms_flop`; did you mean `kms_flip`?"), "{error}");
    }

    #[test]
    fn a_blocklist_takes_whole_names() {
        let blocklist = Blocklist::read(Some(file("kms_.*@basic.*\n").path())).unwrap();
        assert!(blocklist.takes(&["kms_flip@basic-flip"]));
        assert!(!blocklist.takes(&["igt@kms_flip@basic-flip"]));
        let error = Blocklist::read(Some(file("a\n(b\n").path())).unwrap_err().to_string();
        assert!(error.contains(":2: `(b` is no regular expression"), "{error}");
    }
}
