//! Which rows of the table fit a report.

use super::edge::{Edge, edges};
use super::table::{RULES, Rule, When};
use super::{Role, RuleMatch};
use crate::blame::{first_real, is_core, place_frame, warning_frame};
use crate::frame::Frame;
use crate::kind::Kind;
use crate::report::Report;

/// A row that fits, and what decides its place among the others.
struct Hit<'a> {
    rule: &'a Rule,
    edge: Option<&'a Edge>,
    line: Option<String>,
    /// 0 for the closing edge and for what needs no edge.
    distance: usize,
}

/// Every rule that the report breaks, once each: the closing edge's first, then the more specific.
pub(crate) fn matching(report: &Report) -> Vec<RuleMatch> {
    let edges = edges(report);
    let mut hits: Vec<Hit> = RULES.iter().filter_map(|rule| hit(rule, report, &edges)).collect();
    hits.sort_by_key(|hit| (hit.distance, std::cmp::Reverse(hit.rule.weight)));
    let mut matches: Vec<RuleMatch> = Vec::new();
    for hit in hits {
        if matches.iter().all(|known| known.id != hit.rule.id) {
            matches.push(rule_match(hit, report));
        }
    }
    matches
}

fn hit<'a>(rule: &'a Rule, report: &Report, edges: &'a [Edge]) -> Option<Hit<'a>> {
    let by_edge = |from, to, functions: Option<&[&str]>| {
        let fits = |edge: &&Edge| {
            edge.roles() == (from, to)
                && (edge.tainted || to.is_forbidden())
                && functions.is_none_or(|names| through(edge.functions(), names))
        };
        let distance = edges.iter().position(|edge| fits(&edge))?;
        Some(Hit { rule, edge: Some(&edges[distance]), line: None, distance })
    };
    let line =
        |line: Option<String>| line.map(|line| Hit { rule, edge: None, line: Some(line), distance: 0 });
    match rule.when {
        When::Edge(from, to) => by_edge(from, to, None),
        When::EdgeVia(from, to, functions) => by_edge(from, to, Some(functions)),
        When::Lock(kinds, role) => line(of_kind(report, kinds).then(|| lock_line(report, role)).flatten()),
        When::LockVia(kinds, role, functions) => {
            let fits = of_kind(report, kinds) && report_through(report, functions).is_some();
            line(fits.then(|| lock_line(report, role)).flatten())
        }
        When::Via(kinds, functions) => {
            line(of_kind(report, kinds).then(|| report_through(report, functions)).flatten())
        }
        When::LeftByWork(role) => line(left_by_work(report, role)),
        When::At(kinds, file, functions) => {
            line(of_kind(report, kinds).then(|| at(report, file, functions)).flatten())
        }
        When::ReclaimUsage(role) => line(reclaim_usage(report).then(|| lock_line(report, role)).flatten()),
        When::Words(kinds, words) => {
            let says = |text: &&String| words.iter().any(|words| text.contains(words));
            let found = || report.text.iter().find(says).map(|text| text.trim().to_owned());
            line(of_kind(report, kinds).then(found).flatten())
        }
    }
}

/// "inconsistent {RECLAIM_FS-ON-W} -> {IN-RECLAIM_FS-W} usage."
fn reclaim_usage(report: &Report) -> bool {
    let change = report.details.usage_change.as_ref();
    change.is_some_and(|(old, new)| old.contains("RECLAIM") && new.contains("RECLAIM"))
}

fn of_kind(report: &Report, kinds: &[Kind]) -> bool {
    kinds.contains(&report.kind)
}

fn through<'a>(mut functions: impl Iterator<Item = &'a str>, names: &[&str]) -> bool {
    functions.any(|function| names.contains(&function))
}

