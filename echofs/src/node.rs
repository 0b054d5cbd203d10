//! What the tree is made of: directories, files, links, and how each is numbered, timed and opened.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use echofs_indexer::facts;
use fuser::{FileAttr, FileType, INodeNo};

use crate::append::Target;
use crate::edit::Shared;
use crate::error::Error;
use crate::real::RealNode;
use crate::tree::Context;

/// The inode number of a node: a hash of where it stands and, for a file, of what it holds.
///
/// Invariant: a regular file that is neither `Real` nor `Live` never changes its bytes. New content under an old name is
/// a new inode, as after a rename over it, so the kernel's page cache and sizes are right by construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(pub u64);

impl Id {
    /// The root of the mount.
    pub const ROOT: Id = Id(1);

    /// The node called `name` in the directory `self`.
    pub fn child(self, name: &str) -> Id {
        self.derive(b'/', name.as_bytes())
    }

    /// The same place with other content.
    pub fn version(self, content: &[u8]) -> Id {
        self.derive(b'@', content)
    }

    fn derive(self, tag: u8, bytes: &[u8]) -> Id {
        let mut hash = blake3::Hasher::new();
        hash.update(&self.0.to_le_bytes()).update(&[tag]).update(bytes);
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize().as_bytes()[..8]);
        // 0 and 1 are the kernel's and the root's; the top bit is kept clear for programs with signed inodes.
        Id((u64::from_le_bytes(first) >> 1).max(2))
    }

    /// As the kernel wants it.
    pub fn ino(self) -> INodeNo {
        INodeNo(self.0)
    }
}

/// A node of the tree.
#[derive(Clone)]
pub enum Node {
    /// A directory made by a branch of the tree.
    Dir(Arc<dyn Directory>),
    /// A file made by a branch of the tree.
    File(Arc<File>),
    /// A symbolic link made by a branch of the tree.
    Link(Arc<Link>),
    /// A file, directory or link below `knowledge/notes`, which is a real one in the data directory.
    Real(Arc<RealNode>),
}

/// How long the kernel may believe what it was told.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ttl {
    /// That the name leads to this inode.
    pub entry: Duration,
    /// That the inode has these attributes.
    pub attr: Duration,
}

/// A name that stays: the kernel may keep it for a second.
pub const STABLE: Ttl = Ttl { entry: Duration::from_secs(1), attr: Duration::from_secs(1) };
/// A name that stays for a second, of an inode that never changes.
pub const SETTLED: Ttl = Ttl { entry: Duration::from_secs(1), attr: Duration::from_secs(3600) };
/// A name that may lead elsewhere at the next look, to an inode that never changes.
pub const CHANGING: Ttl = Ttl { entry: Duration::ZERO, attr: Duration::from_secs(3600) };
/// A directory whose times change.
pub const LIVE: Ttl = Ttl { entry: Duration::ZERO, attr: Duration::ZERO };

/// A directory: one branch of the tree, or a part of one.
pub trait Directory: Send + Sync {
    /// Where it stands.
    fn id(&self) -> Id;
    /// When what it lists last changed.
    fn modified(&self, cx: &Context) -> SystemTime;
    /// How long the kernel may keep its name and attributes.
    fn ttl(&self) -> Ttl {
        STABLE
    }
    /// Whether `lookup` and `list` have work to do now that takes more than microseconds.
    fn is_slow(&self, _cx: &Context) -> bool {
        false
    }
    /// The node with this name, listed or not.
    fn lookup(&self, cx: &Context, name: &str, caller: Caller) -> Result<Node, Error>;
    /// Everything it lists.
    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error>;
    /// Makes a directory in it.
    fn mkdir(&self, _cx: &Context, _name: &str) -> Result<Node, Error> {
        Err(Error::NotPermitted("no directories can be made here"))
    }
    /// Shows something that it lists as if it had just been made, to those who watch it.
    fn mknod(&self, _cx: &Context, _name: &str, _caller: Caller) -> Result<Node, Error> {
        Err(Error::NotPermitted("no files can be made here; they live in knowledge/notes"))
    }
    /// Sets its times to now.
    fn touch(&self, _cx: &Context) -> Result<(), Error> {
        Err(Error::NotPermitted("the times of this directory are those of what it lists"))
    }
    /// Removes a directory in it.
    fn rmdir(&self, _cx: &Context, _name: &str) -> Result<(), Error> {
        Err(Error::NotPermitted("this directory is part of the tree"))
    }
    /// Makes a file in it, to be written to.
    fn create(&self, _cx: &Context, _name: &str) -> Result<Node, Error> {
        Err(Error::NotPermitted("no files can be made here; files live in knowledge/notes"))
    }
    /// Removes a file in it.
    fn unlink(&self, _cx: &Context, _name: &str, _caller: Caller) -> Result<(), Error> {
        Err(Error::NotPermitted("this file is part of the tree"))
    }
    /// Renames something in it.
    fn rename(&self, _cx: &Context, _from: &str, _to: &str) -> Result<(), Error> {
        Err(Error::NotPermitted("this is part of the tree"))
    }
}

