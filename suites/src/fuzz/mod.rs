//! The suite `fuzz`: calls that make no sense to the twins, from a seed, among calls that do.
//!
//! Only twins are given such calls: real hardware keeps what people work with. A case asks that the twin works afterwards and
//! that the kernel reports nothing; the answers themselves may be anything. With `--duration` it goes on for that long.

mod arena;
mod call;
mod core;
mod field;
mod program;
mod submit_amdgpu;
mod submit_i915;
mod table;
mod world;

use std::time::{Duration, Instant};

use crate::Tested;
use crate::case::{Case, Role};
use crate::child::Child;
use crate::ctx::Ctx;
use crate::device::Device;
use crate::gpu::{Buffer, Gpu, PAGE};
use crate::random::Random;
use crate::submit::{ended, holds};
use crate::{check, stress};

use world::World;

/// Its name.
pub const SUITE: &str = "fuzz";

/// Calls of each process in a night.
const CALLS: u64 = 2000;

/// Processes at a time: enough that calls meet inside the driver.
const PROCESSES: u64 = 2;

const RULES: &[&str] = &["FENCE-TIME", "FENCE-OWNER", "SIG-BALANCE", "RESV-CTX", "BUF-ERRNO"];

const fn case(
    name: &'static str,
    about: &'static str,
    roles: &'static [Role],
    run: fn(&mut Ctx) -> Tested,
) -> Case {
    Case::new(SUITE, name, about, roles, run).rules(RULES).budget_s(240)
}

/// The suite's cases.
pub const CASES: &[Case] = &[
    case("one", "random calls of two processes leave a twin as it was", &[Role::Submitter], fuzz),
    case(
        "two",
        "random calls that share buffers and fences between two twins leave both as they were",
        &[Role::Submitter, Role::Submitter],
        fuzz,
    ),
];

fn fuzz(ctx: &mut Ctx) -> Tested {
    let devices: Vec<Device> = ctx.devices().to_vec();
    for device in &devices {
        Gpu::open(device)?.need_twin("calls that make no sense")?;
    }
    let mut random = ctx.random();
    let end = stress::given_duration().map(|duration| Instant::now() + duration);
    loop {
        let (taken, refused) = together(&devices, &mut random)?;
        ctx.note(format_args!("{taken} calls taken, {refused} refused"));
        check!(
            taken > refused / 20,
            "only {taken} calls of {} were taken: nothing went deep",
            taken + refused
        );
        check!(refused > 0, "no random call was refused");
        for device in &devices {
            works(device)?;
        }
        if end.is_none_or(|end| Instant::now() >= end) {
            return Ok(());
        }
    }
}

/// Several processes, each with its own choices; how many calls were taken and refused.
fn together(devices: &[Device], random: &mut Random) -> Result<(u64, u64), crate::case::Stop> {
    let mut children = Vec::new();
    for _ in 0..PROCESSES {
        let seed = random.next();
        children.push(Child::spawn(|line| {
            let mut world = World::new(devices, seed)?;
            program::begin(&mut world);
            for _ in 0..CALLS {
                program::step(&mut world);
            }
            line.send(&format!("{} {}", world.taken, world.refused), None)
        })?);
    }
    let (mut taken, mut refused) = (0, 0);
    for child in children {
        child.line.wait_up_to(PATIENCE.as_secs().try_into().unwrap_or(i64::MAX))?;
        let (text, _) = child.line.receive()?;
        let counts: Option<(u64, u64)> =
            text.split_once(' ').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        match counts {
            Some((ours, theirs)) => (taken, refused) = (taken + ours, refused + theirs),
            None => return Err(crate::case::Stop::fail(format!("in the other process: {text}"))),
        }
        child.join()?;
    }
    Ok((taken, refused))
}

/// What the calls of one round may take on a loaded, emulated machine.
const PATIENCE: Duration = Duration::from_secs(200);

/// Whatever was done to it, who comes next can work with it.
fn works(device: &Device) -> Tested {
    let gpu = Gpu::open(device)?;
    let (queue, buffer): (_, Buffer) = (gpu.queue()?, gpu.buffer(PAGE)?);
    ended(&queue.job().fill(&buffer, 77).submit()?, "a job after the random calls")?;
    holds(&buffer.map()?, 77, "the buffer of a job after the random calls")
}
