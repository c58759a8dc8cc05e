//! Runs a command under the recorder: makes the session, brings the shim into the command's processes, and says afterwards
//! which processes it could not see and why.
//!
//! ```no_run
//! use fencelab_record::{Options, record};
//!
//! let mut options = Options::new("/tmp/trace");
//! options.live = Some(Box::new(|status| eprintln!("{} events", status.events)));
//! let outcome = record(options, &["glxgears".into()])?;
//! println!("{:?}, unseen: {:?}", outcome.exit, outcome.unseen);
//! # Ok::<(), fencelab_record::Error>(())
//! ```

mod clock;
mod elf;
mod ends;
mod error;
mod fault_spec;
mod keeper;
mod launch;
mod numbers;
mod pool;
mod processes;
mod raw;
mod reclaim;
mod session;
mod shim;
mod status;
mod tree;
mod unseen;

pub use error::Error;
pub use fault_spec::{FaultError, parse_faults};
pub use fencelab_abi::Mode;
pub use fencelab_abi::fault::Faults;
pub use launch::{Entry, Exit, LiveStatus, Options, Outcome, Signals, record};
pub use processes::{Recorded, Seen};
pub use session::{Geometry, Session};
pub use status::{Pending, Status};
pub use unseen::{Reason, Unseen, obstacle};
