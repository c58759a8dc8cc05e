//! Text as HTML text and attribute values.

use std::fmt::{self, Display};

use crate::text::lines;

/// Text from anywhere: controls as pictures, HTML's own signs as entities.
pub(crate) struct Esc<T>(pub(crate) T);

impl<T: AsRef<str>> Display for Esc<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let safe = lines(self.0.as_ref());
        let mut rest: &str = &safe;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
            f.write_str(&rest[..at])?;
            f.write_str(match rest.as_bytes()[at] {
                b'&' => "&amp;",
                b'<' => "&lt;",
                b'>' => "&gt;",
                b'"' => "&quot;",
                _ => "&#39;",
            })?;
            rest = &rest[at + 1..];
        }
        f.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_for_markup() {
        let text = Esc("<a href=\"x\" b='&'>\0ü").to_string();
        assert_eq!(text, "&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;␀ü");
    }
}
