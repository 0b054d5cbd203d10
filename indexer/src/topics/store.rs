//! The topics on disk: one file with a sum over it. Derived: lost or damaged, they are formed anew.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use super::topic::Topics;
use crate::{Error, files};

/// Changes whenever the form of what is stored does, or what it means.
const FORMAT: &[u8; 16] = b"echofs topics 2\n";
const SUM: usize = 32;
const NAME: &str = "state";

/// The topics stored in `dir`, which is made where it is missing; none when there are none, or when they cannot be read.
///
/// # Errors
/// [`Error::Io`] when the directory cannot be made, or damage not be moved aside.
pub fn load(dir: &Path) -> Result<Topics, Error> {
    files::private_dir(dir)?;
    let path = dir.join(NAME);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Topics::default()),
        Err(e) => return Err(Error::io(path)(e)),
    };
    if let Some(topics) = read(&bytes) {
        return Ok(topics);
    }
    files::move_aside(dir, &"they are of another version, or were changed")?;
    files::private_dir(dir)?;
    Ok(Topics::default())
}

fn read(bytes: &[u8]) -> Option<Topics> {
    let (sum, content) = bytes.strip_prefix(FORMAT)?.split_at_checked(SUM)?;
    if blake3::hash(content).as_bytes() != sum {
        return None;
    }
    postcard::from_bytes(content).ok()
}

/// Puts the topics in place of those that are stored in `dir`.
///
/// # Errors
/// [`Error::Io`], e.g. for a full disk; then the former ones are still there.
pub fn save(dir: &Path, topics: &Topics) -> Result<(), Error> {
    let content = postcard::to_stdvec(topics).map_err(|e| Error::Damaged("topics", e.to_string()))?;
    let (path, new) = (dir.join(NAME), dir.join("new"));
    let write = || {
        let mut file = files::private_file().truncate(true).open(&new)?;
        file.write_all(FORMAT)?;
        file.write_all(blake3::hash(&content).as_bytes())?;
        file.write_all(&content)?;
        file.sync_data()?;
        fs::rename(&new, &path)
    };
    write().map_err(Error::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topics::Topic;

    #[test]
    fn topics_come_back_and_damage_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("topics");
        assert_eq!(load(&dir).unwrap(), Topics::default());
        let topics = Topics { topics: vec![Topic { name: "boats".into(), ..Topic::default() }], ..Topics::default() };
        save(&dir, &topics).unwrap();
        assert_eq!(load(&dir).unwrap(), topics);
        let whole = fs::read(dir.join(NAME)).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            assert!(read(&bytes).is_none() && read(&whole[..at]).is_none(), "byte {at}");
        }
        fs::write(dir.join(NAME), &whole[1..]).unwrap();
        assert_eq!(load(&dir).unwrap(), Topics::default());
        assert!(dir.with_extension("damaged").exists() && !dir.join(NAME).exists());
    }
}
