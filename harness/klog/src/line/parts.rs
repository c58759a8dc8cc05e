//! What pstore kept of a crash: parts of the log's end. `Panic#1 Part1` holds the newest lines, and what lists the files
//! by name puts it first (`pstore_dump`, fs/pstore/platform.c).

use super::Line;

/// Bytes kept before the parts are put in order; a crash dump is far smaller (`kmsg_bytes`).
const MAX_BYTES: usize = 4 << 20;

/// What a dump gives, in the order in which the kernel printed it.
#[derive(Debug)]
pub(crate) enum Piece {
    /// A line of it.
    Line(Line),
    /// A part is not there.
    Hole,
}

/// Gathers the parts of one dump.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// `Panic#1`
    dump: String,
    parts: Vec<(u32, Vec<Line>)>,
    bytes: usize,
}

impl Parts {
    /// Is this the first line of a part?
    pub(crate) fn starts(line: &str) -> bool {
        header(line).is_some()
    }

    /// Takes a line. Gives a whole dump when another one begins or this one is too long.
    pub(crate) fn push(&mut self, number: u64, text: &str) -> Vec<Piece> {
        match header(text) {
            Some((dump, part)) => {
                let done = if dump == self.dump { Vec::new() } else { self.finish() };
                dump.clone_into(&mut self.dump);
                self.parts.push((part, Vec::new()));
                done
            }
            None if is_ecc_notice(text) => Vec::new(),
            None => self.add(super::parse_text(number, text)),
        }
    }

    fn add(&mut self, line: Line) -> Vec<Piece> {
        let done = if self.bytes > MAX_BYTES { self.finish() } else { Vec::new() };
        self.bytes += line.text.len() + size_of::<Line>();
        match self.parts.last_mut() {
            Some((_, lines)) => lines.push(line),
            None => self.parts.push((0, vec![line])),
        }
        done
    }

    /// The lines gathered so far, in order. Part 1 is the newest, and of the oldest nobody knows whether more were written.
    pub(crate) fn finish(&mut self) -> Vec<Piece> {
        self.bytes = 0;
        let mut parts = std::mem::take(&mut self.parts);
        parts.sort_by_key(|(part, _)| std::cmp::Reverse(*part));
        let mut pieces = Vec::new();
        let behind = parts.iter().skip(1).map(|(part, _)| *part).chain([0]).collect::<Vec<_>>();
        for ((part, lines), next) in parts.into_iter().zip(behind) {
            pieces.extend(lines.into_iter().map(Piece::Line));
            pieces.extend((part > next + 1).then_some(Piece::Hole));
        }
        pieces
    }
}

/// `Panic#1 Part2`, `Oops#3 Part12`: the dump and the number of the part.
fn header(line: &str) -> Option<(&str, u32)> {
    let (dump, part) = line.trim().split_once(" Part")?;
    let (reason, count) = dump.split_once('#')?;
    let named = !reason.is_empty() && reason.bytes().all(|b| b.is_ascii_alphabetic());
    (named && count.parse::<u32>().is_ok()).then_some((dump, part.parse().ok()?))
}

/// What ramoops adds to a record (`persistent_ram_ecc_string`, fs/pstore/ram_core.c).
fn is_ecc_notice(line: &str) -> bool {
    line.strip_prefix("ECC: ")
        .is_some_and(|rest| rest.contains("Corrected bytes") || rest == "No errors detected")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_out_in_the_order_of_printing() {
        let mut parts = Parts::default();
        let mut out = Vec::new();
        for (number, text) in [
            "Panic#1 Part1",
            "<4>[    2.000001] c",
            "ECC: No errors detected",
            "Panic#1 Part2",
            "<4>[    1.000001] a",
            "<4>[    1.000002] b",
            "Oops#2 Part1",
        ]
        .iter()
        .enumerate()
        {
            out.extend(parts.push(number as u64, text));
        }
        assert_eq!(texts(&out), ["a", "b", "c"]);
        assert!(parts.finish().is_empty());
        assert!(!Parts::starts("the Part2") && !Parts::starts("Panic#x Part1"));
    }

    fn texts(pieces: &[Piece]) -> Vec<&str> {
        let texts = pieces.iter().map(|piece| match piece {
            Piece::Line(line) => line.text.as_str(),
            Piece::Hole => "-",
        });
        texts.collect()
    }

    #[test]
    fn a_part_that_is_not_there_leaves_a_hole() {
        let mut parts = Parts::default();
        for text in ["Panic#1 Part2", "c", "Panic#1 Part5", "a", "Panic#1 Part4", "b"] {
            parts.push(1, text);
        }
        assert_eq!(texts(&parts.finish()), ["a", "b", "-", "c", "-"]);
    }
}