/// The lock of this role that the report is about: the one acquired or released, or one that is held.
fn lock_line(report: &Report, role: Role) -> Option<String> {
    let about = report.acquiring.iter().chain(report.details.holding.iter().map(|lock| &lock.class));
    let held = report.held.iter().filter(|_| matches!(report.kind, Kind::HeldAtReturn | Kind::StillHeld));
    about.chain(held).find(|class| Role::of(class) == role).map(|class| class.to_string())
}

/// "BUG: workqueue leaked atomic, lock or RCU" and what came before it (kernel/workqueue.c); debug_show_held_locks() follows.
fn left_by_work(report: &Report, role: Role) -> Option<String> {
    let leaked =
        of_kind(report, &[Kind::Bug]) && report.text.iter().any(|text| text.contains("workqueue leaked"));
    let mut held = report.held.iter().filter(|_| leaked);
    held.find(|class| Role::of(class) == role).map(|class| class.to_string())
}

/// The first frame through one of these functions.
fn report_through(report: &Report, names: &[&str]) -> Option<String> {
    let mut frames = report.frames.iter().filter(|frame| !frame.unreliable);
    frames.find(|frame| names.contains(&frame.function.as_str())).map(Frame::to_string)
}

/// Where the warning stands.
fn at(report: &Report, file: &str, names: &[&str]) -> Option<String> {
    let frame = warning_frame(report).or_else(|| place_frame(report))?;
    let in_file = report.place.as_deref().is_none_or(|place| place.contains(file));
    (in_file && names.contains(&frame.function.as_str())).then(|| frame.to_string())
}

fn rule_match(hit: Hit, report: &Report) -> RuleMatch {
    let sentence =
        fill(hit.rule.sentence, hit.edge, report).replace("{line}", hit.line.as_deref().unwrap_or(""));
    RuleMatch { id: hit.rule.id, edge: hit.edge.cloned(), line: hit.line, sentence, doc: hit.rule.doc }
}

/// Fills the places of a sentence.
fn fill(sentence: &str, edge: Option<&Edge>, report: &Report) -> String {
    let name = |class: Option<&crate::lock::LockClass>| {
        class.map(|class| class.to_string()).unwrap_or_else(|| "a lock".to_owned())
    };
    let to = edge.map(|edge| &edge.to).or(report.acquiring.as_ref());
    let holding = report.details.holding.as_ref().map(|lock| &lock.class);
    let from = edge.map(|edge| &edge.from).or(holding).or(report.held.last());
    let section = edge.map_or_else(|| open_section(report), |edge| edge.held_at.as_ref());
    let section = section.map(|at| format!(" that {}() began", at.function));
    let mut sentence = sentence
        .replace("{to}", &name(to))
        .replace("{from}", &name(from))
        .replace("{section}", &section.unwrap_or_default())
        .replace("{by}", &by(edge, report));
    // "some code" may stand at the beginning; the name of a function stays as it is.
    if doer(edge, report).is_none() {
        sentence[..1].make_ascii_uppercase();
    }
    sentence
}

/// Where the section was begun that the task is still in.
fn open_section(report: &Report) -> Option<&Frame> {
    let mut held = report.details.held.iter().flat_map(|held| &held.locks);
    held.find(|lock| Role::of(&lock.class) == Role::Signalling).and_then(|lock| lock.at.as_ref())
}

/// Who took the lock: the first function of the trace that is no plumbing, and for core code the driver behind it.
fn by(edge: Option<&Edge>, report: &Report) -> String {
    let Some(doer) = doer(edge, report) else { return "some code".to_owned() };
    let frames = edge.map_or(report.frames.as_slice(), |edge| &edge.frames);
    let driver = frames.iter().find(|frame| frame.module.is_some() && !frame.unreliable && !is_core(frame));
    match driver.filter(|_| is_core(doer)) {
        Some(driver) => format!("{doer} (called for {driver})"),
        None => doer.to_string(),
    }
}

fn doer<'a>(edge: Option<&'a Edge>, report: &'a Report) -> Option<&'a Frame> {
    match edge {
        Some(edge) => first_real(&edge.frames),
        None => place_frame(report),
    }
}
