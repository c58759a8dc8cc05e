//! Builds guest kernels from the command line, with nothing but this crate:
//! `cargo run --release --example build -- CACHE [TREE]`. `fencelab kernel build` is the real thing.

use std::error::Error as _;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use fencelab_kernel::{Error, Progress, Request, Source, Variant, build};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(cache) = arguments.next() else {
        eprintln!("usage: build CACHE [TREE]");
        return ExitCode::FAILURE;
    };
    match build_all(&cache, arguments.next()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let reason = error.source().map_or_else(String::new, |reason| format!(": {reason}"));
            eprintln!("\nfailed to {error}{reason}");
            ExitCode::FAILURE
        }
    }
}

fn build_all(cache: &str, tree: Option<String>) -> Result<(), Error> {
    let source = match tree {
        Some(tree) => Source::Tree(tree.into()),
        None => Source::newest_in(Path::new("/usr/src"))?,
    };
    for variant in Variant::USUAL {
        let started = Instant::now();
        let kernel = build(&Request::new(variant, source.clone(), cache), &mut show)?;
        println!("\n{} {} in {:.0?}", kernel.release, kernel.image.display(), started.elapsed());
    }
    Ok(())
}

fn show(progress: Progress) {
    let Progress { variant, phase, done, total } = progress;
    let total = total.map_or_else(|| "?".to_owned(), |total| total.to_string());
    print!("\r{variant}: {phase}: {done}/{total}      ");
    // Progress that cannot be shown is no reason to stop.
    let _ = std::io::stdout().flush();
}
