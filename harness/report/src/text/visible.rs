//! Text that came from programs and kernels, made safe to show.
//!
//! XML 1.0 allows no control characters but tab, newline and return, not even escaped (production 2, Char), and a
//! terminal would obey them. So each is shown as its picture (U+2400 and up): nothing is lost, nothing is obeyed.

use std::borrow::Cow;

/// One line: control characters as pictures, line breaks too.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    shown(text, |c| c != '\t' && is_fine(c))
}

/// Several lines: control characters as pictures, tabs and newlines kept, `\r\n` as a newline.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    let keep = |c: char| matches!(c, '\n' | '\t') || is_fine(c);
    if text.contains("\r\n") {
        return Cow::Owned(shown(&text.replace("\r\n", "\n"), keep).into_owned());
    }
    shown(text, keep)
}

fn shown(text: &str, keep: impl Fn(char) -> bool) -> Cow<'_, str> {
    // Most text is plain, and this is quick.
    if text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n')) && keep('\n') || text.chars().all(&keep) {
        return Cow::Borrowed(text);
    }
    text.chars().map(|c| if keep(c) { c } else { picture(c) }).collect()
}

/// A character that both XML and a terminal take for a letter. Marks that turn the direction of the text are not:
/// they would let a name lie about itself.
fn is_fine(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}')
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn picture(c: char) -> char {
    match c {
        '\u{0}'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ => '\u{fffd}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_shown_as_pictures() {
        assert_eq!(lines("a\x1b[31mb\0c"), "a␛[31mb␀c");
        assert_eq!(lines("a\r\nb\rc\td\n"), "a\nb␍c\td\n");
        assert_eq!(line("a\nb\tc"), "a␊b␉c");
    }

    #[test]
    fn a_name_cannot_turn_the_line_around() {
        assert_eq!(line("a\u{202e}b\u{ffff}"), "a\u{fffd}b\u{fffd}");
    }

    #[test]
    fn plain_text_is_not_copied() {
        assert!(matches!(lines("drm_atomic_commit → ünïcode\n"), Cow::Borrowed(_)));
    }
}
