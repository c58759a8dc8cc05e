//! fds that came from other processes, from the moment they came to their last close.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(target_arch = "x86_64")]

mod common;

use std::ffi::OsString;

use common::{lines, programs};
use fencelab_record::{Entry, Geometry, Options, record};

/// What a fd's life leaves in the trace, by the way it came.
fn recorded(way: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let command: [OsString; 2] = [programs().path("foreign").into(), way.into()];
    let geometry = Geometry { bytes: 4 << 20, ..Geometry::default() };
    record(Options { entry: Entry::Preload, geometry, ..Options::new(folder.path()) }, &command).unwrap();
    lines(folder.path())
}

#[test]
fn a_received_fd_is_followed_to_its_last_close() {
    let life = "poll-enter poll-exit dup close close";
    assert_eq!(recorded("rights"), [format!("preload: socketpair send-fds receive-fds {life}")]);
}

#[test]
fn so_is_one_that_was_taken_by_a_pidfd() {
    assert_eq!(recorded("pidfd"), ["preload: pidfd-open pidfd-getfd poll-enter poll-exit dup close close"]);
}

/// A message that is only looked at stays for whoever takes it.
#[test]
fn a_look_at_a_message_is_recorded_as_such() {
    let life = "poll-enter poll-exit dup close close";
    let shown = recorded("peek");
    assert_eq!(shown, [format!("preload: socketpair send-fds receive-fds close receive-fds {life}")]);
}
