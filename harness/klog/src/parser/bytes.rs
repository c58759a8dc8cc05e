//! From pieces of a text log, cut anywhere, to its lines.

use super::Parser;
use crate::source::Source;

impl Parser {
    pub(super) fn push_bytes(&mut self, bytes: &[u8]) {
        let Some(end) = memchr::memrchr(b'\n', bytes) else {
            self.keep_partial(bytes);
            return;
        };
        let mut whole = &bytes[..=end];
        if !self.partial.is_empty() {
            let first = memchr::memchr(b'\n', whole).map_or(whole.len(), |at| at + 1);
            self.keep_partial(&whole[..first]);
            self.take_partial();
            whole = &whole[first..];
        }
        self.push_whole_lines(whole);
        self.keep_partial(&bytes[end + 1..]);
    }

    fn push_whole_lines(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.streams.is_idle() && matches!(self.source, Source::Lines) {
                bytes = self.skip_to_candidate(bytes);
            }
            let Some(end) = memchr::memchr(b'\n', bytes) else { return };
            self.push_text_line(&bytes[..end], false);
            bytes = &bytes[end + 1..];
        }
    }

    /// While no report is open, only lines with one of the needles matter.
    fn skip_to_candidate<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let start = self
            .needles
            .find(bytes)
            .map_or(bytes.len(), |found| memchr::memrchr(b'\n', &bytes[..found]).map_or(0, |at| at + 1));
        self.number += memchr::memchr_iter(b'\n', &bytes[..start]).count() as u64;
        &bytes[start..]
    }

    fn keep_partial(&mut self, bytes: &[u8]) {
        let room = (self.options.line_bytes + 1).saturating_sub(self.partial.len());
        self.partial_cut |= bytes.len() > room;
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    pub(super) fn take_partial(&mut self) {
        if !self.partial.is_empty() {
            let bytes = std::mem::take(&mut self.partial);
            let cut = std::mem::take(&mut self.partial_cut);
            self.push_text_line(&bytes, cut);
        }
    }
}
