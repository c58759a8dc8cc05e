//! A twin that goes while its jobs run and the other twin waits for them; a twin whose module goes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::errno::Errno;

use crate::binding::Binding;
use crate::case::{Stop, Tested};
use crate::check;
use crate::child::{Child, Line};
use crate::ctx::Ctx;
use crate::device::{Device, again};
use crate::gpu::{Buffer, Gpu, PAGE};
use crate::modules::{Error, Modules};
use crate::must::Must;
use crate::pending::Pending;
use crate::submit::{ended, holds, over};
use crate::uapi::sync_file::SyncFile;

/// How often to try to unload a module under jobs.
const ROUNDS: u64 = 8;

/// How long the kernel may keep a module that nobody uses any more: the last job's end, the last file's.
const PATIENCE: Duration = Duration::from_secs(15);

/// The device of running jobs goes: a hung one, those behind it, one that still waits; the other twin's jobs on the same
/// buffer, which wait for them, go on.
pub(super) fn running(ctx: &mut Ctx) -> Tested {
    let (device, other) = (ctx.device(0), ctx.device(1));
    let (goes, stays) = (twin(device)?, twin(other)?);
    let binding = Binding::of(device)?;
    let shared = goes.buffer(4 * PAGE)?;
    let (theirs, copy) = (Buffer::import(&stays, &shared.export()?)?, stays.buffer(4 * PAGE)?);
    let gate = Pending::new()?;
    let (bad, good, late, there) = (goes.queue()?, goes.queue()?, goes.queue()?, stays.queue()?);
    let hung = bad.job().hang().submit()?;
    let behind = good.job().fill(&shared, 1).submit()?;
    let waiting = late.job().after(&gate)?.submit()?;
    let follower = there.job().after(&behind)?.fill(&theirs, 2).submit()?;
    binding.unbind()?;
    for (fence, what) in [(&hung, "the hung job"), (&behind, "the job behind it")] {
        let status = over(fence, what)?;
        ctx.note(format_args!("{what} has the status {status}"));
    }
    ended(&follower, "the other twin's job on the buffer")?;
    gate.signal()?;
    over(&waiting, "the job that still waited when its device went")?;
    ended(&there.job().copy(&theirs, &copy).submit()?, "the other twin's next job")?;
    holds(&copy.map()?, 2, "the copy of the buffer whose exporter went")?;
    match late.job().try_submit() {
        Ok(answer) => answer.refused_with("submit to a device that went", &[Errno::ENODEV]).map(drop)?,
        // It has no memory for commands any more.
        Err(stop) => check!(matches!(stop, Stop::Fail(_)), "a device that went still works"),
    }
    drop((theirs, shared, bad, good, late, goes));
    binding.bind()?;
    works(&again(device)?)
}

/// Somebody holds a fence of the module's, and nothing else: it stays, or the fence outlives it.
pub(super) fn held(ctx: &mut Ctx) -> Tested {
    let device = ctx.device(0);
    let (name, modules) = (module(device), Modules::here().must_be("list the kernel's modules")?);
    let mut fences = fences(device)?;
    let mut gone = None;
    while !fences.is_empty() {
        if gone.is_none() && unload_within(&name, Duration::from_secs(3)).is_ok() {
            gone = Some(fences.len());
        }
        for fence in &fences {
            // Asks for status, driver and timeline: the module's own words, if it is still there.
            fence.info().must("ask a fence about itself")?;
            fence.status().must("ask a fence for its status")?;
        }
        // One less that may keep the module.
        fences.remove(0);
    }
    match gone {
        Some(held) => ctx.note(format_args!("the module went while {held} of its fences were held")),
        None => unload_within(&name, PATIENCE)?,
    }
    modules.load(&name, "").must_be("load the module again")?;
    works(&again(device)?)
}

