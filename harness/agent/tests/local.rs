//! The agent on this machine, with cases that end in every way a case can. Each is a result; none is the agent's.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::time::Duration;

use common::{LIMIT, Ran, Talk, agent, agent_with_mocks};
use fencelab_bench::local::Local;
use fencelab_bench::protocol::{Exit, FromAgent, Outcome, Subtest, ToAgent};
use fencelab_bench::{Bench, Down, Error, Order, Program};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

const SHORT: Duration = Duration::from_millis(300);

fn talk() -> Talk {
    Talk::up(&mut Local::new(agent_with_mocks()).without_drm()).0
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Those of these processes that still run.
fn alive(pids: &[i32]) -> Vec<i32> {
    pids.iter()
        .copied()
        .filter(|pid| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|c| !c.is_empty()))
        .collect()
}

fn parent(pid: i32) -> i32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().split(' ').nth(1).unwrap().parse().unwrap()
}

/// The pids that a note about leftovers names: `comm/tid in state ..`.
fn leftovers(ran: &Ran) -> Vec<i32> {
    let note = ran.others.iter().find_map(|m| match m {
        FromAgent::Note { text, .. } if text.starts_with("it left processes behind") => Some(text.clone()),
        _ => None,
    });
    let note = note.unwrap_or_else(|| panic!("no note about leftovers: {:?}", ran.others));
    note.split('/').skip(1).map(|rest| rest.split(' ').next().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_case_has_its_own_result() {
    let mut talk = talk();
    assert_eq!(talk.run("pass").finished.outcome, Outcome::Pass);
    let fail = talk.run("fail").finished;
    assert_eq!((fail.outcome, fail.reason.as_str()), (Outcome::Fail, "because"));
    let skip = talk.run("skip").finished;
    assert_eq!((skip.outcome, skip.reason.as_str()), (Outcome::Skip, "no such thing"));
    assert_eq!(talk.machine.down(), Down::Clean);
}

#[test]
fn notes_are_passed_on_in_order() {
    let mut talk = talk();
    let ran = talk.run("notes");
    let id = ran.finished.id;
    let subtest = Subtest { name: "part".into(), outcome: Outcome::Skip, reason: "not now".into() };
    let expected = [
        FromAgent::Thread { id, tid: 77 },
        FromAgent::Note { id, text: "one\ntwo".into() },
        FromAgent::Subtest { id, subtest },
    ];
    assert_eq!(ran.others, expected);
    assert!(ran.started.at_us <= ran.finished.at_us && ran.started.klog <= ran.finished.klog);
}

#[test]
fn a_case_gets_four_descriptors_no_input_and_a_group_of_its_own() {
    let mut talk = talk();
    let ran = talk.run("descriptors");
    let lines: Vec<&str> = ran.finished.stdout.text.lines().collect();
    // `ls` has opened the folder as its fourth.
    assert_eq!(lines[..7], ["0", "1", "2", "3", "4", "0", "/"]);
    let has_cgroups = !talk.machine.hello().doctor.iter().any(|d| d.starts_with("no cgroup v2"));
    let own = lines.iter().any(|l| l.starts_with("0::") && l.contains("/fencelab-") && l.contains("/job-"));
    assert_eq!(own, has_cgroups, "{lines:?}");
}

#[test]
fn a_case_that_ends_oddly_is_a_crash_with_its_reason() {
    let mut talk = talk();
    let mut crash = |name: &str| {
        let finished = talk.run(name).finished;
        assert_eq!(finished.outcome, Outcome::Crash, "{name}");
        (finished.reason, finished.exit)
    };
    let (reason, exit) = crash("no-result");
    assert_eq!((reason.as_str(), exit), ("it exited with status 0 without a result", Some(Exit::Status(0))));
    let (reason, _) = crash("status");
    assert_eq!(reason, "it exited with status 7 after it said pass: the last words");
    let (reason, exit) = crash("segv");
    assert_eq!(
        (reason.as_str(), exit),
        ("it was killed by SIGSEGV without a result", Some(Exit::Signal(11)))
    );
    assert!(crash("only-garbage").0.contains("1 lines of garbage"));
    assert_eq!(crash("closed").0, "it exited with status 0 without a result");
    assert_eq!(talk.run("garbage").finished.outcome, Outcome::Fail);
    assert_eq!(talk.run("pass").finished.outcome, Outcome::Pass);
}

#[test]
fn a_flood_is_bounded_and_its_end_kept() {
    let mut talk = talk();
    let finished = talk.run("flood").finished;
    assert_eq!(finished.outcome, Outcome::Pass);
    assert_eq!((finished.stdout.total, finished.stderr.total), (5_000_004, 3_000_000));
    assert!(finished.stdout.text.len() < 200_000 && finished.stdout.text.ends_with("aend\n"));
}

#[test]
fn a_case_over_its_limit_is_looked_at_then_ended() {
    let mut talk = talk();
    let id = talk.begin("hang", &[], SHORT);
    let ran = talk.end(id);
    assert_eq!(ran.finished.outcome, Outcome::Timeout);
    assert_eq!(ran.finished.reason, "it overran its limit of 0.3 s; SIGTERM ended it");
    assert_eq!(ran.finished.stdout.text, "begun\n");
    let [FromAgent::Stuck { dossier, .. }] = ran.others.as_slice() else {
        panic!("the dossier comes before the end: {:?}", ran.others);
    };
    let sleeper = dossier.tasks.iter().find(|t| t.comm == "sleep").expect("each task is looked at");
    assert_eq!((sleeper.state, dossier.tasks.len()), ('S', 2));
    assert!(alive(&[ran.started.pid, sleeper.pid]).is_empty());
}

#[test]
fn a_case_that_ignores_sigterm_is_killed_with_all_it_started() {
    let mut talk = talk();
    let id = talk.begin("stubborn", &[], SHORT);
    let ran = talk.end(id);
    assert_eq!(ran.finished.outcome, Outcome::Timeout);
    assert!(ran.finished.reason.ends_with("SIGTERM did not end it in 500 ms; SIGKILL ended it"));
    let id = talk.begin("flood-forever", &[], SHORT);
    assert_eq!(talk.end(id).finished.outcome, Outcome::Timeout);
}

#[test]
fn nothing_of_a_case_outlives_it() {
    let mut talk = talk();
    for (name, outcome) in [
        ("daemon", Outcome::Pass),
        ("double-fork", Outcome::Pass),
        ("many", Outcome::Pass),
        ("crash-and-leave", Outcome::Crash),
    ] {
        let ran = talk.run(name);
        assert_eq!(ran.finished.outcome, outcome, "{name}: {}", ran.finished.reason);
        let left = leftovers(&ran);
        assert!(!left.is_empty(), "{name}");
        assert_eq!(alive(&left), Vec::<i32>::new(), "{name}");
    }
}

#[test]
fn a_cancelled_case_ends_and_the_next_one_runs() {
    let mut talk = talk();
    let first = talk.begin("hang", &[], common::LIMIT);
    let second = talk.begin("pass", &[], common::LIMIT);
    assert!(matches!(talk.hear(), Some(FromAgent::Started(s)) if s.id == first));
    talk.send(&ToAgent::Cancel);
    assert!(matches!(talk.hear(), Some(FromAgent::Stuck { id, .. }) if id == first));
    let Some(FromAgent::Finished(finished)) = talk.hear() else { panic!("it is over") };
    assert_eq!((finished.id, finished.outcome), (first, Outcome::Cancelled));
    assert_eq!(talk.end(second).finished.outcome, Outcome::Pass);
}

#[test]
fn a_case_on_a_device_that_is_missing_is_skipped() {
    let mut talk = talk();
    let id = talk.begin("pass", &["voodoo2"], SHORT);
    let Some(FromAgent::Finished(finished)) = talk.hear() else { panic!("it has a result") };
    assert_eq!((finished.id, finished.outcome), (id, Outcome::Skip));
    assert_eq!(finished.reason, "the device voodoo2 is not here");
}

#[test]
fn a_real_case_of_the_catalogue_runs_in_its_own_process() {
    let mut talk = Talk::up(&mut Local::new(agent()).without_drm()).0;
    let finished = talk.run("mock/nonesuch").finished;
    assert_eq!(finished.outcome, Outcome::Crash);
    assert!(finished.reason.ends_with("there is no case mock/nonesuch"), "{}", finished.reason);
    assert_eq!(talk.run("mock/pass").finished.outcome, Outcome::Pass);
    let finished = talk.run("mock/panic").finished;
    assert_eq!((finished.outcome, finished.exit), (Outcome::Crash, Some(Exit::Status(101))));
    assert!(finished.reason.contains("panicked at "), "{}", finished.reason);
}

/// What a process was started as: its arguments.
fn arguments(pid: i32) -> String {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    text(&line).trim_end_matches('\0').replace('\0', " ")
}

/// Where a case's process is known by a cgroup, it is a fork of one that has started once, and the agent's child all the same.
#[test]
fn cases_are_forked_and_nobody_misses_who_forks() {
    let (mut talk, _) = Talk::up(&mut Local::new(agent()).without_drm());
    let has_cells = !talk.machine.hello().doctor.iter().any(|line| line.contains("no cgroup v2"));
    let expected = if has_cells { "case-exec --serve" } else { "case-exec mock sleep []" };
    let mut agents = Vec::new();
    for _ in 0..2 {
        let id = talk.begin("mock/sleep", &[], LIMIT);
        let Some(FromAgent::Started(started)) = talk.hear() else { panic!("it starts") };
        let line = arguments(started.pid);
        assert!(line.ends_with(expected), "{line}");
        agents.push(parent(started.pid));
        let finished = end_of(&mut talk, id);
        assert_eq!(finished, Outcome::Pass);
        // The next one has to be forked by another.
        for pid in children(agents[0]).into_iter().filter(|&pid| arguments(pid).ends_with("--serve")) {
            kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
            while !arguments(pid).is_empty() {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    assert_eq!(agents[0], agents[1]);
    // libc knows the id of the thread that it sends the signal to.
    let aborted = talk.run("mock/abort").finished;
    assert_eq!((aborted.outcome, aborted.exit), (Outcome::Crash, Some(Exit::Signal(6))));
    let kept = talk.run("mock/close-pipes").finished;
    assert_eq!(kept.exit, Some(Exit::Status(0)));
    assert_eq!(talk.run("mock/pass").finished.outcome, Outcome::Pass);
    let left = children(agents[0]);
    assert_eq!(left.len(), usize::from(has_cells));
    assert_eq!(talk.machine.down(), Down::Clean);
    let until = std::time::Instant::now() + LIMIT;
    while !alive(&left).is_empty() {
        assert!(std::time::Instant::now() < until, "what forks outlives the agent");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// How a case that has started ends.
fn end_of(talk: &mut Talk, id: u64) -> Outcome {
    loop {
        match talk.hear() {
            Some(FromAgent::Finished(finished)) if finished.id == id => return finished.outcome,
            Some(_) => {}
            None => panic!("the agent is gone"),
        }
    }
}

fn children(pid: i32) -> Vec<i32> {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists =
        threads.map(|thread| std::fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    lists
        .flat_map(|list| list.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>())
        .collect()
}

/// The processor time that a process has used, in clock ticks (proc_pid_stat(5), fields 14 and 15).
fn ticks(pid: i32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

#[test]
fn an_agent_that_waits_uses_no_time() {
    let mut talk = talk();
    let id = talk.begin("hang", &[], Duration::from_secs(2));
    let Some(FromAgent::Started(started)) = talk.hear() else { panic!("it starts") };
    let agent = parent(started.pid);
    let before = ticks(agent);
    while !matches!(talk.hear(), Some(FromAgent::Finished(finished)) if finished.id == id) {}
    assert!(ticks(agent) - before < 10, "it spun");
}

#[test]
fn a_command_has_its_streams_and_its_status() {
    let mut talk = talk();
    let every_byte: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let (out, err, exit) = talk.exec("cat; echo $A; pwd; echo oops >&2; exit 3", &every_byte);
    assert_eq!(exit, Ok(Exit::Status(3)));
    assert!(out.starts_with(&every_byte));
    assert_eq!(text(&out[every_byte.len()..]), "b c\n/usr\n");
    assert_eq!(text(&err), "oops\n");
    assert_eq!(talk.exec("kill -TERM $$", b"").2, Ok(Exit::Signal(15)));
    // It reads none of its input, and leaves a process that holds its output.
    let (out, _, exit) = talk.exec("exec <&-; (setsid sleep 1000 &); echo done", &every_byte);
    assert_eq!((text(&out).as_str(), exit), ("done\n", Ok(Exit::Status(0))));
}

#[test]
fn a_command_that_cannot_run_says_so() {
    let mut talk = talk();
    let exec = |name: &str, cwd: &str| {
        ToAgent::Exec(fencelab_bench::protocol::Exec {
            argv: vec![name.into()],
            env: Vec::new(),
            cwd: cwd.into(),
        })
    };
    talk.send(&exec("nonesuch-program", "/"));
    let error = talk.command_end().2.unwrap_err();
    assert!(error.starts_with("run nonesuch-program: "), "{error}");
    talk.send(&exec("sh", "/nonexistent"));
    assert!(talk.command_end().2.is_err());
    talk.send(&ToAgent::Exec(fencelab_bench::protocol::Exec {
        argv: Vec::new(),
        env: Vec::new(),
        cwd: "/".into(),
    }));
    assert!(talk.command_end().2.is_err());
    assert_eq!(talk.exec("exit 4", b"").2, Ok(Exit::Status(4)));
}

#[test]
fn a_command_is_killed_by_cancel() {
    let mut talk = talk();
    let argv = ["sh", "-c", "trap '' TERM INT; echo up; sleep 1000"].map(str::to_owned).to_vec();
    talk.send(&ToAgent::Exec(fencelab_bench::protocol::Exec { argv, env: Vec::new(), cwd: "/".into() }));
    assert!(matches!(talk.hear(), Some(FromAgent::Output { fd: 1, .. })));
    talk.send(&ToAgent::Cancel);
    assert_eq!(talk.command_end().2, Ok(Exit::Signal(9)));
}

#[test]
fn an_agent_that_is_killed_has_vanished_and_its_case_with_it() {
    let mut talk = talk();
    talk.begin("hang", &[], common::LIMIT);
    let Some(FromAgent::Started(started)) = talk.hear() else { panic!("it starts") };
    let agent = parent(started.pid);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(agent), nix::sys::signal::Signal::SIGKILL).unwrap();
    let (down, _) = talk.until_down();
    let Down::Vanished { how } = down else { panic!("{down:?}") };
    assert!(how.contains("signal: 9"), "{how}");
    // The parent-death signal is on its way when the agent's end is told.
    while !alive(&[started.pid]).is_empty() {
        std::thread::yield_now();
    }
}

#[test]
fn a_dropped_machine_takes_its_case_with_it() {
    let mut talk = talk();
    talk.begin("stubborn", &[], common::LIMIT);
    let Some(FromAgent::Started(started)) = talk.hear() else { panic!("it starts") };
    drop(talk.machine);
    assert!(alive(&[started.pid]).is_empty());
}

#[test]
fn a_program_that_is_no_agent_is_an_error() {
    let up = |path: &str| {
        let (sender, _incoming) = std::sync::mpsc::channel();
        Local::new(Program::new(path))
            .without_drm()
            .up(&Order::default(), sender, &mut |_| ())
            .err()
            .expect("no agent")
            .to_string()
    };
    assert!(up("/nonexistent").starts_with("run the agent: No such file"));
    let told = up("/bin/false");
    assert!(told.starts_with("reach the agent: its process ended with exit status: 1"), "{told}");
    assert!(up("/bin/cat").starts_with("reach the agent: "));
}

#[test]
fn a_machine_without_drm_names_the_vm_bench() {
    if std::path::Path::new("/sys/class/drm/card0").exists() {
        return;
    }
    let mut bench = Local::new(agent());
    for error in
        [bench.devices().err(), bench.up(&Order::default(), std::sync::mpsc::channel().0, &mut |_| ()).err()]
    {
        let error = error.expect("there is no DRM device");
        assert!(matches!(error, Error::NoDrm));
        assert!(error.to_string().contains("--bench vm"));
    }
    assert!(Local::new(agent()).without_drm().devices().is_ok());
}

/// The pids that entered themselves in a pool, in order.
fn recorded_pids(pool: &[u8]) -> Vec<u32> {
    let info = fencelab_abi::pool::PoolInfo::decode(pool).unwrap();
    let chunks = (0..info.chunks_used).map(|index| &pool[info.chunk_range(index)]);
    let processes = chunks.filter(|chunk| {
        fencelab_abi::pool::ChunkInfo::decode(chunk)
            .is_some_and(|c| c.kind == fencelab_abi::ChunkKind::Process)
    });
    processes.filter_map(fencelab_abi::process::ProcessInfo::decode).map(|process| process.pid).collect()
}

#[test]
fn cases_are_recorded_and_the_agent_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let session = folder.path().join("trace/boot-1");
    let mut talk = Talk::recorded(&mut Local::new(agent_with_mocks()).without_drm(), &session);
    assert!(!talk.machine.hello().doctor.iter().any(|line| line.contains("unrecorded")));
    let first = talk.run("pass");
    let second = talk.run("descriptors");
    assert_eq!(first.finished.outcome, Outcome::Pass);
    // It still gets its own descriptors and no others.
    assert!(second.finished.stdout.text.starts_with("0\n1\n2\n3\n4\n"), "{}", second.finished.stdout.text);
    assert!(!first.others.iter().chain(&second.others).any(|m| matches!(m, FromAgent::Warning { .. })));
    assert_eq!(talk.machine.down(), Down::Clean);
    let pids = recorded_pids(&std::fs::read(session.join("pool")).unwrap());
    let pid = |started: i32| u32::try_from(started).unwrap();
    assert_eq!(pids.first(), Some(&pid(first.started.pid)), "{pids:?}");
    assert!(pids.contains(&pid(second.started.pid)), "{pids:?}");
}

#[test]
fn a_place_that_takes_no_records_costs_the_records_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut talk = Talk::recorded(&mut Local::new(agent_with_mocks()).without_drm(), &file.join("boot-1"));
    let told = talk.machine.hello().doctor.join("\n");
    assert!(told.contains("cases run unrecorded (cannot write ") && told.contains("file/boot-1"), "{told}");
    assert_eq!(talk.run("pass").finished.outcome, Outcome::Pass);
}
