//! How the boots of a session ended and why lockdep went off, those that are alike told once: after twenty splats, the
//! same line twenty times would hide the one that differs.

use fencelab_events::{Device, LockdepCause, Session};

use crate::why::boot_end;

/// The devices of the boot that had most of them; those of the bench's description before any is up.
pub(crate) fn devices(session: &Session) -> &[Device] {
    let boot = session.boots.iter().max_by_key(|boot| boot.devices.len());
    boot.map_or(&session.devices, |boot| &boot.devices)
}

/// How boots ended, with the numbers of those that ended so.
pub(crate) fn boot_ends(session: &Session) -> Vec<(String, Vec<u32>)> {
    let end = |end: Option<_>| end.map_or_else(|| "no end is known".into(), boot_end);
    alike(session.boots.iter().map(|boot| (end(boot.end.as_ref()), boot.number)))
}

/// Why lockdep went off, with the cases that ran then.
pub(crate) fn lockdep_offs(session: &Session) -> Vec<(String, Vec<&str>)> {
    alike(session.lockdep_off.iter().map(|(_, cause, line, case)| {
        (format!("{}: {line}", lockdep_cause(*cause)), case.as_deref().unwrap_or("no case"))
    }))
}

fn alike<T>(said: impl Iterator<Item = (String, T)>) -> Vec<(String, Vec<T>)> {
    let mut folded: Vec<(String, Vec<T>)> = Vec::new();
    for (what, of) in said {
        match folded.iter_mut().find(|known| known.0 == what) {
            Some(known) => known.1.push(of),
            None => folded.push((what, vec![of])),
        }
    }
    folded
}

/// Why lockdep went off, in words.
fn lockdep_cause(cause: LockdepCause) -> &'static str {
    match cause {
        LockdepCause::Splat => "it had reported, and it reports once a boot",
        LockdepCause::TableFull => "one of its tables was full",
        LockdepCause::Taint => "the kernel was tainted",
        LockdepCause::Oops => "the kernel oopsed",
        LockdepCause::Unknown => "the log does not say why",
    }
}
