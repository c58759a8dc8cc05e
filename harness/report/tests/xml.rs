//! Whatever text is in names, reasons and output, JUnit stays XML that parses, with every case in it, each once.

mod common;

use std::collections::{BTreeMap, HashSet};

use fencelab_events::{Outcome, SessionEnd};
use fencelab_report::Expectations;
use fencelab_report::expect::{Kind, List};
use proptest::prelude::*;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use common::{Journal, captured, case, render, subtest};

/// Text as programs and kernels write it at their worst.
fn text() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        any::<String>(),
        "[ -~]{0,12}",
        prop::sample::select(vec![
            "]]>",
            "]]",
            ">",
            "<![CDATA[",
            "&",
            "&#0;",
            "<",
            "\"",
            "'",
            "\0",
            "\x1b[0m",
            "\u{fffe}",
            "\u{202e}",
            "\r\n",
            "--",
            "</testsuites>",
            "[[ATTACHMENT|x]]",
            "\u{85}",
            "\u{2028}",
            "%s",
            ",",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(part, 0..6).prop_map(|parts| parts.concat())
}

fn outcome() -> impl Strategy<Value = Outcome> {
    use Outcome::{Cancelled, Crash, Fail, Lost, Pass, Skip, Stuck, Timeout};
    prop::sample::select(vec![Pass, Fail, Skip, Crash, Timeout, Stuck, Cancelled, Lost])
}

/// Cases with their outcome, each with three texts.
fn cases() -> impl Strategy<Value = Vec<(String, String, String, Outcome)>> {
    prop::collection::vec((text(), text(), text(), outcome()), 1..5)
}

fn journal(cases: &[(String, String, String, Outcome)]) -> Journal {
    let plan = cases.iter().enumerate().map(|(index, (name, about, ..))| {
        let mut plan = case(name, &index.to_string(), &[about], &[name], about);
        plan.id = format!("{name}{index}");
        plan
    });
    let mut journal = Journal::begin("stock", plan.collect());
    journal.boot(&[]);
    for (index, (name, reason, output, outcome)) in cases.iter().enumerate() {
        journal.ends(&format!("{name}{index}"), *outcome, reason, |end| {
            end.stdout = captured(output);
            end.stderr = captured(reason);
            end.subtests = vec![subtest(output, Outcome::Fail, reason), subtest(output, *outcome, reason)];
        });
    }
    journal.end(SessionEnd::Aborted { why: cases[0].1.clone() });
    journal
}

/// The names of all testcases of a well-formed document.
fn names(xml: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut names = Vec::new();
    let mut depth = 0;
    loop {
        match reader.read_event().expect("well-formed XML") {
            Event::Eof => break,
            Event::Start(tag) => {
                depth += 1;
                names.extend(name(&tag));
            }
            Event::Empty(tag) => names.extend(name(&tag)),
            Event::End(_) => depth -= 1,
            Event::Text(text) => assert!(text.iter().all(u8::is_ascii_whitespace), "text between elements"),
            Event::CData(_) | Event::Decl(_) => (),
            other => panic!("no such thing in a report: {other:?}"),
        }
    }
    assert_eq!(depth, 0, "every element is closed");
    names
}

fn name(tag: &BytesStart<'_>) -> Option<(String, String)> {
    let attribute = |wanted: &str| {
        let found = tag
            .attributes()
            .map(|a| a.expect("a valid attribute"))
            .find(|a| a.key.as_ref() == wanted.as_bytes());
        found
            .map(|a| a.normalized_value(XmlVersion::Explicit1_0).expect("valid escapes").into_owned())
            .unwrap_or_default()
    };
    (tag.name().as_ref() == b"testcase").then(|| (attribute("classname"), attribute("name")))
}

/// XML 1.0, production 2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

proptest! {
    #[test]
    fn junit_always_parses(cases in cases(), known in any::<bool>()) {
        let journal = journal(&cases);
        let mut lists = Expectations::default();
        if known {
            lists.add(List::parse("fails.txt", Kind::Fails, ".*0").expect("a list"));
        }
        let xml = render("junit", &journal.session(), &BTreeMap::new(), &lists);
        prop_assert!(xml.chars().all(is_xml_char));
        let names = names(&xml);
        // Each case, its two parts, and the session itself.
        prop_assert_eq!(names.len(), 3 * cases.len() + 1);
        prop_assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    }

    #[test]
    fn the_summary_obeys_no_text(cases in cases()) {
        let journal = journal(&cases);
        let text = render("summary", &journal.session(), &BTreeMap::new(), &Expectations::default());
        prop_assert!(text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()));
    }
}

#[test]
fn golden_sessions_parse() {
    for (name, make) in common::sessions::ALL {
        let journal = make();
        let xml = render("junit", &journal.session(), &journal.splats, &Expectations::default());
        assert!(names(&xml).len() > journal.session().cases.len(), "{name}");
    }
}

/// GitLab refuses 30 MB; hundreds of cases that flood their output must stay below.
#[test]
fn a_flood_stays_small() {
    let plan = (0..400).map(|i| case("flood", &format!("c{i}"), &["vkms"], &[], "it is quiet")).collect();
    let mut journal = Journal::begin("stock", plan);
    journal.boot(&[]);
    let flood = captured(&"\x1b[0m a line that says nothing ]]>\n".repeat(2000));
    for i in 0..400 {
        journal.ends(&format!("flood/c{i}@vkms"), Outcome::Fail, "it was not quiet", |end| {
            end.stdout = flood.clone();
            end.stderr = flood.clone();
        });
    }
    let xml = render("junit", &journal.session(), &BTreeMap::new(), &Expectations::default());
    assert!(xml.len() < 28 << 20, "{} bytes", xml.len());
    assert_eq!(names(&xml).len(), 401);
}
