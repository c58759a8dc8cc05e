//! How the parser works.

use std::time::Duration;

use crate::annotation::Kernel;

/// How the parser works. The defaults fit live use on a test machine.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whether the kernel under test carries dma-fence annotations that mainline does not.
    pub kernel: Kernel,
    /// Bytes kept of one line; the rest is dropped and said ([`Loss::CutLine`]).
    pub line_bytes: usize,
    /// Lines kept of one report; further ones are counted ([`crate::Report::omitted`]).
    pub report_lines: usize,
    /// Bytes of message kept of one report.
    pub report_bytes: usize,
    /// How long the input must have been quiet for [`Parser::flush_idle`] to close what is open.
    pub quiet: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            kernel: Kernel::Unknown,
            line_bytes: 8 << 10,
            report_lines: 4000,
            report_bytes: 1 << 20,
            quiet: Duration::from_secs(1),
        }
    }
}
