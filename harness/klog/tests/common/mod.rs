//! The logs that our own guests printed, and ways to print them again.
#![allow(dead_code)]

use fencelab_klog::{Options, Report, parse_log};

/// Name and bytes of every fixture log.
pub(crate) fn fixtures() -> Vec<(String, Vec<u8>)> {
    let mut logs: Vec<(String, Vec<u8>)> = std::fs::read_dir("tests/fixtures")
        .expect("the fixtures can be listed")
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "log"))
        .map(|path| named(&path))
        .collect();
    logs.sort();
    logs
}

/// The reports of a text log.
pub(crate) fn reports(log: &[u8]) -> Vec<Report> {
    parse_log(log, Options::default()).into_iter().filter_map(|event| event.into_report()).collect()
}

/// The messages of a fixture, without prefix; only those of the caller that printed the first report.
pub(crate) fn messages(log: &[u8]) -> Vec<String> {
    reports(log).first().map(|report| report.text.clone()).unwrap_or_default()
}

/// Prints messages as a console does, one millisecond after another.
pub(crate) fn console(lines: &[(u32, String)]) -> String {
    let line = |(index, (tid, text)): (usize, &(u32, String))| {
        let us = 5_000_000 + index * 1000;
        format!("[{:5}.{:06}][{:>6}] {text}\n", us / 1_000_000, us % 1_000_000, format!("T{tid}"))
    };
    lines.iter().enumerate().map(line).collect()
}

/// What must not change when a log is printed in another way.
pub(crate) fn structure(report: &Report) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        report.kind,
        report.task.clone(),
        report.place.clone(),
        report
            .details
            .traces
            .iter()
            .map(|trace| (trace.name.clone(), trace.frames.len()))
            .collect::<Vec<_>>(),
        report.details.held.iter().map(|held| (held.count, held.locks.len())).collect::<Vec<_>>(),
        report.details.scenario.len(),
        report.chain.clone(),
        report.acquiring.clone(),
        report.held.clone(),
        report.signature.clone(),
        report.details.links.iter().map(|link| link.frames.len()).collect::<Vec<_>>(),
    )
}

/// The same with the length of the backtrace, whose end only some kernels mark.
pub(crate) fn whole_structure(report: &Report) -> impl PartialEq + std::fmt::Debug + use<> {
    (structure(report), report.frames.len())
}

fn named(path: &std::path::Path) -> (String, Vec<u8>) {
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    (name, std::fs::read(path).expect("the fixture can be read"))
}

/// A report written after the kernel's format strings.
pub(crate) struct Written {
    pub(crate) name: String,
    pub(crate) kinds: Vec<String>,
    pub(crate) text: String,
}

/// The reports of a file of `tests/written`: `#### KIND | NAME` begins one.
pub(crate) fn written(file: &str) -> Vec<Written> {
    let path = format!("tests/written/{file}.txt");
    let text = std::fs::read_to_string(path).expect("the file can be read");
    let report = |part: &str| {
        let (head, text) = part.split_once('\n').expect("a report has lines");
        let (kinds, name) = head.split_once(" | ").expect("a report has a name");
        let kinds = kinds.split(' ').map(str::to_owned).collect();
        Written { name: name.to_owned(), kinds, text: text.to_owned() }
    };
    text.split("#### ").skip(1).map(report).collect()
}
