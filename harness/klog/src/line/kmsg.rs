//! Records of /dev/kmsg, as documented in Documentation/ABI/testing/dev-kmsg.

use super::{Caller, Line, Meta};

/// One record of /dev/kmsg: the text that one `read()` returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The prefix, parsed.
    pub meta: Meta,
    /// Syslog facility; 0 is the kernel, 1 is what user space wrote to /dev/kmsg.
    pub facility: u32,
    /// Where this piece of a long message begins and how long the whole is, in bytes, when netconsole cut it.
    pub fragment: Option<(usize, usize)>,
    /// The message, unescaped. It may hold several lines.
    pub message: String,
}

/// Why a text is no /dev/kmsg record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// There is no ';' between prefix and message.
    #[error("no ';' ends the record's prefix")]
    NoPrefix,
    /// A field of the prefix is missing or no number.
    #[error("the record's {0} is missing or no number")]
    Field(&'static str),
}

impl Record {
    /// Parses `prio,seq,time,flags[,key=value]...;message` and leaves out the ` KEY=value` lines that follow.
    pub fn parse(bytes: &[u8]) -> Result<Record, RecordError> {
        let semicolon = memchr::memchr(b';', bytes).ok_or(RecordError::NoPrefix)?;
        let prefix = std::str::from_utf8(&bytes[..semicolon]).map_err(|_| RecordError::NoPrefix)?;
        // Netconsole may put the kernel's release in front (`netconsole.extended` with `release`).
        let mut fields = without_release(prefix.trim_start()).split(',');
        let mut number =
            |name| fields.next().and_then(|field| field.parse::<u64>().ok()).ok_or(RecordError::Field(name));
        let (priority, seq, time_us) = (number("priority")?, number("sequence number")?, number("time")?);
        let cont = fields.next().is_some_and(|flags| flags.contains('c'));
        let named = |name: &str| fields.clone().find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        let caller = named("caller").and_then(Caller::parse);
        let fragment = named("ncfrag").and_then(fragment);
        let message = &bytes[semicolon + 1..];
        let end = memchr::memchr(b'\n', message).unwrap_or(message.len());
        Ok(Record {
            meta: Meta {
                level: Some((priority & 7) as u8),
                seq: Some(seq),
                time_us: Some(time_us),
                caller,
                cont,
                ..Meta::default()
            },
            facility: (priority >> 3).min(u64::from(u32::MAX)) as u32,
            fragment,
            message: unescape(&message[..end]),
        })
    }

    /// The record's message lines, numbered `number` each.
    pub(crate) fn lines(&self, number: u64, limit: usize) -> impl Iterator<Item = (Line, bool)> + '_ {
        self.message.split('\n').map(move |part| {
            let (text, cut) = super::clean(part.as_bytes(), limit);
            (Line { number, meta: self.meta.clone(), text: text.into_owned() }, cut)
        })
    }
}

/// Drops the release of `6.12.0,4,100,200,-;message`.
fn without_release(prefix: &str) -> &str {
    match prefix.split_once(',') {
        Some((release, rest))
            if release.contains('.') && release.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            rest
        }
        _ => prefix,
    }
}

/// `ncfrag=OFFSET/TOTAL` (drivers/net/netconsole.c).
fn fragment(text: &str) -> Option<(usize, usize)> {
    let (offset, total) = text.split_once('/')?;
    Some((offset.parse().ok()?, total.parse().ok()?))
}

/// Undoes the `\xNN` escapes of `msg_add_ext_text` (kernel/printk/printk.c).
fn unescape(bytes: &[u8]) -> String {
    if memchr::memchr(b'\\', bytes).is_none() {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        if let Some((byte, after)) = escape(rest) {
            out.push(byte);
            rest = after;
        } else {
            out.push(first);
            rest = tail;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn escape(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let hex = bytes.strip_prefix(b"\\x")?.get(..2)?;
    let byte = u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?;
    Some((byte, &bytes[4..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_with_caller_escapes_and_dictionary() {
        let text = b"4,1234,5678901,c,caller=T42;a\\x0a\\x5cb\n SUBSYSTEM=drm\n DEVICE=+drm:card0\n";
        let record = Record::parse(text).unwrap();
        assert_eq!(record.message, "a\n\\b");
        assert_eq!(record.facility, 0);
        let meta = &record.meta;
        assert_eq!((meta.level, meta.seq, meta.time_us), (Some(4), Some(1234), Some(5_678_901)));
        assert_eq!(meta.caller, Some(Caller::Task(42)));
        assert!(meta.cont);
        let lines: Vec<_> = record.lines(7, 100).map(|(line, _)| line.text).collect();
        assert_eq!(lines, ["a", "\\b"]);
    }

    #[test]
    fn a_record_without_caller() {
        let record = Record::parse(b"30,5,6,-;systemd[1]: hello").unwrap();
        assert_eq!((record.facility, record.meta.level, record.meta.caller), (3, Some(6), None));
    }

    #[test]
    fn text_that_is_no_record() {
        assert_eq!(Record::parse(b"hello"), Err(RecordError::NoPrefix));
        let sent = Record::parse(b"6.12.0-rc1,4,7,8,-,caller=T1,ncfrag=5/9;lo").unwrap();
        assert_eq!(
            (sent.meta.seq, sent.meta.caller, sent.fragment),
            (Some(7), Some(Caller::Task(1)), Some((5, 9)))
        );
        assert_eq!(Record::parse(b"4,x,1,-;hello"), Err(RecordError::Field("sequence number")));
    }
}
