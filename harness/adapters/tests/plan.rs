//! Plans over folders of programs that behave as IGT, deqp, piglit and selftests do, and every way in which they may not.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fencelab_adapters::{Config, plan};
use fencelab_events::{Adapter, PlannedCase};

/// IGT's answer to `--list-subtests`.
const IGT: &str = "#!/bin/sh\n[ \"$1\" = --list-subtests ] && printf 'basic\\nslow-run\\n'\nexit 0\n";
/// A test without subtests.
const WHOLE: &str = "#!/bin/sh\nexit 79\n";
/// A program that lists its cases as dEQP does.
const DEQP: &str = "#!/bin/sh\nprintf 'GROUP: a\\nTEST: a.one\\nTEST: a.two\\n'\n";

fn script(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn config(yaml: &str) -> Config {
    serde_yaml::from_str(yaml).unwrap()
}

fn planned(folder: &Path, yaml: &str) -> Result<Vec<PlannedCase>, String> {
    plan(&config(yaml), folder).map_err(|error| error.to_string())
}

fn ids(cases: &[PlannedCase]) -> Vec<&str> {
    cases.iter().map(|case| case.id.as_str()).collect()
}

#[test]
fn igt_gives_a_case_for_each_subtest() {
    let folder = tempfile::tempdir().unwrap();
    script(&folder.path().join("core_auth"), IGT);
    script(&folder.path().join("core_getversion"), WHOLE);
    let yaml = format!("{{suite: igt, adapter: igt, path: {}, limit_s: 5}}", folder.path().display());
    let cases = planned(folder.path(), &yaml).unwrap();
    assert_eq!(ids(&cases), ["igt/core_auth@basic", "igt/core_auth@slow-run", "igt/core_getversion"]);
    assert_eq!(cases[0].limit_ms, 5000);
    let program = cases[0].program.as_ref().unwrap();
    assert_eq!((program.adapter, program.argv[1..].join(" ")), (Adapter::Igt, "--run-subtest basic".into()));
}

#[test]
fn igt_lists_and_blocklists_are_obeyed_and_unknown_names_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    script(&folder.path().join("core_auth"), IGT);
    script(&folder.path().join("kms_flip"), IGT);
    write("test-list.txt", "TESTLIST\ncore_auth kms_flip\nEND TESTLIST\n");
    write("list", "# ours\nigt@core_auth\nkms_flip@basic\n");
    write("block", "igt@.*@slow.*\n");
    let yaml = |list| {
        let path = folder.path().display();
        format!("{{suite: igt, adapter: igt, path: {path}, list: {list}, blocklist: block}}")
    };
    let cases = planned(folder.path(), &yaml("list")).unwrap();
    assert_eq!(ids(&cases), ["igt/core_auth@basic", "igt/kms_flip@basic"]);
    write("bad", "kms_flip@basik\n");
    let error = planned(folder.path(), &yaml("bad")).unwrap_err();
    assert!(
        error.contains("bad:1: there is no test `kms_flip@basik`; did you mean `kms_flip@basic`?"),
        "{error}"
    );
}

#[test]
fn a_folder_without_tests_is_an_error_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    for (adapter, what) in [("igt", "IGT's binaries"), ("kselftest", "selftests")] {
        let yaml = format!("{{suite: x, adapter: {adapter}, path: {}}}", folder.path().display());
        let error = planned(folder.path(), &yaml).unwrap_err();
        assert_eq!(error, format!("find {what} in {}", folder.path().display()));
    }
    let error = planned(folder.path(), "{suite: x, adapter: igt}").unwrap_err();
    assert_eq!(error, "plan the suite x: igt needs `path`: the folder of its binaries");
    let error = planned(folder.path(), "{suite: x, adapter: igt, path: /nowhere}").unwrap_err();
    assert!(error.starts_with("read /nowhere: "), "{error}");
}

