//! The recorder against strace, in one run, on programs that we did not write and on our own cases: the same ioctls, in the
//! same order in each thread, with the same fds, requests and results.
//!
//! Each program runs once in a guest, recorded, with strace around both. strace sees what reached the kernel, so an ioctl
//! that the recorder missed, made up or put elsewhere is a difference.

#[path = "../common/guest.rs"]
mod guest;
mod strace;
mod trace;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Arguments, Trial};

/// Programs that are in every Debian, with a shell's word for how each is run. `$CARD` is vkms, `$IDS` its connector and its
/// mode.
const PROGRAMS: &[Program] = &[
    ("modetest-lists", "modetest", "modetest -M vkms"),
    ("modetest-sets", "modetest", "modetest -M vkms -s $IDS"),
    ("modetest-flips", "modetest", "modetest -M vkms -s $IDS -v"),
    ("modetest-virtio", "modetest", "modetest -M virtio_gpu"),
    ("sync-selftests", "$SELFTESTS", "$SELFTESTS"),
    ("cases", "$FENCELAB", CASES),
    ("kmscube", "kmscube", r"timeout 60 kmscube -D /dev/dri/\$CARD -c 10"),
    ("weston", "weston", r"timeout 60 weston $WESTON"),
];

/// Our own cases that need no device, each in its process as the agent starts it; what they report is not looked at.
const CASES: &str = r"for c in \$(\$FENCELAB list 'sync-file/*' | grep -v @ | head -n 6); do \$FENCELAB case-exec sync-file \${c#*/} '[]' 3>/dev/null; done";

/// Runs a program under both; its log and its trace are left in the folder of its name.
const RUN: &str = r#"
run() {
    mkdir -p /tmp/out/$1; cd /tmp/out/$1
    command -v $(eval echo $2 | cut -d' ' -f1) >/dev/null || { echo "$1: not installed" >&2; return; }
    timeout 120 strace -f -e trace=ioctl,openat,open -e raw=ioctl -e signal=none -o log \
        $FENCELAB record $WAY --size 24 --mode stop -o trace -- sh -c "$3" </dev/null >/dev/null 2>said
    echo "$1: ended with $?" >&2; cut -c1-300 said | tail -n 3 >&2
    rm -f trace/libfencelab.so
}
IDS=$(modetest -M vkms -c 2>/dev/null | awk '$3 == "connected" { id = $1 } /#0/ { print id ":" $2; exit }')
CARD=$(basename /sys/devices/platform/vkms/drm/card*)
# weston's own programs share buffers with it; it takes the seat itself, without a terminal or an input device.
WESTON="--backend=drm-backend.so --drm-device=$CARD --use-pixman --continue-without-input --idle-time=0 --log=weston.log"
export IDS CARD SEATD_VTBOUND=0 LIBSEAT_BACKEND=builtin XDG_RUNTIME_DIR=/tmp/out
mkdir -p -m 700 /tmp/out
"#;

fn main() {
    let arguments = Arguments::from_args();
    let asked = arguments.include_ignored || arguments.ignored;
    if arguments.list || !asked && std::env::var_os("FENCELAB_TEST_GUEST").is_none() {
        println!(
            "the recorder is not compared with strace: FENCELAB_TEST_GUEST is not set, as ci/test sets it"
        );
        libtest_mimic::run(&arguments, vec![]).exit();
    }
    let scratch = tempfile::tempdir().expect("a scratch folder");
    let selftests = build_selftests(scratch.path());
    let mut trials = Vec::new();
    for way in WAYS {
        let programs = programs(way, arguments.filter.as_deref());
        if !programs.is_empty() {
            let out = scratch.path().join(way);
            run_all(&out, way, &programs, &selftests);
            trials.extend(programs.iter().map(|(name, ..)| trial(&out, way, name)));
        }
    }
    // What is not installed is left out, whoever asks for the ignored ones.
    let arguments = Arguments { include_ignored: false, ignored: false, ..arguments };
    libtest_mimic::run(&arguments, trials).exit();
}

/// How the recorder comes in.
const WAYS: [&str; 2] = ["preload", "audit"];

