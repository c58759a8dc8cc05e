//! The page: well-formed whatever it is fed, nothing from outside, every case in it.

mod common;

use std::collections::{BTreeMap, HashSet};

use fencelab_report::Expectations;
use quick_xml::Reader;
use quick_xml::events::Event;

use common::night::night;
use common::render;
use common::sessions::ALL;

/// Elements without an end tag.
const VOID: [&str; 3] = ["meta", "input", "br"];

/// Every id and every inner link of a page whose tags nest.
fn anchors(html: &str) -> (HashSet<String>, HashSet<String>) {
    // The script and the style are no markup.
    let html = html.replace("<!DOCTYPE html>\n", "");
    let (head, rest) = html.split_once("<style>").expect("a style");
    let (_, rest) = rest.split_once("</style>").expect("its end");
    let (body, _) = rest.split_once("<script>").expect("a script");
    let page = format!("{head}{body}</body></html>");
    let mut reader = Reader::from_str(&page);
    reader.config_mut().check_end_names = false;
    let (mut open, mut ids, mut links) = (Vec::new(), HashSet::new(), HashSet::new());
    loop {
        match reader.read_event().expect("markup that nests") {
            Event::Eof => break,
            Event::Start(tag) => {
                let name = String::from_utf8(tag.name().as_ref().to_vec()).expect("UTF-8");
                for attribute in tag.html_attributes().map(|a| a.expect("a valid attribute")) {
                    let value = String::from_utf8(attribute.value.to_vec()).expect("UTF-8");
                    match attribute.key.as_ref() {
                        b"id" => assert!(ids.insert(value), "each id once"),
                        b"href" if value.starts_with('#') => drop(links.insert(value[1..].to_owned())),
                        b"src" => panic!("the page asks for {value}"),
                        _ => (),
                    }
                }
                if !VOID.contains(&name.as_str()) {
                    open.push(name);
                }
            }
            Event::End(tag) => {
                let name = String::from_utf8(tag.name().as_ref().to_vec()).expect("UTF-8");
                assert_eq!(open.pop(), Some(name));
            }
            Event::Comment(_) | Event::CData(_) | Event::PI(_) => panic!("text became markup"),
            _ => (),
        }
    }
    assert_eq!(open, [""; 0]);
    (ids, links)
}

#[test]
fn golden_pages_nest_and_their_links_lead_somewhere() {
    for (name, make) in ALL {
        let journal = make();
        let session = journal.session();
        let html = render("html", &session, &journal.splats, &Expectations::default());
        let (ids, links) = anchors(&html);
        assert!(links.is_subset(&ids), "{name}: {:?}", links.difference(&ids));
        let rows = (0..session.cases.len()).map(|index| format!("c{index}"));
        assert!(rows.into_iter().all(|row| ids.contains(&row)), "{name}: every case has its row");
    }
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let journal = night(1);
    let html = render("html", &journal.session(), &journal.splats, &Expectations::default());
    for outside in ["http:", "https:", "url(", "@import", "src="] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn the_page_shows_what_matters() {
    let journal = night(1);
    let html = render("html", &journal.session(), &journal.splats, &Expectations::default());
    for shown in [
        "with the annotation of patch 06, not a plain kernel bug",
        "<ol class=\"chain\">",
        "exporter ↓, importer →",
        "SIG-RECLAIM",
        "possible circular locking dependency",
        "<rect class=\"boot restarted\"",
    ] {
        assert!(html.contains(shown), "{shown}");
    }
}

/// To look at: `FENCELAB_PAGES=dir cargo test -p fencelab-report --test page` leaves the pages there.
#[test]
fn pages_can_be_looked_at() {
    let pages: BTreeMap<_, _> =
        ALL.into_iter().map(|(name, make)| (name, make())).chain([("night", night(1))]).collect();
    for (name, journal) in &pages {
        let html = render("html", &journal.session(), &journal.splats, &Expectations::default());
        assert!(html.ends_with("</html>\n"));
        if let Some(dir) = std::env::var_os("FENCELAB_PAGES") {
            std::fs::write(std::path::Path::new(&dir).join(format!("{name}.html")), html)
                .expect("write the page");
        }
    }
}
