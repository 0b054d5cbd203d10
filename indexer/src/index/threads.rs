//! The threads of a started index, and what they are told.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Index;
use crate::ingest::{self, Event, Ingest};
use crate::jobs::Jobs;
use crate::opening::Opened;
use crate::prepare::Reader;
use crate::shared::{Progress, lock};
use crate::watch::{self, Watcher};
use crate::writer::Writer;
use crate::{Error, facts, files, meaning, readers, topics};

/// Readers of files, and as many extraction workers.
const READERS: usize = 2;
/// Events that may wait for the indexing thread; what comes of a scan is up to sixteen files each.
const EVENTS: usize = 16;

/// The threads of a started index.
pub(super) struct Running {
    pub(super) events: SyncSender<Event>,
    jobs: Arc<Jobs>,
    pub(super) watcher: Arc<Watcher>,
    threads: Vec<JoinHandle<()>>,
}

impl Index {
    /// Starts scanning, watching, indexing and embedding on background threads. Once; later calls do nothing.
    pub fn start(self: &Arc<Self>) {
        let Some(opened) = lock(&self.idle).take() else { return };
        match self.run(opened) {
            Ok(running) => *lock(&self.running) = Some(running),
            Err(e) => {
                log::error!("the index cannot be kept up to date: {e}");
                self.shared.update(|p| p.write_error = Some(e.to_string()));
            }
        }
    }

    fn run(&self, opened: Opened) -> Result<Running, Error> {
        let shared = &self.shared;
        let data = || shared.config.data.clone();
        let watcher = Watcher::start(shared.policy.clone(), watch::Options::default()).map_err(Error::io(data()))?;
        let watcher = Arc::new(watcher);
        let (events, heard) = sync_channel(EVENTS);
        let jobs = Arc::new(Jobs::default());
        let reader = Arc::new(Reader::new(&shared.config, shared.policy.clone(), shared.sources.clone(), READERS));
        let Opened { lexical, catalogue, next } = opened;
        let writer = Writer::new(shared.clone(), lexical, catalogue, next);
        let ingest = Ingest::new(shared.clone(), reader.clone(), jobs.clone(), writer);
        let mut threads = vec![spawn("index", move || ingest.run(&heard))?];
        for _ in 0..READERS {
            let (jobs, reader, events) = (jobs.clone(), reader.clone(), events.clone());
            threads.push(spawn("reader", move || readers::run(&jobs, &reader, &events))?);
        }
        let (told, tell) = (watcher.clone(), events.clone());
        threads.push(spawn("changes", move || ingest::hand_on(&told, &tell))?);
        let (pages, kept, seen) = (self.conversations.clone(), shared.clone(), watcher.clone());
        let keep = move || pages.keep(&|| kept.is_stopping(), &|page| seen.touched(page), &|| kept.update(|_| ()));
        threads.push(spawn("conversations", keep)?);
        let (pages, kept, seen) = (self.relationship.clone(), shared.clone(), watcher.clone());
        threads.push(spawn("relationship", move || pages.keep(&|| kept.is_stopping(), &|page| seen.touched(page)))?);
        let (imports, kept) = (self.conversations.clone(), shared.clone());
        let import = move || imports.import_waiting(&|| kept.is_stopping(), &|| kept.update(|_| ()));
        threads.push(spawn("imports", import)?);
        if let Some(embedder) = shared.embedder.clone() {
            let shared = shared.clone();
            threads.push(spawn("meaning", move || meaning::run(&shared, &*embedder))?);
        }
        let told = shared.clone();
        threads.push(spawn("facts", move || facts::worker::run(&told))?);
        let told = shared.clone();
        threads.push(spawn("topics", move || topics::worker::run(&told))?);
        Ok(Running { events, jobs, watcher, threads })
    }

    /// Saves what is known and ends the background threads. Searching still works.
    pub fn stop(&self) {
        let Some(running) = lock(&self.running).take() else { return };
        self.shared.stop();
        self.conversations.wake();
        self.relationship.wake();
        running.watcher.stop();
        running.jobs.stop();
        running.events.send(Event::Stop).ok();
        drop(running.events);
        for thread in running.threads {
            if thread.join().is_err() {
                log::error!("a thread of the index panicked");
            }
        }
        files::make_private(&self.shared.config.data.join("index"));
        files::make_private(&self.shared.config.data.join("catalogue"));
    }

    /// Waits until everything under the sources is searchable by words (and by meaning, if `semantic`); whether that came in time.
    pub fn wait(&self, semantic: bool, timeout: Duration) -> bool {
        let semantic = semantic && self.shared.embedder.is_some();
        self.shared.wait_for(timeout, |p: &Progress| {
            let words = p.scanned && p.uncommitted == 0 && lock(&self.shared.pending).is_empty();
            words && self.conversations.waiting() == 0 && (!semantic || p.meant == p.table && p.missing.0 == 0)
        })
    }

    /// Reads the file or directory at `path`, or everything, again from disk. Returns at once.
    pub fn reindex(&self, path: Option<&Path>) {
        if let Some(running) = &*lock(&self.running) {
            running.events.send(Event::Reindex(path.map(Path::to_owned))).ok();
            match path {
                Some(path) => running.watcher.touched(path),
                None => running.watcher.rescan(None),
            }
        }
    }

    /// Says that this program changed `path`: it is looked at without waiting for the system's notice.
    pub fn touched(&self, path: &Path) {
        if let Some(running) = &*lock(&self.running) {
            running.watcher.touched(path);
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.stop();
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new().name(name.into()).spawn(run).map_err(Error::io(name))
}
