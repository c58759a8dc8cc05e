//! A session for people and for programs: lines, JSON, a summary, Perfetto.

mod about;
mod filter;
mod json;
mod line;
mod lines;
mod summary;

pub(crate) use filter::kind_name;
pub use filter::{BadFilter, Filter};
pub use json::{loss_json, session_json};
pub use line::{Line, State};
pub use lines::{Item, Lines, Style};
pub use summary::{loss_line, summary};
