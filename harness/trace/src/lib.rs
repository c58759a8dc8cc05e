//! Reads what the recorder wrote: sessions of any number of processes, live or dead, whole or torn.
//!
//! Five layers, each on the one before:
//!
//! | layer | what it gives |
//! | --- | --- |
//! | [`Session`] | processes, threads, each thread's calls, the clock, what is missing |
//! | [`Reader`], [`Call`] | one call's numbers and bytes |
//! | [`decode`] | the names of its fields, handles, fds, flags, and what its pointers led to |
//! | [`Model`] | the walk through all calls in one order, with what each does to which [`model::Object`] |
//! | [`view`], [`perfetto`] | all that as lines, JSON, a summary, a picture |
//!
//! Nothing here fails on a damaged trace: what cannot be read is a [`Loss`].
//!
//! ```no_run
//! use fencelab_trace::{Session, decode};
//!
//! let session = Session::open("/tmp/trace".as_ref())?;
//! let mut reader = session.reader();
//! for id in session.calls() {
//!     if let Some(call) = reader.read(&session, id)? {
//!         println!("{} {}", call.tid, decode::plain(&call));
//!     }
//! }
//! # Ok::<(), fencelab_trace::Error>(())
//! ```

mod alive;
mod call;
mod calls;
mod chunk;
mod clock;
pub mod decode;
mod end;
mod error;
mod head;
mod id;
mod ioctls;
mod loss;
pub mod model;
mod payload;
pub mod perfetto;
mod process;
mod scan;
mod session;
mod source;
mod thread;
pub mod view;

pub use alive::Machine;
pub use call::{Call, Reader};
pub use calls::Calls;
pub use chunk::{Chunk, chunks};
pub use clock::ClockMap;
pub use end::{End, How};
pub use error::Error;
pub use head::Head;
pub use id::{CallId, ProcessId, ThreadId};
pub use loss::{Loss, Lost};
pub use model::{Event, Model, Moment};
pub use process::{Process, UNREAD, blind_spots};
pub use session::Session;
pub use source::Source;
pub use thread::Thread;
