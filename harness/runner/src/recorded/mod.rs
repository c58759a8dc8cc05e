//! What the recorder wrote of a boot's cases, and the kernel's own fence events, as far as they tell to whom a report
//! belongs.

pub mod fences;
pub(crate) mod hang;
#[cfg(test)]
pub(crate) mod made_up;
pub(crate) mod owner;
pub(crate) mod queued;
pub(crate) mod site;
pub(crate) mod tail;

use std::path::PathBuf;

pub use fencelab_trace::Session;
pub use owner::pids_of_case;
pub use tail::Activity;

/// A boot's trace, opened when it is first needed and read on from there.
pub(crate) struct Recorded {
    folder: PathBuf,
    session: Option<Session>,
}

impl Recorded {
    /// The trace that is to be in this folder.
    pub(crate) fn new(folder: PathBuf) -> Recorded {
        Recorded { folder, session: None }
    }

    /// The trace as far as it is written now; none where nothing is recorded.
    pub(crate) fn now(&mut self) -> Option<&Session> {
        match &mut self.session {
            Some(session) => session.refresh().ok()?,
            none => *none = Session::open(&self.folder).ok(),
        }
        self.session.as_ref()
    }
}
