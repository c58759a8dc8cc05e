//! The lists' form.

use fencelab_events::Verdict;
use regex::Regex;

/// Which list it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Known to fail: failing is expected, passing is an improvement.
    Fails,
    /// Known to fail now and then.
    Flakes,
    /// Not to be run.
    Skips,
}

impl Kind {
    /// What a file of this name holds, and for what: `vkms-fails.txt` holds the fails of `vkms`.
    pub fn of_file_name(name: &str) -> Option<(Kind, &str)> {
        [(Kind::Fails, "-fails.txt"), (Kind::Flakes, "-flakes.txt"), (Kind::Skips, "-skips.txt")]
            .into_iter()
            .find_map(|(kind, end)| Some((kind, name.strip_suffix(end)?)))
    }
}

/// How bad a known fail is: deqp-runner's words, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It ran unarmed.
    Warn,
    /// A check does not hold, or the kernel reports something.
    Fail,
    /// It overruns its limit.
    Timeout,
    /// Its process dies, or the machine does.
    Crash,
}

impl Status {
    const WORDS: [(&'static str, Status); 4] = [
        ("Warn", Status::Warn),
        ("Fail", Status::Fail),
        ("Timeout", Status::Timeout),
        ("Crash", Status::Crash),
    ];

    fn of_word(word: &str) -> Option<Status> {
        Status::WORDS.into_iter().find_map(|(known, status)| (known == word).then_some(status))
    }
}

/// Why a list cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("read {file}, line {line}: {why}")]
pub struct Error {
    /// The list's file.
    pub file: String,
    /// The line's number, from 1.
    pub line: usize,
    /// What is wrong with it, and what was expected.
    pub why: String,
}

/// One line of a list.
#[derive(Debug, Clone)]
pub struct Line {
    /// The list's file.
    pub file: String,
    /// Its number, from 1.
    pub number: usize,
    /// The case's id, or the expression that matches it.
    pub pattern: String,
    /// How bad it is known to be; any way where nothing is said.
    pub status: Option<Status>,
    /// Words of the kernel's report that it speaks of; of whatever is wrong where nothing is said.
    pub reports: Option<String>,
    regex: Regex,
}

/// What stands between a pattern and the words of a report. No case's id holds a blank.
const REPORTS: &str = " reports:";

impl Line {
    /// Whether it speaks of a case.
    pub fn matches(&self, id: &str) -> bool {
        self.pattern == id || self.regex.is_match(id)
    }

    /// Whether it speaks of this verdict: with words of a report, only of a case with which nothing is wrong but reports that
    /// have them in their titles, or nothing at all.
    pub fn speaks_of(&self, verdict: Verdict, titles: &[&str]) -> bool {
        let Some(words) = &self.reports else { return true };
        match verdict {
            Verdict::Pass => true,
            Verdict::Splat => !titles.is_empty() && titles.iter().all(|title| title.contains(words)),
            _ => false,
        }
    }

