//! The verdict in a sentence, counts, and what ran where.

use std::fmt::Write as _;
use std::io::{self, Write};

use fencelab_events::{Counts, Verdict};

use crate::exit::{self, Exit};
use crate::night::devices;
use crate::summary::{doctor_of, kernel, sentence};
use crate::text::{count, date, span};
use crate::view::View;

use super::escape::Esc;
use super::mark::{class, letter, meaning};

pub(super) fn write(view: &View<'_>, out: &mut dyn Write) -> io::Result<()> {
    let exit = exit::of(view);
    let tone = match exit {
        Exit::Clean | Exit::Improvements => "good",
        Exit::LockdepLost => "warn",
        Exit::Findings | Exit::Infrastructure => "bad",
    };
    let mut sentence = sentence(view);
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    write!(
        out,
        "<header class=\"{tone}\">\n<p class=\"brand\">fencelab {}</p>\n<h1>{}.</h1>\n{}</header>\n{}{}",
        Esc(&view.session.fencelab),
        Esc(sentence),
        facts(view, exit),
        tally(view),
        doctor(view)
    )
}

fn facts(view: &View<'_>, exit: Exit) -> String {
    let session = view.session;
    let took = session.last_ms.saturating_sub(session.began_ms).saturating_mul(1000);
    let devices: Vec<_> = devices(session).iter().map(|device| device.label()).collect();
    let rows = [
        ("bench", format!("{}, from {}", session.bench, session.host)),
        ("kernel", kernel(view)),
        ("devices", devices.join(", ")),
        (
            "when",
            format!("{}, {} in {}", date(session.began_ms), span(took), count(session.boots.len(), "boot")),
        ),
        ("command", session.argv.join(" ")),
        ("exit code", format!("{}, {}", exit.code(), exit.meaning())),
    ];
    let rows = rows.iter().map(|(name, fact)| format!("<dt>{name}</dt><dd>{}</dd>", Esc(fact)));
    format!("<dl>{}</dl>\n", rows.collect::<String>())
}

/// How many of each, as a bar and as the legend of all letters below.
fn tally(view: &View<'_>) -> String {
    let counts = Counts::of(view.session);
    let (mut bar, mut legend) = (String::new(), String::new());
    for verdict in Verdict::ALL.into_iter().filter(|verdict| counts.get(*verdict) > 0) {
        let (number, class) = (counts.get(verdict), class(verdict));
        let _ = write!(bar, "<i class=\"{class}\" style=\"flex-grow:{number}\"></i>");
        let _ = write!(
            legend,
            "<li><b class=\"m {class}\">{}</b> <strong>{number}</strong> {}</li>",
            letter(verdict),
            meaning(verdict)
        );
    }
    format!(
        "<section class=\"tally\"><div class=\"bar\" aria-hidden=\"true\">{bar}</div>\n\
         <ul class=\"legend\"><li><strong>{}</strong></li>{legend}</ul></section>\n",
        count(counts.total(), "case")
    )
}

fn doctor(view: &View<'_>) -> String {
    let said = doctor_of(view).into_iter().map(|line| ("doctor", line));
    let said: Vec<_> = said.chain(view.session.notes.iter().map(|note| ("note", note.as_str()))).collect();
    if said.is_empty() {
        return String::new();
    }
    let said =
        said.iter().map(|(kind, line)| format!("<li><b class=\"{kind}\">{kind}</b> {}</li>", Esc(line)));
    format!("<ul class=\"said\">{}</ul>\n", said.collect::<String>())
}
