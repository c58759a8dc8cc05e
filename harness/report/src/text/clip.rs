//! Texts of bounded size.

use std::borrow::Cow;

/// At most about `limit` bytes of the text, whole lines where it can: the head, which names the fault, then the tail,
/// and between them a line that says how much is missing and where the whole is.
pub(crate) fn clip<'a>(text: &'a str, limit: usize, whole: &str) -> Cow<'a, str> {
    if text.len() <= limit {
        return Cow::Borrowed(text);
    }
    let head = line_end_before(text, limit / 3 * 2);
    let tail = line_start_after(text, text.len() - limit / 3);
    let missing = tail - head;
    Cow::Owned(format!(
        "{}\n[... {missing} bytes left out; the whole: {whole} ...]\n{}",
        text[..head].trim_end_matches('\n'),
        &text[tail..]
    ))
}

/// The last line's end at or before `at`; a line that is too long is cut.
fn line_end_before(text: &str, at: usize) -> usize {
    let at = (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    text[..at].rfind('\n').unwrap_or(at)
}

/// The first line's start at or after `at`; a line that is too long is cut.
fn line_start_after(text: &str, at: usize) -> usize {
    let at = (at..=text.len()).find(|i| text.is_char_boundary(*i)).unwrap_or(text.len());
    text[at..].find('\n').map_or(at, |end| at + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_text_stays() {
        assert_eq!(clip("abc", 3, "file"), "abc");
    }

    #[test]
    fn long_text_keeps_head_and_tail_lines() {
        let text: String = (0..100).map(|i| format!("line {i:02}\n")).collect();
        let clipped = clip(&text, 96, "klog.txt");
        assert!(clipped.starts_with("line 00\n") && clipped.ends_with("line 99\n"), "{clipped}");
        assert!(clipped.contains("bytes left out; the whole: klog.txt"), "{clipped}");
        assert!(clipped.lines().all(|l| l.len() == 7 || l.starts_with("[...")), "{clipped}");
    }

    #[test]
    fn a_single_long_line_is_cut_between_characters() {
        let text = "ä".repeat(1000);
        for limit in 0..50 {
            assert!(clip(&text, limit, "").len() <= limit + 80);
        }
    }
}