/// Who makes a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller {
    /// Thread id, 0 when it lives in another pid namespace.
    pub pid: u32,
}

/// A file of the tree.
pub struct File {
    /// Where it stands, and what it holds.
    pub id: Id,
    /// What reading it gives.
    pub content: Content,
    /// When that was made.
    pub modified: SystemTime,
    /// How long the kernel may keep name and attributes.
    pub ttl: Ttl,
    /// Extended attributes, without the `user.echofs.` before each name.
    pub xattrs: Vec<(&'static str, String)>,
}

/// What a file holds.
pub enum Content {
    /// Bytes that never change.
    Settled(Arc<[u8]>),
    /// Many bytes that never change, in a file without a name.
    Large { file: std::fs::File, size: u64 },
    /// How things stand, as of the last look.
    Live(Arc<[u8]>),
    /// An answer to this question, made when it is read.
    Question { text: String, form: crate::answer::Form },
    /// What happens, from the open on.
    Events,
    /// A page about these facts, in the order in which it names them. What is written to it puts them right.
    Facts { text: Arc<[u8]>, facts: Arc<[facts::Id]> },
    /// A file that is written beside such pages, to take the name of one of them.
    Draft(Shared),
    /// A file of the data directory, which is only ever replaced or added to; of so many bytes at the last look.
    Stored { path: PathBuf, size: u64 },
    /// A file that takes lines at its end.
    Lines(Target),
    /// The chat of this session.
    Chat(String),
    /// A file on its way to be imported.
    Upload(Upload),
    /// A file that takes orders; reading it gives the text.
    Control { order: Control, text: Arc<[u8]> },
}

/// A file that is being copied in, and where it goes.
#[derive(Clone, Debug)]
pub struct Upload {
    /// Number of the import.
    pub number: u64,
    /// The file in the data directory.
    pub path: PathBuf,
    /// The name it was given.
    pub name: String,
}

/// What a control file does with a line that is written to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Forgets what this line names.
    Forget,
    /// Reads the file at this path again, or everything for `all`.
    Reindex,
    /// Keeps this sentence.
    Remember,
    /// Puts a fact right.
    Facts,
    /// Answers with this model from the next question on.
    Model,
    /// Applies this LoRA adapter from the next question on.
    Lora,
    /// Notes more or less of what the owner does.
    Observe,
    /// Has the language model do now what it does otherwise while nobody needs it.
    Now,
}

/// A symbolic link.
pub struct Link {
    /// Where it stands, and where it leads.
    pub id: Id,
    /// Where it leads.
    pub target: PathBuf,
    /// Modification time of what it leads to.
    pub modified: SystemTime,
}

/// What a directory lists, in order, with an index by name that is made when it is first needed.
#[derive(Default)]
pub struct Listing {
    entries: Vec<(String, Node)>,
    /// Places of the entries, in the order of their names.
    by_name: OnceLock<Vec<u32>>,
}

