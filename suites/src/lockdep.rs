//! What lockdep has recorded around the classes of the dma-fence contract: the part of /proc/lockdep that tells which locks
//! were taken inside signalling sections and under reservations, and which were held over waits.
//!
//! The kernel drops the classes of a module that is unloaded, and their edges with them, so a case that unloads one reads
//! this first.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::time::{Duration, Instant};

/// The classes (drivers/dma-buf/dma-fence.c, dma-resv.c).
const CLASSES: [&str; 3] = ["dma_fence_map", "reservation_ww_class_mutex", "reservation_ww_class_acquire"];

/// One reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// /proc/lockdep, cut down to the classes of the contract, with all that was taken inside them, and to the classes
    /// that they were taken under. The form is the kernel's.
    pub text: String,
    /// How long the kernel took to give it: it counts dependencies anew for every class.
    pub took: Duration,
}

/// Reads it. `None` where the kernel has no such file.
///
/// # Errors
/// The kernel's: the file is root's alone.
pub fn read() -> io::Result<Option<Table>> {
    let start = Instant::now();
    let file = match File::open("/proc/lockdep") {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = contract_part(BufReader::with_capacity(64 << 10, file))?;
    Ok(Some(Table { text, took: start.elapsed() }))
}

/// Cuts a table down (`l_show`, kernel/locking/lockdep_proc.c): a class stands on a line of its own, and a line
/// ` -> [key] name` follows for each class that was taken directly inside it.
fn contract_part(table: impl BufRead) -> io::Result<String> {
    let mut out = String::new();
    let (mut class, mut ours) = (String::new(), false);
    for (number, line) in table.split(b'\n').enumerate() {
        let line = String::from_utf8_lossy(&line?).into_owned();
        if number == 0 {
            out.push_str(&line);
            out.push('\n');
        } else if !line.starts_with(" -> ") {
            ours = is_ours(&line);
            class = line + "\n";
            if ours {
                out.push_str(&std::mem::take(&mut class));
            }
        } else if ours || is_ours(&line) {
            out.push_str(&std::mem::take(&mut class));
            out.push_str(&line);
            out.push('\n');
        }
    }
    Ok(out)
}

/// Does the line end with the name of one of the classes, with or without `#2` and `/1` behind it?
fn is_ours(line: &str) -> bool {
    let name = line.trim_end_matches(|c: char| c.is_ascii_digit() || c == '#' || c == '/');
    CLASSES.iter().any(|class| name.strip_suffix(class).is_some_and(|before| before.ends_with([' ', ']'])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_concerns_the_contract_is_kept() {
        let table = "all lock classes:\n\
            1 FD:   12 BD:    3 +.+.: fs_reclaim\n -> [2] &x\n -> [3] dma_fence_map\n\n\
            2 FD:    1 BD:    3 +.+.: &x\n -> [9] my_dma_fence_map\n\n\
            3 FD:    1 BD:    3 ++++: dma_fence_map\n -> [4] &y: z#2/1\n\n\
            4 FD:    1 BD:    3 ++++: reservation_ww_class_mutex#2/1\n -> [5] &z\n";
        let part = contract_part(table.as_bytes()).unwrap();
        let expected = "all lock classes:\n\
            1 FD:   12 BD:    3 +.+.: fs_reclaim\n -> [3] dma_fence_map\n\
            3 FD:    1 BD:    3 ++++: dma_fence_map\n -> [4] &y: z#2/1\n\
            4 FD:    1 BD:    3 ++++: reservation_ww_class_mutex#2/1\n -> [5] &z\n";
        assert_eq!(part, expected);
        assert_eq!(contract_part(&b""[..]).unwrap(), "");
    }
}
