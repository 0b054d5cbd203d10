//! A mounted tree, from the mount to the unmount.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use echofs_indexer::Index;
use echofs_inference::Generator;
use fuser::{BackgroundSession, Config, MountOption, SessionACL};

use crate::answer::Answers;
use crate::chat::Running;
use crate::error::Error;
use crate::fact_reader::Facts;
use crate::fs::Fs;
use crate::fuse::Adapter;
use crate::leisure::{self, Leisure};
use crate::pruner::Pruner;
use crate::real::RealNode;
use crate::recorder::{self, Record, Recording};
use crate::topic_namer::Names;
use crate::tree::Context;
use crate::tree::kept::Watch;

/// Threads for searches and the like; the event loop has one of its own.
const WORKERS: usize = 3;

/// What a mount needs.
pub struct MountConfig {
    /// An existing, empty directory.
    pub mountpoint: PathBuf,
    /// The knowledge store.
    pub index: Arc<Index>,
    /// The answers.
    pub answers: Arc<Answers>,
    /// The language model.
    pub generator: Arc<dyn Generator>,
    /// The directory behind `knowledge/notes`.
    pub notes: PathBuf,
    /// What is kept of the questions that are asked.
    pub record: Record,
    /// When the language model may read documents for facts; never where there is none.
    pub facts_by_model: Option<Leisure>,
    /// When it may name topics.
    pub topics_by_model: Option<Leisure>,
    /// The settings in force, as TOML.
    pub settings: String,
    /// A command that touches the paths behind it through the mount, for those who watch kept queries.
    pub helper: Vec<OsString>,
    /// Mount options of fuse(8), such as `ro`, `noatime`.
    pub options: Vec<MountOption>,
}

/// A mounted tree; dropping it unmounts.
pub struct Session {
    background: BackgroundSession,
    _chats: Running,
    _watch: Watch,
    _pruner: Pruner,
    _facts: Option<leisure::Running>,
    _names: Option<leisure::Running>,
    _recording: Recording,
}

/// Mounts the tree for its owner alone and serves it on threads of its own.
///
/// # Errors
/// What the kernel or fusermount3 said; [`Error::Os`] when the notes cannot be opened.
pub fn mount(config: MountConfig) -> Result<Session, Error> {
    let notes = RealNode::root(&config.notes)?;
    if !config.record.observations {
        config.index.relationship().observe().forbid();
    }
    let cx =
        Context::new(config.index, config.answers, config.generator, notes, config.mountpoint.clone(), config.settings);
    let cx = Arc::new(cx);
    let recording = Recording::start(&cx.recorder)?;
    cx.answers.listen(recorder::listener(Arc::clone(&cx.recorder), config.record));
    let adapter = Adapter::new(Arc::new(Fs::new(Arc::clone(&cx))), WORKERS)?;
    let background = fuser::spawn_mount(adapter, &config.mountpoint, &options(config.options))?;
    let chats = Running::start(&cx.chats);
    let start_facts = |leisure| leisure::Running::start::<Facts>(Arc::clone(&cx), leisure);
    let start_names = |leisure| leisure::Running::start::<Names>(Arc::clone(&cx), leisure);
    let facts = config.facts_by_model.map(start_facts).transpose()?;
    let names = config.topics_by_model.map(start_names).transpose()?;
    let pruner = Pruner::start(Arc::clone(&cx), background.notifier())?;
    let watch = Watch::start(cx, config.helper)?;
    Ok(Session {
        background,
        _chats: chats,
        _watch: watch,
        _pruner: pruner,
        _facts: facts,
        _names: names,
        _recording: recording,
    })
}

fn options(given: Vec<MountOption>) -> Config {
    let mut options = vec![
        MountOption::FSName("echofs".into()),
        // Not `Subtype`: fuser drops that one when root mounts without fusermount3, and the type would be plain `fuse`.
        MountOption::CUSTOM("subtype=echofs".into()),
        MountOption::DefaultPermissions,
        MountOption::NoSuid,
        MountOption::NoDev,
        MountOption::NoAtime,
    ];
    options.extend(given.into_iter().filter(|option| !options.contains(option)).collect::<Vec<_>>());
    let mut config = Config::default();
    config.mount_options = options;
    config.acl = SessionACL::Owner;
    config.n_threads = Some(1);
    config
}

impl Session {
    /// Whether the kernel has ended the session (somebody unmounted it).
    pub fn is_finished(&self) -> bool {
        self.background.guard.is_finished()
    }

    /// Waits until somebody unmounts it.
    ///
    /// # Errors
    /// What ended the event loop, when it was not an unmount.
    pub fn wait(self) -> io::Result<()> {
        self.background.join()
    }

    /// Unmounts and waits for the event loop to end.
    ///
    /// # Errors
    /// The mount is in use.
    pub fn unmount(self) -> io::Result<()> {
        self.background.umount_and_join()
    }
}
