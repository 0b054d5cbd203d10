//! What goes over the pipes between the pool and a worker.
//!
//! A frame is its length (four bytes, little-endian) and a postcard value. A job is a frame with a
//! [`Job`] and then the file's bytes as they are; each job has one [`Reply`]. The first reply is `Ready`.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Confinement, ExtractError, MAX_TEXT};
use crate::Extracted;

/// No frame of a job is longer, in bytes (names of files are at most 4,096).
pub const MAX_JOB: usize = 16 << 10;
/// No reply is longer, in bytes: the text and its passages.
pub const MAX_REPLY: usize = 4 * MAX_TEXT;

/// One file to be read.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job {
    /// The bytes of its name.
    pub name: Vec<u8>,
    /// How many bytes of content follow the frame.
    pub size: u32,
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub enum Reply {
    /// It is locked in and waits for jobs.
    Ready(Confinement),
    /// What came of the job.
    Done(Result<Extracted, ExtractError>),
}

/// The bytes of a frame.
pub fn frame<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    let mut bytes = postcard::to_extend(value, vec![0; 4]).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len() - 4).map_err(io::Error::other)?;
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    Ok(bytes)
}

/// The length a frame's first four bytes state, if it is allowed.
pub fn length(head: [u8; 4], most: usize) -> io::Result<usize> {
    let length = u32::from_le_bytes(head) as usize;
    if length > most {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("frame of {length} bytes")));
    }
    Ok(length)
}

/// Reads a value from the bytes of a frame.
pub fn value<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))
}

/// Reads a frame; `None` at the end of the stream.
pub fn read<T: DeserializeOwned>(input: &mut impl Read, most: usize) -> io::Result<Option<T>> {
    let mut head = [0; 4];
    if let Err(e) = input.read_exact(&mut head) {
        return if e.kind() == io::ErrorKind::UnexpectedEof { Ok(None) } else { Err(e) };
    }
    value(&body(input, length(head, most)?)?).map(Some)
}

/// Reads so many bytes, without trusting the number for memory.
pub fn body(input: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length.min(1 << 20));
    input.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(bytes)
}

/// Writes a frame.
pub fn write<T: Serialize>(output: &mut impl Write, value: &T) -> io::Result<()> {
    output.write_all(&frame(value)?)?;
    output.flush()
}
