//! Lines of a summary: headings, and fields that wrap below themselves.

use std::fmt::Display;
use std::io::{self, Write};

use crate::style::{Paint, Style};
use crate::text::{line, lines};

/// Columns before a field's text: its name stands in them.
const MARGIN: usize = 14;

/// Where a summary is written.
pub(super) struct Page<'w> {
    out: &'w mut dyn Write,
    pub(super) style: Style,
}

impl<'w> Page<'w> {
    pub(super) fn new(out: &'w mut dyn Write, style: Style) -> Self {
        // Below this, wrapping would leave a word a line.
        Page { out, style: Style { width: style.width.max(MARGIN + 26), ..style } }
    }

    /// A section's title, after an empty line.
    pub(super) fn heading(&mut self, paint: Paint, title: &str) -> io::Result<()> {
        writeln!(self.out, "\n{}", self.style.paint(paint, title))
    }

    /// A line as it is, without wrapping.
    pub(super) fn line(&mut self, text: impl Display) -> io::Result<()> {
        writeln!(self.out, "{text}")
    }

    /// A named text. Every line of it wraps within the margin.
    pub(super) fn field(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.painted_field(name, text, None)
    }

    /// A named text in a paint.
    pub(super) fn painted_field(&mut self, name: &str, text: &str, paint: Option<Paint>) -> io::Result<()> {
        let mut name = line(name).into_owned();
        for row in lines(text).trim_end().lines().flat_map(|row| wrap(row, self.style.width - MARGIN)) {
            let label = format!("  {name:<width$}", width = MARGIN - 2);
            let label = self.style.paint(Paint::Faint, label);
            match paint {
                Some(paint) => writeln!(self.out, "{label}{}", self.style.paint(paint, row))?,
                None => writeln!(self.out, "{label}{row}")?,
            }
            name.clear();
        }
        Ok(())
    }
}

/// A line in pieces of at most `width` characters, cut between words where it can be.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive([' ', '\t']) {
        let word: Vec<char> = word.trim_end_matches('\t').chars().collect();
        for piece in word.chunks(width) {
            if used > 0 && used + piece.len() > width + usize::from(piece.last() == Some(&' ')) {
                rows.push(String::new());
                used = 0;
            }
            used += piece.len();
            if let Some(row) = rows.last_mut() {
                row.extend(piece);
            }
        }
    }
    rows.iter().map(|row| row.trim_end().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_keeps_words_and_cuts_long_ones() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("aaaabbbb c", 4), ["aaaa", "bbbb", "c"]);
        assert_eq!(wrap("", 4), [""]);
    }

    #[test]
    fn hostile_text_stays_in_its_line() {
        let mut out = Vec::new();
        Page::new(&mut out, Style::PLAIN).field("na\x1b[2Jme", "a\x1b]0;b\x07\nc").unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(!text.contains('\x1b') && !text.contains('\x07'), "{text:?}");
        assert_eq!(text.lines().count(), 2);
    }
}
