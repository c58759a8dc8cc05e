//! What `record` says while its command runs.
//!
//! The command has this program's standard streams, and what it writes must stay whole. So the line that is drawn over and
//! over has a terminal of its own, or none: where the command writes to the terminal, whole lines are said now and then.

use std::fs::OpenOptions;
use std::io::{IsTerminal, stderr, stdout};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fencelab_record::{Faults, LiveStatus, Status};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

/// Between two whole lines.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Whether there is a terminal that sends its foreground programs Ctrl-C.
pub(crate) fn has_terminal() -> bool {
    terminal().is_some()
}

fn terminal() -> Option<std::fs::File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty").ok()
}

/// Shows how a recording is doing.
pub(crate) struct Live {
    state: Arc<Mutex<State>>,
    began: Instant,
}

struct State {
    bar: Option<ProgressBar>,
    said: Instant,
    before: (Instant, u64),
    faults: bool,
}

impl Live {
    /// With `forced`, the line is drawn even where the command writes to the same terminal.
    pub(crate) fn new(forced: bool, faults: Faults) -> Live {
        let shared = stdout().is_terminal() || stderr().is_terminal();
        let target = terminal().filter(|_| forced || !shared).map(Terminal);
        let bar = target.map(|terminal| {
            let target = ProgressDrawTarget::term_like_with_hz(Box::new(terminal), 4);
            let style = ProgressStyle::with_template("{elapsed_precise} {wide_msg}");
            ProgressBar::with_draw_target(None, target)
                .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        });
        let began = Instant::now();
        let state = State { bar, said: began, before: (began, 0), faults: faults.any() };
        Live { state: Arc::new(Mutex::new(state)), began }
    }

    /// To be called with each status.
    pub(crate) fn observer(&self) -> LiveStatus {
        let state = Arc::clone(&self.state);
        Box::new(move |status| {
            if let Ok(mut state) = state.lock() {
                state.show(status);
            }
        })
    }

    /// Takes the line away. Gives how long it all took.
    pub(crate) fn end(self) -> Duration {
        if let Ok(state) = self.state.lock() {
            state.bar.iter().for_each(ProgressBar::finish_and_clear);
        }
        self.began.elapsed()
    }
}

impl State {
    fn show(&mut self, status: &Status) {
        let (at, events) = self.before;
        let rate = status.events.saturating_sub(events) as f64 / at.elapsed().as_secs_f64().max(0.001);
        if let Some(bar) = &self.bar {
            self.before = (Instant::now(), status.events);
            bar.set_message(line(status, rate, self.faults));
            bar.tick();
        } else if self.said.elapsed() > HEARTBEAT {
            self.before = (Instant::now(), status.events);
            self.said = Instant::now();
            eprintln!("fencelab: {}", line(status, rate, self.faults));
        }
    }
}

fn line(status: &Status, rate: f64, faults: bool) -> String {
    let mut words = format!("{} events, {rate:.0}/s", status.events);
    if let Some(wait) = &status.longest {
        let lasts = wait.lasts.as_secs_f64();
        let (count, call, tid) = (status.pending, &wait.call, wait.tid);
        words += &format!(", {count} waiting, longest {lasts:.1} s in {call} (thread {tid})");
    } else {
        words += ", none waiting";
    }
    words += &format!(", {} lost", status.dropped);
    words + if faults { ", faults on" } else { "" }
}

/// The controlling terminal, as indicatif draws on it.
#[derive(Debug)]
struct Terminal(std::fs::File);

impl Terminal {
    fn write(&self, text: &str) -> std::io::Result<()> {
        std::io::Write::write_all(&mut &self.0, text.as_bytes())
    }
}

impl TermLike for Terminal {
    fn width(&self) -> u16 {
        const USUAL: u16 = 80;
        rustix::termios::tcgetwinsize(self.0.as_fd()).map_or(USUAL, |size| size.ws_col.max(20))
    }
    fn move_cursor_up(&self, n: usize) -> std::io::Result<()> {
        if n == 0 { Ok(()) } else { self.write(&format!("\x1b[{n}A")) }
    }
    fn move_cursor_down(&self, n: usize) -> std::io::Result<()> {
        if n == 0 { Ok(()) } else { self.write(&format!("\x1b[{n}B")) }
    }
    fn move_cursor_right(&self, n: usize) -> std::io::Result<()> {
        if n == 0 { Ok(()) } else { self.write(&format!("\x1b[{n}C")) }
    }
    fn move_cursor_left(&self, n: usize) -> std::io::Result<()> {
        if n == 0 { Ok(()) } else { self.write(&format!("\x1b[{n}D")) }
    }
    fn write_line(&self, line: &str) -> std::io::Result<()> {
        self.write(line)?;
        self.write("\r\n")
    }
    fn write_str(&self, text: &str) -> std::io::Result<()> {
        self.write(text)
    }
    fn clear_line(&self) -> std::io::Result<()> {
        self.write("\r\x1b[2K")
    }
    fn flush(&self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fencelab_record::Pending;

    use super::*;

    #[test]
    fn the_line_names_the_longest_wait() {
        let longest = Pending {
            pid: 7,
            tid: 8,
            call: "DRM_IOCTL_SYNCOBJ_WAIT".into(),
            lasts: Duration::from_millis(3210),
        };
        let status =
            Status { events: 12_000, pending: 2, longest: Some(longest), dropped: 3, ..Status::default() };
        let expected =
            "12000 events, 240/s, 2 waiting, longest 3.2 s in DRM_IOCTL_SYNCOBJ_WAIT (thread 8), 3 lost";
        assert_eq!(line(&status, 240.0, false), expected);
    }

    #[test]
    fn the_line_says_when_calls_are_tampered_with() {
        assert_eq!(line(&Status::default(), 0.0, true), "0 events, 0/s, none waiting, 0 lost, faults on");
    }
}
