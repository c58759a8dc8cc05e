//! Who waits for whom.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct AnalyzeArgs {
    /// The session's folder, a pool file without one, or a run's folder.
    pub(crate) session: PathBuf,
    /// Only what concerns that case of a run.
    #[arg(long, value_name = "ID")]
    pub(crate) case: Option<String>,
    /// One JSON object with everything.
    #[arg(long)]
    pub(crate) json: bool,
    /// Only verdicts, no mere waits.
    #[arg(long)]
    pub(crate) verdicts: bool,
    /// Also what is merely worth a look: fences left unsignalled, slow wakes, what the trace cannot show.
    #[arg(long)]
    pub(crate) hints: bool,
    /// Do not look for hangs that other orders of the same calls would come to.
    #[arg(long)]
    pub(crate) no_predict: bool,
    /// Look who waits when nothing has moved for so many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) quiet: f64,
    /// Write the graphs for Graphviz.
    #[arg(long, value_name = "FILE")]
    pub(crate) dot: Option<PathBuf>,
    /// Write the first finding's graph as a picture.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Write the first finding's threads for ui.perfetto.dev, what it rests on marked.
    #[arg(long, value_name = "FILE")]
    pub(crate) perfetto: Option<PathBuf>,
    /// Write a page with graph, timeline and calls, which needs nothing else.
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write the order of calls of the first hang that is predicted, for `fencelab replay --order`.
    #[arg(long, value_name = "FILE", conflicts_with = "no_predict")]
    pub(crate) order: Option<PathBuf>,
    /// A program or scenario that shows it again, to be put on the page.
    #[arg(long, value_name = "FILE", requires = "html")]
    pub(crate) reproducer: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// The session's folder, or a recorded process's id.
    #[arg(value_name = "DIR|PID")]
    pub(crate) session: PathBuf,
    /// Look who waits when nothing has moved for so many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "0.5", value_parser = seconds)]
    pub(crate) quiet: f64,
    /// End after the first look.
    #[arg(long)]
    pub(crate) once: bool,
}

/// Seconds, more than none.
fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds.is_finite() && (0.01..1e6).contains(&seconds) => Ok(seconds),
        _ => Err("expected seconds between 0.01 and 1000000".into()),
    }
}
