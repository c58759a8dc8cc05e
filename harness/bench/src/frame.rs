//! Frames over a byte stream: a length of four bytes, little-endian, then so many bytes.

use std::io::{self, Read, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest frame that a reader takes; a longer one means that the stream is not ours.
pub const LIMIT: usize = 16 << 20;

/// Writes one frame and flushes.
///
/// # Errors
/// The stream's, and `InvalidInput` for a body over [`LIMIT`].
pub fn write(stream: &mut impl Write, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).ok().filter(|n| *n as usize <= LIMIT);
    let length = length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "frame over the limit"))?;
    let mut frame = Vec::with_capacity(body.len() + 4);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(body);
    stream.write_all(&frame)?;
    stream.flush()
}

/// Reads one frame; none at a clean end of the stream.
///
/// # Errors
/// The stream's, `UnexpectedEof` for an end inside a frame, `InvalidData` for a length over [`LIMIT`].
pub fn read(stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    if !fill_or_end(stream, &mut length)? {
        return Ok(None);
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LIMIT {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {length} bytes, over the limit of {LIMIT}"),
        ));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Some(body))
}

fn fill_or_end(stream: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) if filled == 0 => return Ok(false),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(true)
}

/// Writes a message as one frame of JSON.
///
/// # Errors
/// As [`write`].
pub fn send(stream: &mut impl Write, message: &impl Serialize) -> io::Result<()> {
    write(stream, &serde_json::to_vec(message).map_err(io::Error::other)?)
}

/// Reads a message; none at a clean end of the stream.
///
/// # Errors
/// As [`read`], and `InvalidData` for a frame that is not the message.
pub fn receive<T: DeserializeOwned>(stream: &mut impl Read) -> io::Result<Option<T>> {
    let Some(body) = read(stream)? else {
        return Ok(None);
    };
    serde_json::from_slice(&body).map(Some).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}
