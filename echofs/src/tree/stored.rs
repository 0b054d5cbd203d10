//! Files of the data directory that the tree shows as they are.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::node::{CHANGING, Content, File, Id, Node};

/// A file of the data directory as it is now. It is only ever replaced or added to, so its size and time name its bytes.
pub fn stored(place: Id, path: &Path) -> Option<Node> {
    let meta = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let version = [meta.len().to_le_bytes(), meta.mtime().to_le_bytes(), meta.mtime_nsec().to_le_bytes()].concat();
    let content = Content::Stored { path: path.to_owned(), size: meta.len() };
    let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    let id = place.version(&version);
    Some(Node::File(Arc::new(File { id, content, modified, ttl: CHANGING, xattrs: Vec::new() })))
}
