//! What a case says on its result channel: lines of JSON, from a process that may be out of its mind.

use fencelab_bench::protocol::{FromAgent, Outcome, Subtest};
use fencelab_suites::report::{self, Note};

/// The longest line that is taken.
const LINE: usize = 1 << 20;
/// The most notes that are passed on; a case that says more is flooding.
const NOTES: usize = 20_000;

/// The result channel, as it comes.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    line: Vec<u8>,
    overlong: bool,
    said: usize,
    /// Lines that are no notes.
    pub(crate) garbage: usize,
    /// Notes over the limit.
    pub(crate) dropped: usize,
    /// The result that the case gave itself.
    pub(crate) done: Option<(Outcome, String)>,
}

impl Notes {
    /// Takes a piece; what is to be passed on for the attempt `id`.
    pub(crate) fn push(&mut self, piece: &[u8], id: u64) -> Vec<FromAgent> {
        let mut messages = Vec::new();
        for part in piece.split_inclusive(|b| *b == b'\n') {
            if self.line.len() + part.len() > LINE {
                self.line.clear();
                self.overlong = true;
            }
            if !self.overlong {
                self.line.extend_from_slice(part);
            }
            if part.ends_with(b"\n") {
                messages.extend(self.end_line(id));
            }
        }
        messages
    }

    /// The end of the channel: a line without its end is garbage.
    pub(crate) fn close(&mut self) {
        if !self.line.is_empty() || self.overlong {
            self.garbage += 1;
        }
    }

    fn end_line(&mut self, id: u64) -> Option<FromAgent> {
        let note = serde_json::from_slice(&self.line).ok().filter(|_| !self.overlong);
        self.line.clear();
        self.overlong = false;
        let Some(note) = note else {
            self.garbage += 1;
            return None;
        };
        if let Note::Done { outcome, reason } = note {
            self.done.get_or_insert((outcome_of(outcome), reason));
            return None;
        }
        self.said += 1;
        if self.said > NOTES {
            self.dropped += 1;
            return None;
        }
        match note {
            Note::Thread { tid } => Some(FromAgent::Thread { id, tid }),
            Note::Note { text } => Some(FromAgent::Note { id, text }),
            Note::Subtest { name, outcome, reason } => {
                let outcome = outcome_of(outcome);
                Some(FromAgent::Subtest { id, subtest: Subtest { name, outcome, reason } })
            }
            Note::Lockdep { text, took_us } => Some(FromAgent::Contract { text, took_us }),
            Note::Done { .. } => None,
        }
    }
}

fn outcome_of(outcome: report::Outcome) -> Outcome {
    match outcome {
        report::Outcome::Pass => Outcome::Pass,
        report::Outcome::Fail => Outcome::Fail,
        report::Outcome::Skip => Outcome::Skip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(note: &Note) -> Vec<u8> {
        let mut line = serde_json::to_vec(note).unwrap();
        line.push(b'\n');
        line
    }

    #[test]
    fn notes_are_passed_on_in_whatever_pieces_they_come() {
        let done = Note::Done { outcome: report::Outcome::Fail, reason: "why".into() };
        let stream =
            [line(&Note::Thread { tid: 7 }), line(&Note::Note { text: "a\nb".into() }), line(&done)].concat();
        let mut notes = Notes::default();
        let messages: Vec<FromAgent> = stream.chunks(3).flat_map(|piece| notes.push(piece, 5)).collect();
        notes.close();
        let text = "a\nb".to_owned();
        assert_eq!(messages, [FromAgent::Thread { id: 5, tid: 7 }, FromAgent::Note { id: 5, text }]);
        assert_eq!((notes.done, notes.garbage), (Some((Outcome::Fail, "why".into())), 0));
    }

    #[test]
    fn garbage_is_counted_and_bounded() {
        let mut notes = Notes::default();
        assert!(notes.push(b"\xff\xfe\n{}\n{\"note\":\"x\"}\n", 1).is_empty());
        for _ in 0..3 {
            notes.push(&vec![b'z'; LINE], 1);
        }
        assert!(notes.line.len() <= LINE);
        notes.push(b"\n", 1);
        notes.push(b"torn", 1);
        notes.close();
        assert_eq!(notes.garbage, 5);
        assert_eq!(notes.done, None);
    }

    #[test]
    fn a_flood_of_notes_is_cut_and_the_result_still_taken() {
        let mut notes = Notes::default();
        let one = line(&Note::Thread { tid: 1 });
        let passed: usize = (0..NOTES + 10).map(|_| notes.push(&one, 1).len()).sum();
        assert_eq!((passed, notes.dropped), (NOTES, 10));
        notes.push(&line(&Note::Done { outcome: report::Outcome::Pass, reason: String::new() }), 1);
        notes.push(&line(&Note::Done { outcome: report::Outcome::Fail, reason: "late".into() }), 1);
        assert_eq!(notes.done, Some((Outcome::Pass, String::new())));
    }
}
