//! Prints the reports of text logs: `cargo run --example reports -- [--json] FILE...`

use std::io::Read;

use fencelab_klog::{Options, Text, parse_log};

fn main() -> std::io::Result<()> {
    let (flags, paths): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|arg| arg == "--json");
    for path in paths {
        let mut bytes = Vec::new();
        std::fs::File::open(&path)?.read_to_end(&mut bytes)?;
        for report in
            parse_log(&bytes, Options::default()).into_iter().filter_map(|event| event.into_report())
        {
            if flags.is_empty() {
                println!("{}", Text(&report));
            } else {
                println!("{path}\t{}", serde_json::to_string(&report)?);
            }
        }
    }
    Ok(())
}
