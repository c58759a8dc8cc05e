//! A scenario as a C program.
//!
//! It needs a C compiler and the kernel; it has the definitions of the ioctls in itself. What `fencelab` runs on a bench is this
//! same program, so what is handed over is what was seen to reproduce.

mod calls;
mod names;
mod processes;
mod runtime;

use std::collections::BTreeSet;
use std::fmt::Write;

use crate::{Name, Scenario};
use names::{device_variable, text};

/// Writes parts of a program, and notes which helpers they need.
struct Writer<'s> {
    scenario: &'s Scenario,
    needs: BTreeSet<&'static str>,
    /// Which pairs of processes talk: from, to.
    lines: Vec<(Name, Name)>,
}

/// The program. `from` is what its first comment says that it was made from.
pub fn program(scenario: &Scenario, from: &str) -> String {
    let mut writer = Writer { scenario, needs: BTreeSet::new(), lines: lines(scenario) };
    let threads = writer.threads();
    let processes = writer.processes();
    let prepare = writer.prepare();
    writer.need("base");
    let mut c = head(scenario, from);
    let _ = writeln!(
        c,
        "#define STEPS {}\n#define THREADS {}",
        scenario.len().max(1),
        names::threads(scenario).len().max(1)
    );
    let _ = writeln!(
        c,
        "#define PROCESSES {}\n#define LIMIT_NS {}LL\n",
        scenario.processes.len(),
        scenario.limit.0
    );
    c += &runtime::sections(&writer.needs);
    c += &writer.objects();
    c += &step_texts(scenario);
    c += &threads;
    c += &processes;
    c += &prepare;
    c += &runtime::main();
    c
}

impl Writer<'_> {
    fn need(&mut self, helper: &'static str) {
        self.needs.insert(helper);
    }

    /// What a process has: its fds and handles.
    fn objects(&self) -> String {
        let mut c = String::new();
        let devices = self.drm_devices();
        for device in &devices {
            let _ = writeln!(c, "static int {} = -1;", device_variable(device));
        }
        let shared = self.shared_syncobjs();
        for name in &shared {
            let _ = writeln!(c, "static int {name}_fd = -1; /* the launcher's, for everybody */");
        }
        if !self.lines.is_empty() {
            let _ = writeln!(c, "static int line[{}][2];", self.lines.len());
        }
        if self.scenario.objects.is_empty() {
            return c + "\n";
        }
        c += "\n/* What this process has. */\nstatic struct {\n";
        for (name, object) in &self.scenario.objects {
            let _ = writeln!(c, "    {} {}; /* {object} */", names::c_type(object), names::field(name));
        }
        c += "} my";
        let fds: Vec<String> = self
            .scenario
            .objects
            .iter()
            .filter(|(_, object)| names::c_type(object) == "int")
            .map(|(name, _)| format!(".{} = -1", names::field(name)))
            .collect();
        if !fds.is_empty() {
            let _ = write!(c, " = {{ {} }}", fds.join(", "));
        }
        c + ";\n\n"
    }

    /// The DRM devices that are opened.
    fn drm_devices(&self) -> Vec<String> {
        let is_drm = |device: &&str| *device != "udmabuf" && !device.starts_with("heap-");
        self.scenario.devices().into_iter().filter(is_drm).map(ToOwned::to_owned).collect()
    }

    /// Sync objects that the launcher makes.
    fn shared_syncobjs(&self) -> Vec<&Name> {
        let objects = self.scenario.objects.iter();
        let shared =
            objects.filter(|(name, object)| object.kind.is_syncobj() && self.scenario.is_the_launchers(name));
        shared.map(|(name, _)| name).collect()
    }
}

fn head(scenario: &Scenario, from: &str) -> String {
    let about = scenario.about.replace("*/", "* /");
    let mut c =
        format!("/*\n * {about}\n *\n * Expected: {}. Written by fencelab from {from}.\n", scenario.expect);
    c += " * cc -pthread -o scenario scenario.c && ./scenario\n";
    c += " * Ends with 0 if everybody came to the end, 1 if somebody was stuck, 2 if calls were refused, 77 without the devices.\n *\n";
    for line in scenario.to_string().lines().skip(1) {
        let _ = writeln!(c, " * {}", line.replace("*/", "* /"));
    }
    c + " */\n"
}

fn step_texts(scenario: &Scenario) -> String {
    let mut c = String::from("static const char *const step_text[] = {\n");
    for (_, step) in scenario.steps() {
        let _ = writeln!(c, "    {},", text(&step.to_string()));
    }
    if scenario.is_empty() {
        c += "    \"\",\n";
    }
    c + "};\n\n"
}

fn lines(scenario: &Scenario) -> Vec<(Name, Name)> {
    let mut lines = Vec::new();
    for (place, step) in scenario.steps() {
        let line = match &step.op {
            crate::Op::Send(sent) => (place.process, sent.to.0.clone()),
            crate::Op::Receive(received) => (received.from.0.clone(), place.process),
            _ => continue,
        };
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests;
