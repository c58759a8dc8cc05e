//! What each operation is in C.

use super::Writer;
use super::names::{device_variable, field};
use crate::{Access, Kind, Name, Op, Submit, Target, Timeout, Wait, Work};

impl Writer<'_> {
    /// The lines of an operation.
    pub(super) fn call(&mut self, process: &Name, op: &Op) -> Vec<String> {
        match op {
            Op::Create(target) => {
                let object = self.scenario.objects.get(&target.object).cloned();
                let made = object.map(|object| self.made(&object)).unwrap_or_default();
                vec![format!("{} = {made};", my(target))]
            }
            Op::Fence(what) => {
                self.need("timeline");
                vec![format!("{} = timeline_fence({}, {});", my(&what.to), my(&what.timeline), what.value)]
            }
            Op::Signal(targets) => targets.iter().map(|target| self.signal(target)).collect(),
            Op::Reset(targets) => {
                self.need("syncobj_reset");
                targets.iter().map(|t| format!("syncobj_reset({}, {});", self.device(t), my(t))).collect()
            }
            Op::Transfer(way) => {
                self.need("syncobj_transfer");
                let (from, to) = (&way.from, &way.to);
                let device = self.device(to);
                vec![format!(
                    "syncobj_transfer({device}, {}, {}, {}, {});",
                    my(from),
                    from.number,
                    my(to),
                    to.number
                )]
            }
            Op::Wait(wait) => vec![self.wait(wait)],
            Op::Poll(poll) => {
                self.need("poll");
                let files: Vec<String> = poll.files.iter().map(my).collect();
                let (count, files) = (files.len(), files.join(", "));
                vec![format!("poll_files({count}, (int[]){{ {files} }}, {});", ns(poll.timeout))]
            }
            Op::Export(way) => vec![format!("{} = {};", my(&way.to), self.exported(&way.from, way.access))],
            Op::Import(way) => vec![self.imported(&my(&way.from), &way.to, way.access)],
            Op::Merge(merge) => {
                self.need("merge");
                vec![format!("{} = merge({}, {});", my(&merge.to), my(&merge.files.0), my(&merge.files.1))]
            }
            Op::Attach(way) => {
                self.need("vgem");
                let device = self.device(&way.from);
                vec![format!(
                    "{} = vgem_attach({device}, {}, {});",
                    my(&way.to),
                    my(&way.from),
                    access(way.access)
                )]
            }
            Op::Submit(job) => self.submit(job),
            Op::Commit(work) => vec![self.commit(work)],
            Op::Access(cpu) => {
                self.need("buffer_access");
                vec![format!("buffer_access({}, {});", my(&cpu.buffer), access(cpu.access))]
            }
            Op::Prime(what) => {
                self.need("prime");
                vec![format!("prime({}, {});", device_variable(&what.device), my(&what.buffer))]
            }
            Op::Send(sent) => self.send(process, &sent.object, &sent.to.0),
            Op::Receive(received) => self.receive(process, &received.object, &received.from.0),
            Op::Close(target) => vec![self.close(target)],
            Op::Sleep(time) => vec![format!("rest({}LL);", time.0)],
            Op::Exit(code) => vec![format!("_exit({code});")],
            Op::Kill(line) => {
                let number = self.process_number(&line.0);
                vec![format!("if (kill(shared->pid[{number}], SIGKILL))"), "    refused(\"kill\");".into()]
            }
            Op::Start(line) => vec![format!("tell(&shared->started[{}]);", self.process_number(&line.0))],
        }
    }

    fn kind(&self, target: &Target) -> Option<Kind> {
        self.scenario.objects.get(&target.object).map(|object| object.kind)
    }

    /// The fd of the device that an object is on.
    fn device(&self, target: &Target) -> String {
        let device = self.scenario.objects.get(&target.object).map_or("", |object| object.device.as_str());
        device_variable(device)
    }

    fn process_number(&self, name: &Name) -> usize {
        self.scenario.processes.get_index_of(name).unwrap_or_default()
    }

    fn signal(&mut self, target: &Target) -> String {
        match self.kind(target) {
            Some(Kind::Timeline) => {
                self.need("timeline");
                format!("timeline_inc({}, {});", my(target), target.number)
            }
            Some(Kind::VgemFence) => {
                self.need("vgem");
                format!("vgem_signal(device_vgem, {});", my(target))
            }
            _ if target.number == 0 => {
                self.need("syncobj_signal");
                format!("syncobj_signal({}, {});", self.device(target), my(target))
            }
            _ => {
                self.need("syncobj_signal_point");
                format!("syncobj_signal_point({}, {}, {});", self.device(target), my(target), target.number)
            }
        }
    }

    fn wait(&mut self, wait: &Wait) -> String {
        let handles: Vec<String> = wait.points.iter().map(my).collect();
        let mut flags = Vec::new();
        for (set, flag) in [
            (!wait.any, "WAIT_ALL"),
            (wait.for_submit, "WAIT_FOR_SUBMIT"),
            (wait.available, "WAIT_AVAILABLE"),
            (wait.deadline.is_some(), "WAIT_DEADLINE"),
        ] {
            flags.extend(set.then_some(flag));
        }
        let flags = if flags.is_empty() { "0".into() } else { flags.join(" | ") };
        let (device, count, handles) = (self.device(&wait.points[0]), handles.len(), handles.join(", "));
        let times = format!("{}, {}LL", ns(wait.timeout), wait.deadline.unwrap_or_default().0);
        if wait.points.iter().all(|point| point.number == 0) && !wait.available {
            self.need("syncobj_wait");
            return format!(
                "syncobj_wait({device}, {count}, (uint32_t[]){{ {handles} }}, {flags}, {times});"
            );
        }
        self.need("syncobj_wait_points");
        let points: Vec<String> = wait.points.iter().map(|point| point.number.to_string()).collect();
        let points = points.join(", ");
        format!(
            "syncobj_wait_points({device}, {count}, (uint32_t[]){{ {handles} }}, (uint64_t[]){{ {points} }}, {flags}, {times});"
        )
    }

    /// What makes a sync_file of what a point or a buffer holds.
    fn exported(&mut self, from: &Target, as_whose: Access) -> String {
        if self.kind(from) == Some(Kind::Buffer) {
            self.need("buffer_export");
            return format!("buffer_export({}, {})", my(from), access(as_whose));
        }
        self.need("syncobj_export");
        format!("syncobj_export({}, {}, {})", self.device(from), my(from), from.number)
    }

    /// What puts a sync_file's fences there.
    fn imported(&mut self, file: &str, to: &Target, as_whose: Access) -> String {
        if self.kind(to) == Some(Kind::Buffer) {
            self.need("buffer_import");
            return format!("buffer_import({}, {file}, {});", my(to), access(as_whose));
        }
        self.need("syncobj_import");
        format!("syncobj_import({}, {file}, {}, {});", self.device(to), my(to), to.number)
    }

    fn submit(&mut self, job: &Submit) -> Vec<String> {
        let mut waits = Vec::new();
        for target in &job.waits {
            let file = self.kind(target) == Some(Kind::SyncFile);
            waits.push(if file { my(target) } else { self.exported(target, Access::Read) });
        }
        let software =
            self.scenario.objects.get(&job.queue.object).is_some_and(|queue| queue.device == "software");
        let mut lines = vec!["{".to_owned()];
        if !waits.is_empty() {
            lines.push(format!("    int waits[] = {{ {} }};", waits.join(", ")));
        }
        let list = if waits.is_empty() { "NULL" } else { "waits" };
        lines.push(match software {
            true => {
                self.need("software");
                format!(
                    "    int fence = submit_software({}, {}, {list}, {}LL);",
                    my(&job.queue),
                    waits.len(),
                    job.lasts.0
                )
            }
            false => {
                self.need("i915");
                // One fd is all that an execbuffer takes: several become one.
                let mut wait = String::from("-1");
                for (index, _) in waits.iter().enumerate() {
                    wait = if index == 0 {
                        "waits[0]".into()
                    } else {
                        self.need("merge");
                        format!("merge({wait}, waits[{index}])")
                    };
                }
                format!("    int fence = submit_i915({}, {wait});", my(&job.queue))
            }
        });
        let mut kept = false;
        for target in &job.signals {
            if self.kind(target) == Some(Kind::SyncFile) {
                lines.push(format!("    {} = {};", my(target), if kept { "dup(fence)" } else { "fence" }));
                kept = true;
            } else {
                lines.push(format!("    {}", self.imported("fence", target, Access::Read)));
            }
        }
        if !kept {
            lines.push("    close(fence);".into());
        }
        for (index, target) in job.waits.iter().enumerate() {
            if self.kind(target) != Some(Kind::SyncFile) {
                lines.push(format!("    close(waits[{index}]);"));
            }
        }
        lines.push("}".into());
        lines
    }

    fn commit(&mut self, work: &Work) -> String {
        self.need("screen");
        let wait = work.waits.as_ref().map_or("-1".into(), my);
        let flags = if work.blocking { "0" } else { "ATOMIC_NONBLOCK" };
        let call =
            format!("commit({}, {wait}, {}, {flags});", my(&work.crtc), i32::from(work.signals.is_some()));
        match &work.signals {
            Some(out) => format!("{} = {call}", my(out)),
            None => call,
        }
    }

    fn line(&self, from: &Name, to: &Name) -> usize {
        self.lines.iter().position(|(f, t)| f == from && t == to).unwrap_or_default()
    }

    fn send(&mut self, process: &Name, object: &Target, to: &Name) -> Vec<String> {
        self.need("fds");
        let line = self.line(process, to);
        if !self.kind(object).is_some_and(Kind::is_syncobj) {
            return vec![format!("send_fd(line[{line}][0], {});", my(object))];
        }
        self.need("syncobj");
        let fd = format!("syncobj_to_fd({}, {}, 0)", self.device(object), my(object));
        let send = format!("    send_fd(line[{line}][0], fd);");
        vec!["{".into(), format!("    int fd = {fd};"), send, "    close(fd);".into(), "}".into()]
    }

    fn receive(&mut self, process: &Name, object: &Target, from: &Name) -> Vec<String> {
        self.need("fds");
        let line = self.line(from, process);
        if !self.kind(object).is_some_and(Kind::is_syncobj) {
            return vec![format!("{} = receive_fd(line[{line}][1]);", my(object))];
        }
        self.need("syncobj");
        let fd = format!("    int fd = receive_fd(line[{line}][1]);");
        let take = format!("    {} = syncobj_from_fd({}, fd, 0, 0);", my(object), self.device(object));
        vec!["{".into(), fd, take, "    close(fd);".into(), "}".into()]
    }

    fn close(&mut self, target: &Target) -> String {
        match self.kind(target) {
            Some(kind) if kind.is_syncobj() => {
                self.need("syncobj");
                format!("syncobj_destroy({}, {});", self.device(target), my(target))
            }
            Some(Kind::Timeline | Kind::SyncFile | Kind::Buffer) => format!("close({});", my(target)),
            // A queue or display goes with its process.
            _ => ";".into(),
        }
    }
}

/// An object of the process.
fn my(target: &Target) -> String {
    format!("my.{}", field(&target.object))
}

fn access(access: Access) -> &'static str {
    if access == Access::Write { "BUFFER_WRITE" } else { "BUFFER_READ" }
}

fn ns(timeout: Timeout) -> String {
    match timeout {
        Timeout::Forever => "INT64_MAX".into(),
        Timeout::After(time) => format!("{}LL", time.0),
    }
}
