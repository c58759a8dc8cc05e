//! The witness of a prediction: an order of recorded calls in which somebody waits for ever.
//!
//! It is meant to be followed. A replay that makes each call's beginning and end happen in the order of
//! [`Witness::steps`] comes to the hang:
//!
//! 1. Calls made before [`Witness::recorded_until_ns`] are replayed as they were recorded.
//! 2. Then the steps come one after the other. At [`Moment::Begin`] the thread is let go into its call; at [`Moment::End`]
//!    the replay waits until that call has returned. A thread makes no call whose beginning has not come.
//! 3. Calls that no step names do nothing to fences: they are made whenever their thread comes to them.
//! 4. After the last step the calls of [`Witness::stuck`] have begun and do not return. All other threads have made all
//!    their calls, or come to one of [`Witness::held`], which they could only make after one that is stuck.
//!
//! In JSON a call is `[thread, index]`: the thread's index in the session ([`fencelab_trace::Session::threads`]) and the
//! how-manieth of its calls it is, both from 0 on, as in [`crate::finding::Call::id`].

use fencelab_trace::{CallId, ThreadId};
use serde::{Deserialize, Serialize};

use crate::finding::Kind;

/// A recorded call, by the trace's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Op(pub u32, pub u32);

impl From<CallId> for Op {
    fn from(id: CallId) -> Self {
        Self(id.thread.0, id.index)
    }
}

impl From<Op> for CallId {
    fn from(Op(thread, index): Op) -> Self {
        Self { thread: ThreadId(thread), index }
    }
}

/// Which part of a call a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The call is made.
    Begin,
    /// The call has returned, with what it returned when it was recorded.
    End,
}

/// One step of the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Step {
    /// The call.
    pub call: Op,
    /// Its beginning or its end.
    pub moment: Moment,
}

/// An order of recorded calls that leads to a hang.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// What analysis says of a trace in that order: [`Kind::Cycle`], [`Kind::Knot`], [`Kind::Orphan`] or
    /// [`Kind::NeverSubmitted`].
    pub reaches: Kind,
    /// The two calls that change places: recorded as first and second, made as second and first.
    pub swapped: (Op, Op),
    /// CLOCK_MONOTONIC in nanoseconds up to which calls are made as they were recorded; 0: the order is of all.
    pub recorded_until_ns: u64,
    /// What happens then, in order.
    pub steps: Vec<Step>,
    /// Calls that have begun in the end and never return.
    pub stuck: Vec<Op>,
    /// The next call of each thread that is not stuck and yet does not make it: it comes after one that is.
    pub held: Vec<Op>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_pairs_of_numbers_in_json() {
        let step = Step { call: Op(2, 7), moment: Moment::Begin };
        let json = serde_json::to_string(&step).unwrap();
        assert_eq!(json, r#"{"call":[2,7],"moment":"begin"}"#);
        assert_eq!(serde_json::from_str::<Step>(&json).unwrap(), step);
        assert_eq!(Op::from(CallId::from(Op(2, 7))), Op(2, 7));
    }
}
