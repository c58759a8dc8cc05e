//! KTAP, the kernel's test output format (`Documentation/dev-tools/ktap.rst`), read from a kernel log or from
//! KUnit's debugfs files. Pure: text in, a tree of tests out.
//!
//! The depth of a line tells whose it is: a result owns the deeper results before it. Everything that is no KTAP
//! line is somebody else's and passed over, since a kernel log has many writers.

/// What a result line says of its test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// `ok`.
    Pass,
    /// `not ok`.
    Fail,
    /// `ok … # SKIP`.
    Skip,
}

/// One test and those inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Test {
    /// Its name; its number where it has none.
    pub name: String,
    /// How it ended.
    pub verdict: Verdict,
    /// What stands behind the directive, `# SKIP needs a GPU`; or the last diagnostic lines of a failed test.
    pub reason: String,
    /// The tests inside it: a suite's cases, a parameterised case's parameters.
    pub parts: Vec<Test>,
    /// How many parts it announced (`1..N`), where it did.
    pub planned: Option<usize>,
}

/// Everything one text said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ktap {
    /// The outermost tests.
    pub tests: Vec<Test>,
    /// Tests that began and have no result: the text ends inside them.
    pub unfinished: Vec<String>,
    /// Why testing stopped early (`Bail out!`).
    pub bail: Option<String>,
    /// A KTAP line was seen at all.
    pub seen: bool,
}

impl Test {
    /// Whether it announced more parts than have results, or fewer.
    pub fn off_plan(&self) -> Option<String> {
        let planned = self.planned.filter(|&planned| planned != self.parts.len())?;
        Some(format!("{planned} planned, {} ran", self.parts.len()))
    }
}

/// One level of depth whose owner has no result yet.
#[derive(Debug, Default)]
struct Level {
    indent: usize,
    name: Option<String>,
    planned: Option<usize>,
    tests: Vec<Test>,
    /// Diagnostics since the last result.
    said: Vec<String>,
}

/// How many lines of what a failed test said are kept as its reason.
const KEPT: usize = 4;

/// Reads a whole text.
pub fn parse<'a>(lines: impl IntoIterator<Item = &'a str>) -> Ktap {
    let mut ktap = Ktap::default();
    let mut levels: Vec<Level> = Vec::new();
    for line in lines {
        let line = strip_prefix(line);
        let text = line.trim_start_matches(' ');
        let indent = line.len() - text.len();
        let Some(said) = classify(text) else { continue };
        // A comment alone proves nothing: other programs log lines that begin with `#`.
        ktap.seen |= !matches!(said, Said::Comment(_));
        match said {
            Said::Version if indent == 0 => finish(std::mem::take(&mut levels), &mut ktap),
            Said::Version => open(&mut levels, indent).planned = None,
            Said::Plan(planned) => open(&mut levels, indent).planned = Some(planned),
            Said::Subtest(name) => open(&mut levels, indent).name = Some(name.to_owned()),
            Said::Comment(comment) => note(&mut levels, indent, comment),
            Said::Result(result) => close(&mut levels, indent, &result),
            Said::Bail(why) => {
                ktap.bail = Some(why.to_owned());
                break;
            }
        }
    }
    finish(levels, &mut ktap);
    ktap
}

