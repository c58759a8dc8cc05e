//! The agent's end of the protocol's stream.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};

use fencelab_bench::frame::{self, Decoder};
use fencelab_bench::protocol::{FromAgent, ToAgent};

/// The stream, both ways.
#[derive(Debug)]
pub(crate) struct Control {
    input: File,
    output: File,
    decoder: Decoder,
}

/// What has come.
pub(crate) enum Heard {
    /// These messages.
    Messages(Vec<ToAgent>),
    /// The end of the stream: the runner is gone.
    End,
}

impl Control {
    /// Over these two, which may be the same stream.
    pub(crate) fn new(input: File, output: File) -> Self {
        Control { input, output, decoder: Decoder::default() }
    }

    /// What to wait for.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }

    /// Reads once; blocks unless the stream is ready. A frame that is no message ends the stream: the two sides
    /// have lost each other.
    pub(crate) fn read(&mut self) -> Heard {
        let mut buffer = [0; 64 << 10];
        match self.input.read(&mut buffer) {
            Ok(0) => return Heard::End,
            Ok(n) => self.decoder.push(&buffer[..n]),
            Err(e) if matches!(e.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            Err(_) => return Heard::End,
        }
        let mut messages = Vec::new();
        loop {
            match self.decoder.next_frame().and_then(|frame| frame.map(|f| frame::message(&f)).transpose()) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return Heard::Messages(messages),
                Err(error) => {
                    eprintln!("fencelab agent: read from the runner: {error}");
                    return Heard::End;
                }
            }
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// When the runner is gone.
    pub(crate) fn send(&mut self, message: &FromAgent) -> io::Result<()> {
        frame::send(&mut self.output, message)
    }
}
