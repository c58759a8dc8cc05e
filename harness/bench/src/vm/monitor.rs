//! QEMU's monitor (QMP, docs/interop/qmp-spec): it tells a panic, and why a guest went down by itself.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde::Deserialize;

use crate::facts::Shared;

/// The messages that matter; all others are passed over.
#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    event: String,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize, Default)]
struct Data {
    /// `ShutdownCause` in qapi/run-state.json.
    #[serde(default)]
    reason: String,
}

/// Listens until QEMU ends.
pub(crate) fn listen(stream: UnixStream, facts: &Shared) {
    let Ok(mut writer) = stream.try_clone() else {
        return;
    };
    // Events come only after the capabilities are negotiated.
    let _ = writer.write_all(b"{\"execute\":\"qmp_capabilities\"}\n");
    for line in BufReader::new(stream).lines().map_while(Result::ok) {
        match serde_json::from_str(&line) {
            Ok(Message { event, .. }) if event == "GUEST_PANICKED" => facts.lock().panicked = true,
            Ok(Message { event, data }) if event == "SHUTDOWN" => {
                facts.lock().reason.get_or_insert(in_words(&data.reason));
            }
            _ => {}
        }
    }
}

fn in_words(reason: &str) -> String {
    match reason {
        "guest-shutdown" => "the guest powered off by itself".into(),
        "guest-reset" => "the guest reset by itself".into(),
        "host-signal" => "a signal told QEMU to end".into(),
        other => format!("QEMU ended ({other})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(messages: &str) -> Shared {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        theirs.write_all(messages.as_bytes()).unwrap();
        theirs.shutdown(std::net::Shutdown::Write).unwrap();
        let facts = Shared::default();
        listen(ours, &facts);
        facts
    }

    #[test]
    fn panics_and_power_offs_are_told_apart() {
        let greeting = "{\"QMP\": {\"version\": {}}}\r\n{\"return\": {}}\r\n";
        let panic = "{\"event\": \"GUEST_PANICKED\", \"data\": {\"action\": \"run\"}}\r\n";
        let off =
            "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-shutdown\"}}\r\n";
        assert!(!after(greeting).lock().panicked);
        assert!(after(&[greeting, panic].concat()).lock().panicked);
        let facts = after(&[greeting, "garbage\r\n", off].concat());
        assert_eq!(facts.lock().reason.as_deref(), Some("the guest powered off by itself"));
        assert!(!facts.lock().panicked);
    }
}
