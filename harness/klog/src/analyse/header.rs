//! What `dump_stack_print_info` and `show_regs` print above a backtrace (lib/dump_stack.c, arch/*/kernel).

use super::facts::is_trace_name;
use super::rows::Row;
use crate::collector::is_arm_frame;
use crate::frame::Frame;
use crate::kind::Kind;
use crate::report::{Report, Task};
use crate::shape::Shape;

/// The facts of the first such block, and the backtrace below it.
#[derive(Debug, Default)]
pub(super) struct Header {
    pub(super) task: Option<Task>,
    pub(super) cpu: Option<u32>,
    kernel: Option<String>,
    workqueue: Option<String>,
    /// The function that was executing, where registers were printed.
    pub(super) ip: Option<Frame>,
    /// The frames of the first backtrace.
    pub(super) frames: Vec<Frame>,
    /// How many of them are of the interrupt that found the task at it.
    interrupt: usize,
}

impl Header {
    pub(super) fn read(kind: Kind, rows: &[Row]) -> Header {
        let mut header = Header::default();
        let mut in_trace = false;
        for row in rows {
            let text = row.text.trim();
            match row.shape {
                // The second backtrace is somebody else's, or of another time.
                Shape::TraceStart if !header.frames.is_empty() => break,
                Shape::Detail | Shape::Other if !header.frames.is_empty() && is_trace_name(text) => break,
                Shape::TraceStart => in_trace = true,
                Shape::Frame if in_trace || is_arm_frame(row.shape, text) => {
                    header.frames.extend(Frame::parse_line(text));
                    if matches!(text, "</IRQ>" | "</NMI>" | "</SOFTIRQ>") {
                        header.interrupt = header.frames.len();
                    }
                }
                Shape::Detail | Shape::Other => header.read_line(text),
                _ => {}
            }
        }
        if header.frames.is_empty() {
            header.frames = headless(kind, rows);
        }
        header
    }

    fn read_line(&mut self, text: &str) {
        if let Some(rest) = text.strip_prefix("CPU: ") {
            self.read_cpu_line(rest);
        } else if let Some(rest) = text.strip_prefix("Pid: ") {
            self.read_old_line(rest);
        } else if let Some((comm, rest)) =
            text.strip_prefix("Process ").and_then(|rest| rest.split_once(" (pid: "))
        {
            let pid = rest.split([',', ')', ' ']).next().and_then(|pid| pid.parse().ok());
            self.task = self.task.take().or_else(|| Some(Task { comm: comm.to_owned(), pid: pid? }));
        } else if let Some(task) = text.strip_prefix("task:").map_or_else(|| old_task(text), dumped_task) {
            self.task.get_or_insert(task);
        } else if let Some(rest) = text.strip_prefix("Workqueue: ") {
            self.workqueue.get_or_insert_with(|| rest.trim().to_owned());
        } else if let Some(ip) = instruction_pointer(text) {
            self.ip.get_or_insert(ip);
        }
    }

    /// `2 UID: 0 PID: 865 Comm: kworker/2:3 Tainted: G        W         6.12.0 #346`.
    fn read_cpu_line(&mut self, text: &str) {
        let Some((cpu, rest)) = text.split_once(' ') else { return };
        if self.cpu.is_some() {
            return;
        }
        self.cpu = cpu.parse().ok();
        let Some((_, rest)) = rest.split_once("PID: ") else { return };
        let Some((pid, rest)) = rest.split_once(" Comm: ") else { return };
        let ends = [" Not tainted", " Tainted:", " Kdump:"];
        let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        if let Ok(pid) = pid.trim().parse() {
            self.task = Some(Task { comm: rest[..end].trim_end().to_owned(), pid });
        }
        self.kernel = release(&rest[end..]);
    }

    /// `1234, comm: foo Not tainted 3.0.0 #1`, as kernels before 3.9 print it.
    fn read_old_line(&mut self, text: &str) {
        let Some((pid, rest)) = text.split_once(", comm: ") else { return };
        let end =
            [" Not tainted", " Tainted:"].iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
        if let Ok(pid) = pid.trim().parse() {
            self.task.get_or_insert_with(|| Task { comm: rest[..end].trim_end().to_owned(), pid });
        }
        self.kernel = self.kernel.take().or_else(|| release(&rest[end..]));
    }

