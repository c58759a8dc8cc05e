//! A terminal: what a program draws on it, row by row.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use nix::libc;
use nix::pty::{Winsize, openpty};

const COLUMNS: u16 = 100;

/// A pseudoterminal, and its screen.
pub(crate) struct Terminal {
    keyboard: File,
    slave: Option<OwnedFd>,
    drawn: Receiver<Vec<u8>>,
    screen: Screen,
}

impl Terminal {
    pub(crate) fn open() -> Self {
        let size = Winsize { ws_row: 24, ws_col: COLUMNS, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).expect("a pseudoterminal");
        let keyboard = File::from(pty.master);
        let mut from = keyboard.try_clone().expect("its fd");
        let (sender, drawn) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // It ends with an error when nobody has the other side.
            while let Ok(got @ 1..) = from.read(&mut bytes) {
                if sender.send(bytes[..got].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { keyboard, slave: Some(pty.slave), drawn, screen: Screen::default() }
    }

    /// Runs a command as the foreground program of a session of its own; what it says goes to the terminal, or nowhere.
    pub(crate) fn run(&mut self, mut command: Command, talks: bool) -> Child {
        let slave = self.slave.take().expect("one command");
        let stream = || Stdio::from(slave.try_clone().expect("its fd"));
        let said = || if talks { stream() } else { Stdio::null() };
        command.stdin(stream()).stdout(said()).stderr(said());
        let own_session = || {
            nix::unistd::setsid()?;
            // SAFETY: makes standard input, a terminal, the session's.
            let result = unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) };
            nix::errno::Errno::result(result).map(drop).map_err(Into::into)
        };
        // SAFETY: it makes two system calls.
        unsafe { command.pre_exec(own_session) };
        command.spawn().expect("run the command")
    }

    /// The rows after the next change.
    pub(crate) fn changed(&mut self) -> &[String] {
        let bytes = self.drawn.recv_timeout(Duration::from_secs(20)).expect("something is drawn");
        self.screen.draw(&bytes);
        &self.screen.rows
    }

    /// The rows when all is over.
    pub(crate) fn rest(&mut self) -> &[String] {
        while let Ok(bytes) = self.drawn.recv_timeout(Duration::from_secs(20)) {
            self.screen.draw(&bytes);
        }
        &self.screen.rows
    }

    pub(crate) fn type_text(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).expect("type");
    }
}

/// As much of a terminal as the live line needs: ECMA-48's cursor movements and line erasure.
#[derive(Default)]
struct Screen {
    rows: Vec<String>,
    row: usize,
    column: usize,
    /// An escape sequence that has begun.
    escape: Option<String>,
}

impl Screen {
    fn draw(&mut self, bytes: &[u8]) {
        for c in String::from_utf8_lossy(bytes).chars() {
            match (self.escape.take(), c) {
                (None, '\x1b') => self.escape = Some(String::new()),
                (None, '\r') => self.column = 0,
                (None, '\n') => self.row += 1,
                (None, c) => self.put(c),
                (Some(sequence), '@'..='Z' | 'a'..='z') => self.obey(&sequence, c),
                (Some(mut sequence), c) => {
                    sequence.push(c);
                    self.escape = Some(sequence);
                }
            }
        }
    }

    fn put(&mut self, c: char) {
        let (row, column) = (self.row, self.column);
        self.rows.resize(self.rows.len().max(row + 1), String::new());
        let mut line: Vec<char> = self.rows[row].chars().collect();
        line.resize(line.len().max(column + 1), ' ');
        line[column] = c;
        self.rows[row] = line.into_iter().collect();
        self.column = (column + 1).min(usize::from(COLUMNS) - 1);
    }

    fn obey(&mut self, sequence: &str, command: char) {
        let number = sequence.trim_start_matches('[').parse().unwrap_or(1);
        match command {
            'A' => self.row = self.row.saturating_sub(number),
            'B' => self.row += number,
            'C' => self.column += number,
            'D' => self.column = self.column.saturating_sub(number),
            'K' => _ = self.rows.get_mut(self.row).map(String::clear),
            _ => {}
        }
    }
}
