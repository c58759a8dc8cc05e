//! The older form of tests in modules, which i915 and dma-buf share: parameters choose what runs at load, lines in
//! the kernel log say what ran (`i915_selftest.c`, `drivers/dma-buf/selftest.c`).

use nix::errno::Errno;

use crate::case::{Stop, Tested};
use crate::modules::Modules;
use crate::test_module;

/// A module with such tests.
#[derive(Debug, Clone, Copy)]
pub struct Module {
    /// The module's name.
    pub name: &'static str,
    /// What its log lines begin with: `i915: Running …`.
    pub prefix: &'static str,
}

/// One test that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// `caller/test`, or `suite` for a suite that is one function.
    pub name: String,
    /// The error that it failed with.
    pub error: Option<i32>,
}

impl Module {
    /// The parameter that enables one suite alone. Its name ends with the suite's and holds a line number of the
    /// kernel's source, so it is looked up in the module file.
    ///
    /// # Errors
    /// Skips where the module knows no such suite, or its file cannot tell.
    pub fn enable(&self, modules: &Modules, suite: &str) -> Result<String, Stop> {
        let parameters = test_module::parameters(modules, self.name);
        let found = parameters.iter().find(|p| suite_of(p) == Some(suite));
        found.map(|parameter| format!("{parameter}=1")).ok_or_else(|| {
            let why = if parameters.is_empty() {
                "this kernel has no such module, or a compressed one"
            } else {
                "no such parameter"
            };
            Stop::skip(format!("{} has no selftest {suite}: {why}", self.name))
        })
    }

    /// The tests that the log says ran: those inside suites, in order. One that ran several times, as dma-resv's do
    /// for each usage, comes once and has failed if it did any time.
    pub fn subtests(&self, lines: &[String]) -> Vec<Ran> {
        let mut ran: Vec<Ran> = Vec::new();
        for line in lines {
            if let Some(name) = self.running(line).filter(|name| name.contains('/')) {
                if ran.iter().all(|test| test.name != name) {
                    ran.push(Ran { name: name.to_owned(), error: None });
                }
            } else if let Some((name, error)) = self.failed(line) {
                ran.iter_mut().filter(|test| test.name == name).for_each(|test| test.error = Some(error));
            }
        }
        ran
    }

    /// Checks that the log says that `test` ran, a suite or a `caller/test`. A log that ran over (`lost`) proves
    /// nothing either way and is let pass.
    ///
    /// # Errors
    /// Skips where it did not run: the module has no such test.
    pub fn must_have_run(&self, lines: &[String], lost: bool, test: &str) -> Tested {
        if lost || lines.iter().any(|line| self.running(line) == Some(test)) {
            return Ok(());
        }
        Err(Stop::skip(format!("{} has no selftest {test} in this kernel", self.name)))
    }

    /// `PREFIX: Running NAME`
    fn running<'a>(&self, line: &'a str) -> Option<&'a str> {
        line.strip_prefix(self.prefix)?.strip_prefix(": Running ").map(str::trim_end)
    }

    /// `PREFIX/CALLER: TEST failed with error N`
    fn failed(&self, line: &str) -> Option<(String, i32)> {
        let (caller, rest) = line.strip_prefix(self.prefix)?.strip_prefix('/')?.split_once(": ")?;
        let (test, error) = rest.split_once(" failed with error ")?;
        Some((format!("{caller}/{test}"), error.trim().parse().ok()?))
    }
}

/// What a failure says: the test that failed where the log tells, and the errno.
pub fn failure(ran: &[Ran], asked: &str, errno: Errno) -> String {
    match ran.iter().find(|test| test.error.is_some()) {
        Some(test) => format!("the selftest {} failed: {errno}", test.name),
        None => format!("the selftest {asked} failed: {errno}"),
    }
}

/// The suite that a parameter enables: `igt__13__dma_fence`, `igt__20__mock_fence`.
fn suite_of(parameter: &str) -> Option<&str> {
    let (line, suite) = parameter.strip_prefix("igt__")?.split_once("__")?;
    line.bytes().all(|b| b.is_ascii_digit()).then_some(suite)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: Module = Module { name: "dmabuf_selftests", prefix: "dma-buf" };

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn the_log_says_what_ran_and_what_failed() {
        let log = lines(
            "dma-buf: Running dma_fence\ndma-buf: Running dma_fence/sanitycheck\nsizeof(dma_fence)=64\n\
             dma-buf: Running dma_fence/test_wait\ndma-buf/dma_fence: test_wait failed with error -22\n",
        );
        let ran = MODULE.subtests(&log);
        assert_eq!(ran.len(), 2);
        assert_eq!((ran[0].name.as_str(), ran[0].error), ("dma_fence/sanitycheck", None));
        assert_eq!((ran[1].name.as_str(), ran[1].error), ("dma_fence/test_wait", Some(-22)));
        assert!(failure(&ran, "dma_fence", Errno::EINVAL).contains("dma_fence/test_wait failed: EINVAL"));
        assert_eq!(MODULE.must_have_run(&log, false, "dma_fence"), Ok(()));
        assert!(matches!(MODULE.must_have_run(&log, false, "dma_resv"), Err(Stop::Skip(_))));
        assert_eq!(MODULE.must_have_run(&log, true, "dma_resv"), Ok(()));
    }

    #[test]
    fn a_test_that_runs_again_is_one_test() {
        let log = lines(
            "dma-buf: Running dma_resv/test_signaling\ndma-buf: Running dma_resv/test_for_each\n\
             dma-buf: Running dma_resv/test_signaling\ndma-buf/dma_resv: test_signaling failed with error -12\n",
        );
        let names: Vec<_> = MODULE.subtests(&log).into_iter().map(|test| (test.name, test.error)).collect();
        let expected = [("dma_resv/test_signaling", Some(-12)), ("dma_resv/test_for_each", None)];
        assert_eq!(names, expected.map(|(name, error)| (name.to_owned(), error)));
    }

    #[test]
    fn a_suites_parameter_is_found_by_its_end() {
        assert_eq!(suite_of("igt__13__dma_fence"), Some("dma_fence"));
        assert_eq!(suite_of("igt__20__mock_fence"), Some("mock_fence"));
        assert_eq!(suite_of("st_filter"), None);
        assert_eq!(suite_of("igt__x__dma_fence"), None);
    }
}
