//! One boot as a session: a folder, a journal, the runner.

use std::path::{Path, PathBuf};
use std::time::Duration;

use fencelab_bench::Bench;
use fencelab_events::{Device, Event, PlannedCase, Session};
use fencelab_runner::{Folder, Journal, Observer, Options, Runner, Stop, Sync, host_boot_id};

use crate::error::Error;

/// What a session's journal begins with.
#[derive(Debug, Clone)]
pub struct About {
    /// fencelab's version.
    pub fencelab: String,
    /// The bench, as the command line named it.
    pub bench: String,
    /// The command line.
    pub argv: Vec<String>,
    /// This machine's name.
    pub host: String,
}

/// Where the sessions of a proof lie, and how they run.
#[derive(Clone)]
pub struct Site {
    /// The folder of all of it.
    pub folder: PathBuf,
    /// What each journal begins with.
    pub about: About,
    /// How the runner behaves; whether the kernel is annotated is each boot's own.
    pub options: Options,
    /// The user's wish to stop.
    pub stop: Stop,
}

/// Sees nothing: the prover's watcher sees whole boots.
struct Quiet;

impl Observer for Quiet {
    fn booting(&mut self, _boot: u32) {}
    fn event(&mut self, _event: &Event, _session: &Session) {}
    fn tick(&mut self, _session: &Session) {}
}

impl Site {
    /// Runs these cases on the bench, in a session of its own in `name` below the folder; what its journal tells.
    ///
    /// # Errors
    /// The file system's. That the bench did not come up is in the session.
    pub(crate) fn run(
        &self,
        name: &str,
        kernel: &str,
        annotated: bool,
        bench: &mut dyn Bench,
        cases: Vec<PlannedCase>,
        devices: Vec<Device>,
    ) -> Result<Session, Error> {
        let folder = Folder::new(self.folder.join(name));
        let mut journal = Journal::create(&folder, Sync::Every(Duration::from_secs(1)))?;
        let about = self.about.clone();
        journal.write(Event::SessionStarted {
            version: fencelab_events::VERSION,
            fencelab: about.fencelab,
            bench: about.bench,
            kernel: Some(kernel.into()),
            argv: about.argv,
            host: about.host,
            host_boot_id: host_boot_id(),
        })?;
        journal.write(Event::Planned { cases, devices })?;
        let options = Options { annotated, ..self.options.clone() };
        let mut quiet = Quiet;
        let bench: &mut dyn Bench = bench;
        let runner = Runner::new([bench], folder.clone(), journal, &mut quiet, self.stop.clone(), options);
        match runner.run() {
            Ok(journal) => Ok(journal.session().clone()),
            // The journal says why; it is all that is left of the runner.
            Err(error) => read(&folder, error),
        }
    }

    /// Where a file of the proofs lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.folder).join(name)
    }
}

fn read(folder: &Folder, error: fencelab_runner::Error) -> Result<Session, Error> {
    let Ok(file) = std::fs::File::open(folder.journal()) else { return Err(error.into()) };
    match fencelab_events::journal::read(std::io::BufReader::new(file)) {
        Ok(read) => Ok(Session::fold(&read.entries)),
        Err(_) => Err(error.into()),
    }
}
