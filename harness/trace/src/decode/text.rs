//! A call as text, in the manner of strace.

use std::fmt::{self, Write};

use fencelab_abi::kind::{MSG_CTRUNC, MSG_PEEK};
use fencelab_abi::section::{ADDRESS, FLAGS, OUT_FENCE_SIZE, OUT_FENCES, PATH};
use fencelab_abi::{Ioctl, Kind, Object, Request, flags};

use super::errno::errno_name;
use super::fields::fields;
use super::flags::{close_range_flags, open_flags};
use super::value::{Field, Value};
use crate::Call;
use crate::end::How;
use crate::payload::number;

/// Knows the objects behind a call's numbers.
pub trait Names {
    /// The name of an object behind a handle of the call's file. `made`: as the call left it.
    fn handle(&self, object: Object, handle: u64, made: bool) -> Option<String>;
    /// The name of what is behind an fd of the caller.
    fn fd(&self, fd: i32, made: bool) -> Option<String>;
    /// CLOCK_MONOTONIC when the call was made, in nanoseconds.
    fn entered(&self) -> Option<u64>;
}

/// Knows nothing: numbers stay numbers.
pub struct Numbers;

impl Names for Numbers {
    fn handle(&self, _: Object, _: u64, _: bool) -> Option<String> {
        None
    }

    fn fd(&self, _: i32, _: bool) -> Option<String> {
        None
    }

    fn entered(&self) -> Option<u64> {
        None
    }
}

/// A call, its fields and its result; not when it was and whose.
pub struct Text<'a, 'r> {
    /// The call.
    pub call: &'a Call<'r>,
    /// Which ioctl it is, if it is one and known.
    pub ioctl: Option<&'static Ioctl>,
    /// What its numbers stand for.
    pub names: &'a dyn Names,
}

impl fmt::Display for Text<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.arguments(f)?;
        self.result(f)
    }
}

impl Text<'_, '_> {
    fn arguments(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call;
        let request = call.request.0;
        match call.kind {
            Some(Kind::Ioctl) => self.ioctl(f),
            Some(Kind::Open) => {
                write!(f, "open({:?}, ", call.text(PATH).unwrap_or_default())?;
                self.value(f, &open_flags(request))?;
                f.write_char(')')
            }
            Some(Kind::Close) => write!(f, "close({})", self.fd(call.fd, false)),
            Some(Kind::CloseRange) => {
                let flags = call.section(FLAGS).and_then(|data| number(data, 0, 4)).unwrap_or(0);
                write!(f, "close_range({}, {request}, ", call.fd)?;
                self.value(f, &close_range_flags(flags as u32))?;
                f.write_char(')')
            }
            Some(Kind::Dup) => write!(f, "dup({})", self.fd(call.fd, false)),
            Some(Kind::Send) => {
                write!(f, "sendmsg({}, {})", self.fd(call.fd, false), self.list(call.fds(), false))
            }
            Some(Kind::Receive) => {
                write!(f, "recvmsg({}, {}", self.fd(call.fd, false), self.list(call.fds(), true))?;
                let told = [(MSG_PEEK, ", MSG_PEEK"), (MSG_CTRUNC, ", MSG_CTRUNC")];
                let told = told.into_iter().filter(|(flag, _)| call.request.0 & flag != 0);
                told.map(|(_, name)| name).chain([")"]).try_for_each(|word| f.write_str(word))
            }
            Some(Kind::SocketPair) => write!(f, "socketpair({})", self.list(call.fds(), true)),
            Some(kind @ (Kind::Connect | Kind::Bind)) => {
                write!(f, "{}({}, {:?})", kind.name(), self.fd(call.fd, false), self.address())
            }
            Some(Kind::Accept) => write!(f, "accept({})", self.fd(call.fd, false)),
            Some(Kind::PidfdOpen) => write!(f, "pidfd_open({request})"),
            Some(Kind::PidfdGetfd) => {
                write!(f, "pidfd_getfd({}, {})", self.fd(call.fd, false), request as i32)
            }
            Some(kind @ (Kind::Fork | Kind::Vfork)) => write!(f, "{}()", kind.name()),
            Some(Kind::Spawn) => {
                write!(f, "posix_spawn({:?}{})", call.text(PATH).unwrap_or_default(), self.bare())
            }
            Some(Kind::Exec) => write!(f, "exec({:?}{})", call.text(PATH).unwrap_or_default(), self.bare()),
            Some(Kind::Inherited) => {
                write!(f, "started with {}", self.fd(call.fd, false))?;
                write!(f, " open on {:?}", call.text(PATH).unwrap_or_default())
            }
            Some(Kind::PollEnter) => {
                write!(f, "poll({}", self.list(call.polled(), false))?;
                if let Some(ns) = call.timeout_ns() {
                    f.write_str(", timeout=")?;
                    self.value(f, &Value::Timeout(ns))?;
                }
                f.write_char(')')
            }
            // Its arguments are not recorded, nor are those that failed; seccomp's record is made before the call.
            Some(Kind::Confined) => {
                let result = if confinement(request) == "seccomp" { "" } else { " = 0" };
                write!(f, "{}(...){result}", confinement(request))
            }
            Some(Kind::Exit) => write!(f, "+++ {} +++", How::of_status(request)),
            Some(kind) => write!(f, "{}({})", kind.name(), self.fd(call.fd, false)),
            None => write!(f, "unknown kind {} of record({}, {request:#x})", call.kind_number, call.fd),
        }
    }

