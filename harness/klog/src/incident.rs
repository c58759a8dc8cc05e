//! Hangs and resets of a GPU of which amdgpu tells in several lines (drivers/gpu/drm/amd/amdgpu/amdgpu_job.c,
//! amdgpu_device.c). Each line is a report by itself; where it is sure that they belong together, they become one.

use crate::collector::Collector;
use crate::kind::Kind;
use crate::line::{Caller, Line};
use crate::parser::Options;

/// What is told, and what may still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A job is over its time; whose it was comes next (`amdgpu_job_timedout`).
    Hang,
    /// A ring or the whole GPU is being reset.
    Reset,
    /// The reset is over; newer kernels say so once more (`drm_dev_wedged_event`, drivers/gpu/drm/drm_drv.c).
    Over,
}

impl Stage {
    /// How many lines of others, and how many microseconds, may stand between the first line and the last.
    fn patience(self) -> (usize, u64) {
        match self {
            Stage::Hang => (8, 1_000_000),
            Stage::Reset => (400, 60_000_000),
            Stage::Over => (4, 1_000_000),
        }
    }
}

/// Some lines of one hang or reset.
#[derive(Debug)]
struct Incident {
    stage: Stage,
    device: Option<String>,
    caller: Option<Caller>,
    /// One-line reports, in order.
    parts: Vec<Collector>,
    /// The log has lost messages since: perhaps those of another.
    lossy: bool,
    /// When and how many lines ago the stage began.
    since: Option<u64>,
    lines: usize,
}

/// How many may be open; more end the oldest.
const MAX_OPEN: usize = 16;

/// Those of which a line may still come.
#[derive(Debug, Default)]
pub(crate) struct Incidents {
    open: Vec<Incident>,
}

impl Incidents {
    /// Is none open?
    pub(crate) fn is_idle(&self) -> bool {
        self.open.is_empty()
    }

    /// Sees a line of any kind go by: what has waited too long is over.
    pub(crate) fn see(&mut self, line: &Line, options: &Options, done: &mut Vec<Collector>) {
        let waiting = std::mem::take(&mut self.open);
        for mut incident in waiting {
            if incident.waits(line) { self.open.push(incident) } else { incident.release(options, done) }
        }
    }

    /// The log has lost messages here.
    pub(crate) fn note_loss(&mut self) {
        self.open.iter_mut().for_each(|incident| incident.lossy = true);
    }

    /// Takes the line that says whose job hung. False if it is none, or nobody can say which hang it belongs to.
    pub(crate) fn take_owner(&mut self, line: &Line, options: &Options, done: &mut Vec<Collector>) -> bool {
        if self.open.is_empty() || !line.text.contains(OWNER) {
            return false;
        }
        let (device, caller) = (device(&line.text), line.meta.caller);
        let fits = |incident: &Incident| {
            incident.stage == Stage::Hang
                && !incident.lossy
                && incident.device.as_deref() == device
                && incident.caller == caller
        };
        let Some(index) = self.open.iter().position(fits) else { return false };
        // Without callers two of one device look the same.
        let alone = self.open.iter().filter(|incident| fits(incident)).count() == 1;
        let mut hang = self.open.remove(index);
        if alone {
            hang.parts[0].add(line.clone(), options);
            hang.release(options, done);
            return true;
        }
        self.open.insert(index, hang);
        false
    }

    /// Takes a report of one line: it begins an incident, continues one, or is told by itself.
    pub(crate) fn take(&mut self, report: Collector, options: &Options, done: &mut Vec<Collector>) {
        let text = report.lines[0].line.text.clone();
        if let Some(index) = self.open.iter().position(|incident| incident.has_step(&text)) {
            let mut incident = self.open.remove(index);
            if incident.step(report, &text) {
                self.open.insert(index, incident)
            } else {
                incident.release(options, done)
            }
            return;
        }
        let begins = stage(&text)
            .filter(|_| report.kind.is_some_and(|kind| matches!(kind, Kind::GpuHang | Kind::GpuReset)));
        // Another reset begins, or another device's goes on: which of the lines without a device belong to whom is not sure.
        if begins == Some(Stage::Reset) || is_reset_of_another(&report, &text) {
            self.release_where(|incident| incident.stage != Stage::Hang, options, done);
        }
        if begins == Some(Stage::Reset) {
            // The owner stands in front of the reset.
            let caller = report.lines[0].line.meta.caller;
            self.release_where(
                |incident| incident.stage == Stage::Hang && incident.caller == caller,
                options,
                done,
            );
        }
        match begins {
            Some(stage) => self.open(Incident::new(stage, report, &text), options, done),
            None => done.push(report),
        }
    }

    /// The log has ended, or was quiet for long.
    pub(crate) fn finish(&mut self, options: &Options, done: &mut Vec<Collector>) {
        for incident in std::mem::take(&mut self.open) {
            incident.release(options, done);
        }
    }

    fn open(&mut self, incident: Incident, options: &Options, done: &mut Vec<Collector>) {
        if self.open.len() >= MAX_OPEN {
            self.open.remove(0).release(options, done);
        }
        self.open.push(incident);
    }

