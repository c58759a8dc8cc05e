//! The language. `docs/scenario.md` tells it to people.

mod check;
mod duration;
mod expect;
mod name;
mod object;
mod op;
mod read;
mod scenario;
mod scope;
mod step;
mod target;
mod write;

pub use duration::{Duration, Timeout};
pub use expect::Expect;
pub use name::{Line, Name, Names};
pub use object::{Kind, Object};
pub use op::{Access, Cpu, Fence, Merge, Op, Poll, Prime, Received, Sent, Submit, Wait, Way, Work};
pub use scenario::{Place, Process, Scenario};
pub use step::{After, Step};
pub use target::Target;