impl Listing {
    /// A listing of these entries; names must be unique.
    pub fn new(entries: Vec<(String, Node)>) -> Listing {
        Listing { entries, by_name: OnceLock::new() }
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[(String, Node)] {
        &self.entries
    }

    /// The entry with this name.
    pub fn get(&self, name: &str) -> Option<&Node> {
        let by_name = self.by_name.get_or_init(|| self.sorted());
        let at = by_name.binary_search_by(|at| self.name(*at).cmp(name)).ok()?;
        self.entries.get(by_name[at] as usize).map(|(_, node)| node)
    }

    fn sorted(&self) -> Vec<u32> {
        let mut places: Vec<u32> = (0..self.entries.len() as u32).collect();
        places.sort_unstable_by(|a, b| self.name(*a).cmp(self.name(*b)));
        places
    }

    fn name(&self, at: u32) -> &str {
        self.entries.get(at as usize).map_or("", |(name, _)| name)
    }
}

impl File {
    /// A file of settled bytes, whose inode is new when the bytes are.
    pub fn settled(place: Id, bytes: impl Into<Arc<[u8]>>, modified: SystemTime, ttl: Ttl) -> File {
        let bytes: Arc<[u8]> = bytes.into();
        File { id: place.version(&bytes), content: Content::Settled(bytes), modified, ttl, xattrs: Vec::new() }
    }

    /// Size and time of modification, as of now.
    fn state(&self, cx: &Context) -> (u64, SystemTime) {
        match &self.content {
            Content::Chat(session) => cx.chats.size(session),
            _ => (self.size(cx), self.modified),
        }
    }

    fn size(&self, cx: &Context) -> u64 {
        let length = |path: &Path| path.metadata().map_or(0, |meta| meta.len());
        match &self.content {
            Content::Settled(bytes) | Content::Live(bytes) => bytes.len() as u64,
            Content::Control { text: bytes, .. } | Content::Facts { text: bytes, .. } => bytes.len() as u64,
            Content::Draft(text) => text.len(),
            Content::Stored { size, .. } | Content::Large { size, .. } => *size,
            Content::Lines(target) => target.file(cx).map_or(0, |path| length(&path)),
            Content::Chat(session) => cx.chats.size(session).0,
            Content::Upload(upload) => length(&upload.path),
            // Invariant: sizes are never made up; a file without one is opened as a stream.
            Content::Question { .. } | Content::Events => 0,
        }
    }

    fn mode(&self) -> u16 {
        match self.content {
            Content::Control { .. } | Content::Lines(_) | Content::Chat(_) | Content::Upload(_) => 0o600,
            Content::Facts { .. } | Content::Draft(_) => 0o600,
            Content::Settled(_) | Content::Large { .. } | Content::Stored { .. } | Content::Live(_) => 0o400,
            Content::Question { .. } | Content::Events => 0o400,
        }
    }
}

impl Node {
    /// The inode number.
    pub fn id(&self) -> Id {
        match self {
            Node::Dir(dir) => dir.id(),
            Node::File(file) => file.id,
            Node::Link(link) => link.id,
            Node::Real(real) => real.id(),
        }
    }

    /// How long the kernel may keep what it knows of this node.
    pub fn ttl(&self) -> Ttl {
        match self {
            Node::Dir(dir) => dir.ttl(),
            Node::File(file) => file.ttl,
            Node::Link(_) => SETTLED,
            Node::Real(_) => STABLE,
        }
    }

    /// The attributes.
    pub fn attr(&self, cx: &Context) -> Result<FileAttr, Error> {
        Ok(match self {
            Node::Dir(dir) => cx.attr(dir.id(), FileType::Directory, 0o700, 0, dir.modified(cx)),
            Node::File(file) => {
                let (size, modified) = file.state(cx);
                cx.attr(file.id, FileType::RegularFile, file.mode(), size, modified)
            }
            Node::Link(link) => {
                let size = link.target.as_os_str().len() as u64;
                cx.attr(link.id, FileType::Symlink, 0o777, size, link.modified)
            }
            Node::Real(real) => real.attr()?,
        })
    }

    /// The kind, for a directory entry.
    pub fn kind(&self) -> FileType {
        match self {
            Node::Dir(_) => FileType::Directory,
            Node::File(_) => FileType::RegularFile,
            Node::Link(_) => FileType::Symlink,
            Node::Real(real) => real.kind(),
        }
    }
}
