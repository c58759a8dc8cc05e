//! Stack frames.

use serde::Serialize;

/// One frame of a backtrace, as `%pBb` and its relatives print it (lib/vsprintf.c, kernel/kallsyms.c).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct Frame {
    /// The function, without compiler suffixes such as `.isra.0` or `.cold`.
    pub function: String,
    /// Offset in the function, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// Size of the function, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The module, unless the function is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub module: Option<String>,
    /// The unwinder was not sure: a `?` stood in front.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unreliable: bool,
    /// `file:line`, in a log that a symboliser has been over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

impl Frame {
    /// Parses a whole line as a frame; anything else on the line makes it no frame.
    pub fn parse_line(line: &str) -> Option<Frame> {
        let text = without_stack_marks(line.trim());
        let text = without_stack_marks(without_address(text));
        let (text, unreliable) = match text.strip_prefix("? ") {
            Some(rest) => (rest.trim_start(), true),
            None => (text, false),
        };
        // s390 puts its first frame in parentheses.
        let text = text.strip_prefix("([<").and_then(|_| text[1..].strip_suffix(')')).unwrap_or(text);
        let text = without_source_mark(arm_caller(without_address(text)));
        let (text, unreliable) = match text.strip_suffix("(unreliable)") {
            Some(sure) => (sure.trim_end(), true),
            None => (text, unreliable),
        };
        let (symbol, rest) = symbol_and_rest(text);
        let mut frame =
            if symbol.contains("+0x") { Frame::parse_symbol(symbol)? } else { decoded(symbol, rest)? };
        frame.unreliable = unreliable;
        frame.take_rest(rest).then_some(frame)
    }

    /// Parses what follows `at: `: a frame, perhaps with an address in front. Text behind it is left alone.
    pub fn parse_at(text: &str) -> Option<Frame> {
        let text = without_address(text.trim());
        let (symbol, rest) = symbol_and_rest(text);
        let symbol = symbol.trim_end_matches([',', ')']);
        let mut frame = match Frame::parse_symbol(symbol) {
            Some(frame) => frame,
            None => decoded(symbol, rest)?,
        };
        frame.take_rest(rest);
        Some(frame)
    }

    /// Parses `function+0x12/0x34`.
    pub fn parse_symbol(symbol: &str) -> Option<Frame> {
        let (function, place) = symbol.rsplit_once("+0x")?;
        let (offset, size) = place.split_once("/0x")?;
        let hex = |text: &str| u64::from_str_radix(text, 16).ok();
        (!function.is_empty())
            .then(|| Frame { function: plain_name(function).to_owned(), ..Frame::default() })
            .and_then(|frame| Some(Frame { offset: Some(hex(offset)?), size: Some(hex(size)?), ..frame }))
    }

    /// Reads module and source from behind the symbol; false when something else stands there.
    fn take_rest(&mut self, rest: &str) -> bool {
        let mut plain = true;
        let (closed, rest) = (rest.contains(')'), rest.trim());
        for word in rest.split_ascii_whitespace() {
            let inner = word.trim_matches(['(', ')', '[', ']']);
            let broken_source = word.starts_with('(') && !closed && inner.contains('/');
            if word == "[inline]" || word == "inline" || is_discriminator(word) || broken_source {
                continue;
            } else if is_source(inner) {
                self.source.get_or_insert_with(|| inner.to_owned());
            } else if self.module.is_none() && (word.starts_with('[') || self.may_be_module(rest, inner)) {
                self.module = Some(inner.to_owned());
            } else {
                // A build id stands inside the module's brackets; anything else is no part of a frame.
                plain &= word.ends_with(']') && inner.bytes().all(|b| b.is_ascii_hexdigit());
            }
        }
        plain
    }

    /// A symboliser drops the brackets of a module: it stands behind the source, or alone behind the symbol.
    fn may_be_module(&self, rest: &str, word: &str) -> bool {
        is_module_name(word) && (self.source.is_some() || self.offset.is_some() && rest == word)
    }
}

