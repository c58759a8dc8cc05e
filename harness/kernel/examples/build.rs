//! Builds guest kernels from the command line, with nothing but this crate:
//! `cargo run --release --example build -- CACHE [TREE]`. `fencelab kernel build` is the real thing.

use std::error::Error;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use fencelab_kernel::{Progress, Request, Source, Variant, build};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let cache = arguments.next().ok_or("usage: build CACHE [TREE]")?;
    let source = match arguments.next() {
        Some(tree) => Source::Tree(tree.into()),
        None => Source::newest_in(Path::new("/usr/src"))?,
    };
    for variant in Variant::ALL {
        let started = Instant::now();
        let kernel = build(&Request::new(variant, source.clone(), &cache), &mut show)?;
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
