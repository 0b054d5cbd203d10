//! Changes on their way into the stores: gathered, committed, shown.
//!
//! A commit saves the word index, replaces the snapshot that searches see, and saves the records. A crash in between
//! leaves entries that no record names, which the next start removes, or records that no entry bears out; their
//! files it reads again. When the disk is full nothing is lost: what was gathered is given back, to be tried
//! again after a while, and searches go on with what was committed before.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::catalogue::Catalogue;
use crate::happened::happened;
use crate::lexical::Lexical;
use crate::prepare::Prepared;
use crate::record::{Changes, Record, Serial};
use crate::scan::FileStat;
use crate::shared::{Shared, write};
use crate::snapshot::Snapshot;
use crate::{Error, State, files, purge};

/// A change that somebody may be waiting for is committed after this time at the latest ...
const LIVE: Duration = Duration::from_millis(150);
/// ... and what a scan brings after this, at first and at most: each commit holds up the others, and what waits for thousands
/// of files can wait a little longer.
const BULK: (Duration, Duration) = (Duration::from_millis(800), Duration::from_secs(4));
/// The least time between two commits.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a failed write is left alone, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// The only writer of the word index and the catalogue.
pub struct Writer {
    shared: Arc<Shared>,
    lexical: Lexical,
    catalogue: Option<Catalogue>,
    next: Serial,
    changes: Changes,
    /// How many of the changes are documents.
    gathered: usize,
    /// Entries that were added and replaced since the last commit.
    superseded: Vec<Serial>,
    /// Documents that are the same passages under another serial number.
    renames: Vec<(Serial, Serial)>,
    added: bool,
    dirty: Option<Instant>,
    live: bool,
    bulk: Duration,
    committed: Instant,
    blocked: Option<Instant>,
    pause: Duration,
}

/// Files whose text could not be saved, and what was last seen of them.
pub type Lost = Vec<(PathBuf, FileStat)>;

impl Writer {
    /// Takes over the stores; `next` is the first serial number that is free.
    pub fn new(shared: Arc<Shared>, lexical: Lexical, catalogue: Catalogue, next: Serial) -> Self {
        Self {
            shared,
            lexical,
            catalogue: Some(catalogue),
            next,
            changes: Changes::new(),
            gathered: 0,
            superseded: Vec::new(),
            renames: Vec::new(),
            added: false,
            dirty: None,
            live: false,
            bulk: BULK.0,
            committed: Instant::now(),
            blocked: None,
            pause: RETRY.0,
        }
    }

    /// What is so after the next commit.
    pub fn current(&self, path: &Path) -> Option<Arc<Record>> {
        match self.changes.get(path) {
            Some(change) => change.clone(),
            None => self.shared.snapshot().table.by_path(path).cloned(),
        }
    }

    /// Says that somebody may be waiting for what comes now.
    pub fn hurry(&mut self) {
        self.live = true;
    }

