//! Threads, processes, and what is there before them.

use std::fmt::Write;

use super::Writer;
use super::names::{self, device_variable, field, text};
use crate::{Kind, Name, Object, Op, Process, Step};

impl Writer<'_> {
    /// A function for each thread.
    pub(super) fn threads(&mut self) -> String {
        let scenario = self.scenario;
        let (mut c, mut number, mut thread_number) = (String::new(), 0, 0);
        for (process, threads) in &scenario.processes {
            for (thread, steps) in threads {
                let _ = writeln!(
                    c,
                    "static void *run_{process}_{thread}(void *unused)\n{{\n    (void)unused;\n    me = {thread_number};"
                );
                for step in steps {
                    c += &self.step(process, step, number);
                    number += 1;
                }
                c += "    tell(&shared->ended[me]);\n    return NULL;\n}\n\n";
                thread_number += 1;
            }
        }
        c
    }

    fn step(&mut self, process: &Name, step: &Step, number: usize) -> String {
        let mut c = format!("\n    /* {} */\n", step.to_string().replace("*/", "* /"));
        for after in &step.after {
            let Some(other) =
                self.scenario.steps().position(|(_, step)| step.label.as_ref() == Some(&after.label))
            else {
                continue;
            };
            let _ = match after.begun {
                true => writeln!(c, "    after_begun({other});"),
                false => writeln!(c, "    after(&shared->done[{other}]);"),
            };
        }
        if let Some(at) = step.at {
            self.need("at");
            let _ = writeln!(c, "    at({}LL);", at.0);
        }
        let _ = writeln!(c, "    step({number});");
        for line in self.call(process, &step.op) {
            let _ = writeln!(c, "    {line}");
        }
        if !matches!(step.op, Op::Exit(_)) {
            let _ = writeln!(c, "    done({number});");
        }
        c
    }

    /// A function for each process, and the tables of both.
    pub(super) fn processes(&mut self) -> String {
        let scenario = self.scenario;
        let mut c = String::new();
        for (process, threads) in &scenario.processes {
            c += &self.process(process, threads);
        }
        c += "static const struct { const char *name; unsigned process; } threads[] = {\n";
        for (process, thread) in names::threads(scenario) {
            let number = scenario.processes.get_index_of(process).unwrap_or_default();
            let _ = writeln!(c, "    {{ \"{process}/{thread}\", {number} }},");
        }
        c += "};\n\nstatic const struct { const char *name; void (*run)(void); int started; } processes[] = {\n";
        for process in scenario.processes.keys() {
            let started =
                scenario.steps().any(|(_, step)| matches!(&step.op, Op::Start(line) if line.0 == *process));
            let _ = writeln!(
                c,
                "    {{ {}, process_{process}, {} }},",
                text(process.as_str()),
                i32::from(started)
            );
        }
        c + "};\n\n"
    }

    fn process(&mut self, process: &Name, threads: &Process) -> String {
        let mut c = format!("static void process_{process}(void)\n{{\n");
        for device in self.drm_devices() {
            if uses_device(self.scenario, threads, &device) {
                c += &self.open(&device);
            }
        }
        let scenario = self.scenario;
        for (name, object) in &scenario.objects {
            let uses = scenario.users(name).contains(&process);
            if !uses || scenario.creates(name) || !object.kind.is_created() {
                continue;
            }
            if !scenario.is_the_launchers(name) {
                let made = self.made(object);
                let _ = writeln!(c, "    my.{} = {made};", field(name));
            } else if object.kind.is_syncobj() {
                self.need("syncobj");
                let device = device_variable(&object.device);
                let _ = writeln!(
                    c,
                    "    my.{} = syncobj_from_fd({device}, {name}_fd, 0, 0);\n    close({name}_fd);",
                    field(name)
                );
            }
        }
        let others: Vec<&Name> = threads.keys().skip(1).collect();
        if !others.is_empty() {
            let _ = writeln!(c, "    pthread_t others[{}];", others.len());
        }
        for (index, thread) in others.iter().enumerate() {
            let _ = writeln!(
                c,
                "    if (pthread_create(&others[{index}], NULL, run_{process}_{thread}, NULL))\n        lacks(\"a thread\");"
            );
        }
        if let Some(first) = threads.keys().next() {
            let _ = writeln!(c, "    run_{process}_{first}(NULL);");
        }
        for index in 0..others.len() {
            let _ = writeln!(c, "    pthread_join(others[{index}], NULL);");
        }
        c + "}\n\n"
    }

    fn open(&mut self, device: &str) -> String {
        self.need("device");
        let kms =
            self.scenario.objects.values().any(|object| object.kind == Kind::Crtc && object.device == device);
        let name = device.strip_suffix("-twin").unwrap_or(device);
        format!("    {} = open_device({}, {});\n", device_variable(device), text(name), i32::from(kms))
    }

    /// What makes an object.
    pub(super) fn made(&mut self, object: &Object) -> String {
        let device = device_variable(&object.device);
        match (object.kind, object.device.as_str()) {
            (Kind::Syncobj | Kind::SignalledSyncobj, _) => {
                self.need("syncobj");
                let flags = if object.kind == Kind::SignalledSyncobj { "CREATE_SIGNALLED" } else { "0" };
                format!("syncobj_create({device}, {flags})")
            }
            (Kind::Timeline, _) => {
                self.need("timeline");
                "timeline_open()".into()
            }
            (Kind::Buffer, "udmabuf") => {
                self.need("udmabuf");
                "buffer_udmabuf()".into()
            }
            (Kind::Buffer, heap) if heap.starts_with("heap-") => {
                self.need("heap");
                format!("buffer_heap({})", text(&format!("/dev/dma_heap/{}", &heap["heap-".len()..])))
            }
            (Kind::Buffer, _) => {
                self.need("buffer_dumb");
                format!("buffer_dumb({device})")
            }
            (Kind::Queue, "software") => {
                self.need("software");
                "queue_software()".into()
            }
            (Kind::Queue, _) => {
                self.need("i915");
                format!("queue_i915({device})")
            }
            (Kind::Crtc, _) => {
                self.need("screen");
                format!("screen_light({device})")
            }
            // Other operations make these.
            (Kind::SyncFile | Kind::VgemFence, _) => "-1".into(),
        }
    }

    /// What the launcher makes before anybody starts, and what its watchdog signals.
    pub(super) fn prepare(&mut self) -> String {
        let scenario = self.scenario;
        let shared = scenario.objects.iter().filter(|(name, _)| scenario.is_the_launchers(name));
        let (mut c, mut go) = (String::new(), String::new());
        let mut opened: Vec<&str> = Vec::new();
        for (name, object) in shared {
            let on_drm = self.drm_devices().contains(&object.device);
            if on_drm && !opened.contains(&object.device.as_str()) {
                c += &self.open(&object.device);
                opened.push(&object.device);
            }
            let made = self.made(object);
            if object.kind.is_syncobj() {
                let device = device_variable(&object.device);
                let _ = writeln!(c, "    {name}_fd = syncobj_to_fd({device}, {made}, 0);");
            } else {
                let _ = writeln!(c, "    my.{} = {made};", field(name));
            }
            if object.kind == Kind::Timeline {
                let _ = writeln!(go, "    timeline_inc(my.{}, 1 << 16);", field(name));
            }
        }
        // A display goes dark with the file that lit it, and a GPU's queue ends with its own.
        let kept = |device: &&str| {
            scenario.objects.iter().any(|(name, object)| {
                has_file(object) && object.device == **device && scenario.is_the_launchers(name)
            })
        };
        for device in opened.iter().filter(|device| !kept(device)) {
            let _ = writeln!(c, "    close({});", device_variable(device));
        }
        if !self.lines.is_empty() {
            c += "    for (unsigned i = 0; i < sizeof line / sizeof *line; i++)\n";
            c += "        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, line[i]))\n            lacks(\"a socket\");\n";
        }
        format!(
            "/* Before the processes start. */\nstatic void prepare(void)\n{{\n{c}}}\n\n/* So that nothing stays stuck in the kernel. */\nstatic void let_go(void)\n{{\n{go}}}\n\n"
        )
    }
}

/// Whether a process needs a device's file.
fn uses_device(scenario: &crate::Scenario, threads: &Process, device: &str) -> bool {
    threads.values().flatten().any(|step| {
        let on = |name: &Name| {
            scenario.objects.get(name).is_some_and(|object| {
                // A dumb buffer's file is used where it is made, and where vgem's fences go into it.
                let kept = has_file(object) && scenario.is_the_launchers(name);
                let file = object.kind != Kind::Buffer || needs_file(scenario, &step.op, name);
                object.device == device && file && !kept
            })
        };
        matches!(&step.op, Op::Prime(prime) if prime.device == device)
            || step.op.targets().iter().any(|target| on(&target.object))
    })
}

/// Whether an object has its device's file in itself.
fn has_file(object: &Object) -> bool {
    matches!(object.kind, Kind::Crtc | Kind::Queue)
}

fn needs_file(scenario: &crate::Scenario, op: &Op, buffer: &Name) -> bool {
    matches!(op, Op::Create(_) | Op::Attach(_))
        || !scenario.creates(buffer) && !scenario.is_the_launchers(buffer)
}
