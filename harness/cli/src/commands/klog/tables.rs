//! `fencelab klog --lockdep`: lockdep's tables in /proc, and what they tell of the contract.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use fencelab_klog::lockdep::chains::Chains;
use fencelab_klog::lockdep::classes::Classes;
use fencelab_klog::lockdep::coverage::{Coverage, Exercise, RESERVATION, SIGNALLING, Side};
use fencelab_klog::lockdep::graph::LockGraph;
use fencelab_klog::lockdep::stats::Stats;
use serde_json::json;

use crate::args::KlogArgs;
use crate::outcome::Outcome;

use super::print::{self, print};

/// What this machine has.
const HERE: [&str; 2] = ["/proc/lockdep", "/proc/lockdep_stats"];
/// A table that is full to this many percent will end lockdep soon.
const NEARLY_FULL: u64 = 80;

/// What was read.
#[derive(Default)]
struct Tables {
    /// Readings of /proc/lockdep, in the order given.
    classes: Vec<Classes>,
    stats: Option<Stats>,
    chains: Option<Chains>,
    /// The tables that break off in their last line.
    cut: Vec<Cut>,
}

/// Where a table breaks off.
#[derive(serde::Serialize)]
struct Cut {
    source: String,
    line: usize,
}

pub(super) fn run(args: &KlogArgs) -> Result<Outcome> {
    let here: Vec<PathBuf> = HERE.iter().map(PathBuf::from).collect();
    let files = if args.files.is_empty() { &here } else { &args.files };
    let mut tables = Tables::default();
    files.iter().try_for_each(|file| tables.read(file))?;
    let (before, now) = tables.readings();
    if args.dot || args.svg {
        let mut graph = LockGraph::around(SIGNALLING, &now, &before, 1);
        RESERVATION.iter().for_each(|class| graph.extend(LockGraph::around(class, &now, &before, 1)));
        print::graph(&graph, args.dot)?;
    } else if args.json {
        let coverage = (!tables.classes.is_empty()).then(|| Coverage::between(&before, &now));
        let chains = tables.chains.as_ref();
        let value = json!({
            "stats": tables.stats,
            "chains": chains.map(|table| table.chains.len()),
            "buggered": chains.map(|table| table.buggered),
            "cut": tables.cut,
            "coverage": coverage,
        });
        print(&format!("{value}\n"))?;
    } else {
        print(&tables.text(&before, &now))?;
    }
    Ok(Outcome::CLEAN)
}

impl Tables {
    /// Reads one table; its first line tells which it is.
    fn read(&mut self, file: &PathBuf) -> Result<()> {
        let name = file.display();
        let bytes = match contents(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && file.starts_with("/proc") => {
                bail!("read {name}: this kernel has no lockdep (CONFIG_PROVE_LOCKING is off)")
            }
            bytes => bytes.with_context(|| format!("read {name}"))?,
        };
        let text = String::from_utf8_lossy(&bytes);
        let first = text.lines().next().unwrap_or_default();
        if Chains::starts(first) {
            let chains = Chains::parse(&text).with_context(|| format!("read {name}"))?;
            self.note_cut(file, chains.cut);
            self.chains = Some(chains);
        } else if first.ends_with("all lock classes:") {
            let classes = Classes::parse(&text).with_context(|| format!("read {name}"))?;
            self.note_cut(file, classes.cut);
            self.classes.push(classes);
        } else if text.contains("lock-classes:") {
            self.stats = Some(Stats::parse(&text));
        } else {
            bail!("read {name}: it is none of /proc/lockdep, /proc/lockdep_stats and /proc/lockdep_chains");
        }
        Ok(())
    }

    fn note_cut(&mut self, file: &Path, cut: Option<usize>) {
        let source =
            if super::is_stdin(file) { "standard input".to_owned() } else { file.display().to_string() };
        self.cut.extend(cut.map(|line| Cut { source, line }));
    }

    /// The earlier reading and the later one; with one alone, all of it is new.
    fn readings(&self) -> (Classes, Classes) {
        match &self.classes[..] {
            [] => (Classes::default(), Classes::default()),
            [now] => (Classes::default(), now.clone()),
            [before, .., now] => (before.clone(), now.clone()),
        }
    }

    fn text(&self, before: &Classes, now: &Classes) -> String {
        let mut out = String::new();
        for Cut { source, line } in &self.cut {
            out.push_str(&format!(
                "{source} breaks off in line {line}: that line is left out, and more may be missing\n"
            ));
        }
        if let Some(stats) = &self.stats {
            out.push_str(&stats_text(stats));
        }
        if let Some(table) = &self.chains {
            out.push_str(&format!("{} chains of locks held together\n", table.chains.len()));
            if table.buggered {
                out.push_str("the kernel calls this table buggered: no room is left for chains, and some may be missing\n");
            }
        }
        if !self.classes.is_empty() {
            let coverage = Coverage::between(before, now);
            let news = if self.classes.len() > 1 { "new since the first reading" } else { "in all" };
            out.push_str(&format!("contract coverage, {news}:\n"));
            if coverage.cut {
                out.push_str("  at least: the table breaks off, and more may have been taken\n");
            }
            if coverage.cut_before {
                out.push_str("  the first reading breaks off: what counts as new may have been known\n");
            }
            out.push_str(&side("signalling sections", "waits for fences", &coverage.signalling));
            out.push_str(&side("reservations", "reservations", &coverage.reservation));
            out.push_str(&exercised("signalling", coverage.signalling_side(), &coverage));
            out.push_str(&exercised("waiting", coverage.waiting_side(), &coverage));
        }
        out
    }
}

/// A table's bytes; of `-`, standard input's.
fn contents(file: &PathBuf) -> io::Result<Vec<u8>> {
    if !super::is_stdin(file) {
        return fs::read(file);
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::stdin().lock(), &mut bytes)?;
    Ok(bytes)
}

fn stats_text(stats: &Stats) -> String {
    let armed = match stats.armed() {
        Some(true) => "armed",
        Some(false) => "off",
        None => "of unknown state",
    };
    let mut out = format!("lockdep is {armed}\n");
    for (name, counter) in stats.counters.iter().filter_map(|(name, c)| Some((name, (c.value, c.max?)))) {
        out.push_str(&format!("{:>9} of {:>9} {name}\n", counter.0, counter.1));
    }
    for (name, _) in stats.nearly_full(NEARLY_FULL) {
        out.push_str(&format!("{name}: nearly full; lockdep turns itself off when it is\n"));
    }
    out
}

/// Silence of lockdep proves nothing about a side that no code has been on.
fn exercised(side: &str, how: Exercise, coverage: &Coverage) -> String {
    match how {
        Exercise::New => format!("{side} side exercised\n"),
        Exercise::OnlyKnown => format!("{side} side exercised, with nothing new\n"),
        Exercise::Unknown if coverage.cut => format!("{side} side: nobody knows, the table breaks off\n"),
        // What the first had may have gone with its module since.
        Exercise::Unknown => {
            format!("{side} side: not in the last reading, and of the first nobody knows: it breaks off\n")
        }
        Exercise::NotExercised => format!("{side} side not exercised: that lockdep is silent says nothing\n"),
    }
}

fn side(inside: &str, around: &str, side: &Side) -> String {
    let names = |names: &std::collections::BTreeSet<String>| {
        let names: Vec<String> = names.iter().map(|name| format!("          {name}\n")).collect();
        names.concat()
    };
    format!(
        "{:>9} taken inside {inside}\n{}{:>9} held over {around}\n{}",
        side.inside.len(),
        names(&side.inside),
        side.around.len(),
        names(&side.around)
    )
}
