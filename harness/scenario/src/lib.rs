//! Scenarios: small programs over fences, in a language for people, with two meanings that must agree.
//!
//! | part | what it gives |
//! | --- | --- |
//! | [`Scenario`] | the language: objects, processes, threads, steps; read with the place of each mistake, and written |
//! | [`simulate`] | what a scenario comes to by the rules of fences alone, in no time |
//! | [`c::program`] | the scenario as a C program that needs nothing but a kernel: what is run on a bench, and what is handed over |

pub mod c;
mod error;
mod language;
mod sim;

pub use error::Error;
pub use language::{
    Access, After, Cpu, Duration, Expect, Fence, Kind, Line, Merge, Name, Names, Object, Op, Place, Poll,
    Prime, Process, Received, Scenario, Sent, Step, Submit, Target, Timeout, Wait, Way, Work,
};
pub use sim::{Blocked, Outcome, Verdict, simulate};
