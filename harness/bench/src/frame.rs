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
    let length = body_length(length)?;
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

/// Frames out of pieces, for a reader that must not block inside a frame.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
}

impl Decoder {
    /// Takes the bytes that have come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
    }

    /// The next whole frame, if it is there.
    ///
    /// # Errors
    /// `InvalidData` for a length over [`LIMIT`].
    pub fn next_frame(&mut self) -> io::Result<Option<Vec<u8>>> {
        let Some((&length, rest)) = self.pending.split_first_chunk() else {
            return Ok(None);
        };
        let length = body_length(length)?;
        if rest.len() < length {
            return Ok(None);
        }
        let body = rest[..length].to_vec();
        self.pending.drain(..4 + length);
        Ok(Some(body))
    }
}

fn body_length(length: [u8; 4]) -> io::Result<usize> {
    let length = u32::from_le_bytes(length) as usize;
    if length <= LIMIT {
        return Ok(length);
    }
    let text = format!("a frame of {length} bytes, over the limit of {LIMIT}");
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}

/// Understands a frame as a message.
///
/// # Errors
/// `InvalidData` for a frame that is not the message.
pub fn message<T: DeserializeOwned>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
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
    message(&body).map(Some)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::{FromAgent, ToAgent};

    proptest! {
        #[test]
        fn frames_survive_any_cutting(
            bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
            cut in 1usize..50,
        ) {
            let mut stream = Vec::new();
            for body in &bodies {
                write(&mut stream, body).unwrap();
            }
            let mut reader = stream.as_slice();
            let mut decoder = Decoder::default();
            let mut decoded = Vec::new();
            for piece in stream.chunks(cut) {
                decoder.push(piece);
                while let Some(body) = decoder.next_frame().unwrap() {
                    decoded.push(body);
                }
            }
            prop_assert_eq!(&decoded, &bodies);
            for body in &bodies {
                let found = read(&mut reader).unwrap();
                prop_assert_eq!(found.as_ref(), Some(body));
            }
            prop_assert_eq!(read(&mut reader).unwrap(), None);
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = bytes.as_slice();
            while let Ok(Some(_)) = receive::<ToAgent>(&mut reader) {}
            let mut decoder = Decoder::default();
            decoder.push(&bytes);
            while let Ok(Some(body)) = decoder.next_frame() {
                let _ = message::<FromAgent>(&body);
            }
        }

        #[test]
        fn output_of_any_bytes_comes_back(data in prop::collection::vec(any::<u8>(), 0..200), fd in 1u8..3) {
            let sent = FromAgent::Output { fd, data };
            let mut stream = Vec::new();
            send(&mut stream, &sent).unwrap();
            prop_assert_eq!(receive::<FromAgent>(&mut stream.as_slice()).unwrap(), Some(sent));
        }
    }

    #[test]
    fn an_end_inside_a_frame_is_told_from_a_clean_one() {
        let mut stream = Vec::new();
        write(&mut stream, b"body").unwrap();
        for cut in [2, 6] {
            assert_eq!(read(&mut &stream[..cut]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
        }
        assert_eq!(read(&mut &stream[..0]).unwrap(), None);
    }

    #[test]
    fn a_frame_over_the_limit_is_refused_on_both_sides() {
        assert_eq!(read(&mut &[255u8; 8][..]).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let error = write(&mut Vec::new(), &vec![0; LIMIT + 1]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
