//! One fast search for all the words that make a line worth a look.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use aho_corasick::packed;

use crate::banner::NEEDLES;

/// The searcher over [`NEEDLES`].
#[derive(Debug)]
pub(crate) struct Needles {
    /// A vectorised search, where the CPU has it.
    packed: Option<packed::Searcher>,
    automaton: Option<AhoCorasick>,
}

/// Built once: it takes longer than to parse a short log.
static SHARED: LazyLock<Needles> = LazyLock::new(Needles::new);

impl Needles {
    pub(crate) fn shared() -> &'static Needles {
        &SHARED
    }

    fn new() -> Needles {
        let packed = packed::Searcher::new(NEEDLES.iter().map(|needle| needle.as_bytes()));
        Needles { packed, automaton: AhoCorasick::new(NEEDLES).ok() }
    }

    /// Where the first needle begins. Without a searcher every position counts as one.
    pub(crate) fn find(&self, bytes: &[u8]) -> Option<usize> {
        match (&self.packed, &self.automaton) {
            (Some(packed), _) if bytes.len() >= packed.minimum_len() => {
                packed.find(bytes).map(|found| found.start())
            }
            (_, Some(automaton)) => automaton.find(bytes).map(|found| found.start()),
            _ => Some(0),
        }
    }
}
