//! The terminal summary: for somebody who is tired and has one screen.
//!
//! What keeps the kernel from showing faults stands first, then what was found, then what was left out; the counts,
//! the sentence that matters and the files stand last, next to the prompt.

mod bugs;
mod coverage;
mod fails;
mod head;
mod page;
mod rest;
mod result;

use std::io::{self, Write};

use crate::Error;
use crate::style::Style;
use crate::view::View;

use page::Page;

pub(crate) use bugs::thread;
pub(crate) use head::{doctor_of, kernel};
pub(crate) use result::sentence;

/// Writes the summary for a place of this style.
///
/// # Errors
/// The writer's.
pub fn write(view: &View<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page::new(out, style);
    head::write(view, &mut page)?;
    bugs::write(view, &mut page)?;
    fails::write(view, &mut page)?;
    rest::write(view, &mut page)?;
    result::write(view, &mut page)
}

/// Writes the summary without colours.
///
/// # Errors
/// The writer's.
pub(crate) fn write_plain(view: &View<'_>, out: &mut dyn Write) -> Result<(), Error> {
    Ok(write(view, Style::PLAIN, out)?)
}
