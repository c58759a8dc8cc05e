//! From a recorded session to a scenario, and from a scenario to a smaller one.
//!
//! | part | what it gives |
//! | --- | --- |
//! | [`convert()`] | the sync operations of a session as a [`fencelab_scenario::Scenario`], and how faithful it is ([`Fidelity`]) |
//! | [`Order`] | an order of recorded calls that is to be followed in place of the recorded one |
//! | [`minimize()`] | a smaller scenario with the same verdict |

mod convert;
mod fidelity;
mod minimize;
mod order;

pub use convert::{Converted, Error, Options, Timing, convert};
pub use fidelity::Fidelity;
pub use minimize::{Devices, Shrunk, minimize};
pub use order::{Moment, Order};