    /// `vkms-fails.txt:3`.
    pub fn place(&self) -> String {
        format!("{}:{}", self.file, self.number)
    }
}

/// One file.
#[derive(Debug, Clone)]
pub struct List {
    /// Which list it is.
    pub kind: Kind,
    /// Its lines, without comments.
    pub lines: Vec<Line>,
}

impl List {
    /// Reads a file's text.
    ///
    /// # Errors
    /// A status that is none, an expression that is none: with file and line.
    pub fn parse(file: &str, kind: Kind, text: &str) -> Result<List, Error> {
        let lines = text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
            .map(|(number, line)| {
                parse_line(kind, line)
                    .map(|parsed| Line { file: file.to_owned(), number, ..parsed })
                    .map_err(|why| Error { file: file.to_owned(), line: number, why })
            })
            .collect::<Result<_, _>>()?;
        Ok(List { kind, lines })
    }
}

fn parse_line(kind: Kind, line: &str) -> Result<Line, String> {
    let (line, reports) = match line.split_once(REPORTS) {
        Some(_) if kind == Kind::Skips => return Err("what is not run reports nothing".into()),
        Some((_, words)) if words.trim().is_empty() => {
            return Err("the words of the report are missing".into());
        }
        Some((line, words)) => (line.trim_end(), Some(words.trim().to_owned())),
        None => (line, None),
    };
    let (pattern, status) = match line.rsplit_once(',') {
        Some((pattern, word)) if kind == Kind::Fails => (pattern.trim_end(), Some(status(word.trim())?)),
        _ => (line, None),
    };
    let regex = regex(kind, pattern)?;
    Ok(Line { file: String::new(), number: 0, pattern: pattern.to_owned(), status, reports, regex })
}

fn status(word: &str) -> Result<Status, String> {
    Status::of_word(word).ok_or_else(|| {
        let known = Status::WORDS.map(|(word, _)| word).join(", ");
        format!("{word:?} is no status of a known fail; expected one of {known}")
    })
}

/// A line of skips and flakes matches anywhere in the id, as in deqp-runner; one of fails must match the whole id,
/// so that it never hides a new fail whose name begins the same way.
fn regex(kind: Kind, pattern: &str) -> Result<Regex, String> {
    let whole = match kind {
        Kind::Fails => format!("^(?:{pattern})$"),
        Kind::Flakes | Kind::Skips => pattern.to_owned(),
    };
    let why = |error: regex::Error| {
        let last = error.to_string();
        let last = last.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        format!("{pattern:?} is neither a case id nor a regular expression: {last}")
    };
    // The pattern alone first: its error does not speak of what was put around it.
    Regex::new(pattern).map_err(why)?;
    Regex::new(&whole).map_err(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(text: &str) -> Result<List, Error> {
        List::parse("vkms-fails.txt", Kind::Fails, text)
    }

    #[test]
    fn comments_and_statuses() {
        let list = fails("# known\n\natomic/flip@qxl,Crash\n  atomic/test-only@vkms  \n").unwrap();
        let read: Vec<_> = list.lines.iter().map(|l| (l.number, l.pattern.as_str(), l.status)).collect();
        assert_eq!(read, [(3, "atomic/flip@qxl", Some(Status::Crash)), (4, "atomic/test-only@vkms", None)]);
    }

    #[test]
    fn an_id_matches_itself_though_it_has_signs_of_expressions() {
        let list = fails("dma-buf/import@vgem+vkms").unwrap();
        assert!(list.lines[0].matches("dma-buf/import@vgem+vkms"));
    }

    #[test]
    fn a_fail_matches_whole_ids_and_a_flake_parts() {
        assert!(!fails("syncobj/wait").unwrap().lines[0].matches("syncobj/wait-all@virtio-gpu"));
        assert!(fails("syncobj/wait.*").unwrap().lines[0].matches("syncobj/wait-all@virtio-gpu"));
        let flakes = List::parse("f", Kind::Flakes, "wait.*@virtio").unwrap();
        assert!(flakes.lines[0].matches("syncobj/wait-all@virtio-gpu"));
    }

    #[test]
    fn errors_name_file_line_and_what_was_expected() {
        let error = fails("a/b@c\na/b@c,Maybe\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "read vkms-fails.txt, line 2: \"Maybe\" is no status of a known fail; expected one of Warn, Fail, Timeout, Crash"
        );
        let error = fails("a/(b@c\n").unwrap_err().to_string();
        assert_eq!(
            error,
            "read vkms-fails.txt, line 1: \"a/(b@c\" is neither a case id nor a regular expression: unclosed group"
        );
    }

    #[test]
    fn a_line_may_speak_of_one_report_alone() {
        let list =
            fails("atomic/.*@qxl reports: WARNING in ttm_bo_unpin\natomic/.*@qxl,Fail reports: x").unwrap();
        let line = &list.lines[0];
        assert_eq!((line.pattern.as_str(), list.lines[1].status), ("atomic/.*@qxl", Some(Status::Fail)));
        let (known, other) = ("WARNING in ttm_bo_unpin at ttm_bo.c:612", "WARNING in drm_foo");
        assert!(line.speaks_of(Verdict::Splat, &[known]) && line.speaks_of(Verdict::Pass, &[]));
        assert!(!line.speaks_of(Verdict::Splat, &[known, other]) && !line.speaks_of(Verdict::Splat, &[]));
        assert!(!line.speaks_of(Verdict::Fail, &[known]) && !line.speaks_of(Verdict::Crash, &[known]));
        assert!(List::parse("f", Kind::Skips, "a/b reports: c").is_err());
        assert!(List::parse("f", Kind::Flakes, "a/b reports:").is_err());
    }

    #[test]
    fn kinds_by_file_name() {
        assert_eq!(Kind::of_file_name("vkms-fails.txt"), Some((Kind::Fails, "vkms")));
        assert_eq!(Kind::of_file_name("amdgpu-raven-skips.txt"), Some((Kind::Skips, "amdgpu-raven")));
        assert_eq!(Kind::of_file_name("README.md"), None);
    }
}