#[test]
fn a_binary_that_breaks_while_it_is_asked_is_named() {
    let folder = tempfile::tempdir().unwrap();
    script(&folder.path().join("core_auth"), "#!/bin/sh\nexit 3\n");
    let yaml = format!("{{suite: igt, adapter: igt, path: {}}}", folder.path().display());
    let error = planned(folder.path(), &yaml).unwrap_err();
    assert!(
        error.contains("core_auth for its tests: `--list-subtests` ended with exit status: 3"),
        "{error}"
    );
}

#[test]
fn a_caselist_may_name_only_what_the_program_has() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("deqp-vk");
    script(&program, DEQP);
    fs::write(folder.path().join("list"), "a.two\n").unwrap();
    fs::write(folder.path().join("bad"), "a.one\n\na.three\n").unwrap();
    let yaml = |list| format!("{{suite: vk, adapter: deqp, path: {}, list: {list}}}", program.display());
    assert_eq!(ids(&planned(folder.path(), &yaml("list")).unwrap()), ["vk/a.two"]);
    let error = planned(folder.path(), &yaml("bad")).unwrap_err();
    assert!(error.contains("bad:3: there is no test `a.three`"), "{error}");
}

#[test]
fn a_selftest_without_ktap_is_refused_before_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("sync")).unwrap();
    script(&folder.path().join("sync/good"), "#!/bin/sh\necho TAP version 13\necho ok 1 a\n");
    script(&folder.path().join("sync/bad"), "#!/bin/sh\necho fine\n");
    fs::write(folder.path().join("kselftest-list.txt"), "sync:good\nsync:bad\n").unwrap();
    fs::write(folder.path().join("block"), "sync:bad\n").unwrap();
    let path = folder.path().display();
    let yaml = format!("{{suite: ks, adapter: kselftest, path: {path}, blocklist: block}}");
    assert_eq!(ids(&planned(folder.path(), &yaml).unwrap()), ["ks/sync:good"]);
    let error =
        planned(folder.path(), &format!("{{suite: ks, adapter: kselftest, path: {path}}}")).unwrap_err();
    assert!(error.contains("sync/bad") && error.contains("prints no KTAP"), "{error}");
}

#[test]
fn piglit_profiles_are_read_compressed_and_plain() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let xml = r#"<PiglitTestList><Test type="gl" name="spec@draw"><option name="command" value="['draw']"/></Test>
        <Test type="alien" name="spec@odd"><option name="command" value="['odd']"/></Test></PiglitTestList>"#;
    fs::create_dir(folder.path().join("tests")).unwrap();
    let profile = folder.path().join("tests/quick.xml.gz");
    let mut gz =
        flate2::write::GzEncoder::new(fs::File::create(&profile).unwrap(), flate2::Compression::fast());
    gz.write_all(xml.as_bytes()).unwrap();
    gz.finish().unwrap();
    fs::write(folder.path().join("list"), "spec@draw\n").unwrap();
    let yaml = |list| format!("{{suite: p, adapter: piglit, path: {}{list}}}", profile.display());
    let cases = planned(folder.path(), &yaml(", list: list")).unwrap();
    let argv = &cases[0].program.as_ref().unwrap().argv;
    assert_eq!(*argv, [folder.path().join("bin/draw").display().to_string(), "-auto".into()]);
    let error = planned(folder.path(), &yaml("")).unwrap_err();
    assert!(error.contains("the test `spec@odd` has the type alien"), "{error}");
}

#[test]
fn suites_have_names_of_their_own() {
    let folder = Path::new("/");
    let error = planned(folder, "{suite: atomic, adapter: command, args: ['true']}").unwrap_err();
    assert_eq!(error, "plan the suite atomic: a suite of fencelab's own has this name");
    let error = planned(folder, "{suite: a/b, adapter: command, args: ['true']}").unwrap_err();
    assert!(error.contains("without / @"), "{error}");
    let error = planned(folder, "{suite: a, adapter: command}").unwrap_err();
    assert!(error.contains("a command needs `args`"), "{error}");
}
