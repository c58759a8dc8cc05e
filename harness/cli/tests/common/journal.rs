//! What a run has left in its journal.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use fencelab_events::{Entry, Session, journal};

/// Its entries, in their order.
pub(crate) fn entries(folder: &Path) -> Vec<Entry> {
    let file = File::open(folder.join("events.jsonl")).expect("the session's journal");
    journal::read(BufReader::new(file)).expect("a journal that can be read").entries
}

/// What they come to.
pub(crate) fn session(folder: &Path) -> Session {
    Session::fold(&entries(folder))
}
