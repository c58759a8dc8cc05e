//! Lists the sources of the twins (`ci/twins`), so that `src/twins.rs` can embed them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// Sources, next to what a build in the tree leaves there.
fn is_source(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let made = name == "compat.h" || name.ends_with(".mod.c");
    let source = ["c", "h"].iter().any(|end| path.extension().is_some_and(|ext| ext == *end));
    !made && (source || name == "Kbuild" || name == "probe.sh")
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, files)?;
        } else if is_source(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let top = fs::canonicalize(manifest.join("../../ci/twins"))?;
    let mut files = Vec::new();
    list(&top, &mut files)?;
    files.sort();
    let mut table = String::from("&[\n");
    for file in &files {
        let name = file.strip_prefix(&top).unwrap_or(file);
        // Formatting into a string cannot fail.
        let _ = writeln!(table, "    ({:?}, include_str!({:?})),", name.display().to_string(), file);
    }
    table.push_str("]\n");
    println!("cargo:rerun-if-changed={}", top.display());
    for file in &files {
        println!("cargo:rerun-if-changed={}", file.display());
    }
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(out.join("twins.rs"), table)
}