/// Tries to unload the module at any moment of a process that opens the device and submits jobs: it is refused, or clean.
pub(super) fn any_moment(ctx: &mut Ctx) -> Tested {
    let device = ctx.device(0).clone();
    twin(&device)?;
    let (name, modules) = (module(&device), Modules::here().must_be("list the kernel's modules")?);
    let mut random = ctx.random();
    let (mut gone, mut kept) = (0, 0);
    for round in 0..ROUNDS {
        let there = again(&device)?;
        let user = Child::spawn(|line| use_it(&there, line))?;
        // Otherwise a slow kernel may always let it go before it is used.
        if round % 2 == 0 {
            user.line.receive()?;
        }
        let until = Instant::now() + Duration::from_millis(random.below(150));
        let unloaded = loop {
            match Modules::unload(&name) {
                Ok(()) => break true,
                Err(Error::Kept { errno: Errno::EWOULDBLOCK | Errno::EBUSY, .. }) => kept += 1,
                Err(error) => return Err(Stop::fail(format!("failed to {error}"))),
            }
            if Instant::now() >= until {
                break false;
            }
            std::thread::sleep(Duration::from_millis(random.below(5)));
        };
        user.kill()?;
        if unloaded {
            gone += 1;
            modules.load(&name, "").must_be("load the module again")?;
        }
    }
    ctx.note(format_args!("unloaded {gone} times, refused {kept} times"));
    check!(kept > 0, "the module was never in use when it was to go");
    unload_within(&name, PATIENCE)?;
    modules.load(&name, "").must_be("load the module again")?;
    works(&again(&device)?)
}

/// Jobs that end, jobs that hang, and buffers, until this process is killed. The device may be gone at any moment.
fn use_it(device: &Device, line: &Line) -> Tested {
    let Ok(gpu) = Gpu::open(device) else { return Ok(()) };
    line.send("in use", None)?;
    let (queue, hung, buffer) = (gpu.queue()?, gpu.queue()?, gpu.buffer(PAGE)?);
    hung.job().hang().submit()?;
    loop {
        let fence = queue.job().fill(&buffer, 3).delay(Duration::from_millis(3)).submit();
        if let Ok(fence) = fence {
            let _ = fence.wait(20);
        }
    }
}

/// Fences of jobs that ended, hung, and never ran, with nothing else of the device open.
fn fences(device: &Device) -> Result<Vec<SyncFile>, Stop> {
    let gpu = twin(device)?;
    let gate = Pending::new()?;
    let (good, bad, late) = (gpu.queue()?, gpu.queue()?, gpu.queue()?);
    let done = good.job().submit()?;
    ended(&done, "a job")?;
    let hung = bad.job().hang().submit()?;
    over(&hung, "a hung job")?;
    let never = late.job().after(&gate)?.submit()?;
    drop((good, bad, late, gpu));
    // The file is closed: what never ran is given up once what it waits for has signalled.
    gate.signal()?;
    over(&never, "a job whose file was closed before it ran")?;
    Ok(vec![done, hung, never])
}

fn twin(device: &Device) -> Result<Arc<Gpu>, Stop> {
    let gpu = Gpu::open(device)?;
    gpu.need_twin("a driver that may go at any time")?;
    Ok(gpu)
}

/// The module of a twin that stands for this driver.
fn module(device: &Device) -> String {
    format!("fencelab_twin_{}", device.driver)
}

/// Unloads the module as soon as its last user is gone.
fn unload_within(name: &str, patience: Duration) -> Tested {
    let end = Instant::now() + patience;
    loop {
        match Modules::unload(name) {
            Ok(()) => return Ok(()),
            Err(error) if Instant::now() >= end => return Err(Stop::fail(format!("failed to {error}"))),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn works(device: &Device) -> Tested {
    let gpu = Gpu::open(device)?;
    let (queue, buffer) = (gpu.queue()?, gpu.buffer(PAGE)?);
    ended(&queue.job().fill(&buffer, 5).submit()?, "a job of the device that came back")?;
    holds(&buffer.map()?, 5, "a buffer of the device that came back")
}

/// As [`Must::must`], for the errors of modules, which have words of their own.
trait MustBe<T> {
    fn must_be(self, what: &str) -> Result<T, Stop>;
}

impl<T> MustBe<T> for Result<T, Error> {
    fn must_be(self, what: &str) -> Result<T, Stop> {
        self.map_err(|error| Stop::fail(format!("failed to {what}: {error}")))
    }
}
