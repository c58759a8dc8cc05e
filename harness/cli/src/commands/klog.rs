//! `fencelab klog`.

use std::fs::File;
use std::io::{self, Read, Write};

use anyhow::{Context, Result};
use fencelab_klog::{Event, Kernel, Options, Parser, Report};
use fencelab_report::exit::Exit;

use crate::args::KlogArgs;
use crate::outcome::Outcome;

pub(crate) fn run(args: &KlogArgs) -> Result<Outcome> {
    let mut seen = 0;
    let mut print = |report: &Report| {
        seen += 1;
        let text = if args.json { serde_json::to_string(report)? + "\n" } else { readable(report) };
        io::stdout().write_all(text.as_bytes()).context("print a report")
    };
    if args.files.is_empty() {
        read(&mut io::stdin().lock(), args, &mut print).context("read standard input")?;
    }
    for path in &args.files {
        let mut file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        read(&mut file, args, &mut print).with_context(|| format!("read {}", path.display()))?;
    }
    Ok(Outcome::Exit(if args.fail && seen > 0 { Exit::Findings } else { Exit::Clean }))
}

fn read(input: &mut dyn Read, args: &KlogArgs, print: &mut dyn FnMut(&Report) -> Result<()>) -> Result<()> {
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
            print(&report)?;
        }
        if length == 0 {
            return Ok(());
        }
    }
}

/// A report in a few lines: what, where, which rules.
fn readable(report: &Report) -> String {
    let mut text = format!("{}: {}\n", report.kind, report.title);
    let mut say = |name: &str, value: String| text.push_str(&format!("  {name:<10} {value}\n"));
    if let Some(task) = &report.task {
        say("task", task.to_string());
    }
    if let Some(blame) = &report.blame {
        say("look at", blame.to_string());
    }
    if !report.chain.is_empty() {
        let chain: Vec<String> = report.chain.iter().rev().map(ToString::to_string).collect();
        say("chain", chain.join(" -> "));
    }
    for rule in &report.rules {
        say("rule", format!("{}: {}", rule.id, rule.sentence));
    }
    if !report.complete {
        let missing: Vec<String> =
            report.missing.iter().map(|section| format!("{section:?}").to_lowercase()).collect();
        say("missing", missing.join(", "));
    }
    say("signature", report.signature.clone());
    text
}
