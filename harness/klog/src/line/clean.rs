//! From bytes to text: wrong encodings, control characters, enormous lines.

use std::borrow::Cow;

/// Decodes a line for parsing: at most `limit` bytes of it, without line end, terminal escapes, NULs and other
/// control characters; what is no UTF-8 becomes U+FFFD. The flag tells that the line was cut.
pub(crate) fn clean(bytes: &[u8], limit: usize) -> (Cow<'_, str>, bool) {
    let cut = bytes.len() > limit;
    let bytes = &bytes[..bytes.len().min(limit)];
    let end = bytes.iter().rposition(|b| !matches!(b, b'\r' | b'\n')).map_or(0, |last| last + 1);
    let text = String::from_utf8_lossy(&bytes[..end]);
    if text.bytes().any(is_control) { (Cow::Owned(without_controls(&text)), cut) } else { (text, cut) }
}

fn is_control(byte: u8) -> bool {
    byte < 0x20 && byte != b'\t' || byte == 0x7f
}

fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\x1b' {
            skip_escape(&mut chars);
        } else if c == '\t' || !c.is_ascii_control() {
            out.push(c);
        }
    }
    out
}

/// Skips the rest of a terminal escape: `ESC [ parameters final`, or `ESC` and one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if chars.next_if_eq(&'[').is_none() {
        chars.next();
        return;
    }
    for c in chars.by_ref() {
        if ('@'..='~').contains(&c) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_controls_go() {
        let (text, cut) = clean(b"\x1b[1;31mBUG:\x1b[0m a\0b\tc\r\n", 100);
        assert_eq!(text, "BUG: ab\tc");
        assert!(!cut);
    }

    #[test]
    fn long_and_broken_lines_are_cut_and_said() {
        let (text, cut) = clean(b"ab\xffcdef", 4);
        assert_eq!(text, "ab\u{fffd}c");
        assert!(cut);
    }
}
