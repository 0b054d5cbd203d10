//! "Forget" orders: which files stay forgotten, whatever becomes of the indexes.
//!
//! The journal holds digests alone, keyed with random bytes of this data directory. It says that something was forgotten, and
//! when, and a file that is forgotten is recognised by it; nothing of the file is in it, not even its name.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use blake3::Hash;
use serde::{Deserialize, Serialize};

use crate::journal::Journal;
use crate::record::Key;
use crate::{Error, lines, purge};

/// Why a forgotten file is not indexed.
pub const REASON: &str = "forgotten";

/// What the digests are keyed with.
type Secret = [u8; 32];

/// One order in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Digest of the path of a file or directory: what is there and below stays forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    /// Digest of the bytes of a file: they stay forgotten, wherever they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content: Option<String>,
    /// Seconds since 1970.
    at: i64,
}

/// An order as the first versions wrote it, with the path itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Plain {
    path: Name,
    hash: Option<String>,
    at: i64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

/// What a line may hold. An order has no field `path`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Entry {
    Plain(Plain),
    Order(Order),
}

/// Everything that is to stay forgotten.
#[derive(Default)]
pub struct Forgotten {
    secret: Secret,
    places: HashSet<Hash>,
    contents: HashSet<Hash>,
}

impl Forgotten {
    /// Opens the journal below a data directory and reads its orders. One that holds paths is written anew without them.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Damaged`] when there are orders and the key of their digests is lost.
    pub fn open(data: &Path) -> Result<(Journal<Order>, Self), Error> {
        let path = data.join("journal/forget.jsonl");
        let (_, entries) = Journal::<Entry>::open(&path)?;
        let needed = entries.iter().any(|entry| matches!(entry, Entry::Order(_)));
        let mut forgotten = Self { secret: secret(&path.with_extension("key"), needed)?, ..Self::default() };
        if entries.iter().any(|entry| matches!(entry, Entry::Plain(_))) {
            forgotten.rewrite(&path, entries)?;
            purge::owe(data)?;
        }
        let (journal, orders) = Journal::open(&path)?;
        orders.iter().for_each(|order| forgotten.add(order));
        Ok((journal, forgotten))
    }

    fn rewrite(&self, path: &Path, entries: Vec<Entry>) -> Result<(), Error> {
        let digested = |entry| match entry {
            Entry::Order(order) => order,
            Entry::Plain(plain) => {
                Order { at: plain.at, ..self.order(Some(&plain.path.path()), plain.hash.as_deref().and_then(key)) }
            }
        };
        let orders: Vec<Order> = entries.into_iter().map(digested).collect();
        Journal::replace(path, &orders)?;
        // Lines that a crash cut short hold paths too.
        lines::remove(&path.with_extension("damaged"))
    }

    /// To forget what is at `place`, and the bytes that have the digest `content`.
    pub fn order(&self, place: Option<&Path>, content: Option<Key>) -> Order {
        let hex = |digest: Hash| digest.to_hex().to_string();
        Order {
            place: place.map(|place| hex(self.place(place))),
            content: content.map(|content| hex(self.content(content))),
            at: jiff::Timestamp::now().as_second(),
        }
    }

    /// After one more order.
    pub fn add(&mut self, order: &Order) {
        let digest = |hex: &Option<String>| hex.as_deref().and_then(|hex| Hash::from_hex(hex).ok());
        self.places.extend(digest(&order.place));
        self.contents.extend(digest(&order.content));
    }

    /// Whether the path, or a directory above it, is forgotten.
    pub fn covers(&self, path: &Path) -> bool {
        !self.places.is_empty() && path.ancestors().any(|above| self.places.contains(&self.place(above)))
    }

    /// What a document is called where it is not to be named.
    pub fn known_as(&self, path: &Path) -> String {
        self.digest(b"document", path.as_os_str().as_bytes()).to_hex()[..32].to_owned()
    }

    /// Whether a file with these bytes is forgotten.
    pub fn has(&self, content: Key) -> bool {
        !self.contents.is_empty() && self.contents.contains(&self.content(content))
    }

    fn place(&self, path: &Path) -> Hash {
        self.digest(b"place", path.as_os_str().as_bytes())
    }

    fn content(&self, content: Key) -> Hash {
        self.digest(b"content", &content)
    }

    fn digest(&self, of: &[u8], bytes: &[u8]) -> Hash {
        blake3::Hasher::new_keyed(&self.secret).update(of).update(&[0]).update(bytes).finalize()
    }
}

impl Name {
    fn path(&self) -> PathBuf {
        match self {
            Name::Text(text) => text.into(),
            Name::Bytes(bytes) => std::ffi::OsStr::from_bytes(bytes).into(),
        }
    }
}

