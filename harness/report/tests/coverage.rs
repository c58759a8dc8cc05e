//! Contract coverage in each report: the numbers, who was first, and what a pass says nothing of.

mod common;

use std::collections::BTreeMap;

use fencelab_events::{Coverage, Event, Lockdep, Outcome, Session, SessionEnd, Side, Verdict};
use fencelab_report::exit::{self, Exit};
use fencelab_report::expect::{Kind, List};
use fencelab_report::{Expectations, Input, View};

use common::{Journal, case, render};

fn side(inside: &[&str], before: usize, around: &[&str]) -> Side {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Side { inside: names(inside), inside_before: before, around: names(around), around_before: 118 }
}

/// A boot whose first case exercises nothing of what it claims, whose second takes a lock inside a section, and whose
/// third drives sections only beside what it tests.
fn session() -> Session {
    let plan = [
        case("twin", "idle", &["twin"], &["SIG-RECLAIM", "SIG-RESV"], "allocations in a section are seen"),
        case("atomic", "flip", &["vkms"], &["ATOM-IN", "ATOM-SECTION"], "a flip is shown"),
        case("twin", "lock", &["twin"], &["SIG-TAINTED"], "locks in a section are seen"),
    ];
    let mut journal = Journal::begin("stock", plan.to_vec());
    journal.boot(&[]);
    let primed =
        Coverage { signalling: side(&[], 0, &["fs_reclaim"]), took_us: 500_000, ..Coverage::default() };
    journal.write(Event::BootCoverage { boot: 1, coverage: primed });
    for (index, signalling) in
        [side(&[], 0, &[]), side(&[], 0, &["&vkms<lock>"]), side(&["&twin->lock"], 0, &[])]
            .into_iter()
            .enumerate()
    {
        let coverage = Coverage { signalling, took_us: 600_000, ..Coverage::default() };
        journal.ends(&plan[index].id, Outcome::Pass, "", |finished| finished.coverage = Some(coverage));
    }
    journal.end(SessionEnd::Complete);
    Session::fold(&journal.entries)
}

/// Pairs of devices, a known failure, a case without devices, a kernel without lockdep, a rule of some other contract.
fn pairs() -> Session {
    let (armed, absent) = (Lockdep::Armed, Lockdep::Absent);
    let ends = [
        (case("dma-buf", "fences", &["vkms", "qxl"], &["RESV-USAGE", "ATOM-IN"], ""), Outcome::Pass, armed),
        (case("dma-buf", "fences", &["qxl", "vkms"], &["RESV-USAGE", "ATOM-IN"], ""), Outcome::Pass, armed),
        (case("dma-buf", "read", &["vkms", "vgem"], &["RESV-USAGE"], ""), Outcome::Fail, armed),
        (case("dma-buf", "import", &["vkms", "new"], &["RESV-CTX", "BUF-ERRNO"], ""), Outcome::Pass, absent),
        (case("atomic", "flip", &["bochs"], &["ATOM-OUT"], ""), Outcome::Fail, armed),
        (case("atomic", "old", &["bochs"], &["ATOM-GONE"], ""), Outcome::Pass, armed),
        (case("sync-file", "merge", &[], &["FENCE-ONCE"], ""), Outcome::Skip, armed),
    ];
    let mut journal = Journal::begin("stock", ends.iter().map(|(case, ..)| case.clone()).collect());
    journal.boot(&[]);
    for (case, outcome, lockdep) in &ends {
        journal.ends(&case.id, *outcome, "", |finished| finished.lockdep = *lockdep);
    }
    journal.end(SessionEnd::Complete);
    Session::fold(&journal.entries)
}

fn rendered(format: &str) -> String {
    render(format, &session(), &BTreeMap::new(), &Expectations::default())
}

#[test]
fn a_claim_that_nothing_exercised_is_no_pass_and_no_finding() {
    let session = session();
    let verdicts: Vec<_> = session.cases.iter().map(|record| Verdict::of(&session, record)).collect();
    assert_eq!(verdicts, [Verdict::Unexercised, Verdict::Pass, Verdict::Pass]);
    let (expectations, splats) = (Expectations::default(), BTreeMap::new());
    let view = View::of(&Input { session: &session, expectations: &expectations, splats: &splats, dir: "" });
    assert_eq!(exit::of(&view), Exit::Clean);
}

#[test]
fn the_summary_tells_it() {
    insta::assert_snapshot!("summary-coverage", rendered("summary"));
}

#[test]
fn junit_has_it_as_properties() {
    insta::assert_snapshot!("junit-coverage", rendered("junit").replace("><", ">\n<"));
}

#[test]
fn rules_are_counted_by_the_devices_that_took_part() {
    let mut known = Expectations::default();
    known.add(List::parse("vm-fails.txt", Kind::Fails, "atomic/flip@bochs,Fail\n").expect("a list"));
    let page = render("html", &pairs(), &BTreeMap::new(), &known);
    let rules = page
        .split("<h2>Contract coverage: rules</h2>")
        .nth(1)
        .and_then(|rest| rest.split("</section>").next());
    insta::assert_snapshot!("html-rules", rules.expect("the section"));
    let summary = render("summary", &pairs(), &BTreeMap::new(), &known);
    let rules = summary.split("Contract coverage: ").nth(1).and_then(|rest| rest.split("\n\n").next());
    insta::assert_snapshot!("summary-rules", rules.expect("the section"));
}

#[test]
fn the_page_draws_it() {
    let page = rendered("html");
    let section = page
        .split("<h2>Contract coverage: locks</h2>")
        .nth(1)
        .and_then(|rest| rest.split("</section>").next());
    insta::assert_snapshot!("html-coverage", section.expect("the section"));
    assert!(page.contains("signalling side not exercised: ATOM-SECTION was not tested"));
    assert!(page.contains("<b class=\"m unexercised\""));
}
