//! Records of /dev/kmsg, as they are read or saved in a file.

use super::Parser;
use crate::event::Loss;
use crate::line::Record;

impl Parser {
    /// Takes what one `read()` of /dev/kmsg returned: one record. Records of user space are skipped.
    pub fn push_record(&mut self, bytes: &[u8]) {
        self.number += 1;
        let Ok(record) = Record::parse(bytes) else {
            self.lost(Loss::BadRecord { line: self.number });
            return;
        };
        if let Some(record) = self.joined(record) {
            self.note_sequence(record.meta.seq);
            if record.facility == 0 {
                self.push_record_lines(&record);
            }
        }
    }

    fn push_record_lines(&mut self, record: &Record) {
        let (number, limit) = (self.number, self.options.line_bytes);
        for (line, cut) in record.lines(number, limit) {
            self.note_cut(cut);
            self.push_line(line);
        }
        self.collect();
    }

    /// Puts the pieces of a record together that netconsole had to cut; `None` while some are still to come.
    fn joined(&mut self, record: Record) -> Option<Record> {
        let Some((offset, total)) = record.fragment else { return Some(record) };
        let whole = match self.fragments.take().filter(|begun| begun.meta.seq == record.meta.seq) {
            Some(mut begun) if offset > 0 && begun.message.len() < self.options.line_bytes => {
                begun.message.push_str(&record.message);
                begun
            }
            _ => record,
        };
        if whole.message.len() >= total {
            return Some(whole);
        }
        self.fragments = Some(whole);
        None
    }

    /// A line of a file that /dev/kmsg was saved to. What begins with a blank belongs to the record's dictionary.
    pub(super) fn push_saved_record(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() && !bytes.starts_with(b" ") {
            self.push_record(bytes);
        }
    }
}
