//! A case's output, kept within bounds: its head and its tail.

use std::collections::VecDeque;

use fencelab_bench::protocol::Captured;

/// How much of the beginning is kept, and how much of the end.
const KEPT: usize = 64 << 10;

/// Output, as it comes.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Capture {
    /// Takes a piece.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.total += piece.len() as u64;
        let (first, rest) = piece.split_at(piece.len().min(KEPT - self.head.len()));
        self.head.extend_from_slice(first);
        self.tail.extend(&rest[rest.len().saturating_sub(KEPT)..]);
        let surplus = self.tail.len().saturating_sub(KEPT);
        self.tail.drain(..surplus);
    }

    /// The text of it.
    pub(crate) fn finish(self) -> Captured {
        let missing = self.total - self.head.len() as u64 - self.tail.len() as u64;
        let tail = Vec::from(self.tail);
        let text = if missing == 0 {
            String::from_utf8_lossy(&[self.head, tail].concat()).into_owned()
        } else {
            let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
            format!("{head}\n[{missing} bytes left out here]\n{tail}")
        };
        Captured { text, total: self.total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_output_is_kept_whole_wherever_it_is_cut() {
        let mut capture = Capture::default();
        for byte in "größer".as_bytes() {
            capture.push(&[*byte]);
        }
        assert_eq!(capture.finish(), Captured { text: "größer".into(), total: 8 });
        let mut capture = Capture::default();
        capture.push(&[b'a'; KEPT - 1]);
        capture.push("ö".as_bytes());
        let captured = capture.finish();
        assert!(captured.text.ends_with("aö"));
    }

    #[test]
    fn a_flood_keeps_its_head_and_tail() {
        let mut capture = Capture::default();
        capture.push(b"first");
        for _ in 0..100 {
            capture.push(&[b'x'; 10_000]);
        }
        capture.push(b"last");
        let captured = capture.finish();
        assert_eq!(captured.total, 1_000_009);
        assert!(captured.text.starts_with("firstx") && captured.text.ends_with("xlast"));
        let missing = 1_000_009 - 2 * KEPT;
        assert!(captured.text.contains(&format!("\n[{missing} bytes left out here]\n")));
        assert!(captured.text.len() < 2 * KEPT + 100);
    }
}
