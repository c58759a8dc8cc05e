//! `fencelab watch`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use fencelab_abi::{POOL_FILE, SESSION_VARIABLE};
use fencelab_fences::finding::Finding;
use fencelab_fences::kernel::{Look, join};
use fencelab_fences::{Walk, finish};
use fencelab_report::exit::Exit;
use fencelab_report::hang;
use fencelab_trace::Session;

use crate::args::WatchArgs;
use crate::commands::analyze::{options, print};
use crate::commands::trace::{is_recorded, now_ns};
use crate::kernel;
use crate::outcome::Outcome;
use crate::people::Proc;

/// Between two looks, at most and at least.
const LOOK: Duration = Duration::from_millis(200);
const SOON: Duration = Duration::from_millis(5);

pub(crate) fn run(args: &WatchArgs) -> Result<Outcome> {
    let folder = folder(&args.session)?;
    let mut session = Session::open(&folder).with_context(|| format!("read session {}", folder.display()))?;
    let options = options(args.quiet);
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGINT, stop.clone()).context("wait for Ctrl-C")?;
    let mut walk = Walk::new(&session, options);
    let mut told: Vec<String> = Vec::new();
    let mut seen_verdict = false;
    print(&format!(
        "watching {}: who waits is said when nothing has moved for {} s\n",
        folder.display(),
        args.quiet
    ))?;
    loop {
        let over = stop.load(Relaxed) || !is_recorded(&session);
        session.refresh()?;
        walk.refresh(&session);
        walk.run(&session, &Proc).context("read the trace")?;
        let now = now_ns()?;
        let still = now.saturating_sub(session.clock().ns(walk.last()));
        let quiet = walk.steps() > 0 && u128::from(still) >= options.quiet.as_nanos();
        let holding = if quiet {
            walk.look(&session, &Proc, session.clock().ticks(now));
            walk.holding().into_iter().map(key).collect()
        } else {
            Vec::new()
        };
        let fresh = holding.iter().any(|key| !told.contains(key));
        let gone = !told.is_empty() && holding.is_empty() && !quiet;
        if fresh {
            let look = look(&session, &folder, now);
            seen_verdict |= tell(&session, &mut walk, &look)?;
        } else if gone {
            print("it goes on\n\n")?;
        }
        if fresh || gone {
            told = holding;
        }
        if over || args.once && quiet {
            break;
        }
        // What is about to have stood still long enough is looked at then.
        let still = Duration::from_nanos(now_ns()?.saturating_sub(session.clock().ns(walk.last())));
        let left = options.quiet.checked_sub(still).unwrap_or(LOOK);
        std::thread::sleep(left.clamp(SOON, LOOK));
    }
    Ok(Outcome::Exit(if seen_verdict { Exit::Findings } else { Exit::Clean }))
}

/// What makes two findings the same.
fn key(finding: &Finding) -> String {
    format!("{:?} {} {}", finding.kind, finding.culprit, finding.stuck.len())
}

/// What the kernel says of the session's processes; kept in its folder, for who analyses it later.
fn look(session: &Session, folder: &Path, now: u64) -> Look {
    let mut pids: Vec<u32> = session.threads().iter().map(|thread| thread.pid).collect();
    pids.sort_unstable();
    pids.dedup();
    let look = match kernel::take(&pids, now) {
        Ok(look) => look,
        Err(error) => {
            eprintln!("fencelab: the kernel was not asked: failed to {error:#}");
            return Look::default();
        }
    };
    if let Err(error) = kernel::keep(folder, &look) {
        eprintln!("fencelab: what the kernel said is not kept: failed to {error:#}");
    }
    look
}

/// Prints what holds now; whether there is a verdict among it.
fn tell(session: &Session, walk: &mut Walk, look: &Look) -> Result<bool> {
    let holding: Vec<String> = walk.holding().into_iter().map(key).collect();
    let mut analysis = finish(session, walk).context("read the trace")?;
    join(&mut analysis.findings, std::slice::from_ref(look));
    let now: Vec<&Finding> =
        analysis.findings.iter().filter(|finding| holding.contains(&key(finding))).collect();
    for finding in &now {
        print(&hang::finding(finding))?;
        print("\n")?;
    }
    Ok(now.iter().any(|finding| finding.is_verdict()))
}

/// The session's folder: given, or that of a recorded process.
fn folder(of: &Path) -> Result<PathBuf> {
    if of.join(POOL_FILE).exists() {
        return Ok(of.to_owned());
    }
    let Some(pid) = of.to_str().and_then(|text| text.parse::<u32>().ok()) else {
        bail!("{} is no session's folder and no process", of.display());
    };
    let path = format!("/proc/{pid}/environ");
    let environment = std::fs::read(&path).with_context(|| format!("read {path}"))?;
    let prefix = format!("{SESSION_VARIABLE}=");
    let mut variables = environment.split(|byte| *byte == 0).map(String::from_utf8_lossy);
    let found = variables.find_map(|variable| variable.strip_prefix(&prefix).map(PathBuf::from));
    found.with_context(|| {
        format!("find the session of process {pid}: it is not recorded, {SESSION_VARIABLE} is not set")
    })
}