impl std::fmt::Display for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.function)?;
        if let (Some(offset), Some(size)) = (self.offset, self.size) {
            write!(f, "+{offset:#x}/{size:#x}")?;
        }
        self.module.as_ref().map_or(Ok(()), |module| write!(f, " [{module}]"))
    }
}

/// The symbol and what stands behind it. Rust's names hold blanks: `<Ashmem as MiscDevice>::mmap+0x1/0x2`.
fn symbol_and_rest(text: &str) -> (&str, &str) {
    let from = if text.starts_with('<') { text.find(">::").unwrap_or(0) } else { 0 };
    match text[from..].find(' ') {
        Some(blank) => (&text[..from + blank], &text[from + blank + 1..]),
        None => (text, ""),
    }
}

/// Drops the letters by which arm64 tells how it found a frame, such as ` (P)` (`dump_backtrace_entry`,
/// arch/arm64/kernel/stacktrace.c).
fn without_source_mark(text: &str) -> &str {
    let Some((before, letters)) = text.strip_suffix(')').and_then(|inner| inner.rsplit_once(" (")) else {
        return text;
    };
    let mark = (1..=3).contains(&letters.len()) && letters.bytes().all(|b| b.is_ascii_uppercase());
    if mark { before.trim_end() } else { text }
}

/// Drops what compilers append to the clones of a function: `.isra.0`, `.constprop.0`, `.cold`, `.__uniq.123`, `.cfi_jt`, and
/// `$` with a hash from older Clang. No name in C holds a dot, but those of Rust hold both; powerpc's first ABI has one in front.
fn plain_name(function: &str) -> &str {
    if function.starts_with("_ZN") || function.starts_with("_R") || function.contains("::") {
        return function.split(".llvm.").next().unwrap_or(function);
    }
    let name = function.strip_prefix('.').filter(|name| !name.is_empty()).unwrap_or(function);
    match name.find(['.', '$']) {
        Some(end) if end > 0 => &name[..end],
        _ => name,
    }
}

/// `<IRQ> `, `<EOI> ` in front of a frame, as older x86 kernels print them.
fn without_stack_marks(text: &str) -> &str {
    let mut rest = text;
    while let Some((mark, after)) = rest.strip_prefix('<').and_then(|inner| inner.split_once('>')) {
        if after.trim().is_empty()
            || !mark.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'/' || b == b'#')
        {
            break;
        }
        rest = after.trim_start();
    }
    rest
}

/// `[<ffffffff81000000>] ` in front of a symbol, or PowerPC's `[c000000] [c000000] `.
fn without_address(text: &str) -> &str {
    let mut text = text;
    while let Some((address, after)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let digits = address.trim_matches(['<', '>']);
        if digits.len() < 8 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            break;
        }
        text = after.trim_start();
    }
    text
}

/// Arm's `(callee) from [<address>] (caller+0x1/0x2 [module])` and its newer `callee from caller+0x1/0x2`: the frame
/// is the caller.
fn arm_caller(text: &str) -> &str {
    let Some((callee, caller)) = text.split_once(" from ") else { return text };
    let (name, module) = callee.split_once(' ').unwrap_or((callee, "[]"));
    let plain = !name.is_empty() && module.starts_with('[') && module.ends_with(']') && !module.contains(' ');
    if !plain && !callee.starts_with('(') {
        return text;
    }
    let caller = without_address(caller.trim());
    caller.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(caller)
}

/// `function (file.c:12)`: the offset was replaced by scripts/decode_stacktrace.sh.
fn decoded(symbol: &str, rest: &str) -> Option<Frame> {
    let place = rest.trim_start();
    if !place.starts_with('(') && !place.ends_with("[inline]") {
        return None;
    }
    let source = place.trim_start_matches('(').split([' ', ')']).next()?;
    // A mailer may have broken the line inside the path, and the end is lost.
    let broken = place.starts_with('(') && !place.contains([')', ' ']) && place.contains('/');
    let named = symbol.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b'<');
    (named
        && (broken || is_source(source))
        && symbol.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.<>:$".contains(&b)))
    .then(|| Frame { function: plain_name(symbol).to_owned(), ..Frame::default() })
}