    fn ioctl(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let request = self.call.request;
        write!(f, "ioctl({}, ", self.fd(self.call.fd, false))?;
        let Some(ioctl) = self.ioctl else {
            let (ty, nr, size) = (char::from(request.ty()), request.nr(), request.size());
            return write!(f, "{:#x} (type {ty:?}, number {nr:#x}, {size} bytes))", request.0);
        };
        f.write_str(name_of(ioctl, request))?;
        if self.call.beginning_lost {
            f.write_str(", what was passed in is lost")?;
        } else if request.size() > 0 && self.call.argument_in().is_empty() {
            f.write_str(", unreadable")?;
        } else {
            let fields = fields(self.call, ioctl);
            match fields.as_slice() {
                [] => {}
                [Field { name: "", value }] => {
                    f.write_str(", ")?;
                    self.value(f, value)?;
                }
                fields => {
                    f.write_str(", ")?;
                    self.fields(f, fields)?;
                }
            }
            self.out_fences(f)?;
        }
        f.write_char(')')
    }

    /// fds that an atomic commit wrote through properties.
    fn out_fences(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = self.call.section(OUT_FENCES).unwrap_or_default();
        for (index, entry) in data.chunks_exact(OUT_FENCE_SIZE).enumerate() {
            let word = |at| number(entry, at, 4).unwrap_or(0);
            f.write_str(if index == 0 { ", out-fences: [" } else { ", " })?;
            write!(f, "{} of object {}", self.fd(word(8) as i32, true), word(0))?;
        }
        if data.len() >= OUT_FENCE_SIZE { f.write_char(']') } else { Ok(()) }
    }

    fn result(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = self.call;
        if matches!(call.kind, Some(Kind::Inherited | Kind::Confined | Kind::Exit)) {
            return Ok(());
        }
        let Some(result) = call.result else {
            return if call.kind == Some(Kind::Exec) { Ok(()) } else { f.write_str(" = ?") };
        };
        match call.kind {
            Some(Kind::PollEnter) if result >= 0 => {
                write!(f, " = {result} {}", self.list(call.fds(), false))?
            }
            _ if result < 0 => match errno_name(result.saturating_neg()) {
                Some(name) => write!(f, " = -1 {name}")?,
                None => write!(f, " = -1 errno {}", result.unsigned_abs())?,
            },
            _ if returns_fd(call, self.ioctl) => write!(f, " = {}", self.fd(result, true))?,
            _ => write!(f, " = {result}")?,
        }
        if call.flags & flags::FAULT != 0 {
            f.write_str(" (injected)")?;
        }
        if call.flags & flags::DELAYED != 0 {
            f.write_str(" (delayed on purpose)")?;
        }
        if call.is_unread() {
            f.write_str(" (arguments not all readable)")?;
        }
        Ok(())
    }

