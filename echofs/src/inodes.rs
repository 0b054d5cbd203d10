//! The inodes that the kernel knows, and how often it was told of each.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::OsStr;
use std::hash::{BuildHasherDefault, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::node::{Id, Node};

/// Names in a path that is told.
const DEEPEST: usize = 128;

/// Inode numbers are hashes already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }
    fn write_u64(&mut self, n: u64) {
        self.0 = n;
    }
}

struct Known {
    node: Node,
    lookups: u64,
    /// The directory and the name under which it was found last.
    place: (Id, Box<OsStr>),
}

/// The table from inode numbers to nodes.
#[derive(Default)]
pub struct Inodes {
    known: Mutex<HashMap<u64, Known, BuildHasherDefault<Identity>>>,
}

impl Inodes {
    /// The node with this number.
    pub fn get(&self, id: Id) -> Result<Node, Error> {
        self.lock().get(&id.0).map(|known| known.node.clone()).ok_or(Error::Stale)
    }

    /// Counts one more lookup of `node`, as `name` in the directory `parent`, and gives the node that stands for its
    /// number from now on. A real node that is known keeps its open descriptor; all others are replaced by the newer one.
    pub fn remember(&self, node: &Node, parent: Id, name: &OsStr) -> Node {
        match self.lock().entry(node.id().0) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.lookups += 1;
                if known.place.0 != parent || &*known.place.1 != name {
                    known.place = (parent, name.into());
                }
                if !matches!(node, Node::Real(_)) {
                    known.node = node.clone();
                }
                known.node.clone()
            }
            Entry::Vacant(place) => {
                place.insert(Known { node: node.clone(), lookups: 1, place: (parent, name.into()) }).node.clone()
            }
        }
    }

    /// Where this inode was found last, below the mount point.
    pub fn path(&self, id: Id) -> PathBuf {
        let known = self.lock();
        let (mut names, mut at) = (Vec::new(), id);
        while let Some(Known { place: (parent, name), .. }) = known.get(&at.0).filter(|_| at != Id::ROOT) {
            // Directories that moved may have been found within each other at different times.
            if names.len() == DEEPEST {
                break;
            }
            names.push(name.clone());
            at = *parent;
        }
        names.iter().rev().map(|name| Path::new(&**name)).collect()
    }

    /// Takes `lookups` back; the last one drops the node. The root stays.
    pub fn forget(&self, id: Id, lookups: u64) {
        if id == Id::ROOT {
            return;
        }
        let mut table = self.lock();
        let Entry::Occupied(mut known) = table.entry(id.0) else { return };
        known.get_mut().lookups = known.get().lookups.saturating_sub(lookups);
        if known.get().lookups == 0 {
            let dropped = known.remove();
            drop(table);
            drop(dropped);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Known, BuildHasherDefault<Identity>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
