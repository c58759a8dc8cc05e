//! The session's reports, from its journal to their files.

use std::collections::BTreeMap;
use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::path::PathBuf;

use anyhow::{Context, Result};
use fencelab_events::Session;
use fencelab_report::exit::{self, Exit};
use fencelab_report::{Expectations, FORMATS, Format, Input, Style, View, expect, summary};
use fencelab_runner::Folder;

/// Renders a session's reports into its folder.
pub(crate) struct Reports {
    folder: Folder,
    expectations: Expectations,
}

impl Reports {
    /// For the session in `folder`, judged by these lists of known fails, flakes and skips.
    pub(crate) fn new(folder: Folder, lists: &[PathBuf]) -> Result<Reports> {
        Ok(Reports { folder, expectations: expectations(lists)? })
    }

    /// Whether a list says to leave this case out.
    pub(crate) fn skips(&self, id: &str) -> bool {
        self.expectations.skips(id).is_some()
    }

    /// Writes `junit.xml` alone: during a run, so that a killed run leaves a valid one.
    pub(crate) fn junit(&self, session: &Session) -> Result<()> {
        let format = fencelab_report::format("junit").context("find the junit report")?;
        self.with_view(session, |view| self.write(view, format))
    }

    /// Writes them all.
    pub(crate) fn all(&self, session: &Session) -> Result<Exit> {
        self.with_view(session, |view| {
            FORMATS.iter().try_for_each(|format| self.write(view, format))?;
            Ok(exit::of(view))
        })
    }

    /// Prints one to standard output.
    pub(crate) fn print(&self, session: &Session, name: &str) -> Result<Exit> {
        self.with_view(session, |view| {
            let format = fencelab_report::format(name).with_context(|| {
                let names: Vec<&str> = FORMATS.iter().map(|f| f.name).collect();
                format!("find the report `{name}`: there are {}", names.join(", "))
            })?;
            (format.write)(view, &mut stdout().lock()).with_context(|| format!("write the {name} report"))?;
            Ok(exit::of(view))
        })
    }

    /// Prints the summary, in colour and at the terminal's width where there is one.
    pub(crate) fn summary(&self, session: &Session) -> Result<()> {
        self.with_view(session, |view| Ok(summary::write(view, style(), &mut stdout().lock())?))
    }

    fn with_view<T>(&self, session: &Session, f: impl FnOnce(&View) -> Result<T>) -> Result<T> {
        let splats = self.splats(session);
        let dir = self.folder.path().display().to_string();
        let input = Input { session, expectations: &self.expectations, splats: &splats, dir: &dir };
        f(&View::of(&input))
    }

    /// The splats' texts. One that cannot be read is left out: the report then names its file alone.
    fn splats(&self, session: &Session) -> BTreeMap<String, String> {
        let read =
            |file: &String| fs::read(self.folder.path().join(file)).ok().map(|text| (file.clone(), text));
        let texts = session.findings.iter().filter_map(|finding| read(&finding.file));
        texts.map(|(file, text)| (file, String::from_utf8_lossy(&text).into_owned())).collect()
    }

    fn write(&self, view: &View, format: &Format) -> Result<()> {
        let mut text = Vec::new();
        (format.write)(view, &mut text).with_context(|| format!("write {}", format.file))?;
        self.folder.replace(format.file, &text)?;
        Ok(())
    }
}

/// Colour and width of what is printed.
pub(crate) fn style() -> Style {
    let terminal = stdout().is_terminal();
    let width = if terminal { terminal_width().clamp(60, 120) } else { 100 };
    Style { colour: terminal, width }
}

/// The terminal's columns; 100 where it does not say.
fn terminal_width() -> usize {
    rustix::termios::tcgetwinsize(stdout()).map_or(100, |size| usize::from(size.ws_col))
}

fn expectations(lists: &[PathBuf]) -> Result<Expectations> {
    let mut all = Expectations::default();
    for path in lists {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let kind = expect::Kind::of_file_name(&name).map(|(kind, _)| kind).with_context(|| {
            format!("read {}: its name must end in -fails.txt, -flakes.txt or -skips.txt", path.display())
        })?;
        let text = fs::read_to_string(path).with_context(|| format!("read {}", path.display()))?;
        all.add(expect::List::parse(&path.display().to_string(), kind, &text)?);
    }
    Ok(all)
}

/// Flushes what was printed; a reader that went away is no error.
pub(crate) fn flush() {
    let _ = stdout().flush();
}
