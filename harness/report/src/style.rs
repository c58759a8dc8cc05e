//! How a summary is dressed: the caller knows its terminal, this crate does not.

use std::fmt::{self, Display};

/// What the place that shows the text can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// It understands ANSI colours.
    pub colour: bool,
    /// Its columns.
    pub width: usize,
}

impl Style {
    /// For files.
    pub const PLAIN: Style = Style { colour: false, width: 100 };

    /// The text in a paint, where colours are understood.
    pub(crate) fn paint<T: Display>(self, paint: Paint, text: T) -> Painted<T> {
        Painted { paint: self.colour.then_some(paint), text }
    }
}

/// What a piece of text is, not how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Bad,
    Warning,
    Good,
    Strong,
    Faint,
}

/// A text with its paint.
pub(crate) struct Painted<T> {
    paint: Option<Paint>,
    text: T,
}

impl<T: Display> Display for Painted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = match self.paint {
            None => return self.text.fmt(f),
            Some(Paint::Bad) => "1;31",
            Some(Paint::Warning) => "33",
            Some(Paint::Good) => "32",
            Some(Paint::Strong) => "1",
            Some(Paint::Faint) => "2",
        };
        write!(f, "\x1b[{code}m{}\x1b[0m", self.text)
    }
}