    /// How long there is nothing to do here, `None` when nothing waits to be committed; `idle` when no file is being read.
    pub fn patience(&self, idle: bool) -> Option<Duration> {
        let since = self.dirty?;
        let due = if idle { PAUSE.saturating_sub(self.committed.elapsed()) } else { Duration::MAX };
        let blocked = self.blocked.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()));
        Some(due.min(self.limit().saturating_sub(since.elapsed())).max(blocked))
    }

    fn limit(&self) -> Duration {
        if self.live { LIVE } else { self.bulk }
    }

    /// Whether to commit now: at once when nothing else is coming, else when it has waited long enough.
    pub fn is_due(&self, idle: bool) -> bool {
        let Some(since) = self.dirty else { return false };
        let ready = idle && self.committed.elapsed() >= PAUSE || since.elapsed() >= self.limit();
        ready && self.retry_after().is_none()
    }

    /// Has the next commit come later if there is much to do, and as soon as usual if this one ended it.
    pub fn pace(&mut self, idle: bool) {
        self.bulk = if idle { BULK.0 } else { (self.bulk * 3 / 2).min(BULK.1) };
    }

    /// How long not to write, after a failure.
    pub fn retry_after(&self) -> Option<Duration> {
        self.blocked.map(|until| until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }

    /// Indexes a document in place of what was known of its path; its serial number.
    ///
    /// # Errors
    /// Everything that could not be saved, the document itself last.
    pub fn store(&mut self, path: PathBuf, stat: FileStat, mut prepared: Prepared) -> Result<Serial, Lost> {
        let serial = self.next;
        self.next += 1;
        prepared.content.serial = serial;
        if let Err(e) = self.lexical.add(serial, &prepared.entry) {
            let mut lost = self.failed(&e);
            lost.push((path, stat));
            return Err(lost);
        }
        self.added = true;
        let record = Record {
            path: path.clone(),
            stat,
            state: State::Indexed,
            reason: String::new(),
            indexed_at: jiff::Timestamp::now().as_second(),
            content: Some(prepared.content),
        };
        self.set(path, Some(record));
        Ok(serial)
    }

    /// Gives a document another serial number without new passages.
    pub fn renamed(&mut self, from: Serial, to: Serial) {
        self.renames.push((from, to));
    }

    /// The same bytes: only what is known of the file itself changes.
    pub fn touched(&mut self, path: &Path, stat: FileStat) {
        let Some(record) = self.current(path) else { return };
        self.set(path.to_owned(), Some(Record { stat, ..Record::clone(&record) }));
    }

    /// Notes that a file is not indexed, and why.
    pub fn set_aside(&mut self, path: PathBuf, stat: FileStat, state: State, reason: String) {
        let same = |r: &Arc<Record>| (&r.state, &r.reason) == (&state, &reason) && r.is_same(&stat);
        if !self.current(&path).as_ref().is_some_and(same) {
            let record = Record { path: path.clone(), stat, state, reason, indexed_at: 0, content: None };
            self.set(path, Some(record));
        }
    }

    /// Removes what is known of a path.
    pub fn remove(&mut self, path: &Path) {
        if self.current(path).is_some() {
            self.set(path.to_owned(), None);
        }
    }

    fn set(&mut self, path: PathBuf, record: Option<Record>) {
        self.gathered += usize::from(record.as_ref().is_some_and(|r| r.content.is_some()));
        let before = self.changes.insert(path, record.map(Arc::new)).flatten();
        self.gathered -= usize::from(before.as_ref().is_some_and(|r| r.content.is_some()));
        self.superseded.extend(before.and_then(|r| r.content.as_ref().map(|c| c.serial)));
        self.dirty.get_or_insert_with(Instant::now);
    }

    /// Documents that are gathered and not yet found.
    pub fn uncommitted(&self) -> usize {
        self.gathered
    }

    /// Saves everything that changed and shows it.
    ///
    /// # Errors
    /// The files whose text could not be saved. All other changes are kept for the next commit.
    pub fn commit(&mut self) -> Result<(), Lost> {
        if self.dirty.is_none() {
            return Ok(());
        }
        let happened = match self.shared.listener.get() {
            Some(_) => happened(&self.changes, &self.shared.snapshot().table),
            None => Vec::new(),
        };
        if let Err(e) = self.save_words().and_then(|()| self.show()) {
            return Err(self.failed(&e));
        }
        self.shared.tell(&happened);
        // Searches are right already; without the records the next start reads these files again.
        let saved = self.catalogue.as_ref().map_or(Ok(()), |catalogue| catalogue.write(&self.changes));
        let error = saved.err().map(|e| e.to_string());
        if let Some(e) = &error {
            log::error!("{e}");
        }
        self.changes.clear();
        self.gathered = 0;
        (self.dirty, self.live, self.committed) = (None, false, Instant::now());
        (self.blocked, self.pause) = (None, RETRY.0);
        self.shared.update(|p| (p.uncommitted, p.write_error) = (0, error));
        Ok(())
    }

    fn save_words(&mut self) -> Result<(), Error> {
        let gone = self.replaced();
        if !self.added && gone.is_empty() {
            return Ok(());
        }
        gone.into_iter().try_for_each(|serial| self.lexical.delete(serial))?;
        self.lexical.commit()?;
        files::make_private(&self.shared.config.data.join("index"));
        self.added = false;
        self.superseded.clear();
        Ok(())
    }

    /// Entries that no record names after this commit.
    fn replaced(&self) -> Vec<Serial> {
        let table = &self.shared.snapshot().table;
        let serial = |record: &Arc<Record>| record.content.as_ref().map(|c| c.serial);
        let old = self.changes.iter().filter_map(|(path, change)| {
            let new = change.as_ref().and_then(serial);
            table.by_path(path).and_then(serial).filter(|old| Some(*old) != new)
        });
        let kept: Vec<Serial> = self.changes.values().flatten().filter_map(serial).collect();
        let superseded = self.superseded.iter().copied().filter(|serial| !kept.contains(serial));
        old.chain(superseded).collect()
    }

    fn show(&mut self) -> Result<(), Error> {
        let old = self.shared.snapshot();
        let words = self.lexical.snapshot(Some(&old.words))?;
        let table = Arc::new(old.table.with(&self.changes));
        let mut vectors = write(&self.shared.vectors);
        self.renames.drain(..).for_each(|(from, to)| vectors.rename(from, to));
        drop(vectors);
        self.shared.publish(Snapshot::new(table, words));
        Ok(())
    }

    /// Takes back the documents that were added since the last commit.
    fn failed(&mut self, error: &Error) -> Lost {
        log::error!("{error}; tried again in {:?}", self.pause);
        self.shared.update(|p| p.write_error = Some(error.to_string()));
        self.blocked = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(RETRY.1);
        self.lexical.rollback();
        self.superseded.clear();
        self.renames.clear();
        self.added = false;
        let table = self.shared.snapshot().table.clone();
        let is_saved = |r: &Record| r.content.as_ref().is_none_or(|c| table.by_serial(c.serial).is_some());
        let mut lost = Vec::new();
        self.changes.retain(|path, change| match change {
            Some(record) if !is_saved(record) => {
                lost.push((path.clone(), record.stat));
                false
            }
            _ => true,
        });
        self.gathered = self.changes.values().flatten().filter(|record| record.content.is_some()).count();
        self.dirty = self.dirty.filter(|_| !self.changes.is_empty());
        lost
    }

    /// Compares the word index with its checksums. If it is damaged, a new one takes its place, and every document is
    /// noted as unread.
    ///
    /// # Errors
    /// When a new one cannot be made.
    pub fn audit(&mut self) -> Result<(), Error> {
        let Err(why) = self.lexical.check() else { return Ok(()) };
        let dir = self.shared.config.data.join("index");
        files::move_aside(&dir, &why)?;
        self.lexical = Lexical::open(&dir)?;
        for record in self.shared.snapshot().table.records().iter().filter(|r| r.content.is_some()) {
            let unread =
                Record { stat: FileStat::default(), state: State::Pending, content: None, ..Record::clone(record) };
            self.set(record.path.clone(), Some(unread));
        }
        Ok(())
    }

    /// Leaves nothing on disk of what was deleted; it has to be committed.
    ///
    /// # Errors
    /// [`Error::Unerased`] when it is not, I/O errors of the stores; then some of it may still be there.
    pub fn erase(&mut self) -> Result<(), Error> {
        if self.dirty.is_some() {
            return Err(Error::Unerased("what is deleted cannot be saved".into()));
        }
        self.lexical.purge()?;
        let data = self.shared.config.data.clone();
        let catalogue = match self.catalogue.take() {
            Some(catalogue) => catalogue,
            // The last time failed.
            None => Catalogue::open(&data.join("catalogue"))?.0,
        };
        self.catalogue = Some(catalogue.rewritten(self.shared.snapshot().table.records())?);
        self.show()?;
        for dir in [data.clone(), data.join("journal")] {
            files::remove_others(&dir, &|name| !name.to_string_lossy().ends_with(".damaged"))?;
        }
        purge::logs(&data)?;
        self.shared.update(|p| {
            p.fact_purges.0 += 1;
            p.topic_purges.0 += 1;
        });
        if self.shared.embedder.is_some() {
            self.shared.update(|p| p.purges.0 += 1);
            return Ok(());
        }
        files::remove_others(&data.join("vectors"), &|_| false)
    }
}
