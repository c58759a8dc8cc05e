//! Programs that behave as IGT, deqp, piglit and a selftest do, built in, so that the adapters are tested where none of them
//! is installed: `fencelab mock-program KIND ARGS`.

use std::process::ExitCode;

/// Runs as a program of the kind that the first argument names.
pub fn run(arguments: &[&str]) -> ExitCode {
    match arguments.split_first() {
        Some((&"igt", rest)) => igt(rest),
        Some((&"igt-whole", _)) => igt_whole(arguments),
        Some((&"deqp", rest)) => deqp(rest),
        Some((&"piglit", rest)) => piglit(rest),
        Some((&"kselftest", _)) => kselftest(),
        _ => {
            eprintln!("expected igt, igt-whole, deqp, piglit or kselftest; tests call this, not people");
            ExitCode::FAILURE
        }
    }
}

/// A test with a subtest for each way to end.
fn igt(arguments: &[&str]) -> ExitCode {
    match arguments {
        ["--list-subtests"] => {
            println!("pass\nskip\nfail\ncrash");
            ExitCode::SUCCESS
        }
        ["--run-subtest", name, ..] => igt_subtest(name),
        _ => ExitCode::from(79),
    }
}

fn igt_subtest(name: &str) -> ExitCode {
    println!("IGT-Version: 0.0-mock (x86_64)\nStarting subtest: {name}");
    match name {
        "pass" => {
            println!("Subtest pass: SUCCESS (0.001s)");
            ExitCode::SUCCESS
        }
        "skip" => {
            println!("Test requirement not met in function mock, file mock.c:1:");
            println!("Test requirement: has_hardware()\nSubtest skip: SKIP (0.000s)");
            ExitCode::from(77)
        }
        "fail" => {
            eprintln!("(mock:1) CRITICAL: Failed assertion: one == two");
            println!("Subtest fail: FAIL (0.001s)");
            ExitCode::from(98)
        }
        "crash" => std::process::abort(),
        _ => {
            eprintln!("Unknown subtest: {name}");
            ExitCode::from(79)
        }
    }
}

/// A test without subtests.
fn igt_whole(arguments: &[&str]) -> ExitCode {
    if arguments.contains(&"--list-subtests") {
        return ExitCode::from(79);
    }
    println!("SUCCESS (0.001s)");
    ExitCode::SUCCESS
}

fn deqp(arguments: &[&str]) -> ExitCode {
    if arguments.contains(&"--deqp-runmode=stdout-caselist") {
        println!("GROUP: dEQP-MOCK\nTEST: dEQP-MOCK.pass\nTEST: dEQP-MOCK.fail\nTEST: dEQP-MOCK.skip");
        return ExitCode::SUCCESS;
    }
    let name = arguments.iter().find_map(|a| a.strip_prefix("--deqp-case=")).unwrap_or_default();
    println!("Test case '{name}'..");
    match name {
        "dEQP-MOCK.pass" => println!("  Pass (Supported)"),
        "dEQP-MOCK.skip" => println!("  NotSupported (no mock at mock.cpp:1)"),
        _ => println!("  Fail (Image mismatch)"),
    }
    println!("\nDONE!");
    ExitCode::SUCCESS
}

fn piglit(arguments: &[&str]) -> ExitCode {
    let result = if arguments.contains(&"bad") { "fail" } else { "pass" };
    println!("PIGLIT: {{\"subtest\": {{\"one\" : \"{result}\"}}}}");
    println!("PIGLIT: {{\"result\": \"{result}\" }}");
    ExitCode::SUCCESS
}

fn kselftest() -> ExitCode {
    println!("TAP version 13\n1..2\nok 1 alloc\nok 2 merge # SKIP not today");
    ExitCode::SUCCESS
}
