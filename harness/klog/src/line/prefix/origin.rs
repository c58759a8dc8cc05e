//! Who printed a line: the kernel's caller id, what vendors print instead, and the tags of log daemons.

use super::super::Caller;

/// `[T123]`, `[    C1]`: the caller id, with the one blank that may stand in front of it.
pub(in crate::line) fn caller(line: &str) -> Option<(Caller, &str)> {
    let (inside, rest) = bracket(line.strip_prefix(' ').unwrap_or(line), 24)?;
    Some((Caller::parse(inside)?, rest))
}

/// What the kernels of telephones print where others have the caller id: `(1)[123:kworker/1:1]`,
/// `[1:  kworker/1:1:  123]`, `I[1:  kworker/1:1:  123]`, `[pid:123,cpu1,kworker/1:1]`, `c1    123 `. All name the task that was running.
pub(in crate::line) fn device_caller(line: &str) -> Option<(Caller, &str)> {
    let line = line.trim_start();
    let (pid, rest) =
        cpu_then_task(line).or_else(|| task_in_brackets(line)).or_else(|| cpu_and_number(line))?;
    Some((Caller::Task(pid.trim().parse().ok()?), rest))
}

/// `(1)[123:kworker/1:1]`, with a minus in front where interrupts are off.
fn cpu_then_task(line: &str) -> Option<(&str, &str)> {
    let (cpu, rest) = line.strip_prefix('-').unwrap_or(line).strip_prefix('(')?.split_once(')')?;
    let (task, rest) = bracket(rest, 40)?;
    let (pid, _) = task.split_once(':')?;
    is_number(cpu).then_some((pid, rest))
}

/// `[1:  kworker/1:1:  123]` and `[pid:123,cpu1,kworker/1:1]`
fn task_in_brackets(line: &str) -> Option<(&str, &str)> {
    let level = line.strip_prefix(|c: char| c.is_ascii_uppercase()).filter(|rest| rest.starts_with('['));
    let (task, rest) = bracket(level.unwrap_or(line), 48)?;
    if let Some(pid) = task.strip_prefix("pid:") {
        return Some((pid.split(',').next()?, rest));
    }
    let (cpu, named) = task.split_once(':')?;
    let (comm, pid) = named.rsplit_once(':')?;
    (is_number(cpu) && is_number(pid.trim()) && !comm.trim().is_empty()).then_some((pid, rest))
}

/// `c1    123 `
fn cpu_and_number(line: &str) -> Option<(&str, &str)> {
    let (cpu, rest) = line.strip_prefix('c')?.split_once(' ')?;
    let (pid, rest) = rest.trim_start().split_once(' ')?;
    (is_number(cpu) && cpu.len() <= 2 && is_number(pid)).then_some((pid, rest))
}

/// What stands in brackets here, if they close within `room` bytes.
fn bracket(line: &str, room: usize) -> Option<(&str, &str)> {
    let inner = line.strip_prefix('[')?;
    let end = memchr::memchr(b']', inner.as_bytes().get(..room.min(inner.len()))?)?;
    Some((inner.get(..end)?, &inner[end + 1..]))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// `host kernel: ` or `kernel: `, in front of a message or of the kernel's own prefix. A daemon may name the level in
/// front, and `syslogd` leaves no blank behind.
pub(in crate::line) fn kernel_tag(line: &str) -> Option<&str> {
    let at = memchr::memmem::find(line.as_bytes().get(..100.min(line.len()))?, b"kernel")?;
    let (words, rest) = line.split_at_checked(at)?;
    let rest = rest.strip_prefix("kernel")?;
    // `kernel[123]:` of some daemons.
    let rest = bracket(rest, 12).filter(|(pid, _)| is_number(pid)).map_or(rest, |(_, rest)| rest);
    // RFC 5424 has three more fields, which the kernel's lines leave empty.
    let rest = rest.strip_prefix(':').or_else(|| rest.strip_prefix(" - - -"))?;
    let own_word = words.is_empty() || words.ends_with([' ', '(']);
    let ends = rest.is_empty() || rest.starts_with([' ', '[', '<']);
    (own_word && ends && words.split_ascii_whitespace().count() <= 3 && !words.contains(": "))
        .then(|| rest.strip_prefix(' ').unwrap_or(rest))
}

/// `host kernel: `: one word that a machine can be called, and the tag.
pub(in crate::line) fn begins_with_host(line: &str) -> bool {
    let Some((host, rest)) = line.split_once(' ') else { return false };
    let named = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    host.starts_with(|c: char| c.is_ascii_alphanumeric())
        && host.bytes().all(named)
        && (rest.starts_with("kernel:") || rest.starts_with("kernel["))
}

/// A line of Android's logcat: `11-14 12:34:56.123     0     0 W         : message` or `W/        (    0): message`.
pub(in crate::line) fn logcat(line: &str) -> Option<&str> {
    const LEVELS: [&str; 6] = ["V", "D", "I", "W", "E", "F"];
    if let Some((level, rest)) = line.split_once('/')
        && LEVELS.contains(&level)
    {
        let (tag, rest) = rest.split_once('(')?;
        let (pid, rest) = rest.split_once(')')?;
        let whole = matches!(tag.trim(), "" | "kernel") && is_number(pid.trim());
        return rest.strip_prefix(": ").filter(|_| whole);
    }
    let date = line.get(..6)?.as_bytes();
    let dated = date[2] == b'-' && date[5] == b' ' && date[0].is_ascii_digit() && date[4].is_ascii_digit();
    let (head, message) = line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, "")))?;
    let mut words = head.split_ascii_whitespace().skip(1);
    let (time, pid, tid, level) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let tagged = words.next().is_none_or(|tag| tag == "kernel");
    (dated && time.contains(':') && is_number(pid) && is_number(tid) && LEVELS.contains(&level) && tagged)
        .then_some(message)
}
