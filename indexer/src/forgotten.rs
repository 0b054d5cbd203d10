//! "Forget" orders: what they say, and which paths they cover.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::record::Key;

/// One order in the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The file or directory, as text where it is UTF-8.
    path: Name,
    /// Digest of the file at that time, in hex: the same bytes under another name stay forgotten once this name is gone.
    hash: Option<String>,
    /// Seconds since 1970.
    at: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
enum Name {
    Text(String),
    Bytes(Vec<u8>),
}

impl Order {
    /// To forget `path`, whose content is `hash` if it is a document.
    pub fn new(path: &Path, hash: Option<Key>) -> Self {
        let name = match path.to_str() {
            Some(text) => Name::Text(text.to_owned()),
            None => Name::Bytes(path.as_os_str().as_bytes().to_vec()),
        };
        let hex = hash.map(|hash| hash.iter().map(|byte| format!("{byte:02x}")).collect());
        Self { path: name, hash: hex, at: jiff::Timestamp::now().as_second() }
    }

    fn path(&self) -> PathBuf {
        match &self.path {
            Name::Text(text) => text.into(),
            Name::Bytes(bytes) => OsString::from_vec(bytes.clone()).into(),
        }
    }

    fn hash(&self) -> Option<Key> {
        let hex = self.hash.as_deref()?;
        let mut key = Key::default();
        for (at, byte) in key.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(at * 2..at * 2 + 2)?, 16).ok()?;
        }
        Some(key)
    }
}

/// Everything that is to stay forgotten.
#[derive(Debug, Default)]
pub struct Forgotten {
    paths: BTreeMap<PathBuf, Option<Key>>,
}

impl Forgotten {
    /// After these orders.
    pub fn new(orders: &[Order]) -> Self {
        let mut forgotten = Self::default();
        orders.iter().for_each(|order| forgotten.add(order));
        forgotten
    }

    /// After one more.
    pub fn add(&mut self, order: &Order) {
        self.paths.insert(order.path(), order.hash());
    }

    /// Whether the path, or a directory above it, is forgotten.
    pub fn covers(&self, path: &Path) -> bool {
        !self.paths.is_empty() && path.ancestors().any(|above| self.paths.contains_key(above))
    }

    /// Whether a document with this content is a forgotten one that was renamed.
    pub fn is_moved(&self, hash: Key) -> bool {
        self.paths.iter().any(|(path, known)| *known == Some(hash) && !path.exists())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_cover_what_is_below() {
        let odd = PathBuf::from(OsString::from_vec(b"/n/\xff".to_vec()));
        let orders = [Order::new(Path::new("/n/a"), Some([7; 16])), Order::new(&odd, None)];
        let text = serde_json::to_string(&orders).unwrap();
        let orders: Vec<Order> = serde_json::from_str(&text).unwrap();
        let forgotten = Forgotten::new(&orders);
        assert!(
            forgotten.covers(Path::new("/n/a")) && forgotten.covers(Path::new("/n/a/b/c")) && forgotten.covers(&odd)
        );
        assert!(!forgotten.covers(Path::new("/n/ab")) && !forgotten.covers(Path::new("/n")));
        assert!(forgotten.is_moved([7; 16]) && !forgotten.is_moved([8; 16]));
    }
}
