//! What recorded processes and threads are called in a scenario.

use std::collections::HashMap;

use fencelab_scenario::Name;
use fencelab_trace::{CallId, Session};

/// Names processes and threads as they are met.
#[derive(Default)]
pub(super) struct People {
    processes: HashMap<u32, Name>,
    threads: HashMap<(u32, u32), Name>,
}

impl People {
    /// The process and thread of a call.
    pub(super) fn of(&mut self, session: &Session, id: CallId, pid: u32, tid: u32) -> (Name, Name) {
        let taken: Vec<Name> = self.processes.values().cloned().collect();
        let process = self.processes.entry(pid).or_insert_with(|| {
            let thread = session.thread(id.thread);
            let process =
                thread.and_then(|thread| thread.process).and_then(|process| session.process(process));
            unique(&plain(process.map_or("", |process| process.name())), &taken)
        });
        let process = process.clone();
        let number = self.threads.keys().filter(|(of, _)| *of == pid).count();
        let thread = self.threads.entry((pid, tid)).or_insert_with(|| {
            let name = if tid == pid { "main".into() } else { format!("t{number}") };
            name.parse().unwrap_or_else(|_| process.clone())
        });
        (process, thread.clone())
    }
}

/// A program's name in the letters of a scenario's.
fn plain(program: &str) -> String {
    let letters = program.to_lowercase();
    let letters: String =
        letters.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).take(20).collect();
    let letters = letters.trim_matches('_');
    if letters.starts_with(|c: char| c.is_ascii_lowercase()) { letters.into() } else { format!("p{letters}") }
}

/// A name that nobody else has.
fn unique(name: &str, taken: &[Name]) -> Name {
    let mut number = 1;
    loop {
        let text = if number == 1 { name.to_owned() } else { format!("{name}_{number}") };
        match text.parse::<Name>() {
            Ok(name) if !taken.contains(&name) => return name,
            // `plain` gives names only.
            _ => number += 1,
        }
    }
}
