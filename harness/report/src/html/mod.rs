//! One page: offline, self-contained, readable on paper, in a dark room, and without scripts.
//!
//! What was found stands first, then where: every suite as a grid of cases and devices, the night as a strip of boots,
//! and the list of all cases. A script only filters that list.

mod bug;
mod chain;
mod coverage;
mod escape;
mod grid;
mod head;
mod list;
mod mark;
mod night;
mod rules;
mod suites;

use std::io::Write;

use crate::Error;
use crate::text::date;
use crate::view::View;

pub(crate) use escape::Esc;

/// The style of every page.
pub(crate) const STYLE: &str = include_str!("page.css");

/// Writes the report.
///
/// # Errors
/// The writer's.
pub(crate) fn write(view: &View<'_>, out: &mut dyn Write) -> Result<(), Error> {
    let title = format!("fencelab: {}, {}", view.session.bench, date(view.session.began_ms));
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n",
        Esc(&title),
        STYLE,
    )?;
    head::write(view, out)?;
    bug::write(view, out)?;
    suites::write(view, out)?;
    night::write(view, out)?;
    rules::write(view, out)?;
    coverage::write(view, out)?;
    list::write(view, out)?;
    write!(out, "<script>\n{}</script>\n</body>\n</html>\n", include_str!("filter.js"))?;
    Ok(())
}
