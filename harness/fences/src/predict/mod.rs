//! D4: hangs that did not happen this time, and would in another order of the same calls.

mod witness;

pub use witness::{Moment, Op, Step, Witness};