    /// Puts the facts into the report where it has none yet.
    pub(super) fn fill(self, report: &mut Report) {
        report.task = report.task.take().or(self.task);
        report.cpu = report.cpu.or(self.cpu);
        report.kernel = report.kernel.take().or(self.kernel);
        report.workqueue = report.workqueue.take().or(self.workqueue);
        if report.frames.is_empty() {
            report.frames = self.frames;
            report.interrupt = self.interrupt;
        }
        if let Some(ip) = self.ip.filter(|_| !report.kind.is_lockdep()) {
            let seen = report.frames.iter().any(|frame| frame.function == ip.function && !frame.unreliable);
            // What a timer found the task at stands below the timer's own frames.
            let stuck = matches!(report.kind, Kind::RcuStall | Kind::SoftLockup | Kind::HardLockup);
            if !seen {
                report.frames.insert(if stuck { report.interrupt } else { 0 }, ip);
            }
        }
    }
}

/// The first frames of reports that print no word of their own above them: mm/kmsan/report.c, mm/kfence/report.c,
/// mm/kmemleak.c, and kernel/kcsan/report.c, whose first access that is.
fn headless(kind: Kind, rows: &[Row]) -> Vec<Frame> {
    let rest = rows
        .iter()
        .skip(1)
        .skip_while(|row| row.shape != Shape::Frame)
        // Others may print between two frames; what ends in a colon names another trace.
        .take_while(|row| {
            row.shape == Shape::Frame || row.shape == Shape::Other && !row.text.trim_end().ends_with(':')
        });
    let named = |name: &str| rows.first().is_some_and(|row| row.text.contains(name));
    if matches!(kind, Kind::Kcsan | Kind::Kmemleak) || named("KMSAN: ") || named("KFENCE: ") {
        rest.filter_map(|row| Frame::parse_line(row.text.trim())).collect()
    } else {
        Vec::new()
    }
}

/// The kernel's release: the first word that begins with a digit.
pub(super) fn release(text: &str) -> Option<String> {
    text.split_ascii_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'))
        .map(str::to_owned)
}

/// `kworker/1:1     state:R  running task     stack:0     pid:812   tgid:812` (`sched_show_task`, kernel/sched/core.c).
fn dumped_task(text: &str) -> Option<Task> {
    let (comm, rest) = text.split_once(" state:")?;
    let pid = rest.split_once(" pid:")?.1.split_ascii_whitespace().next()?;
    Some(Task { comm: comm.trim().to_owned(), pid: pid.parse().ok()? })
}

/// `Xorg            R  running task        0   812    800 0x00000008`, the same before 5.10: the flags come last, and the
/// parent's id before them.
fn old_task(text: &str) -> Option<Task> {
    let (comm, rest) = text.split_at_checked(15)?;
    let mut words = rest.split_ascii_whitespace();
    words.next().filter(|state| state.len() == 1 && state.bytes().all(|b| b.is_ascii_alphabetic()))?;
    let mut last = words.rev();
    last.next().filter(|flags| flags.starts_with("0x"))?;
    let pid = last.nth(1)?.parse().ok()?;
    Some(Task { comm: comm.trim().to_owned(), pid })
}

fn is_address(word: &str) -> bool {
    matches!(word.len(), 8 | 16) && word.bytes().all(|b| b.is_ascii_hexdigit())
}

/// `RIP: 0010:foo+0x1/0x2 [module]`, and what other architectures call it. User space has no symbol.
fn instruction_pointer(text: &str) -> Option<Frame> {
    const NAMES: [&str; 14] = [
        "RIP: ",
        "RIP ",
        "EIP: ",
        "EIP is at ",
        "IP: ",
        "pc : ",
        "PC is at ",
        "pc is at ",
        "NIP ",
        "epc ",
        "IAOQ[0]: ",
        "ERA: ",
        "TPC: ",
        "Krnl PSW : ",
    ];
    let (name, rest) = NAMES.iter().find_map(|name| Some((*name, text.strip_prefix(name)?)))?;
    let rest = rest.trim_start().trim_start_matches(": ");
    // In parentheses on s390, between `<` and `>` on sparc, behind an address elsewhere.
    let rest = match rest.rsplit_once(" (").filter(|_| name.starts_with("Krnl")) {
        Some((_, symbol)) => symbol.trim_end_matches(')'),
        None => rest,
    };
    let rest = rest.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).unwrap_or(rest);
    let rest = match rest.split_once(' ') {
        Some((address, symbol)) if is_address(address) => symbol,
        _ => rest,
    };
    // `0010:` is the code segment.
    let rest = match rest.split_once(':') {
        Some((segment, rest)) if segment.len() == 4 && segment.bytes().all(|b| b.is_ascii_hexdigit()) => rest,
        _ => rest,
    };
    let rest = rest.trim_start();
    // `[<ffffffff81000000>]  [<ffffffff81000000>] foo+0x1/0x2`
    let rest = rest.rsplit_once(">]").map_or(rest, |(_, symbol)| symbol);
    Frame::parse_at(rest.trim())
}
