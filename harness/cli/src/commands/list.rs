//! `fencelab list`.

use std::io::{self, Write};

use anyhow::Result;
use fencelab_suites::catalogue;

use crate::args::{ListArgs, What};
use crate::outcome::Outcome;
use crate::{benches, plan, selections};

pub(crate) fn run(args: &ListArgs) -> Result<Outcome> {
    let text = match args.what {
        What::Cases => cases(args)?,
        What::About => about(args)?,
        What::Suites => suites(),
        What::Devices => devices(args)?,
    };
    match io::stdout().write_all(text.as_bytes()) {
        // `fencelab list | head` is no error.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(Outcome::CLEAN),
    }
}

fn chosen(args: &ListArgs) -> Result<Vec<fencelab_events::PlannedCase>> {
    let devices = benches::devices(&args.bench)?;
    let cases = plan::everything(&devices, &args.selection);
    let known = plan::known(&cases, &args.selection);
    selections::Choice { cases: &cases, known: &known, devices: &devices }.choose(&args.selection)
}

fn cases(args: &ListArgs) -> Result<String> {
    Ok(chosen(args)?.iter().map(|case| format!("{}\n", case.id)).collect())
}

fn about(args: &ListArgs) -> Result<String> {
    let mut lines: Vec<String> = Vec::new();
    for case in chosen(args)? {
        let rules =
            if case.rules.is_empty() { String::new() } else { format!(" [{}]", case.rules.join(", ")) };
        let line = format!("{}/{}: {}{rules}\n", case.suite, case.name, case.about);
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    }
    Ok(lines.concat())
}

fn suites() -> String {
    let mut text = String::from("suites:\n");
    for (name, cases) in catalogue::suites() {
        text.push_str(&format!("  {name:<14} {} cases\n", cases.len()));
    }
    text.push_str("selections:\n");
    for (name, yaml) in selections::BUILT_IN {
        let about = selections::about(name, yaml);
        text.push_str(&format!("  {name:<14} {about}\n"));
    }
    text
}

fn devices(args: &ListArgs) -> Result<String> {
    let row = |d: fencelab_events::Device| {
        let marks = [(d.has_kms, "kms"), (d.has_render, "render")];
        let marks: Vec<&str> = marks.into_iter().filter(|(has, _)| *has).map(|(_, word)| word).collect();
        let place = d.bus_path.or(d.node).unwrap_or_default();
        format!("{:<14} {:<12} {:<12} {place}\n", d.name, d.driver, marks.join("+"))
    };
    Ok(benches::devices(&args.bench)?.into_iter().map(row).collect())
}
