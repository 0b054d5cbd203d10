//! A source, a watcher on it, and the books that the changes make.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::policy::Policy;
use crate::scan::FileStat;
use crate::watch::{Change, Options, Watcher};

/// Nothing here takes this long on an idle machine; a loaded one may need it.
pub const PATIENCE: Duration = Duration::from_secs(40);

/// What a consumer knows after the changes so far.
#[derive(Debug, Default)]
pub struct Books {
    pub documents: BTreeMap<PathBuf, FileStat>,
    pub skipped: BTreeMap<PathBuf, String>,
    pub failed: BTreeMap<PathBuf, String>,
    pub unavailable: BTreeSet<PathBuf>,
    pub completed: usize,
    pass: Option<HashSet<PathBuf>>,
    /// All changes, in order.
    pub log: Vec<Change>,
}

impl Books {
    fn apply(&mut self, change: Change) {
        self.log.push(change.clone());
        match change {
            Change::Changed { path, stat } => self.keep(path, stat),
            Change::Moved { from, to, stat } => {
                assert!(self.documents.remove(&from).is_some(), "moved from an unknown path {}", from.display());
                self.keep(to, stat);
            }
            Change::Removed { path } => self.clear(&path),
            Change::Skipped { path, reason, .. } => {
                self.clear(&path);
                self.see(&path);
                self.skipped.insert(path, reason.to_string());
            }
            Change::Failed { path, reason } => {
                self.clear(&path);
                self.see(&path);
                self.failed.insert(path, reason);
            }
            Change::Started { .. } => self.pass = Some(HashSet::new()),
            Change::Complete { root, .. } => self.complete(&root),
            Change::RootUnavailable { root, .. } => {
                self.pass = None;
                self.unavailable.insert(root);
            }
            Change::RootBack { root } => assert!(self.unavailable.remove(&root)),
        }
    }

    fn keep(&mut self, path: PathBuf, stat: FileStat) {
        self.clear(&path);
        self.see(&path);
        self.documents.insert(path, stat);
    }

    fn see(&mut self, path: &Path) {
        if let Some(pass) = &mut self.pass {
            pass.insert(path.to_path_buf());
        }
    }

    fn clear(&mut self, path: &Path) {
        self.documents.remove(path);
        self.skipped.remove(path);
        self.failed.remove(path);
    }

    fn complete(&mut self, root: &Path) {
        let seen = self.pass.take().expect("a pass completes that was started");
        let gone = |path: &PathBuf| path.starts_with(root) && !seen.contains(path);
        self.documents.retain(|path, _| !gone(path));
        self.skipped.retain(|path, _| !gone(path));
        self.completed += 1;
    }
}

/// A source directory with a watcher on it.
pub struct Bench {
    pub temp: TempDir,
    pub root: PathBuf,
    pub watcher: Watcher,
    pub books: Books,
}

impl Bench {
    /// An empty source.
    pub fn new() -> Bench {
        Bench::with(Options::default(), |_| ())
    }

    /// A source that `prepare` fills before the watcher starts.
    pub fn with(options: Options, prepare: impl FnOnce(&Path)) -> Bench {
        let temp = tempfile::Builder::new().prefix("watch").tempdir().unwrap();
        let root = temp.path().join("source");
        fs::create_dir(&root).unwrap();
        prepare(&root);
        let policy = Arc::new(Policy::new(vec![root.clone()], vec![]));
        let watcher = Watcher::start(policy, options).unwrap();
        let mut bench = Bench { temp, root, watcher, books: Books::default() };
        bench.until("the first pass is complete", |books| books.completed == 1);
        bench
    }

    /// A path in the source.
    pub fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A path beside the source.
    pub fn outside(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Takes what there is within a moment.
    pub fn pump(&mut self) {
        for change in self.watcher.next(1_000, Duration::from_millis(20)).unwrap_or_default() {
            self.books.apply(change);
        }
    }

    /// Takes changes until `done`.
    pub fn until(&mut self, what: &str, done: impl Fn(&Books) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !done(&self.books) {
            assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}; books: {:#?}", self.books);
            self.pump();
        }
    }

    /// Takes changes until the books equal the disk, files with dot names and clutter left out.
    pub fn settle(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let disk = documents(&self.root);
            if self.books.documents == disk {
                return;
            }
            if Instant::now() > deadline {
                let books: HashSet<_> = self.books.documents.iter().collect();
                let disk: HashSet<_> = disk.iter().collect();
                panic!("books: {:#?}\ndisk: {:#?}", books.difference(&disk), disk.difference(&books));
            }
            self.pump();
        }
    }

    /// Takes changes until the books equal the disk, then until nothing comes any more for a while.
    pub fn settle_and_rest(&mut self) {
        self.settle();
        self.rest();
        self.settle();
    }

    /// Takes changes until nothing comes any more for a while.
    pub fn rest(&mut self) {
        let mut before = usize::MAX;
        while before != self.books.log.len() {
            before = self.books.log.len();
            (0..25).for_each(|_| self.pump());
        }
    }

    /// The changes since the last call.
    pub fn news(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.books.log)
    }

    /// Runs a shell script in the source; it must succeed.
    pub fn shell(&self, script: &str) {
        let done = Command::new("sh").arg("-ec").arg(script).current_dir(&self.root).output().unwrap();
        assert!(done.status.success(), "{script}: {}", String::from_utf8_lossy(&done.stderr));
    }
}

/// What should be documents: the reference, a walk that shares no code with the one under test.
pub fn documents(root: &Path) -> BTreeMap<PathBuf, FileStat> {
    let mut found = BTreeMap::new();
    let mut stack = vec![root.to_path_buf()];
    while let Some(dir) = stack.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(meta) = entry.metadata() else { continue };
            if name.starts_with('.') || name.ends_with('~') || name.ends_with('#') || name == "node_modules" {
                continue;
            }
            if meta.is_dir() {
                stack.push(entry.path());
            } else if meta.is_file() {
                found.insert(entry.path(), FileStat::from(&meta));
            }
        }
    }
    found
}

/// Is the program installed?
pub fn installed(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|paths| std::env::split_paths(&paths).any(|dir| dir.join(program).exists()));
    if !found {
        eprintln!("{program} is not installed: this part is left out");
    }
    found
}

/// How many of the changes are of this path, of any kind.
pub fn about<'a>(changes: &'a [Change], path: &Path) -> Vec<&'a Change> {
    let names = |change: &&Change| match change {
        Change::Changed { path: of, .. }
        | Change::Removed { path: of }
        | Change::Skipped { path: of, .. }
        | Change::Failed { path: of, .. } => of == path,
        Change::Moved { from, to, .. } => from == path || to == path,
        _ => false,
    };
    changes.iter().filter(names).collect()
}
