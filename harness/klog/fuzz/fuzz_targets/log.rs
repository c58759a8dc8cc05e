//! Any bytes, as a text log and as /dev/kmsg records: no panic, bounded output, and every report can be printed.
//!
//! `cargo fuzz run log`, from this folder's parent; `tests/fixtures` makes a good corpus.
#![no_main]

use std::time::Duration;

use fencelab_klog::{Event, Options, Parser, Text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // The first byte says how the rest arrives.
    let Some((&mode, log)) = data.split_first() else { return };
    let mut parser = Parser::new(Options { report_lines: 50, line_bytes: 400, ..Options::default() });
    for piece in log.chunks(usize::from(mode >> 1) + 1) {
        parser.push_text(piece);
    }
    if mode & 1 == 1 {
        parser.flush_idle(Duration::from_secs(2));
        for record in log.split(|byte| *byte == b'\n') {
            parser.push_record(record);
        }
    }
    parser.finish();
    for event in parser.drain() {
        if let Event::Report(report) = event {
            assert!(report.text.len() <= 50 + 4 && report.first_line <= report.last_line);
            assert!(Text(&report).to_string().len() > 10 && serde_json::to_string(&report).is_ok());
        }
    }
});
