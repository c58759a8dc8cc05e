//! `fencelab klog`.

use std::fs::File;
use std::io::{self, Read, Write};

use anyhow::{Context, Result};
use fencelab_klog::group::{Bug, Groups};
use fencelab_klog::{Event, Kernel, Options, Parser, Report, SCHEMA, Text};
use fencelab_report::exit::Exit;

use crate::args::KlogArgs;
use crate::outcome::Outcome;

/// The name of a log that comes on standard input.
const STDIN: &str = "standard input";

pub(crate) fn run(args: &KlogArgs) -> Result<Outcome> {
    if args.schema {
        print(SCHEMA)?;
        return Ok(Outcome::CLEAN);
    }
    let mut groups = Groups::default();
    let mut seen = 0;
    let mut take = |source: &str, report: &Report| {
        seen += 1;
        if args.group {
            groups.add(source, report);
            return Ok(());
        }
        print(&if args.json { serde_json::to_string(report)? + "\n" } else { format!("{}\n", Text(report)) })
    };
    if args.files.is_empty() {
        read(&mut io::stdin().lock(), STDIN, args, &mut take).context("read standard input")?;
    }
    for path in &args.files {
        let name = path.display().to_string();
        let mut file = File::open(path).with_context(|| format!("open {name}"))?;
        read(&mut file, &name, args, &mut take).with_context(|| format!("read {name}"))?;
    }
    for bug in groups.into_bugs() {
        print(&if args.json { serde_json::to_string(&bug)? + "\n" } else { line(&bug) })?;
    }
    Ok(Outcome::Exit(if args.fail && seen > 0 { Exit::Findings } else { Exit::Clean }))
}

/// Reads a log to its end, piece by piece, and hands over each report as soon as it is whole.
fn read(
    input: &mut dyn Read,
    name: &str,
    args: &KlogArgs,
    take: &mut dyn FnMut(&str, &Report) -> Result<()>,
) -> Result<()> {
    let kernel = if args.annotated { Kernel::Annotated } else { Kernel::Unknown };
    let mut parser = Parser::new(Options { kernel, ..Options::default() });
    let mut buffer = vec![0; 256 << 10];
    loop {
        let length = input.read(&mut buffer)?;
        if length == 0 {
            parser.finish();
        } else {
            parser.push_text(&buffer[..length]);
        }
        for report in parser.drain().filter_map(Event::into_report) {
            take(name, &report)?;
        }
        if length == 0 {
            return Ok(());
        }
    }
}

/// A bug in a line: how often, what, which rules, where first.
fn line(bug: &Bug) -> String {
    let rules = if bug.rules.is_empty() { String::new() } else { format!(" [{}]", bug.rules.join(", ")) };
    let logs = bug.sources.len();
    format!(
        "{:>5} times in {logs} logs  {}: {}{rules}\n      first {}:{}, last {}:{}\n      {}\n",
        bug.count,
        bug.kind,
        bug.title,
        bug.first.source,
        bug.first.line,
        bug.last.source,
        bug.last.line,
        bug.signature
    )
}

/// Prints; a reader that went away (`| head`) is no error.
fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("print a report"),
        _ => Ok(()),
    }
}
