//! Prints the reports of text logs as JSON, one object a line: `cargo run --example reports -- FILE...`

use std::io::Read;

use fencelab_klog::{Options, parse_log};

fn main() -> std::io::Result<()> {
    let mut paths: Vec<String> = std::env::args().skip(1).collect();
    if paths.is_empty() {
        paths.push("/dev/stdin".to_owned());
    }
    for path in paths {
        let mut bytes = Vec::new();
        std::fs::File::open(&path)?.read_to_end(&mut bytes)?;
        for report in parse_log(&bytes, Options::default()).into_iter().filter_map(|event| event.into_report()) {
            let json = serde_json::to_string(&report)?;
            println!("{path}\t{json}");
        }
    }
    Ok(())
}
