//! The rules of the dma-fence cross-driver contract, in one place, and the proof that each can be caught.
//!
//! [`RULES`] is what every other part speaks of by id. A twin's [`Knob`] breaks one of them on command; [`judge`] says
//! from the journal of a session whether that was seen and laid to the right rule, case, thread and call; [`Proofs`] is
//! what a whole `fencelab prove` comes to. No I/O: text and sessions in, findings out.

mod control;
mod expect;
mod judge;
mod knob;
mod proof;
mod rule;
mod series;
mod table;
mod tally;

pub use control::judge_controls;
pub use expect::{Broken, Expected, Plan, Provocation};
pub use judge::judge;
pub use knob::{Knob, KnobError};
pub use proof::{Control, Explained, Judgement, Proof, Proofs, Seen, Subject};
pub use rule::{Group, Rule, Way};
pub use series::{ROWS, Row};
pub use table::{RULES, rule_of};
pub use tally::{RuleTally, Tally};
