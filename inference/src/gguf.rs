//! What a GGUF file says of itself: its metadata and the number of its weights, read without trust and without llama.cpp.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

/// Bytes of the longest head, with the vocabulary: those of the largest models have some 30 MB. What is read of a file is kept in
/// memory, so this bounds that too.
const LONGEST_HEAD: u64 = 64 << 20;
/// No file that means well has more.
const MOST: u64 = 1 << 20;
const LONGEST_TEXT: u64 = 1 << 20;
const LONGEST_LIST: u64 = 1 << 24;
/// Kinds of values.
const TEXT: u32 = 8;
const LIST: u32 = 9;

/// A value of the metadata; lists are left out.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number, or a truth value as 0 or 1.
    Number(u64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
}

/// The head of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The metadata.
    pub values: BTreeMap<String, Value>,
    /// How many weights all tensors have together.
    pub weights: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

impl Head {
    /// Reads the head of a file.
    ///
    /// # Errors
    /// Why it is no GGUF file, for people.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = |error: io::Error| format!("{}: {error}", path.display());
        let file = File::open(path).map_err(shown)?;
        let bytes = file.metadata().map_err(shown)?.len();
        let (values, weights) = head(&mut bounded(file)).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof if bytes > LONGEST_HEAD => {
                format!("{} has a head of more than {} MB", path.display(), LONGEST_HEAD >> 20)
            }
            io::ErrorKind::UnexpectedEof => format!("{} is cut short", path.display()),
            _ => shown(error),
        })?;
        Ok(Self { values, weights, bytes })
    }

    /// A value that is text.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.values.get(key) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A value that is a number.
    pub fn number(&self, key: &str) -> Option<u64> {
        match self.values.get(key) {
            Some(Value::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The architecture, `llama` for one.
    pub fn architecture(&self) -> &str {
        self.text("general.architecture").unwrap_or("unknown")
    }

    /// Whether it is a LoRA adapter.
    pub fn is_adapter(&self) -> bool {
        self.text("general.type") == Some("adapter")
    }

    /// The number of its format, as llama.cpp counts them (`llama_ftype`).
    pub fn file_type(&self) -> Option<u64> {
        self.number("general.file_type")
    }

    /// Bytes of the state of so many tokens, in 16-bit numbers.
    pub fn state_bytes(&self, tokens: u64) -> u64 {
        let of = |key: &str| self.number(&format!("{}.{key}", self.architecture()));
        let heads = of("attention.head_count").unwrap_or(32).max(1);
        let width = of("embedding_length").unwrap_or(4096) / heads;
        let keys = of("attention.key_length").unwrap_or(width);
        let values = of("attention.value_length").unwrap_or(width);
        let per_layer = of("attention.head_count_kv").unwrap_or(heads).saturating_mul(keys.saturating_add(values));
        of("block_count").unwrap_or(32).saturating_mul(per_layer).saturating_mul(2).saturating_mul(tokens)
    }
}

/// The list of texts called `key` in the metadata of the file at `path`, which [`Head`] leaves out.
///
/// # Errors
/// Why there is none, for people.
pub fn texts(path: &Path, key: &str) -> Result<Vec<Vec<u8>>, String> {
    let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let found = find_texts(&mut bounded(file), key);
    found.map_err(|error| format!("{}: {error}", path.display()))
}

fn bounded(file: File) -> impl Read {
    BufReader::with_capacity(1 << 16, file).take(LONGEST_HEAD)
}

fn find_texts(reader: &mut impl Read, key: &str) -> io::Result<Vec<Vec<u8>>> {
    let (_, values) = opening(reader)?;
    for _ in 0..values {
        let (name, kind) = (text(reader)?, u32(reader)?);
        if name != key || kind != LIST {
            value(reader, kind)?;
            continue;
        }
        return match (u32(reader)?, u64(reader)?) {
            (TEXT, length @ 0..=LONGEST_LIST) => (0..length).map(|_| bytes(reader)).collect(),
            _ => Err(wrong(&format!("{key} is no list of texts"))),
        };
    }
    Err(wrong(&format!("it has no {key}")))
}

type Parsed = (BTreeMap<String, Value>, u64);

/// The numbers of tensors and of values.
fn opening(reader: &mut impl Read) -> io::Result<(u64, u64)> {
    if &array::<4>(reader)? != b"GGUF" {
        return Err(wrong("it is no GGUF file"));
    }
    match u32(reader)? {
        2 | 3 => Ok((count(reader)?, count(reader)?)),
        version => Err(wrong(&format!("version {version} of GGUF is not known"))),
    }
}

fn head(reader: &mut impl Read) -> io::Result<Parsed> {
    let (tensors, values) = opening(reader)?;
    let mut metadata = BTreeMap::new();
    for _ in 0..values {
        let key = text(reader)?;
        let kind = u32(reader)?;
        let value = match value(reader, kind)? {
            Some(Value::Text(text)) if key.starts_with("general.") => Some(Value::Text(printable(&text))),
            other => other,
        };
        metadata.extend(value.map(|value| (key, value)));
    }
    let mut weights = 0_u64;
    for _ in 0..tensors {
        weights = weights.saturating_add(tensor(reader)?);
    }
    Ok((metadata, weights))
}

/// A text for people, without what would steer a terminal.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The weights of a tensor, whose description is read over.
fn tensor(reader: &mut impl Read) -> io::Result<u64> {
    text(reader)?;
    let dimensions = u32(reader)?;
    if dimensions > 8 {
        return Err(wrong(&format!("a tensor of {dimensions} dimensions")));
    }
    let mut weights = 1_u64;
    for _ in 0..dimensions {
        weights = weights.saturating_mul(u64(reader)?);
    }
    skip(reader, 4 + 8)?;
    Ok(weights)
}

/// A value of this kind; `None` for a list.
fn value(reader: &mut impl Read, kind: u32) -> io::Result<Option<Value>> {
    Ok(Some(match kind {
        0 | 7 => Value::Number(array::<1>(reader)?[0].into()),
        1 => signed(i8::from_le_bytes(array(reader)?).into()),
        2 => Value::Number(u16::from_le_bytes(array(reader)?).into()),
        3 => signed(i16::from_le_bytes(array(reader)?).into()),
        4 => Value::Number(u32(reader)?.into()),
        5 => signed(i32::from_le_bytes(array(reader)?).into()),
        6 => Value::Real(f32::from_le_bytes(array(reader)?).into()),
        TEXT => Value::Text(text(reader)?),
        LIST => return list(reader).map(|()| None),
        10 => Value::Number(u64(reader)?),
        11 => signed(i64::from_le_bytes(array(reader)?)),
        12 => Value::Real(f64::from_le_bytes(array(reader)?)),
        other => return Err(wrong(&format!("a value of the unknown kind {other}"))),
    }))
}

fn signed(number: i64) -> Value {
    u64::try_from(number).map_or(Value::Real(number as f64), Value::Number)
}

/// Reads over a list.
fn list(reader: &mut impl Read) -> io::Result<()> {
    let kind = u32(reader)?;
    let length = u64(reader)?;
    if length > LONGEST_LIST {
        return Err(wrong(&format!("a list of {length} values")));
    }
    let width = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        TEXT => {
            for _ in 0..length {
                let length = text_length(reader)?;
                skip(reader, length)?;
            }
            return Ok(());
        }
        other => return Err(wrong(&format!("a list of the unknown kind {other}"))),
    };
    skip(reader, width * length)
}

fn text(reader: &mut impl Read) -> io::Result<String> {
    bytes(reader).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

fn bytes(reader: &mut impl Read) -> io::Result<Vec<u8>> {
    let length = text_length(reader)?;
    let mut bytes = Vec::new();
    reader.take(length).read_to_end(&mut bytes)?;
    match bytes.len() as u64 == length {
        true => Ok(bytes),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn text_length(reader: &mut impl Read) -> io::Result<u64> {
    match u64(reader)? {
        length @ 0..=LONGEST_TEXT => Ok(length),
        length => Err(wrong(&format!("a text of {length} bytes"))),
    }
}

fn count(reader: &mut impl Read) -> io::Result<u64> {
    match u64(reader)? {
        count @ 0..=MOST => Ok(count),
        count => Err(wrong(&format!("{count} entries"))),
    }
}

fn skip(reader: &mut impl Read, bytes: u64) -> io::Result<()> {
    match io::copy(&mut reader.take(bytes), &mut io::sink())? == bytes {
        true => Ok(()),
        false => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn u32(reader: &mut impl Read) -> io::Result<u32> {
    array(reader).map(u32::from_le_bytes)
}

fn u64(reader: &mut impl Read) -> io::Result<u64> {
    array(reader).map(u64::from_le_bytes)
}

fn array<const N: usize>(reader: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn wrong(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe;

    fn read(bytes: &[u8]) -> Result<Head, String> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        Head::read(file.path())
    }

    #[test]
    fn the_head_of_a_model_is_read() {
        let head = read(&probe::model()).expect("a head");
        assert_eq!((head.architecture(), head.is_adapter()), ("llama", false));
        assert_eq!(head.number("llama.block_count"), Some(2));
        // Two layers of four matrices for attention and three behind, norms, embedding and output.
        let layer = 256 * 256 * 2 + 256 * 128 * 2 + 256 * 512 * 3 + 2 * 256;
        assert_eq!(head.weights, 2 * layer + 2 * 256 * 256 + 256);
        assert_eq!(head.state_bytes(10), 2 * 2 * (64 + 64) * 2 * 10);
    }

    #[test]
    fn what_a_file_says_of_itself_does_not_steer_a_terminal() {
        let whole = probe::model();
        let at = whole.windows(5).position(|bytes| bytes == b"llama").expect("its architecture");
        let mut hostile = whole.clone();
        hostile[at..at + 5].copy_from_slice(b"\x1b[2Jx");
        assert_eq!(read(&hostile).expect("a head").architecture(), " [2Jx");
    }

    #[test]
    fn a_head_without_end_is_an_error_and_not_a_full_memory() {
        let mut endless = [b"GGUF\x03\0\0\0".as_slice(), &0_u64.to_le_bytes(), &MOST.to_le_bytes()].concat();
        for n in 0..=LONGEST_HEAD / LONGEST_TEXT {
            let key = format!("general.{n}");
            endless.extend((key.len() as u64).to_le_bytes().iter().chain(key.as_bytes()));
            endless.extend(TEXT.to_le_bytes().iter().chain(&LONGEST_TEXT.to_le_bytes()));
            endless.resize(endless.len() + LONGEST_TEXT as usize, b'x');
        }
        assert!(read(&endless).is_err_and(|why| why.contains("a head of more than 64 MB")));
    }

    #[test]
    fn a_head_cut_anywhere_is_an_error_and_so_are_wild_numbers() {
        let whole = probe::model();
        for length in 0..1000 {
            assert!(read(&whole[..length]).is_err(), "{length}");
        }
        for at in (4..1000).step_by(3) {
            let mut wild = whole.clone();
            wild[at..at + 4].fill(0xff);
            let _ = read(&wild);
        }
        assert!(read(b"PK\x03\x04zip").is_err_and(|why| why.contains("no GGUF file")));
    }
}
