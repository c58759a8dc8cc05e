//! A walk of which another thread reads ahead is the same walk: its steps, its marks, where it stops, and how it fails.

#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test may panic, and does not use all that benchmarks do"
)]

#[path = "common/clients.rs"]
mod clients;
#[path = "common/pool.rs"]
mod pool;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use clients::{CREATE, DESTROY, client, ioctl, of_point, signal, wait};
use fencelab_abi::{Kind, Mode};
use fencelab_trace::model::{Effect, Target};
use fencelab_trace::{CallId, Model, Session, Source};
use pool::{Pool, Record};

/// So many that some batches are handed over, and the last is not full.
const ROUNDS: u64 = 600;

/// Three processes that make, signal, wait for and end sync objects, while a fourth sleeps in a wait and then ends.
fn session(source: impl FnOnce(Vec<u8>) -> Box<dyn Source>) -> Session {
    let mut pool = Pool::new(Vec::new(), 1 << 20, Mode::Stop);
    let mut threads = [100, 101, 102].map(|pid| client(&mut pool, pid, 10).1);
    let (sleeper, mut asleep) = client(&mut pool, 103, 10);
    pool.record(&mut asleep, &of_point(wait(Kind::IoctlEnter, 900, 0), 1, 7));
    let mut now = 1000;
    for round in 0..ROUNDS {
        let (handle, point) = ((round % 64 + 1) as u32, round + 1);
        for thread in &mut threads {
            pool.record(thread, &ioctl(Kind::Ioctl, CREATE, now, now + 30).words(&[handle, 0]));
            pool.record(thread, &of_point(signal(now + 40, now + 70), handle, point));
            pool.record(thread, &of_point(wait(Kind::IoctlEnter, now + 80, 0), handle, point));
            pool.record(thread, &wait(Kind::IoctlExit, now + 80, now + 200));
            pool.record(thread, &ioctl(Kind::Ioctl, DESTROY, now + 210, now + 220).words(&[handle, 0]));
            now += 35;
        }
    }
    pool.gone(sleeper, now / 2, 9);
    pool.record(&mut threads[0], &Record::new(Kind::Close, now + 500, now + 510).fd(3));
    threads.iter().chain([&asleep]).for_each(|thread| pool.flush(thread));
    Session::from_pool(Boxed(source(pool.finish()))).unwrap()
}

struct Boxed(Box<dyn Source>);

impl Source for Boxed {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(at, out)
    }
}

/// A file that can be read so many times yet.
struct Failing(Vec<u8>, Arc<AtomicUsize>);

impl Source for Failing {
    fn len(&self) -> io::Result<u64> {
        Source::len(&self.0)
    }

    fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let left = self.1.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        left.map_err(|_| io::Error::other("no more"))?;
        self.0.read_at(at, out)
    }
}

/// When, of which call, with which arguments, and what it does.
type Seen = (u64, CallId, [Vec<u8>; 2], Vec<Effect>, Vec<Target>);

/// The next step, after a look at when it is.
fn step(model: &mut Model, session: &Session) -> io::Result<Option<Seen>> {
    let ticks = model.next_ticks();
    let Some(event) = model.next(session)? else { return Ok(None) };
    assert!(ticks.is_some_and(|ticks| ticks <= event.ticks));
    let call = &event.call;
    let arguments = [call.argument_in(), call.argument_out()].map(<[u8]>::to_vec);
    Ok(Some((event.ticks, call.id, arguments, event.effects.to_vec(), event.targets.to_vec())))
}

/// All steps up to the end or the first that fails, and how it ended.
fn steps(model: &mut Model, session: &Session) -> (Vec<Seen>, Option<String>) {
    let mut seen = Vec::new();
    loop {
        match step(model, session) {
            Ok(Some(one)) => seen.push(one),
            Ok(None) => return (seen, None),
            Err(error) => return (seen, Some(error.to_string())),
        }
    }
}

/// Walks with a thread that reads ahead.
fn ahead<R>(model: &mut Model, session: &Session, walk: impl FnOnce(&mut Model) -> R) -> R {
    std::thread::scope(|scope| {
        assert!(model.read_ahead(session, scope));
        let result = walk(model);
        model.stop_reading_ahead(session);
        result
    })
}

#[test]
fn its_steps_are_the_same() {
    let session = session(|bytes| Box::new(bytes));
    let alone = steps(&mut Model::new(&session), &session);
    assert!(alone.0.len() > 10_000 && alone.1.is_none());
    let mut model = Model::new(&session);
    let beside = ahead(&mut model, &session, |model| steps(model, &session));
    assert!(alone == beside);
    // At the end there is nothing more for either.
    assert_eq!(steps(&mut model, &session), (Vec::new(), None));
}

#[test]
fn it_stops_and_goes_on_where_it_stands() {
    let session = session(|bytes| Box::new(bytes));
    let (alone, _) = steps(&mut Model::new(&session), &session);
    for stop in [0, 1, 4095, 4096, 4097, 9000] {
        let mut model = Model::new(&session);
        let walk = |model: &mut Model| {
            let seen: Vec<Seen> = (0..stop).map_while(|_| step(model, &session).unwrap()).collect();
            (seen, model.mark(&session))
        };
        let (mut seen, mark) = ahead(&mut model, &session, walk);
        assert_eq!(seen.len(), stop);
        seen.extend(steps(&mut model, &session).0);
        assert!(seen == alone, "stopped at {stop}");
        let (rest, _) = steps(&mut model.again(&mark, &session), &session);
        assert!(rest == alone[stop..], "marked at {stop}");
    }
}

#[test]
fn it_goes_no_further_than_it_is_told() {
    let session = session(|bytes| Box::new(bytes));
    let until = 20_000;
    let (alone, _) = steps(&mut Model::new(&session), &session);
    let expected = alone.iter().filter(|(ticks, ..)| *ticks <= until).count();
    let mut model = Model::new(&session);
    let count = |model: &mut Model| {
        std::iter::from_fn(|| model.next_until(&session, until).unwrap().map(|_| ())).count()
    };
    assert_eq!(ahead(&mut model, &session, count), expected);
    assert!(steps(&mut model, &session).0 == alone[expected..]);
}

#[test]
fn it_fails_at_the_same_step() {
    for reads in [0, 3, 50] {
        let budget = Arc::new(AtomicUsize::new(usize::MAX));
        let session = session(|bytes| Box::new(Failing(bytes, budget.clone())));
        let walk = |reading: bool| {
            budget.store(reads, Relaxed);
            let mut model = Model::new(&session);
            if reading {
                return ahead(&mut model, &session, |model| steps(model, &session));
            }
            steps(&mut model, &session)
        };
        let alone = walk(false);
        assert_eq!(alone.1.as_deref(), Some("no more"));
        assert!(walk(true) == alone, "after {reads} reads");
    }
}
