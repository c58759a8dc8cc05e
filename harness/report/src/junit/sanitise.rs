//! The one sanitiser: everything that becomes XML passes here last.
//!
//! junit-report escapes attributes and nothing else. Control characters make a file that no parser takes, and `]]>`
//! ends a CDATA section wherever it stands, so either would cost the night's whole report.

use std::borrow::Cow;

use junit_report::{TestCase, TestResult, TestSuite};

use crate::text::{line, lines};

/// The suite with every text of it safe.
pub(crate) fn suite(mut suite: TestSuite) -> TestSuite {
    for text in [&mut suite.name, &mut suite.package, &mut suite.hostname] {
        attribute(text);
    }
    suite.system_out.as_mut().map(cdata);
    suite.system_err.as_mut().map(cdata);
    suite.testcases.iter_mut().for_each(testcase);
    suite
}

fn testcase(case: &mut TestCase) {
    attribute(&mut case.name);
    case.classname.as_mut().map(attribute);
    case.filepath.as_mut().map(attribute);
    case.system_out.as_mut().map(cdata);
    case.system_err.as_mut().map(cdata);
    match &mut case.result {
        TestResult::Success | TestResult::Skipped => (),
        TestResult::SkippedWithCause { type_, message, cause }
        | TestResult::Error { type_, message, cause }
        | TestResult::Failure { type_, message, cause } => {
            attribute(type_);
            attribute(message);
            cause.as_mut().map(cdata);
        }
    }
}

/// An attribute is one line.
fn attribute(text: &mut String) {
    if let Cow::Owned(safe) = line(text) {
        *text = safe;
    }
}

/// CDATA holds everything but its own end.
fn cdata(text: &mut String) {
    if let Cow::Owned(safe) = lines(text) {
        *text = safe;
    }
    if text.contains("]]>") {
        *text = text.replace("]]>", "]] >");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cdata_is_never_closed_from_inside() {
        let mut text = "a]]>b]]]]>>".to_owned();
        cdata(&mut text);
        assert_eq!(text, "a]] >b]]]] >>");
    }
}