    fn fields(&self, f: &mut fmt::Formatter<'_>, fields: &[Field]) -> fmt::Result {
        f.write_char('{')?;
        for (index, field) in fields.iter().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            if !field.name.is_empty() {
                write!(f, "{}=", field.name)?;
            }
            self.value(f, &field.value)?;
        }
        f.write_char('}')
    }

    fn value(&self, f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
        match value {
            // What the kernel sets a word to that has no answer.
            Value::Number(0xffff_ffff) => f.write_str("-1"),
            Value::Number(number) if *number > 0xffff_ffff => write!(f, "{number:#x}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::Named(_, name) => f.write_str(name),
            Value::Address(0) => f.write_str("NULL"),
            Value::Address(address) => write!(f, "{address:#x}"),
            Value::Flags { names, rest, .. } => write_flags(f, names, *rest),
            Value::Point(point) => write!(f, "{point}"),
            Value::Deadline(ns) => self.deadline(f, *ns),
            Value::Timeout(ns) if *ns < 0 => f.write_str("forever"),
            Value::Timeout(ns) => write!(f, "{}", Exact(*ns)),
            Value::Handle { object, handle, point, made } => {
                match self.names.handle(*object, *handle, *made) {
                    Some(name) => f.write_str(&name)?,
                    None => write!(f, "{handle}")?,
                }
                if *point != 0 { write!(f, "@{point}") } else { Ok(()) }
            }
            Value::Fd { fd, made } => f.write_str(&self.fd(*fd, *made)),
            Value::Text(text) => write!(f, "{text:?}"),
            Value::TextStart(text) => write!(f, "{text:?}..."),
            Value::Bytes(count) => write!(f, "<{count} bytes>"),
            Value::List(values, left_out) => self.values(f, values, *left_out),
            Value::Struct(fields) => self.fields(f, fields),
        }
    }

    fn values(&self, f: &mut fmt::Formatter<'_>, values: &[Value], left_out: u64) -> fmt::Result {
        /// Elements of a list that a line shows.
        const MOST: usize = 32;
        f.write_char('[')?;
        for (index, value) in values.iter().take(MOST).enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            self.value(f, value)?;
        }
        let hidden = values.len().saturating_sub(MOST) as u64 + left_out;
        if hidden > 0 {
            let comma = if values.is_empty() { "" } else { ", " };
            // A count that no field of the argument has ends here.
            let least = if values.len() as u64 + left_out == u64::from(u16::MAX) { "at least " } else { "" };
            write!(f, "{comma}and {least}{hidden} more")?;
        }
        f.write_char(']')
    }

    /// An absolute deadline, as how far it lies ahead of the call.
    fn deadline(&self, f: &mut fmt::Formatter<'_>, ns: i64) -> fmt::Result {
        match (ns, self.names.entered()) {
            (i64::MAX, _) => f.write_str("forever"),
            (0, _) => f.write_str("0"),
            (ns, Some(now)) if ns > 0 => {
                let ahead = ns.saturating_sub(i64::try_from(now).unwrap_or(i64::MAX));
                if ahead >= 0 {
                    write!(f, "+{}", Exact(ahead))
                } else {
                    write!(f, "{} ago", Exact(ahead.saturating_neg()))
                }
            }
            (ns, _) => write!(f, "{ns}"),
        }
    }

    fn fd(&self, fd: i32, made: bool) -> String {
        match self.names.fd(fd, made) {
            Some(name) if fd >= 0 => format!("{fd}<{name}>"),
            _ => fd.to_string(),
        }
    }

    fn list(&self, fds: impl Iterator<Item = i32>, made: bool) -> String {
        let fds: Vec<String> = fds.map(|fd| self.fd(fd, made)).collect();
        format!("[{}]", fds.join(", "))
    }

    fn address(&self) -> String {
        let bytes = self.call.section(ADDRESS).unwrap_or_default();
        match bytes {
            [0, name @ ..] => format!("@{}", String::from_utf8_lossy(name)),
            _ => {
                let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
                String::from_utf8_lossy(&bytes[..end]).into_owned()
            }
        }
    }

    /// What is said of a new program whose environment lacks the session.
    fn bare(&self) -> &'static str {
        if self.call.request.0 == 1 { ", without the session in its environment" } else { "" }
    }
}

/// An ioctl's name; of the two that are told apart by their size alone, the one that it is (include/uapi/linux/dma-buf.h).
pub fn name_of(ioctl: &Ioctl, request: Request) -> &'static str {
    match ioctl.name {
        "DMA_BUF_SET_NAME_B" if request.size() == size_of::<u32>() => "DMA_BUF_SET_NAME_A",
        name => name,
    }
}

/// Whether a call's result is an fd.
fn returns_fd(call: &Call<'_>, ioctl: Option<&Ioctl>) -> bool {
    let kinds = [Kind::Open, Kind::Dup, Kind::Accept, Kind::PidfdOpen, Kind::PidfdGetfd];
    call.kind.is_some_and(|kind| kinds.contains(&kind)) || ioctl.is_some_and(|ioctl| ioctl.returns.is_some())
}

fn write_flags(f: &mut fmt::Formatter<'_>, names: &[&str], rest: u64) -> fmt::Result {
    f.write_str(&names.join("|"))?;
    match (names.is_empty(), rest) {
        (true, 0) => f.write_char('0'),
        (true, rest) => write!(f, "{rest:#x}"),
        (false, 0) => Ok(()),
        (false, rest) => write!(f, "|{rest:#x}"),
    }
}

/// The name of a system call that confines, by its x86-64 number.
fn confinement(number: u32) -> &'static str {
    match number {
        105 => "setuid",
        113 => "setreuid",
        117 => "setresuid",
        161 => "chroot",
        317 => "seccomp",
        _ => "confined",
    }
}

/// Nanoseconds, all of them, in the largest unit of which there is one, without digits that say nothing.
struct Exact(i64);

impl fmt::Display for Exact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, places, name) = match self.0 {
            0 => return f.write_char('0'),
            1_000_000_000.. => (1_000_000_000, 9, "s"),
            1_000_000.. => (1_000_000, 6, "ms"),
            1_000.. => (1_000, 3, "us"),
            _ => (1, 0, "ns"),
        };
        let rest = format!("{:0places$}", self.0 % unit);
        write!(f, "{}", self.0 / unit)?;
        match rest.trim_end_matches('0') {
            "" => {}
            rest => write!(f, ".{rest}")?,
        }
        write!(f, " {name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_exact_and_in_the_unit_that_fits() {
        let shown = [0, 7, 1_500, 1_000_000, 49_670_830, 2_000_000_000].map(|ns| Exact(ns).to_string());
        assert_eq!(shown, ["0", "7 ns", "1.5 us", "1 ms", "49.67083 ms", "2 s"]);
    }
}