    fn release_where(
        &mut self,
        over: impl Fn(&Incident) -> bool,
        options: &Options,
        done: &mut Vec<Collector>,
    ) {
        let (released, open): (Vec<_>, Vec<_>) = std::mem::take(&mut self.open).into_iter().partition(over);
        self.open = open;
        for incident in released {
            incident.release(options, done);
        }
    }
}

impl Incident {
    fn new(stage: Stage, report: Collector, text: &str) -> Incident {
        let meta = &report.lines[0].line.meta;
        Incident {
            stage,
            device: device(text).map(str::to_owned),
            caller: meta.caller,
            since: meta.time_us,
            parts: vec![report],
            lossy: false,
            lines: 0,
        }
    }

    /// May its next line still come, now that this one has?
    fn waits(&mut self, line: &Line) -> bool {
        self.lines += 1;
        let (lines, micros) = self.stage.patience();
        let passed = line.meta.time_us.zip(self.since).map_or(0, |(now, since)| now.saturating_sub(since));
        self.lines <= lines && passed <= micros
    }

    /// Can this line be of no other incident?
    fn has_step(&self, text: &str) -> bool {
        let same_device = self.device.as_deref() == device(text);
        match self.stage {
            Stage::Hang => false,
            Stage::Over => same_device && is_said_again(text),
            Stage::Reset if device(text).is_none() => {
                STEPS_OF_NO_DEVICE.iter().any(|words| text.contains(words))
            }
            Stage::Reset => same_device && stage(text).is_none() && is_step(text),
        }
    }

    /// Takes a line. False when no other can follow.
    fn step(&mut self, report: Collector, text: &str) -> bool {
        let meta = &report.lines[0].line.meta;
        let (now, caller) = (meta.time_us, meta.caller);
        self.parts.push(report);
        if self.stage == Stage::Over || !self.is_end(text) {
            return true;
        }
        let sure = caller == self.caller && !self.lossy;
        if sure {
            (self.stage, self.since, self.lines) = (Stage::Over, now, 0);
        }
        sure
    }

    /// Does this line end what the first one began?
    fn is_end(&self, text: &str) -> bool {
        let first = &self.parts[0].lines[0].line.text;
        match first.split_once("Starting ").and_then(|(_, rest)| rest.split_once(" ring reset")) {
            Some((ring, _)) => {
                ["succeeded", "failed"].iter().any(|end| text.contains(&format!("Ring {ring} reset {end}")))
            }
            None => text.contains("GPU reset(") || text.contains("GPU reset end with ret"),
        }
    }

    /// Hands out one report if first and last line are there, or else each line as its own.
    fn release(self, options: &Options, done: &mut Vec<Collector>) {
        let mut parts = self.parts.into_iter();
        let Some(mut first) = parts.next() else { return };
        if self.stage != Stage::Over {
            done.push(first);
            done.extend(parts);
            return;
        }
        for line in parts.flat_map(|part| part.lines) {
            first.add(line.line, options);
        }
        done.push(first);
    }
}

/// `Process information: process Xorg pid 812 thread Xorg:cs0 pid 813`.
const OWNER: &str = "Process information: process ";

/// Lines of a reset that name no device (`DRM_INFO`).
const STEPS_OF_NO_DEVICE: [&str; 2] = ["VRAM is lost due to GPU reset!", "IP block:"];

/// What stands behind the line that ends a reset: in words for everybody since 6.15, and once more where it failed.
const AGAIN: [&str; 3] =
    ["device wedged, but recovered through reset", "GPU reset end with ret", "GPU Recovery Failed"];

fn is_said_again(text: &str) -> bool {
    AGAIN.iter().any(|words| text.contains(words))
}

fn is_step(text: &str) -> bool {
    (text.contains("reset") || text.contains("IP block:")) && !text.contains(AGAIN[0])
}

/// What a line begins.
fn stage(text: &str) -> Option<Stage> {
    if text.contains("ring ") && text.contains(" timeout, ") && text.contains("signaled seq=") {
        return Some(Stage::Hang);
    }
    let starts =
        text.contains("GPU reset begin!") || text.contains("Starting ") && text.contains(" ring reset");
    (starts && device(text).is_some()).then_some(Stage::Reset)
}

/// Is this a line of a reset of a device that has none open here?
fn is_reset_of_another(report: &Collector, text: &str) -> bool {
    report.kind == Some(Kind::GpuReset) && device(text).is_some() && !is_said_again(text)
}

/// `0000:03:00.0` of a line that amdgpu printed with `dev_err` and its like.
fn device(text: &str) -> Option<&str> {
    let (device, _) = text.trim_start().strip_prefix("amdgpu ")?.split_once(": ")?;
    (device.contains(':') && !device.contains(' ')).then_some(device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_stages() {
        assert_eq!(device("amdgpu 0000:03:00.0: amdgpu: MODE1 reset"), Some("0000:03:00.0"));
        assert_eq!(device("amdgpu: qcm fence wait loop timeout expired"), None);
        assert_eq!(stage("amdgpu 0000:03:00.0: GPU reset begin!"), Some(Stage::Reset));
        assert_eq!(stage("[drm] GPU reset begin!"), None);
        assert_eq!(stage("[drm:amdgpu_job_timedout] *ERROR* ring gfx timeout, but soft recovered"), None);
    }
}
