//! The rules of the dma-fence cross-driver contract that a kernel report can show.
//!
//! [`table`] says which structure breaks which rule. A report is turned into edges ("B was taken while A was held"), and
//! every row that fits an edge, a backtrace or a text is a match.

mod edge;
mod matching;
mod role;
mod table;

pub use edge::Edge;
pub(crate) use matching::matching;
pub use role::Role;

use serde::Serialize;

/// A rule that a report shows to be broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleMatch {
    /// Id of the rule, such as `SIG-RECLAIM`.
    pub id: &'static str,
    /// The edge that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edge: Option<Edge>,
    /// The line that shows it, when no edge does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// What the driver did and what the contract says.
    pub sentence: String,
    /// Where the kernel's documents say so.
    pub doc: &'static str,
}

/// Every rule id that this crate can report, with the document that states it.
pub fn known_rules() -> impl Iterator<Item = (&'static str, &'static str)> {
    table::RULES.iter().map(|rule| (rule.id, rule.doc))
}