type Program = (&'static str, &'static str, &'static str);

/// What runs that way: everything by preload, a few the other way.
fn programs(way: &str, wanted: Option<&str>) -> Vec<Program> {
    let runs = |name: &str| way == "preload" || name.starts_with("modetest-");
    let is_wanted = |name: &str| wanted.is_none_or(|wanted| format!("{way}/{name}").contains(wanted));
    PROGRAMS.iter().copied().filter(|(name, ..)| runs(name) && is_wanted(name)).collect()
}

/// One program's comparison as a test, which says how much there was to compare.
fn trial(out: &Path, way: &str, name: &str) -> Trial {
    let folder = out.join(name);
    let name = format!("{way}/{name}");
    if !folder.join("log").exists() {
        return Trial::test(name, || Ok(())).with_kind("not installed").with_ignored_flag(true);
    }
    match compare(&folder) {
        Ok(counts) => Trial::test(name, || Ok(())).with_kind(counts),
        Err(difference) => Trial::test(name, move || Err(difference.into())),
    }
}

/// The kernel's own tests of sync_files, from the source that the guest's kernel is built from.
fn build_selftests(folder: &Path) -> PathBuf {
    const SOURCE: &str = "/usr/src/linux-source-6.12.tar.xz";
    const TOP: &str = "linux-source-6.12/tools/testing/selftests";
    let mut tar = Command::new("tar");
    tar.args(["xf", SOURCE, "-C"]).arg(folder).args([format!("{TOP}/sync"), format!("{TOP}/kselftest.h")]);
    assert!(tar.status().expect("tar").success(), "{tar:?}");
    let program = folder.join("sync_test");
    // Their stress tests make a hundred thousand calls, each of which strace takes milliseconds for in an emulated guest.
    let build = "sed -i 's/1 << 12/1 << 4/; s/1 << 16/1 << 6/; s/1024 \\* 32/64/' sync_stress_*.c
        cc -std=gnu89 -O2 -w -pthread -o \"$0\" *.c";
    let mut cc = Command::new("sh");
    cc.args(["-c", build]).arg(&program).current_dir(folder.join(TOP).join("sync"));
    assert!(cc.status().expect("sh").success(), "the selftests do not compile");
    program
}

/// Runs every program in one guest, and brings what they left here.
fn run_all(out: &Path, way: &str, programs: &[Program], selftests: &Path) {
    let fencelab = env!("CARGO_BIN_EXE_fencelab");
    let mut script = format!("FENCELAB={fencelab} SELFTESTS={} WAY=--{way}\n{RUN}", selftests.display());
    script += "export FENCELAB SELFTESTS\n";
    for (name, program, command) in programs {
        script += &format!("run {name} '{program}' \"{command}\"\n");
    }
    script += "cd /tmp/out && tar czS .";
    std::fs::create_dir_all(out).expect("a folder");
    guest::unpack(&script, out);
}

/// Compares one program's log and trace, thread by thread.
fn compare(folder: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(folder.join("log")).map_err(|error| error.to_string())?;
    let real = strace::calls(&text)?;
    let recorded = trace::calls(&folder.join("trace"))?;
    let empty = Vec::new();
    let mut count = 0;
    for tid in real.keys().chain(recorded.keys()) {
        let (real, recorded) = (real.get(tid).unwrap_or(&empty), recorded.get(tid).unwrap_or(&empty));
        let same = real.iter().zip(recorded).take_while(|(real, recorded)| real == recorded).count();
        if same < real.len().max(recorded.len()) {
            return Err(format!(
                "thread {tid}: strace has {} calls, the trace {}; the first {same} are the same, then strace has {:x?}, \
                 the trace {:x?}",
                real.len(),
                recorded.len(),
                real.get(same),
                recorded.get(same)
            ));
        }
        count += real.len();
    }
    let threads = real.len();
    let calls: usize = real.values().map(Vec::len).sum();
    if calls == 0 {
        return Err("strace saw no ioctl that the recorder knows: nothing was compared".into());
    }
    assert!(count >= calls, "every thread was compared");
    Ok(format!("{calls} ioctls in {threads} threads"))
}

/// What a thread did, in its order.
type Threads = BTreeMap<u32, Vec<Call>>;

/// An ioctl as both see it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Call {
    fd: i32,
    request: u32,
    /// What came back: a result, or a negated errno.
    result: i32,
}

/// Whether the recorder's table has it, on some device.
fn is_known(request: u32) -> bool {
    let request = fencelab_abi::Request(request);
    fencelab_abi::table::all().any(|ioctl| ioctl.key == (request.ty(), request.nr()))
}
