//! The branches of the tree, a file each, and what they are made from.

mod ask;
mod behind;
mod cached;
mod chat;
mod context;
pub mod control;
mod conversations;
mod engine;
mod explain;
mod fact_edits;
mod fact_pages;
mod facts;
mod forget;
pub mod kept;
mod knowledge;
mod lines;
mod live;
mod moment;
mod names;
mod now;
mod observe;
mod people;
mod readme;
mod relationship;
mod render;
pub mod search;
mod similar;
mod states;
mod status;
mod stored;
mod topic_pages;
mod topics;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use echofs_indexer::Index;
use echofs_inference::Generator;
use fuser::{FileAttr, FileType};

use crate::answer::Answers;
use crate::chat::Chats;
use crate::edit::Drafts;
use crate::error::Error;
use crate::events::Events;
use crate::leisure::Doing;
use crate::node::{Caller, Control as Order, Directory, File, Id, Link, Listing, Node, SETTLED};
use crate::opened::Opened;
use crate::real::RealNode;
use crate::recorder::Recorder;

pub use fact_edits::put_right;
pub use render::results_jsonl;
use status::status_text;

/// What the tree is made from.
pub struct Context {
    /// The knowledge store.
    pub index: Arc<Index>,
    /// The answers.
    pub answers: Arc<Answers>,
    /// The chats.
    pub chats: Arc<Chats>,
    /// The language model.
    pub generator: Arc<dyn Generator>,
    /// The directory behind `knowledge/notes`.
    pub notes: Arc<RealNode>,
    /// Where the tree is mounted.
    pub mountpoint: PathBuf,
    /// The settings in force, as `.echo/config.toml` shows them.
    pub settings: String,
    /// When the mount began.
    pub started: SystemTime,
    pub(crate) events: Arc<Events>,
    pub(crate) signal: Arc<kept::Signal>,
    pub(crate) helper: kept::Helper,
    pub(crate) since: Instant,
    pub(crate) owner: (u32, u32),
    pub(crate) searches: search::Searches,
    pub(crate) views: knowledge::Views,
    pub(crate) facts: facts::Views,
    pub(crate) drafts: Drafts,
    pub(crate) topics: topics::Views,
    pub(crate) pages: moment::Pages,
    pub(crate) opened: Opened,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) control: control::Files,
    pub(crate) live: live::Live,
    /// The language model and the facts.
    pub(crate) reading: Arc<Doing>,
    /// The language model and the topics.
    pub(crate) naming: Arc<Doing>,
}

impl Context {
    /// Everything the tree needs, owned by the user of this process.
    pub fn new(
        index: Arc<Index>,
        answers: Arc<Answers>,
        generator: Arc<dyn Generator>,
        notes: RealNode,
        mountpoint: PathBuf,
        settings: String,
    ) -> Context {
        let recorder = Arc::new(Recorder::new(Arc::clone(&index), &answers));
        Context {
            chats: Chats::new(Arc::clone(&index), Arc::clone(&answers), Arc::clone(&generator), Arc::clone(&recorder)),
            index,
            answers,
            generator,
            notes: Arc::new(notes),
            mountpoint,
            settings,
            started: SystemTime::now(),
            events: Arc::default(),
            signal: Arc::default(),
            helper: kept::Helper::default(),
            since: Instant::now(),
            owner: (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw()),
            searches: search::Searches::default(),
            views: knowledge::Views::default(),
            facts: facts::Views::default(),
            drafts: Drafts::default(),
            topics: topics::Views::default(),
            pages: moment::Pages::default(),
            opened: Opened::default(),
            recorder,
            control: control::Files::default(),
            live: live::Live::default(),
            reading: Arc::default(),
            naming: Arc::default(),
        }
    }

    /// Attributes of a node that a branch made.
    pub(crate) fn attr(&self, id: Id, kind: FileType, perm: u16, size: u64, modified: SystemTime) -> FileAttr {
        FileAttr {
            ino: id.ino(),
            size,
            blocks: size.div_ceil(512),
            atime: modified,
            mtime: modified,
            ctime: modified,
            crtime: self.started,
            kind,
            perm,
            nlink: if kind == FileType::Directory { 2 } else { 1 },
            uid: self.owner.0,
            gid: self.owner.1,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

/// The top of the tree.
pub struct Root;

impl Root {
    /// What is listed last is met last by those who read everything: see [`crate::crawlers`].
    const NAMES: [&'static str; 15] = [
        "README.md",
        "status",
        "remember",
        "ask",
        "search",
        "similar",
        "topics",
        "facts",
        "knowledge",
        "conversations",
        "chat",
        "relationship",
        "context",
        ".echo",
        "events",
    ];

    fn node(cx: &Context, name: &str) -> Option<Node> {
        Some(match name {
            "README.md" => file(cx, "README.md", readme::text(cx)),
            "status" => Node::File(cx.live.file(Id::ROOT.child(name), || status_text(cx))),
            "remember" => {
                Node::File(Arc::new(control::order(Id::ROOT.child("remember"), Order::Remember, readme::REMEMBER, cx)))
            }
            "ask" => Node::Dir(Arc::new(ask::Ask)),
            "search" => Node::Dir(Arc::new(search::Search)),
            "similar" => Node::Dir(Arc::new(similar::Similar::top())),
            "topics" => topics::top(),
            "facts" => facts::top(),
            "knowledge" => Node::Dir(Arc::new(knowledge::Knowledge)),
            "conversations" => Node::Dir(Arc::new(conversations::Dated::top())),
            "chat" => Node::Dir(Arc::new(chat::Chat)),
            "relationship" => Node::Dir(Arc::new(relationship::Relationship)),
            "context" => Node::Dir(Arc::new(context::Memory::Top)),
            ".echo" => Node::Dir(Arc::new(control::Control)),
            // Everything listed is settled; the stream itself is not listed.
            "events" => Node::Link(Arc::new(Link {
                id: Id::ROOT.child(name),
                target: PathBuf::from(".echo/events"),
                modified: cx.started,
            })),
            _ => return None,
        })
    }
}

fn file(cx: &Context, name: &str, text: String) -> Node {
    Node::File(Arc::new(File::settled(Id::ROOT.child(name), text.into_bytes(), cx.started, SETTLED)))
}

impl Directory for Root {
    fn id(&self) -> Id {
        Id::ROOT
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.started
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        Root::node(cx, name).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let entries = Root::NAMES.iter().filter_map(|name| Some((name.to_string(), Root::node(cx, name)?)));
        Ok(Arc::new(Listing::new(entries.collect())))
    }
}
