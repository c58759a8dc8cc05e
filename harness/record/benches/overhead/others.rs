//! Other tools on the same loop: bpftrace, and LTTng-UST in a program that is built for it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// What a row says of a tool that there is not.
pub(crate) const MISSING: &str = "not installed";

/// Whether a program is there to be run.
pub(crate) fn is_installed(name: &str) -> bool {
    Command::new(name).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// bpftrace on the same calls, with their argument's bytes.
pub(crate) struct Bpftrace(Child);

impl Bpftrace {
    /// Starts it, and waits until it has attached; or why it does not.
    pub(crate) fn start(folder: &Path) -> Result<Self, String> {
        const PROBE: &str = "tracepoint:syscalls:sys_enter_ioctl /comm == \"loop\"/ { printf(\"%r\\n\", buf(args->arg, 24)); }";
        /// Between its word that it attaches and the first event.
        const SETTLE: Duration = Duration::from_secs(2);
        if !is_installed("bpftrace") {
            return Err(MISSING.into());
        }
        let said = folder.join("bpftrace");
        let file = || File::create(&said).unwrap();
        let mut child =
            Command::new("bpftrace").args(["-e", PROBE]).stdout(file()).stderr(file()).spawn().unwrap();
        for _ in 0..200 {
            std::thread::sleep(Duration::from_millis(50));
            let text = std::fs::read_to_string(&said).unwrap_or_default();
            if child.try_wait().unwrap().is_some() {
                let why = text
                    .lines()
                    .find(|line| line.contains("ERROR") && !line.contains("RLIMIT"))
                    .unwrap_or("");
                return Err(format!("does not run here: {why}"));
            }
            if text.contains("Attaching") {
                std::thread::sleep(SETTLE);
                return Ok(Self(child));
            }
        }
        let tracer = Self(child);
        drop(tracer);
        Err("does not attach within 10 s".into())
    }
}

impl Drop for Bpftrace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A session of LTTng's, with a daemon of its own, and the loop with a tracepoint behind each call.
pub(crate) struct Lttng {
    pub(crate) program: PathBuf,
    daemon: Child,
    traces: PathBuf,
}

const SESSION: &str = "fencelab-bench";

impl Lttng {
    /// Builds the program and starts the session; or why that cannot be.
    pub(crate) fn start(folder: &Path) -> Result<Self, String> {
        if !is_installed("lttng") {
            return Err(MISSING.into());
        }
        let program = folder.join("traced");
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/programs");
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-w", "-pthread", "-DLTTNG", "-I"]).arg(&programs).arg("-o").arg(&program);
        let built =
            cc.arg(programs.join("loop.c")).args(["-llttng-ust", "-ldl"]).stderr(Stdio::null()).status();
        if !built.is_ok_and(|built| built.success()) {
            return Err("not installed: liblttng-ust-dev".into());
        }
        let mut daemon = Command::new("lttng-sessiond");
        let daemon = daemon.arg("--no-kernel").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let daemon = daemon.map_err(|_| MISSING.to_owned())?;
        std::thread::sleep(Duration::from_secs(2));
        let traces = folder.join("lttng");
        let session = Self { program, daemon, traces };
        let output = format!("--output={}", session.traces.display());
        // A full buffer is overwritten: an event that is dropped costs next to nothing, and the least run counts.
        let steps: [&[&str]; 4] = [
            &["create", SESSION, &output],
            &["enable-channel", "-u", "--overwrite", "calls"],
            &["enable-event", "-u", "-c", "calls", "fencelab_bench:call"],
            &["start"],
        ];
        match steps.into_iter().find(|step| !lttng(step)) {
            None => Ok(session),
            Some(step) => Err(format!("lttng {} fails", step[0])),
        }
    }
}

fn lttng(arguments: &[&str]) -> bool {
    let mut run = Command::new("lttng");
    run.args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

impl Drop for Lttng {
    fn drop(&mut self) {
        lttng(&["destroy", SESSION]);
        let daemon = nix::unistd::Pid::from_raw(self.daemon.id() as i32);
        // Its consumers end with it if it is asked to end, not if it is killed.
        let _ = nix::sys::signal::kill(daemon, nix::sys::signal::Signal::SIGTERM);
        let _ = self.daemon.wait();
        let _ = std::fs::remove_dir_all(&self.traces);
    }
}
