//! What a rule is.

use std::fmt;

/// How a rule can be seen broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Way {
    /// L: a report of the kernel's own checkers shows it.
    Log,
    /// T: user space can test it.
    Test,
    /// G: the wait-for graph of what was recorded shows it.
    Graph,
    /// F: a twin can break it on command.
    Fault,
}

impl Way {
    /// Its letter.
    pub fn letter(self) -> char {
        match self {
            Way::Log => 'L',
            Way::Test => 'T',
            Way::Graph => 'G',
            Way::Fault => 'F',
        }
    }

    /// The way of this letter.
    pub fn of_letter(letter: char) -> Option<Way> {
        [Way::Log, Way::Test, Way::Graph, Way::Fault].into_iter().find(|way| way.letter() == letter)
    }
}

/// One clause of the dma-fence cross-driver contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its id, `SIG-RECLAIM`.
    pub id: &'static str,
    /// What it is about.
    pub group: Group,
    /// What must hold.
    pub sentence: &'static str,
    /// Where the kernel says so: a document, or a file and what to look for in it.
    pub source: &'static str,
    /// The letters of the ways in which it can be seen broken.
    pub ways: &'static str,
}

impl Rule {
    /// Whether it can be seen broken in this way.
    pub fn shows(&self, way: Way) -> bool {
        self.ways.contains(way.letter())
    }
}

/// What a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// Fences themselves.
    Fence,
    /// What may be done on the way to a signal.
    Signalling,
    /// Reservations and their order.
    Reservation,
    /// Sharing buffers.
    DmaBuf,
    /// DRM sync objects.
    Syncobj,
    /// Atomic commits.
    Atomic,
    /// A process's pages as buffers.
    Userptr,
    /// The scheduler and resets.
    Scheduler,
    /// Work without an end.
    LongRunning,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Group::Fence => "fences",
            Group::Signalling => "signalling sections",
            Group::Reservation => "reservations",
            Group::DmaBuf => "dma-buf",
            Group::Syncobj => "sync objects",
            Group::Atomic => "atomic commits",
            Group::Userptr => "userptr",
            Group::Scheduler => "scheduler and reset",
            Group::LongRunning => "long-running work",
        })
    }
}
