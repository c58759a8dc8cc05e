//! `fencelab analyze`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use fencelab_fences::finding::Finding;
use fencelab_fences::graph::Nobody;
use fencelab_fences::kernel::join;
use fencelab_fences::{Analysis, Options, analyse, timeline};
use fencelab_report::exit::Exit;
use fencelab_report::hang::{self, Page};
use fencelab_trace::Session;
use fencelab_trace::view::Filter;

use crate::args::AnalyzeArgs;
use crate::case_trace;
use crate::kernel;
use crate::outcome::Outcome;

/// Findings of which a page shows the timeline.
const SHOWN: usize = 8;

pub(crate) fn run(args: &AnalyzeArgs) -> Result<Outcome> {
    let mut filter = Filter::default();
    let (part, session) = case_trace::open(&args.session, args.case.as_deref(), &mut filter)?;
    let folder = part.as_ref().map_or(&args.session, |part| &part.folder);
    let (predict, predict_between) = (!args.no_predict, filter.between_ns);
    let options = Options { predict, predict_between, ..options(args.quiet) };
    let mut analysis = analyse(&session, options, &Nobody).context("read the trace")?;
    if part.is_some() {
        analysis.findings.retain(|finding| is_of(finding, &filter));
    }
    let mut looks = kernel::read(folder)?;
    looks.extend(part.iter().filter_map(|part| part.dossier.as_ref()).map(kernel::of_dossier));
    join(&mut analysis.findings, &looks);
    if args.verdicts {
        analysis.findings.retain(|finding| finding.is_verdict());
    }
    let splats = part.map(|part| part.splats).unwrap_or_default();
    write_files(args, &session, &analysis, &splats)?;
    let text = match args.json {
        true => serde_json::to_string_pretty(&analysis)? + "\n",
        false => hang::text(&analysis, args.hints),
    };
    print(&text)?;
    Ok(Outcome::Exit(if analysis.has_verdict() { Exit::Findings } else { Exit::Clean }))
}

/// Whether a finding is of the processes and the time that a filter lets through.
pub(crate) fn is_of(finding: &Finding, filter: &Filter) -> bool {
    let ours = |pid: u32| filter.processes.is_empty() || filter.processes.contains(&pid.to_string());
    let (from, to) = filter.between_ns.unwrap_or((0, u64::MAX));
    finding.calls.iter().any(|call| ours(call.pid)) && finding.since_ns <= to && finding.seen_ns >= from
}

/// What counts as slow, where a look comes after that many seconds of quiet.
pub(crate) fn options(quiet: f64) -> Options {
    Options { quiet: Duration::from_secs_f64(quiet), ..Options::default() }
}

fn write_files(
    args: &AnalyzeArgs,
    session: &Session,
    analysis: &Analysis,
    splats: &[(String, PathBuf)],
) -> Result<()> {
    let write = |path: &Path, text: String| {
        fs::write(path, text).with_context(|| format!("write {}", path.display()))
    };
    if let Some(path) = &args.dot {
        write(path, hang::dot(&analysis.findings))?;
    }
    let first = analysis.findings.first();
    if let (Some(path), Some(finding)) = (&args.svg, first) {
        write(path, hang::svg(finding))?;
    }
    if let (Some(path), Some(finding)) = (&args.perfetto, first) {
        write(path, hang::perfetto(finding, &timeline(session, finding).context("read the trace")?))?;
    }
    let mut orders = analysis.findings.iter().filter_map(|finding| finding.order.as_ref());
    if let Some(path) = &args.order {
        let order = orders.next().context("write an order: no hang is predicted")?;
        write(path, serde_json::to_string(order)?)?;
    }
    if let Some(path) = &args.html {
        write(path, page(args, session, analysis, splats)?)?;
    }
    Ok(())
}

fn page(
    args: &AnalyzeArgs,
    session: &Session,
    analysis: &Analysis,
    splats: &[(String, PathBuf)],
) -> Result<String> {
    let shown = analysis.findings.iter().take(SHOWN);
    let timelines = shown.map(|finding| timeline(session, finding)).collect::<io::Result<_>>();
    let timelines = timelines.context("read the trace")?;
    let read = |path: &Path| {
        let text = fs::read(path).with_context(|| format!("read {}", path.display()))?;
        anyhow::Ok(String::from_utf8_lossy(&text).into_owned())
    };
    let texts = splats.iter().map(|(title, path)| Ok((format!("The kernel: {title}"), read(path)?)));
    let texts = texts.collect::<Result<_>>()?;
    let reproducer = args.reproducer.as_deref().map(read).transpose()?;
    let title = args.session.display().to_string();
    Ok(hang::page(&Page { title: &title, analysis: analysis.clone(), timelines, texts, reproducer }))
}

/// Prints; a reader that went away (`| head`) is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error).context("print the analysis"),
        _ => Ok(()),
    }
}
