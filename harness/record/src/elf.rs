//! What kind of program a file is, as far as that says whether the shim can get into it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// A program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// Loaded by ld.so, for our machine.
    Dynamic,
    /// Without ld.so.
    Static,
    /// For another machine.
    Foreign,
    /// Run by an interpreter.
    Script(PathBuf),
    /// None of these.
    Other,
}

const PT_INTERP: u32 = 3;
/// EM_X86_64 (elf.h); our own machine elsewhere is told by the ELF header of this executable.
const ELF64: u8 = 2;

/// Looks at a file's beginning (System V gABI, "ELF Header", "Program Header").
pub(crate) fn program(path: &Path) -> io::Result<Program> {
    let mut file = File::open(path)?;
    let mut head = [0; 256];
    let got = file.read(&mut head)?;
    let head = &head[..got];
    if let Some(line) = head.strip_prefix(b"#!") {
        return Ok(script(line));
    }
    if !head.starts_with(b"\x7fELF") || head.len() < 64 {
        return Ok(Program::Other);
    }
    if head[4] != ELF64 || machine(head) != own_machine() {
        return Ok(Program::Foreign);
    }
    let offset = head[32..40].try_into().map_or(0, u64::from_le_bytes);
    let size = usize::from(u16::from_le_bytes([head[54], head[55]]));
    let count = usize::from(u16::from_le_bytes([head[56], head[57]]));
    file.seek(SeekFrom::Start(offset))?;
    let mut table = Vec::new();
    file.take((size * count) as u64).read_to_end(&mut table)?;
    let mut types = table.chunks_exact(size.max(4)).filter_map(|entry| entry.first_chunk::<4>());
    let dynamic = types.any(|kind| u32::from_le_bytes(*kind) == PT_INTERP);
    Ok(if dynamic { Program::Dynamic } else { Program::Static })
}

fn machine(head: &[u8]) -> u16 {
    u16::from_le_bytes([head[18], head[19]])
}

fn own_machine() -> u16 {
    const EM_X86_64: u16 = 62;
    const EM_AARCH64: u16 = 183;
    if cfg!(target_arch = "aarch64") { EM_AARCH64 } else { EM_X86_64 }
}

/// The interpreter of a script, from what follows `#!`.
fn script(line: &[u8]) -> Program {
    let line = line.split(|&byte| byte == b'\n').next().unwrap_or_default().trim_ascii();
    let word = line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    Program::Script(PathBuf::from(std::ffi::OsString::from_vec(word.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_is_dynamic() {
        assert_eq!(program(&std::env::current_exe().unwrap()).unwrap(), Program::Dynamic);
    }

    #[test]
    fn scripts_name_their_interpreter() {
        assert_eq!(script(b" /bin/sh -e\nexit"), Program::Script(PathBuf::from("/bin/sh")));
    }

    #[test]
    fn short_files_are_no_program() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(program(file.path()).unwrap(), Program::Other);
    }
}
