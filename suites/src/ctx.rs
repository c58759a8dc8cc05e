//! What a running case has at hand: its devices, and the channel on which it reports.

use std::thread;

use crate::device::Device;
use crate::random::{self, Random};
use crate::report::{Note, Reporter};

/// The surroundings of one running case.
pub struct Ctx {
    devices: Vec<Device>,
    reporter: Reporter,
    coverage: bool,
}

impl Ctx {
    /// A context over the case's devices that reports to `reporter`; with `coverage`, also what lockdep has before a
    /// module takes its classes away.
    pub fn new(devices: Vec<Device>, reporter: Reporter, coverage: bool) -> Self {
        Ctx { devices, reporter, coverage }
    }

    /// The device in the case's `role`-th role.
    ///
    /// # Panics
    /// When the case names fewer roles: a mistake in the case, which the harness reports as a crash.
    pub fn device(&self, role: usize) -> &Device {
        &self.devices[role]
    }

    /// The devices in the order of the case's roles.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The channel for what lockdep has, if that is wanted.
    pub(crate) fn coverage(&self) -> Option<Reporter> {
        self.coverage.then(|| self.reporter.clone())
    }

    /// Says something worth keeping in the report, whatever the outcome.
    pub fn note(&self, text: impl std::fmt::Display) {
        self.reporter.send(&Note::Note { text: text.to_string() });
    }

    /// Random choices, from the seed that the run was given or from a new one; the report says which it was.
    pub fn random(&self) -> Random {
        let seed = random::seed();
        self.note(format_args!("seed {seed}"));
        Random::new(seed)
    }

    /// Reports one part of the case under its own name, as KTAP subtests and selftests have them.
    pub fn subtest(&self, name: &str, outcome: crate::report::Outcome, reason: &str) {
        self.reporter.send(&Note::Subtest { name: name.into(), outcome, reason: reason.into() });
    }

    /// Starts a thread whose tid the harness learns, so that a splat that names it can be tied to this case.
    pub fn spawn<T: Send + 'static>(
        &self,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let reporter = self.reporter.clone();
        thread::spawn(move || {
            reporter.send(&Note::Thread { tid: nix::unistd::gettid().as_raw() });
            body()
        })
    }
}