/// The digest of a content, from hex.
fn key(hex: &str) -> Option<Key> {
    let mut key = Key::default();
    for (at, byte) in key.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
    }
    Some(key)
}

/// The key of the digests. It is made when there is none and no order needs the old one.
fn secret(path: &Path, needed: bool) -> Result<Secret, Error> {
    let lost = |why: &str| {
        let lost =
            format!("{} {why}; put it back, or remove forget.jsonl beside it to give its orders up", path.display());
        Error::Damaged("what is to stay forgotten", lost)
    };
    match fs::read(path) {
        Ok(bytes) => match Secret::try_from(bytes) {
            Ok(secret) => Ok(secret),
            Err(_) if needed => Err(lost("is not a key")),
            Err(_) => make_secret(path),
        },
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(path)(e)),
        Err(_) if needed => Err(lost("is not there")),
        Err(_) => make_secret(path),
    }
}

fn make_secret(path: &Path) -> Result<Secret, Error> {
    let mut secret = Secret::default();
    let random = Path::new("/dev/urandom");
    File::open(random).and_then(|mut file| file.read_exact(&mut secret)).map_err(Error::io(random))?;
    lines::rewrite(path, &secret)?;
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened() -> (tempfile::TempDir, Journal<Order>, Forgotten) {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("journal")).unwrap();
        let (journal, forgotten) = Forgotten::open(dir.path()).unwrap();
        (dir, journal, forgotten)
    }

    fn journal_of(dir: &tempfile::TempDir) -> PathBuf {
        dir.path().join("journal/forget.jsonl")
    }

    #[test]
    fn orders_cover_what_is_below_and_hold_nothing_of_it() {
        let (dir, journal, forgotten) = opened();
        let odd = PathBuf::from(std::ffi::OsStr::from_bytes(b"/n/\xff"));
        let orders = [forgotten.order(Some(Path::new("/n/secret")), Some([7; 16])), forgotten.order(Some(&odd), None)];
        journal.append_all(&orders).unwrap();
        let (_, forgotten) = Forgotten::open(dir.path()).unwrap();
        assert!(forgotten.covers(Path::new("/n/secret")) && forgotten.covers(Path::new("/n/secret/b/c")));
        assert!(forgotten.covers(&odd));
        assert!(!forgotten.covers(Path::new("/n/secrets")) && !forgotten.covers(Path::new("/n")));
        assert!(forgotten.has([7; 16]) && !forgotten.has([8; 16]));
        let text = fs::read_to_string(journal_of(&dir)).unwrap();
        assert!(!text.contains("secret") && !text.contains(&"07".repeat(16)), "{text}");
    }

    #[test]
    fn the_same_path_has_another_digest_in_another_data_directory() {
        let ((_a, _, first), (_b, _, second)) = (opened(), opened());
        let place = |forgotten: &Forgotten| forgotten.order(Some(Path::new("/n/a")), None).place;
        assert_ne!(place(&first), place(&second));
    }

    #[test]
    fn a_journal_with_paths_is_read_and_written_anew_without_them() {
        let (dir, ..) = opened();
        let path = journal_of(&dir);
        let plain = |path: &str, hash: Option<String>| Plain { path: Name::Text(path.into()), hash, at: 5 };
        let old = [plain("/n/secret.md", Some("07".repeat(16))), plain("/n/dir", None)];
        Journal::replace(&path, &old.map(Entry::Plain)).unwrap();
        fs::write(path.with_extension("damaged"), "/n/secr").unwrap();
        for _ in 0..2 {
            let (_, forgotten) = Forgotten::open(dir.path()).unwrap();
            assert!(forgotten.covers(Path::new("/n/secret.md")) && forgotten.covers(Path::new("/n/dir/a")));
            assert!(forgotten.has([7; 16]));
        }
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!((text.lines().count(), text.contains("secret"), text.contains("\"at\":5")), (2, false, true));
        assert!(!path.with_extension("damaged").exists());
    }

    #[test]
    fn orders_without_their_key_are_an_error_and_not_a_loss() {
        let (dir, journal, forgotten) = opened();
        let key = journal_of(&dir).with_extension("key");
        fs::remove_file(&key).unwrap();
        assert!(Forgotten::open(dir.path()).is_ok(), "nothing was forgotten yet");
        journal.append(&forgotten.order(Some(Path::new("/n/a")), None)).unwrap();
        fs::write(&key, "short").unwrap();
        assert!(Forgotten::open(dir.path()).is_err());
        fs::remove_file(&key).unwrap();
        let error = Forgotten::open(dir.path()).err().unwrap();
        assert!(error.to_string().contains("forget.key is not there"), "{error}");
    }
}
