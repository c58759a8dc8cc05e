//! What is known of a machine, and what its end comes to.

use std::io;
use std::process::ExitStatus;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::vm::console::panic_message;
use crate::{Down, Incoming};

/// What is known of a machine, shared by its threads.
#[derive(Default)]
pub(crate) struct Facts {
    /// When the last byte came.
    pub(crate) heard: Option<Instant>,
    /// Our own order to end.
    pub(crate) asked: bool,
    /// The watch killed it.
    pub(crate) silent: Option<Duration>,
    /// The panic's line, from the console.
    pub(crate) panic: Option<String>,
    /// The monitor told of a panic.
    pub(crate) panicked: bool,
    /// The monitor told why the guest went down by itself.
    pub(crate) reason: Option<String>,
    /// The agent's stream carried something else.
    pub(crate) broken: Option<String>,
    /// The last lines of QEMU or the agent itself.
    pub(crate) words: Vec<String>,
    /// The last lines of the console.
    pub(crate) console: Vec<String>,
    /// The end, if it came before the machine was handed over.
    ended: Option<Down>,
    /// It was handed over: its end is to be told on the channel.
    up: bool,
}

/// How many lines of last words are kept.
const WORDS: usize = 50;

/// The facts, to be asked and told from any thread.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<Mutex<Facts>>);

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn heard(&self) {
        self.lock().heard = Some(Instant::now());
    }

    pub(crate) fn word(&self, line: String) {
        remember(&mut self.lock().words, line);
    }

    pub(crate) fn console(&self, line: &[u8]) {
        let line = String::from_utf8_lossy(line).into_owned();
        let mut facts = self.lock();
        if let (None, Some(message)) = (&facts.panic, panic_message(&line)) {
            facts.panic = Some(message.to_owned());
        }
        remember(&mut facts.console, line);
    }

    /// Tells the end, on the channel if the machine was handed over.
    pub(crate) fn tell(&self, down: Down, incoming: &Sender<Incoming>) {
        let mut facts = self.lock();
        if facts.up {
            let _ = incoming.send(Incoming::Down(down.clone()));
        }
        facts.ended = Some(down);
    }

    /// From here on its end is to be told on the channel, even if it came already.
    pub(crate) fn hand_over(&self, incoming: &Sender<Incoming>) {
        let mut facts = self.lock();
        facts.up = true;
        if let Some(down) = facts.ended.clone() {
            let _ = incoming.send(Incoming::Down(down));
        }
    }
}

fn remember(lines: &mut Vec<String>, line: String) {
    if lines.len() == WORDS {
        lines.remove(0);
    }
    lines.push(line);
}

impl Facts {
    /// The end of a machine of which this is known, and whose process ended with `status`.
    pub(crate) fn verdict(&self, status: &io::Result<ExitStatus>) -> Down {
        if let Some(message) = &self.panic {
            return Down::Panic { message: message.clone() };
        }
        if self.panicked {
            return Down::Panic {
                message: "the kernel panicked, and its message did not reach the console".into(),
            };
        }
        if let Some(limit) = self.silent {
            return Down::Silent { after_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) };
        }
        if self.asked {
            return Down::Clean;
        }
        let mut how = match (&self.reason, status) {
            (Some(reason), _) => reason.clone(),
            (None, Ok(status)) => format!("its process ended with {status}"),
            (None, Err(error)) => format!("its process cannot be waited for: {error}"),
        };
        if let Some(broken) = &self.broken {
            how = format!("its stream broke ({broken}); {how}");
        }
        if let Some(word) = self.words.last() {
            how = format!("{how}: {word}");
        }
        Down::Vanished { how }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn end(facts: &Facts) -> Down {
        facts.verdict(&Ok(ExitStatus::from_raw(9)))
    }

    #[test]
    fn a_panic_comes_before_silence_and_silence_before_our_own_order() {
        let mut facts = Facts { asked: true, ..Facts::default() };
        assert_eq!(end(&facts), Down::Clean);
        facts.silent = Some(Duration::from_secs(2));
        assert_eq!(end(&facts), Down::Silent { after_ms: 2000 });
        facts.panicked = true;
        assert!(
            matches!(end(&facts), Down::Panic { message } if message.contains("did not reach the console"))
        );
        facts.panic = Some("sysrq".into());
        assert_eq!(end(&facts), Down::Panic { message: "sysrq".into() });
    }

    #[test]
    fn whatever_is_known_of_another_end_is_told() {
        let mut facts = Facts::default();
        let how = |facts: &Facts| match end(facts) {
            Down::Vanished { how } => how,
            other => panic!("{other:?}"),
        };
        assert_eq!(how(&facts), "its process ended with signal: 9 (SIGKILL)");
        facts.words = vec!["first".into(), "qemu: cannot".into()];
        assert_eq!(how(&facts), "its process ended with signal: 9 (SIGKILL): qemu: cannot");
        facts.words.clear();
        facts.reason = Some("the guest reset by itself".into());
        facts.broken = Some("no frame".into());
        assert_eq!(how(&facts), "its stream broke (no frame); the guest reset by itself");
    }

    #[test]
    fn an_end_is_told_once_whenever_the_machine_is_handed_over() {
        for late in [false, true] {
            let (sender, incoming) = std::sync::mpsc::channel();
            let shared = Shared::default();
            if late {
                shared.tell(Down::Clean, &sender);
                shared.hand_over(&sender);
            } else {
                shared.hand_over(&sender);
                shared.tell(Down::Clean, &sender);
            }
            drop(sender);
            assert!(matches!(incoming.iter().collect::<Vec<_>>().as_slice(), [Incoming::Down(Down::Clean)]));
        }
    }

    #[test]
    fn only_the_last_words_are_kept() {
        let shared = Shared::default();
        for number in 0..WORDS + 5 {
            shared.word(number.to_string());
        }
        assert_eq!(shared.lock().words.len(), WORDS);
        assert_eq!(shared.lock().words.last().map(String::as_str), Some("54"));
    }
}
