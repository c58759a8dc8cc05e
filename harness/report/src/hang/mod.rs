//! Hangs: what analysis of a trace found, as text, as a picture, as a page.

mod dot;
mod layout;
mod page;
mod perfetto;
mod svg;
mod text;

pub use dot::dot;
pub use page::{Page, page};
pub use perfetto::perfetto;
pub use svg::svg;
pub use text::{finding, text};