fn is_discriminator(word: &str) -> bool {
    let word = word.trim_matches(['(', ')']);
    word == "discriminator" || (!word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()))
}

/// `drivers/gpu/drm/drm_ioctl.c:758`.
fn is_source(word: &str) -> bool {
    let Some((file, line)) = word.split_once(':') else { return false };
    let line = line.split(':').next().unwrap_or("");
    [".c", ".h", ".S", ".rs"].iter().any(|extension| file.ends_with(extension))
        && (line == "?" || !line.is_empty() && line.bytes().all(|b| b.is_ascii_digit()))
}

fn is_module_name(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: &str) -> Option<String> {
        Frame::parse_line(line).map(|frame| format!("{}{frame}", if frame.unreliable { "? " } else { "" }))
    }

    #[test]
    fn forms_of_a_frame() {
        for (line, expected) in [
            ("  drm_ioctl+0x256/0x490 [drm]", "drm_ioctl+0x256/0x490 [drm]"),
            (" ? stack_trace_save+0x4b/0x70", "? stack_trace_save+0x4b/0x70"),
            (" [<ffffffff8138d924>] ? show+0x1/0x2", "? show+0x1/0x2"),
            ("<IRQ>  [<ffffffff8138d924>] show+0x1/0x2", "show+0x1/0x2"),
            (
                "amdgpu_device_init.cold+0xe90/0x1677 [amdgpu 0123456789abcdef]",
                "amdgpu_device_init+0xe90/0x1677 [amdgpu]",
            ),
            (
                "[<c010f0c0>] (unwind) from [<c010ad38>] (show_stack+0x10/0x14 [m])",
                "show_stack+0x10/0x14 [m]",
            ),
            ("[<c010f0c0>] (unwind [a]) from [<c010ad38>] (show_stack+0x10/0x14)", "show_stack+0x10/0x14"),
            ("[c0000000028f7be0] [c0000000003f0140] init+0x5c0/0x6d0 (unreliable)", "? init+0x5c0/0x6d0"),
            ("unwind_backtrace from show_stack+0x10/0x14", "show_stack+0x10/0x14"),
            ("foo.__uniq.123.llvm.9+0x1/0x2", "foo+0x1/0x2"),
            ("foo$a1b2c3d4.cfi_jt+0x1/0x2 [m]", "foo+0x1/0x2 [m]"),
            (".foo_do+0x1/0x2", "foo_do+0x1/0x2"),
            ("_ZN4core3ops17h0123456789abcdefE+0x1/0x2", "_ZN4core3ops17h0123456789abcdefE+0x1/0x2"),
            (" show_stack+0x18/0x24 (C)", "show_stack+0x18/0x24"),
            (" foo_ioctl+0x18/0x24 [foo] (CF)", "foo_ioctl+0x18/0x24 [foo]"),
            ("([<0000000000112f6a>] show_stack+0x8a/0xd0)", "show_stack+0x8a/0xd0"),
            ("<a::B as k::D>::mmap+0x1/0x2 [m]", "<a::B as k::D>::mmap+0x1/0x2 [m]"),
            ("? __warn (kernel/panic.c:693 (discriminator 9))", "? __warn"),
            ("tty_open+0x1/0x2 drivers/tty/tty.c:221", "tty_open+0x1/0x2"),
            ("foo_bar (kbuild/obj/consumer/x86_64-", "foo_bar"),
            ("siw_sendpages+0x1f1/0x4f0 siw", "siw_sendpages+0x1f1/0x4f0 [siw]"),
            ("destroy_cm_id (drivers/infiniband/core/iwcm.c:375) iw_cm", "destroy_cm_id [iw_cm]"),
        ] {
            assert_eq!(shown(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn lines_that_are_no_frames() {
        for line in [
            "",
            " <TASK>",
            "foo: bar+0x1/0x2 failed",
            "RIP: 0010:foo+0x1/0x2",
            "Call Trace:",
            "at drivers/foo.c:12",
            "0x0",
            "ret from fork",
        ] {
            assert_eq!(shown(line), None, "{line}");
        }
    }
}
