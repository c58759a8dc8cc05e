//! What ran, where, when; and what the doctor said.

use std::io;

use crate::night::devices;
use crate::style::Paint;
use crate::text::{date, line, span};
use crate::view::View;

use super::page::Page;

pub(super) fn write(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let session = view.session;
    let title = format!("fencelab {} on bench {}", session.fencelab, session.bench);
    let title = line(&title).into_owned();
    page.line(page.style.paint(Paint::Strong, title))?;
    page.field("kernel", &kernel(view))?;
    let took = session.last_ms.saturating_sub(session.began_ms).saturating_mul(1000);
    page.field("when", &format!("{}, {}", date(session.began_ms), span(took)))?;
    if !session.boots.is_empty() {
        let names: Vec<_> = devices(session).iter().map(|device| device.label()).collect();
        page.field("devices", &names.join(", "))?;
    }
    for note in &session.notes {
        page.field("note", note)?;
    }
    doctor(view, page)
}

/// `annotated (6.12.117)`.
pub(crate) fn kernel(view: &View<'_>) -> String {
    let mut releases: Vec<&str> = view.session.boots.iter().map(|boot| boot.release.as_str()).collect();
    releases.dedup();
    let releases = releases.join(", ");
    match (&view.session.kernel, releases.as_str()) {
        (None, "") => "never came up".into(),
        (None, releases) => releases.into(),
        (Some(kernel), "") => format!("{kernel}, never came up"),
        (Some(kernel), releases) => format!("{kernel} ({releases})"),
    }
}

/// What the doctor said, each once: later boots say the same.
pub(crate) fn doctor_of<'a>(view: &View<'a>) -> Vec<&'a str> {
    let mut said: Vec<&str> = Vec::new();
    for line in view.session.boots.iter().flat_map(|boot| &boot.doctor) {
        if !said.contains(&line.as_str()) {
            said.push(line);
        }
    }
    said
}

fn doctor(view: &View<'_>, page: &mut Page<'_>) -> io::Result<()> {
    let said = doctor_of(view);
    if said.is_empty() {
        return Ok(());
    }
    page.heading(Paint::Warning, "What keeps this kernel from showing all it could")?;
    said.iter().try_for_each(|line| page.field("doctor", line))
}
