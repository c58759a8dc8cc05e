//! What /proc/self/status tells of a process at its start. A filter of system calls may have come over an exec, and allow little
//! more than what ld.so has just used: to open, read and close a file is among that.

use crate::sys;

/// What it tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The process, as the namespace of /proc numbers it.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
    /// Effective user.
    pub user: u32,
    /// Filters of system calls that it is under. Before Linux 5.9 they are not counted: one.
    pub filters: u32,
}

impl Status {
    /// Reads it.
    pub fn read() -> Self {
        let mut status = Self::default();
        let Some(fd) = sys::open(b"/proc/self/status\0", 0) else { return status };
        let (mut buffer, mut line, mut len) = ([0; 512], [0; 48], 0);
        loop {
            let got = sys::read(fd, &mut buffer);
            if got == 0 {
                break;
            }
            for &byte in buffer.get(..got).unwrap_or(&[]) {
                if byte == b'\n' {
                    status.line(line.get(..len).unwrap_or(&line));
                    len = 0;
                } else if let Some(place) = line.get_mut(len) {
                    *place = byte;
                    len += 1;
                }
            }
        }
        sys::close(fd);
        status
    }

    /// One line: a name with a colon, and numbers after tabs.
    fn line(&mut self, line: &[u8]) {
        let mut words = line.split(|byte| *byte == b'\t');
        let name = words.next().unwrap_or(&[]);
        let mut number = || words.next().map_or(0, number);
        if name == b"Pid:" {
            self.pid = number();
        } else if name == b"PPid:" {
            self.parent = number();
        } else if name == b"Uid:" {
            number();
            self.user = number();
        } else if name == b"Seccomp:" {
            self.filters = number().min(1);
        } else if name == b"Seccomp_filters:" {
            self.filters = number();
        }
    }
}

fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |number: u32, digit| {
        number.wrapping_mul(10).wrapping_add(u32::from(digit.wrapping_sub(b'0')))
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    #[test]
    fn lines_are_read() {
        let mut status = Status::default();
        for line in
            ["Tgid:\t7", "Pid:\t71", "PPid:\t6", "Uid:\t0\t1000\t0\t0", "Seccomp:\t2", "Seccomp_filters:\t3"]
        {
            status.line(line.as_bytes());
        }
        assert_eq!(status, Status { pid: 71, parent: 6, user: 1000, filters: 3 });
    }

    #[test]
    fn this_process_is_found() {
        let status = Status::read();
        assert_eq!(status.pid, std::process::id());
    }
}
