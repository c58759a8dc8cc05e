//! `fencelab trace`.

use std::collections::VecDeque;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fencelab_report::exit::Exit;
use fencelab_trace::Session;
use fencelab_trace::view::{Filter, Item, Line, Lines, Style, loss_json, loss_line, session_json, summary};
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::args::{Colour, TraceArgs};
use crate::case_trace;
use crate::outcome::Outcome;

/// Between two looks at a live session.
const LOOK: Duration = Duration::from_millis(100);
/// How far behind the present a live session is shown: a call is recorded when it returns, and comes into the right order
/// if that is sooner.
const BEHIND_NS: u64 = 50_000_000;

pub(crate) fn run(args: &TraceArgs) -> Result<Outcome> {
    let mut filter = filter(args)?;
    let (_, mut session) = case_trace::open(&args.session, args.case.as_deref(), &mut filter)?;
    match show(args, filter, &mut session) {
        // A reader that went away (`| head`) is no error.
        Err(error) if is_broken_pipe(&error) => {}
        other => other?,
    }
    Ok(Outcome::Exit(Exit::Clean))
}

/// Opens a session's folder, or a pool.
pub(crate) fn open(path: &Path) -> Result<Session> {
    if path.is_dir() {
        return Session::open(path).with_context(|| format!("read session {}", path.display()));
    }
    let file = std::fs::File::open(path).with_context(|| format!("open {}", path.display()))?;
    Session::from_pool(file).with_context(|| format!("read {}", path.display()))
}

fn filter(args: &TraceArgs) -> Result<Filter> {
    let mut filter = Filter {
        processes: args.process.clone(),
        threads: args.thread.clone(),
        fds: args.fd.clone(),
        ..Filter::default()
    };
    for name in &args.object {
        filter.add_object(name).context("read --object")?;
    }
    for name in &args.kind {
        filter.add_kind(name).context("read --kind")?;
    }
    Ok(filter)
}

fn show(args: &TraceArgs, filter: Filter, session: &mut Session) -> Result<()> {
    if let Some(path) = &args.perfetto {
        let file = std::fs::File::create(path).with_context(|| format!("create {}", path.display()))?;
        let mut out = BufWriter::new(file);
        fencelab_trace::perfetto::write(session, &mut out)
            .with_context(|| format!("write {}", path.display()))?;
        return out.flush().with_context(|| format!("write {}", path.display()));
    }
    let mut out = Out::new(args);
    if args.json {
        out.text(&format!("{}\n", session_json(session)))?
    } else {
        out.dim(&summary(session))?
    }
    let (objects, asked) = (filter.objects.clone(), asked(args));
    let style = Style { json: args.json, follow: args.follow };
    let mut lines = Lines::new(session, filter, style);
    if args.follow {
        follow(session, &mut lines, &mut out)?;
    } else {
        all(args, session, &mut lines, &mut out)?;
        let met =
            |wanted: &(_, _)| lines.model().objects().iter().any(|(_, o)| (o.kind, o.serial) == *wanted);
        if let Some((kind, serial)) =
            objects.iter().find(|wanted| !met(wanted)).filter(|_| args.limit.is_none())
        {
            bail!("find {}:{serial} in the session", kind.name());
        }
        if out.calls == 0 && !asked.is_empty() && args.limit != Some(0) && args.tail != Some(0) {
            eprintln!("fencelab: no call of the session matches {}", asked.join(" "));
        }
    }
    out.flush()
}

/// The filters that were given.
fn asked(args: &TraceArgs) -> Vec<String> {
    fn given<T: std::fmt::Display>(name: &str, values: &[T]) -> Vec<String> {
        values.iter().map(|value| format!("--{name} {value}")).collect()
    }
    let texts = [("process", &args.process), ("object", &args.object), ("kind", &args.kind)];
    let texts = texts.into_iter().flat_map(|(name, values)| given(name, values));
    texts.chain(given("thread", &args.thread)).chain(given("fd", &args.fd)).collect()
}