/// What one line says.
enum Said<'a> {
    Version,
    Plan(usize),
    Subtest(&'a str),
    Comment(&'a str),
    Result(ResultLine<'a>),
    Bail(&'a str),
}

/// The fields of a result line.
struct ResultLine<'a> {
    verdict: Verdict,
    name: &'a str,
    directive: &'a str,
}

fn classify(text: &str) -> Option<Said<'_>> {
    if let Some(why) = text.strip_prefix("Bail out!") {
        return Some(Said::Bail(why.trim()));
    }
    if text.starts_with("KTAP version ") || text.starts_with("TAP version ") {
        return Some(Said::Version);
    }
    if let Some(comment) = text.strip_prefix('#') {
        let comment = comment.trim();
        return Some(comment.strip_prefix("Subtest: ").map_or(Said::Comment(comment), Said::Subtest));
    }
    if let Some(count) = text.strip_prefix("1..") {
        return count.split(' ').next()?.parse().ok().map(Said::Plan);
    }
    result(text).map(Said::Result)
}

/// `[not ]ok NUMBER [-] NAME [# DIRECTIVE reason]`
fn result(text: &str) -> Option<ResultLine<'_>> {
    let (passed, rest) = match text.strip_prefix("not ok") {
        Some(rest) => (false, rest),
        None => (true, text.strip_prefix("ok")?),
    };
    let rest = rest.strip_prefix(' ')?;
    let (number, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    number.parse::<usize>().ok()?;
    let (name, directive) =
        rest.split_once(" # ").or_else(|| rest.strip_prefix("# ").map(|d| ("", d))).unwrap_or((rest, ""));
    let name = name.trim();
    let name = name.strip_prefix("- ").unwrap_or(name);
    let skip = directive.get(..4).is_some_and(|word| word.eq_ignore_ascii_case("skip"));
    let verdict = match (passed, skip) {
        (_, true) => Verdict::Skip,
        (true, false) => Verdict::Pass,
        (false, false) => Verdict::Fail,
    };
    let directive = if skip { directive[4..].trim() } else { directive.trim() };
    Some(ResultLine { verdict, name: if name.is_empty() { number } else { name }, directive })
}

/// The level at this depth, begun where there is none. Deeper levels stay for the result that claims them.
fn open(levels: &mut Vec<Level>, indent: usize) -> &mut Level {
    if levels.last().is_none_or(|level| level.indent < indent) {
        levels.push(Level { indent, ..Level::default() });
    }
    let at = levels.iter().rposition(|level| level.indent <= indent).unwrap_or(0);
    &mut levels[at]
}

/// Keeps a comment for the test whose result comes next at or above this depth. Statistics explain no failure.
fn note(levels: &mut [Level], indent: usize, comment: &str) {
    if comment.starts_with("module: ") || (comment.contains("pass:") && comment.contains("total:")) {
        return;
    }
    if let Some(level) = levels.iter_mut().rev().find(|level| level.indent <= indent) {
        level.said.push(comment.to_owned());
    }
}

/// A result ends every deeper level: their tests are its parts.
fn close(levels: &mut Vec<Level>, indent: usize, line: &ResultLine<'_>) {
    let (mut parts, mut planned) = (Vec::new(), None);
    while levels.last().is_some_and(|level| level.indent > indent) {
        if let Some(level) = levels.pop() {
            // A level in between that never had a result of its own passes its inner tests up.
            parts.splice(0..0, level.tests);
            planned = level.planned;
        }
    }
    let level = open(levels, indent);
    let said = std::mem::take(&mut level.said);
    let reason = match line.verdict {
        Verdict::Fail if line.directive.is_empty() => said[said.len().saturating_sub(KEPT)..].join("; "),
        _ => line.directive.to_owned(),
    };
    level.tests.push(Test { name: line.name.to_owned(), verdict: line.verdict, reason, parts, planned });
}

/// What is open at the end of the text has no result: its finished parts count, its name is remembered.
fn finish(levels: Vec<Level>, ktap: &mut Ktap) {
    for level in levels {
        if level.indent > 0 {
            ktap.unfinished.push(level.name.unwrap_or_else(|| format!("depth {}", level.indent)));
        } else if let Some(planned) = level.planned.filter(|&planned| planned > level.tests.len()) {
            ktap.unfinished.push(format!("{} of {planned} tests", planned - level.tests.len()));
        }
        ktap.tests.extend(level.tests);
    }
}

/// Takes what `dmesg` and consoles put in front off a line: `<6>`, `[   12.345678]`, `[    T123]`.
fn strip_prefix(line: &str) -> &str {
    let line = line.trim_end();
    let level = line.strip_prefix('<').and_then(|r| r.split_once('>'));
    let mut rest = match level {
        Some((level, text)) if !level.is_empty() && level.bytes().all(|b| b.is_ascii_digit()) => text,
        _ => line,
    };
    let before = rest;
    for gap in ["[", " ["] {
        let field = rest.strip_prefix('[').or_else(|| rest.strip_prefix(gap));
        match field.and_then(|r| r.split_once(']')) {
            Some((field, text)) if is_prefix_field(field) => rest = text,
            _ => break,
        }
    }
    // One space parts the prefix from the text; further ones are the text's depth.
    if rest.len() < before.len() { rest.strip_prefix(' ').unwrap_or(rest) } else { rest }
}

/// A timestamp, or a caller id (`T` and a tid, `C` and a CPU).
fn is_prefix_field(field: &str) -> bool {
    let field = field.trim_start_matches(' ');
    let number = field.strip_prefix(['T', 'C']).unwrap_or(field);
    !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}
