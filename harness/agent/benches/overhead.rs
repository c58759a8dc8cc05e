//! What a case costs under the agent (process, cgroup, captured streams, kernel log window, two messages), beside
//! plain fork and exec of the same process.

#![allow(missing_docs, reason = "criterion's macro makes a public function")]

use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver};

use criterion::{Criterion, criterion_group, criterion_main};
use fencelab_bench::local::Local;
use fencelab_bench::protocol::{FromAgent, Outcome, Run, ToAgent};
use fencelab_bench::{Bench, Incoming, Order, Program};

const AGENT: &str = env!("CARGO_BIN_EXE_fencelab-agent");

fn run() -> Run {
    Run {
        id: 1,
        case: "mock/pass".into(),
        suite: "mock".into(),
        name: "pass".into(),
        devices: Vec::new(),
        limit_ms: 10_000,
        coverage: false,
        env: Vec::new(),
        program: None,
    }
}

fn finish(incoming: &Receiver<Incoming>) {
    loop {
        match incoming.recv().expect("the agent lives") {
            Incoming::Agent(FromAgent::Finished(finished)) => {
                assert_eq!(finished.outcome, Outcome::Pass, "{}", finished.reason);
                return;
            }
            Incoming::Down(down) => panic!("{down:?}"),
            _ => {}
        }
    }
}

fn overhead(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one case");
    group.bench_function("plain fork and exec", |bencher| {
        bencher.iter(|| {
            let mut command = Command::new(AGENT);
            command.args(["case-exec", "mock", "pass", "[]"]);
            // Standard error stands in for the result channel, which must be open.
            let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            child.output().expect("it runs");
        });
    });
    let (sender, incoming) = mpsc::channel();
    let mut bench = Local::new(Program::new(AGENT)).without_drm();
    let mut machine = bench.up(&Order::default(), sender, &mut |_| ()).expect("the agent runs");
    group.bench_function("under the agent", |bencher| {
        bencher.iter(|| {
            machine.send(&ToAgent::Run(run())).expect("the agent listens");
            finish(&incoming);
        });
    });
    group.finish();
    machine.down();
}

criterion_group!(benches, overhead);
criterion_main!(benches);
