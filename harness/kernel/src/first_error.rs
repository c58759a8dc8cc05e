//! The first error in a build log: the one that a person wants to see.

use std::fmt;
use std::path::Path;

/// The lines of a log that say why a build failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstError {
    /// Where the error starts in the log, counted from 1.
    pub line: usize,
    /// The error and the lines that belong to it: includes before, source excerpt after.
    pub text: Vec<String>,
}

/// Lines after the error that may belong to it: the source line, the caret, a note.
const FOLLOWING: usize = 5;

/// What compilers, assemblers, linkers, modpost, shells and make write when something is wrong.
const MARKS: &[&str] = &[
    ": error: ",
    "fatal error: ",
    ": Error: ",
    "undefined reference to ",
    "multiple definition of ",
    "ERROR: modpost: ",
    "No space left on device",
    ": not found",
    ": command not found",
    "Segmentation fault",
    "*** ",
];

/// Finds the first error of a `make` log. With `-j` the loser of a race comes later, so the first is the cause.
pub(crate) fn first_error(log: &str) -> Option<FirstError> {
    let lines: Vec<&str> = log.lines().collect();
    let at = lines.iter().position(|line| is_error(line))?;
    let before = lines[..at].iter().rev().take_while(|line| leads_to_error(line)).count();
    let after = lines[at + 1..].iter().take(FOLLOWING).take_while(|line| belongs_to_error(line)).count();
    let start = at - before;
    let text = lines[start..=at + after].iter().map(|line| line.trim_end().to_owned()).collect();
    Some(FirstError { line: start + 1, text })
}

fn is_error(line: &str) -> bool {
    !is_step(line) && MARKS.iter().any(|mark| line.contains(mark))
}

/// A line such as `  CC [M]  drivers/gpu/drm/i915/i915_gpu_error.o`: kbuild says what it does.
pub(crate) fn is_step(line: &str) -> bool {
    let Some(rest) = line.strip_prefix("  ") else { return false };
    let tag = rest.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_').count();
    // "  184 |" is gcc showing the source.
    tag >= 2
        && rest.starts_with(|first: char| first.is_ascii_uppercase())
        && rest.as_bytes().get(tag) == Some(&b' ')
}

/// gcc says where it is before it says what is wrong.
fn leads_to_error(line: &str) -> bool {
    line.starts_with("In file included from ")
        || line.trim_start().starts_with("from ")
        || line.ends_with(": At top level:")
        || line.contains(": In function ")
}

fn belongs_to_error(line: &str) -> bool {
    !is_step(line) && !line.starts_with("make") && !line.trim().is_empty() && !is_error(line)
}

impl FirstError {
    /// Names files relative to the top of the tree, as its owner knows them.
    pub(crate) fn relative_to(mut self, top: &Path) -> FirstError {
        let top = format!("{}/", top.display());
        for line in &mut self.text {
            *line = line.replace(&top, "");
        }
        self
    }
}

impl fmt::Display for FirstError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(log: &str) -> String {
        first_error(log).unwrap().to_string()
    }

    #[test]
    fn a_compile_error_comes_with_its_surroundings() {
        let log = "\
  CC      lib/error.o
../drivers/gpu/drm/a.c: In function 'g':
../drivers/gpu/drm/a.c:3:1: warning: unused variable 'x' [-Wunused-variable]
  CC [M]  drivers/gpu/drm/b.o
In file included from ../include/drm/drm_device.h:4,
                 from ../drivers/gpu/drm/b.c:9:
../drivers/gpu/drm/b.c: In function 'f':
../drivers/gpu/drm/b.c:12:9: error: implicit declaration of function 'dma_fence_begin' [-Werror=implicit-function-declaration]
   12 |         dma_fence_begin();
      |         ^~~~~~~~~~~~~~~
make[6]: *** [../scripts/Makefile.build:229: drivers/gpu/drm/b.o] Error 1
make[5]: *** [../scripts/Makefile.build:478: drivers/gpu/drm] Error 2
../drivers/gpu/drm/c.c:1:1: error: later
";
        let error = first_error(log).unwrap();
        assert_eq!(error.line, 5);
        assert_eq!(error.text.len(), 6, "{error}");
        assert!(error.text[3].contains("b.c:12:9: error: implicit declaration"), "{error}");
        assert!(error.text[5].contains("^~~~"), "{error}");
    }

    #[test]
    fn a_step_that_only_sounds_like_an_error_is_none() {
        assert_eq!(first_error("  CC      net/9p/error.o\n  AS      fatal error: .o\nall went well\n"), None);
        assert_eq!(first_error(""), None);
    }

    #[test]
    fn make_speaks_when_nobody_else_did() {
        let log = "  SYNC    include/config/auto.conf\nmake[2]: *** No rule to make target 'drivers/x.o', needed by 'drivers/'.  Stop.\nmake: *** [Makefile:1] Error 2\n";
        assert_eq!(
            text(log),
            "make[2]: *** No rule to make target 'drivers/x.o', needed by 'drivers/'.  Stop."
        );
    }

    #[test]
    fn linkers_shells_and_full_disks_are_heard() {
        for line in [
            "ld: vmlinux.o: in function `f': undefined reference to `g'",
            "ERROR: modpost: \"dma_fence_x\" [drivers/gpu/drm/a.ko] undefined!",
            "/bin/sh: 1: lz4: not found",
            "/tmp/cc0a.s: Fatal error: can't write 45 bytes to section .text of a.o: No space left on device",
            "gcc: fatal error: Killed signal terminated program cc1",
            "scripts/x.S:4: Error: no such instruction: `foo'",
        ] {
            let log = format!("  LD      vmlinux.o\n{line}\nmake: *** [Makefile:1: vmlinux] Error 1\n");
            assert_eq!(text(&log), line);
        }
    }

    #[test]
    fn files_are_named_from_the_top_of_the_tree() {
        let log = "In file included from /build/linux/include/a.h:1:\n/build/linux/b.c:2:3: error: no\n  184 | X();\n";
        let first = first_error(log).unwrap().relative_to(Path::new("/build/linux"));
        assert_eq!(
            first.to_string(),
            "In file included from include/a.h:1:\nb.c:2:3: error: no\n  184 | X();"
        );
    }

    #[test]
    fn steps_are_counted_by_their_shape() {
        for step in ["  CC      a.o", "  LD [M]  a.ko", "  HOSTCC  scripts/x", "  BTF64 [M] a", "  OBJCOPY x"]
        {
            assert!(is_step(step), "{step}");
        }
        for other in [
            "",
            "make[1]: Entering",
            " CC a.o",
            "  from x.c:1",
            "   12 |  X();",
            "  184 | X();",
            "  A b",
            "Kernel: ready",
        ] {
            assert!(!is_step(other), "{other}");
        }
    }
}
