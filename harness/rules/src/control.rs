//! Whether the controls were silent: every case with every lawful variant armed.

use fencelab_events::{Outcome, Session, Verdict};

use crate::expect::Expected;
use crate::proof::Control;

/// Judges the session of a kernel's controls. Each of its cases stands for the knobs that it provokes.
pub fn judge_controls(expected: &[Expected], session: &Session, kernel: &str) -> Vec<Control> {
    let mut controls: Vec<Control> = Vec::new();
    for one in expected.iter().filter(|e| e.is_planted() && e.kernel == kernel) {
        match controls.iter_mut().find(|control| control.case == one.case) {
            Some(control) => control.knobs.push(one.name.clone()),
            None => controls.push(control(&one.case, &one.name, session, kernel)),
        }
    }
    orphans(session, kernel).into_iter().for_each(|control| controls.push(control));
    controls
}

fn control(case: &str, knob: &str, session: &Session, kernel: &str) -> Control {
    let reports: Vec<_> = session.findings_of(case).collect();
    let verdict = session.case(case).map(|record| (Verdict::of(session, record), record.finished()));
    let why = match (verdict, reports.first()) {
        (_, Some(finding)) => format!("{}: {}", finding.kind, finding.title),
        (Some((Verdict::Pass, _)), None) => String::new(),
        (Some((verdict, Some(finished))), None) => {
            let reason = finished.reason.lines().next().unwrap_or_default();
            match finished.outcome {
                Outcome::Pass => format!("it passed, but {}", verdict.word()),
                _ => format!("{}: {reason}", verdict.word()),
            }
        }
        (Some((verdict, None)), None) => verdict.word().to_owned(),
        (None, None) => "the bench has no such case".into(),
    };
    Control {
        kernel: kernel.into(),
        case: case.into(),
        knobs: vec![knob.into()],
        silent: why.is_empty(),
        why,
        false_reports: reports.len(),
    }
}

/// Reports that belong to no case are false as well.
fn orphans(session: &Session, kernel: &str) -> Option<Control> {
    let orphans: Vec<_> = fencelab_events::verdict::orphans(session).collect();
    let first = orphans.first()?;
    Some(Control {
        kernel: kernel.into(),
        case: "outside any case".into(),
        knobs: vec![],
        silent: false,
        why: format!("{}: {}", first.kind, first.title),
        false_reports: orphans.len(),
    })
}
