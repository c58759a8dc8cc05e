//! Reports written after the kernel's format strings, in three ways of writing a log down. `tests/written/README.md`.

mod common;

use common::{reports, written};
use fencelab_klog::Report;

/// How a log is written: the number of the line and the message in, the line out.
type Form = fn(usize, &str) -> String;

const FORMS: [(&str, Form); 3] = [
    ("with callers", |at, text| format!("[    5.{at:06}][  T812] {text}\n")),
    ("syslog", |at, text| format!("Nov 14 12:34:56 host kernel: [    5.{at:06}] {text}\n")),
    ("bare", |_, text| format!("{text}\n")),
];

/// A log of these lines between two of others.
fn log(text: &str, form: Form) -> String {
    let lines = ["usb 1-1: before"].into_iter().chain(text.lines());
    let body: String = lines.enumerate().map(|(at, line)| form(at, line)).collect();
    body + &FORMS[0].1(900_000, "usb 1-1: later").replace("T812", "T7").replace("    5.", "   60.")
}

fn found(text: &str, form: Form) -> Vec<Report> {
    reports(log(text, form).as_bytes())
}

fn kinds(reports: &[Report]) -> Vec<&str> {
    reports.iter().map(|report| report.kind.as_str()).collect()
}

/// What must be the same in every form, on few lines.
fn summary(report: &Report) -> String {
    let names = |classes: &[fencelab_klog::LockClass]| {
        classes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    };
    format!(
        "  {}\n    {}\n    task {}, cpu {:?}, place {}, missing {:?}, {} frames, {} traces, blame {}\n    chain [{}] held [{}] rules {:?}\n",
        report.title,
        report.signature,
        report.task.as_ref().map_or("-".to_owned(), ToString::to_string),
        report.cpu,
        report.place.as_deref().unwrap_or("-"),
        report.missing,
        report.frames.len(),
        report.details.traces.len(),
        report.blame.as_ref().map_or("-".to_owned(), ToString::to_string),
        names(&report.chain),
        names(&report.held),
        report.rules.iter().map(|rule| rule.id).collect::<Vec<_>>(),
    )
}

#[test]
fn each_report_has_its_kind_and_ends_where_it_ends() {
    let all: Vec<_> = ["lockdep", "others"].into_iter().flat_map(written).collect();
    assert!(all.len() > 90, "{}", all.len());
    for written in all {
        for (name, form) in FORMS {
            let found = found(&written.text, form);
            let whence = format!("{} {name}", written.name);
            assert_eq!(kinds(&found), written.kinds, "{whence}");
            let last = found.last().map_or(0, |report| report.last_line as usize);
            let lines = written.text.trim_end().lines().count() + 1;
            // The rule, the oops's registers or a fix-up may stand below what is the report.
            assert!(last + 1 >= lines && last <= lines, "{whence}: ends at {last} of {lines}");
        }
    }
}

#[test]
fn the_structure_of_each() {
    for file in ["lockdep", "others"] {
        let mut out = String::new();
        for written in written(file) {
            let of = |form| found(&written.text, form).iter().map(summary).collect::<String>();
            let all: Vec<String> = FORMS.iter().map(|(_, form)| of(*form)).collect();
            assert!(all.iter().all(|summary| *summary == all[0]), "{}: {all:#?}", written.name);
            out += &format!("{}: {}\n{}", written.name, written.kinds.join(", "), all[0]);
        }
        insta::assert_snapshot!(format!("{file}"), out);
    }
}

#[test]
fn what_gpu_drivers_print() {
    let mut seen = 0;
    for line in include_str!("written/gpu.txt").lines() {
        let (kind, message) = line.split_once(": ").expect("a kind stands in front");
        for (name, form) in FORMS {
            let found = found(message, form);
            assert_eq!(kinds(&found), [kind], "{message} {name}");
            assert!(found[0].complete && found[0].title.contains(message), "{}", found[0].title);
        }
        seen += 1;
    }
    assert!(seen > 70, "{seen}");
}

#[test]
fn what_only_looks_like_a_report() {
    for line in include_str!("written/none.txt").lines() {
        for (name, form) in FORMS {
            assert_eq!(kinds(&found(line, form)), [""; 0], "{line} {name}");
        }
    }
}