/// Shows a session as it is.
fn all(args: &TraceArgs, session: &Session, lines: &mut Lines, out: &mut Out) -> Result<()> {
    let mut last = VecDeque::new();
    let mut left = args.limit.unwrap_or(usize::MAX);
    while left > 0 {
        let Some(item) = lines.next(session, u64::MAX)? else { break };
        match args.tail {
            Some(count) => {
                last.push_back(item);
                if last.len() > count {
                    last.pop_front();
                }
            }
            None => out.item(session, &item)?,
        }
        left -= 1;
    }
    last.iter().try_for_each(|item| out.item(session, item))
}

/// Shows a session as it grows, until its recorder ends.
fn follow(session: &mut Session, lines: &mut Lines, out: &mut Out) -> Result<()> {
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, stop.clone()).context("wait for Ctrl-C")?;
    loop {
        let over = stop.load(Relaxed) || !is_recorded(session);
        session.refresh()?;
        lines.refresh(session);
        let now = now_ns()?.saturating_sub(BEHIND_NS);
        let until = if over { u64::MAX } else { session.clock().ticks(now) };
        while let Some(item) = lines.next(session, until)? {
            out.item(session, &item)?;
        }
        out.flush()?;
        if over {
            return Ok(());
        }
        std::thread::sleep(LOOK);
    }
}

pub(crate) fn is_recorded(session: &Session) -> bool {
    let pid = i32::try_from(session.head().recorder).unwrap_or(0);
    pid > 0 && kill(Pid::from_raw(pid), None) != Err(nix::Error::ESRCH)
}

pub(crate) fn now_ns() -> Result<u64> {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).context("read the clock")?;
    Ok(now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let io = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>());
    io.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

/// Standard output, with colour where it is wanted.
struct Out {
    to: BufWriter<io::Stdout>,
    colour: bool,
    json: bool,
    /// Lines of calls and ends that were shown.
    calls: u64,
}

const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

impl Out {
    fn new(args: &TraceArgs) -> Self {
        let colour = match args.color {
            Colour::Auto => io::stdout().is_terminal(),
            Colour::Always => true,
            Colour::Never => false,
        };
        Self { to: BufWriter::new(io::stdout()), colour: colour && !args.json, json: args.json, calls: 0 }
    }

    fn item(&mut self, session: &Session, item: &Item) -> Result<()> {
        self.calls += u64::from(matches!(item, Item::Line(_)));
        match item {
            Item::Line(line) if self.json => match &line.json {
                Some(json) => self.text(&format!("{json}\n")),
                None => Ok(()),
            },
            Item::Loss(loss) if self.json => self.text(&format!("{}\n", loss_json(session, loss))),
            Item::Line(line) => self.coloured(colour_of(line), &line.to_string()),
            Item::Loss(loss) => self.coloured(RED, &format!("--- {} ---", loss_line(session, loss))),
        }
    }

    fn coloured(&mut self, colour: &str, line: &str) -> Result<()> {
        if self.colour && !colour.is_empty() {
            self.text(&format!("{colour}{line}{PLAIN}\n"))
        } else {
            self.text(&format!("{line}\n"))
        }
    }

    fn dim(&mut self, text: &str) -> Result<()> {
        text.lines()
            .try_for_each(|line| self.coloured(if line.contains("INCOMPLETE") { RED } else { DIM }, line))
    }

    fn text(&mut self, text: &str) -> Result<()> {
        self.to.write_all(text.as_bytes()).context("print a line")
    }

    fn flush(&mut self) -> Result<()> {
        self.to.flush().context("print a line")
    }
}

/// Yellow: has not returned. Red: failed.
fn colour_of(line: &Line) -> &'static str {
    use fencelab_trace::view::State;
    match line.state {
        State::Unfinished { .. } | State::Begun => YELLOW,
        _ if line.text.contains(" = -1 ") => RED,
        _ => "",
    }
}
