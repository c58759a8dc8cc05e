//! The drivers' own waits.

use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};

use super::{SUITE, ended};
use crate::case::{Case, Role, Stop, Tested};
use crate::ctx::Ctx;
use crate::gpu::{Gpu, PAGE};
use crate::must::Must;
use crate::pending::Pending;
use crate::uapi::{amdgpu, call, i915};
use crate::waiter::Waiter;
use crate::{check, check_eq};

pub(super) const CASES: &[Case] = &[
    Case::new(
        SUITE,
        "amdgpu-wait",
        "WAIT_CS and GEM_WAIT_IDLE tell a busy job from one that ended",
        &[Role::AmdgpuDevice],
        on_amdgpu,
    )
    .rules(&["FENCE-TIME", "FENCE-ATOMIC-WAIT", "SCHED-RESET-SEM"]),
    Case::new(SUITE, "amdgpu-gem-op", "GEM_OP tells how a buffer was made", &[Role::AmdgpuDevice], gem_op)
        .rules(&["RESV-MMAP"]),
    Case::new(
        SUITE,
        "i915-wait",
        "GEM_WAIT and GEM_BUSY tell a busy buffer from an idle one",
        &[Role::I915Device],
        on_i915,
    )
    .rules(&["FENCE-TIME"]),
    Case::new(
        SUITE,
        "i915-wait-blocks",
        "GEM_WAIT sleeps until the job has ended",
        &[Role::I915Device],
        blocks,
    ),
];

/// amdgpu's timeouts are absolute.
fn in_ms(ms: i64) -> Result<u64, Stop> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).must("read the monotonic clock")?;
    Ok((now.tv_sec() * 1_000_000_000 + now.tv_nsec() + ms * 1_000_000) as u64)
}

/// Whether the last job of a context is still busy after so long.
fn cs_busy(gpu: &Gpu, context: u32, ms: i64) -> Result<bool, Stop> {
    let input =
        amdgpu::WaitCsIn { handle: u64::MAX, timeout: in_ms(ms)?, ctx_id: context, ..Default::default() };
    let mut wait = amdgpu::WaitCs { input };
    // SAFETY: the struct holds no addresses.
    unsafe { call(gpu.file(), amdgpu::request::WAIT_CS, &mut wait) }.must("wait for a job")?;
    // SAFETY: every bit pattern is an answer.
    Ok(unsafe { wait.output.status } != 0)
}

fn gem_busy(gpu: &Gpu, handle: u32, ms: i64) -> Result<bool, Stop> {
    let input = amdgpu::WaitIdleIn { handle, flags: 0, timeout: in_ms(ms)? };
    let mut wait = amdgpu::WaitIdle { input };
    // SAFETY: the struct holds no addresses.
    unsafe { call(gpu.file(), amdgpu::request::GEM_WAIT_IDLE, &mut wait) }.must("wait for a buffer")?;
    // SAFETY: every bit pattern is an answer.
    Ok(unsafe { wait.output.status } != 0)
}

fn on_amdgpu(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(PAGE)?;
    let gate = Pending::new()?;
    let fence = queue.job().after(&gate)?.fill(&buffer, 1).submit()?;
    check!(cs_busy(&gpu, queue.context(), 20)?, "a job that waits counts as ended");
    check!(gem_busy(&gpu, buffer.gem().handle(), 20)?, "a job's buffer counts as idle");
    gate.signal()?;
    check!(!cs_busy(&gpu, queue.context(), 8000)?, "a job did not end");
    check!(!gem_busy(&gpu, buffer.gem().handle(), 8000)?, "a job's buffer stayed busy");
    ended(&fence, "the job")
}

fn gem_op(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let buffer = gpu.buffer(PAGE)?;
    let mut made = amdgpu::CreateIn::default();
    let value = std::ptr::from_mut(&mut made) as u64;
    let mut op = amdgpu::GemOp { handle: buffer.gem().handle(), op: amdgpu::GET_CREATE_INFO, value };
    // SAFETY: the address is that of a live struct of the kind that the kernel writes.
    unsafe { call(gpu.file(), amdgpu::request::GEM_OP, &mut op) }.must("ask how a buffer was made")?;
    check_eq!(
        (made.bo_size, made.domains),
        (PAGE as u64, amdgpu::DOMAIN_GTT),
        "the size and place of a buffer"
    );
    Ok(())
}

fn wait(gpu: &Gpu, handle: u32, timeout_ns: i64) -> nix::Result<i64> {
    let mut wait = i915::Wait { bo_handle: handle, flags: 0, timeout_ns };
    // SAFETY: the struct holds no addresses.
    unsafe { call(gpu.file(), i915::request::GEM_WAIT, &mut wait) }.map(|()| wait.timeout_ns)
}

fn busy(gpu: &Gpu, handle: u32) -> Result<bool, Stop> {
    let mut busy = i915::Busy { handle, busy: 0 };
    // SAFETY: the struct holds no addresses.
    unsafe { call(gpu.file(), i915::request::GEM_BUSY, &mut busy) }.must("ask whether a buffer is busy")?;
    Ok(busy.busy != 0)
}

fn on_i915(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(PAGE)?;
    let handle = buffer.gem().handle();
    check!(!busy(&gpu, handle)?, "a new buffer is busy");
    let gate = Pending::new()?;
    let fence = queue.job().after(&gate)?.fill(&buffer, 1).submit()?;
    check!(busy(&gpu, handle)?, "a job's buffer counts as idle");
    wait(&gpu, handle, 0).refused("poll a busy buffer", Errno::ETIME)?;
    // Two of the kernel's ticks or more, or it may say EAGAIN (i915_gem_wait_ioctl()).
    let answer = wait(&gpu, handle, 20_000_000);
    answer.refused_with("wait for a busy buffer", &[Errno::ETIME, Errno::EAGAIN])?;
    gate.signal()?;
    let left = wait(&gpu, handle, 8_000_000_000).must("wait for a buffer whose job runs")?;
    check!((0..=8_000_000_000).contains(&left), "the time left is {left} ns");
    check!(!busy(&gpu, handle)?, "a buffer whose job was waited for is busy");
    ended(&fence, "the job")
}

fn blocks(ctx: &mut Ctx) -> Tested {
    let gpu = Gpu::open(ctx.device(0))?;
    let queue = gpu.queue()?;
    let buffer = gpu.buffer(PAGE)?;
    let handle = buffer.gem().handle();
    let gate = Pending::new()?;
    let fence = queue.job().after(&gate)?.fill(&buffer, 1).submit()?;
    let same = std::sync::Arc::clone(&gpu);
    let waiter = Waiter::start(ctx, move || wait(&same, handle, 10_000_000_000))?;
    check_eq!(fence.status(), Ok(0), "the status of the job that is waited for");
    check!(waiter.blocked()?, "GEM_WAIT did not sleep");
    gate.signal()?;
    waiter.join()?.must("wait for a buffer").map(drop)
}
