//! Imports: files wait in `<data>/conversations/incoming` until they are read, and a report says what was taken.
//!
//! A file is removed once its turns are on disk, so an import that was cut short is taken up again; what it had
//! added already is recognised then.

mod archive;
mod exports;
mod read;
mod transcript;

use std::fmt;
use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::turn::{Role, Turn, one_line};
use super::{Conversations, known};
use crate::journal::Journal;
use crate::shared::lock;
use crate::{Error, files, lines};

/// The directory of files that wait.
pub const INCOMING: &str = "incoming";
/// The journal of reports.
const JOURNAL: &str = "imports.jsonl";
/// Reports that are kept in memory.
const REPORTS: usize = 200;
/// Refusals that a report tells one by one.
const REFUSALS: usize = 50;
/// What a file is called from which something was forgotten that has its name.
const NAMELESS: &str = "a file of which something was forgotten";

/// A conversation in an import.
#[derive(Debug, Default)]
pub struct Found {
    session: Option<String>,
    turns: Vec<Turn>,
    /// Messages that are no turns: calls of tools, branches that were given up.
    left_out: usize,
    /// Messages that cannot be taken: which, and why.
    refused: Vec<(usize, String)>,
    title: Option<String>,
    began: Timestamp,
}

impl Found {
    fn new(session: Option<String>, began: Timestamp, title: Option<&Value>) -> Found {
        let title = title.and_then(Value::as_str).and_then(one_line);
        Found { session, began, title, ..Found::default() }
    }

    fn title(&mut self, title: Option<&str>) {
        self.title = title.and_then(one_line);
    }

    /// Adds a turn; without a time of its own it has that of the one before.
    fn push(&mut self, role: Option<Role>, content: Option<String>, at: Option<Timestamp>) {
        let Some(content) = content.filter(|text| !text.trim().is_empty()) else { return };
        let Some(role) = role else {
            self.left_out += 1;
            return;
        };
        let at = at.or(self.turns.last().map(|turn| turn.at)).unwrap_or(self.began);
        let session = self.session.clone().unwrap_or_default();
        self.turns.push(Turn { role, content, at, session, speaker: None, title: self.title.clone() });
    }

    /// Gives the turns their session and, where none has one, the title.
    fn finish(&mut self, name: &str) {
        let session = self.session.clone().unwrap_or_else(|| one_line(name).unwrap_or_else(|| "import".into()));
        for turn in &mut self.turns {
            turn.session.clone_from(&session);
            turn.title = turn.title.take().or_else(|| self.title.clone());
        }
    }
}

/// What was taken from one file, and what was not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Number of the import.
    pub id: u64,
    /// Name of the file.
    pub file: String,
    /// When it was read.
    pub at: Timestamp,
    /// Whether it was read to its end.
    pub done: bool,
    /// Whether turns could not be written; the file is kept and read again at the next start.
    pub failed: bool,
    /// Conversations in it.
    pub conversations: usize,
    /// Conversations that are new.
    pub created: usize,
    /// Turns that are new.
    pub turns: usize,
    /// Turns that were here already.
    pub known: usize,
    /// Messages that are no turns: calls of tools, branches that were given up.
    pub left_out: usize,
    /// Conversations that were forgotten and stay so.
    pub forgotten: usize,
    /// Other files of an archive: images, settings.
    #[serde(default)]
    pub other_files: usize,
    /// What could not be taken: where it stands, and why. The first of them.
    pub refused: Vec<(String, String)>,
    /// How many could not be taken.
    pub refusals: usize,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = if self.done { "" } else { "so far " };
        write!(f, "{state}{} conversations, {} of them new; ", self.conversations, self.created)?;
        write!(f, "{} turns taken, {} known already", self.turns, self.known)?;
        for (count, what) in [
            (self.left_out, "messages left out (tool calls, abandoned branches, no text)"),
            (self.forgotten, "conversations stay forgotten"),
            (self.other_files, "other files in the archive"),
            (self.refusals, "not taken"),
        ] {
            if count > 0 {
                write!(f, "; {count} {what}")?;
            }
        }
        f.write_str(if self.failed {
            "; the disk refused the rest, which is tried again at the next start"
        } else {
            ""
        })
    }
}

impl Report {
    /// The same without a word of the file.
    fn nameless(&self) -> Report {
        Report { file: NAMELESS.into(), refused: Vec::new(), ..self.clone() }
    }

    /// Whether these turns may be called what the file is called.
    fn names(&self, turns: &[Turn]) -> bool {
        let name = one_line(stem(&self.file)).unwrap_or_default();
        let is_name = |text: &str| text == name || known::is_numbered(text, &name);
        turns.iter().any(|turn| is_name(&turn.session) || turn.title.as_deref().is_some_and(is_name))
    }

    fn refuse(&mut self, place: String, why: String) {
        self.refusals += 1;
        if self.refused.len() < REFUSALS {
            self.refused.push((place, why));
        }
    }
}

/// Files that wait, and reports of those that were read.
#[derive(Debug)]
pub struct Imports {
    dir: PathBuf,
    next: AtomicU64,
    queue: Mutex<Vec<(u64, PathBuf, String)>>,
    arrived: Condvar,
    journal: Journal<Report>,
    reports: Mutex<Vec<Report>>,
}

impl Imports {
    /// Opens the reports below `root` and finds the files that still wait.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(root: &Path) -> Result<Self, Error> {
        let dir = root.join(INCOMING);
        files::private_dir(&dir)?;
        let (journal, mut reports) = Journal::open(&root.join(JOURNAL))?;
        reports.sort_by_key(|report: &Report| report.id);
        let left = fs::read_dir(&dir).map_err(Error::io(&dir))?.flatten();
        let mut queue: Vec<(u64, PathBuf, String)> = left.filter_map(|entry| waiting(&entry.path())).collect();
        queue.sort();
        let ids = queue.iter().map(|(id, ..)| *id).chain(reports.iter().map(|report| report.id));
        let next = AtomicU64::new(ids.max().unwrap_or(0) + 1);
        reports.drain(..reports.len().saturating_sub(REPORTS));
        let (queue, arrived, reports) = (Mutex::new(queue), Condvar::new(), Mutex::new(reports));
        Ok(Self { dir, next, queue, arrived, journal, reports })
    }

    /// A file to be filled and given to [`submit`](Imports::submit).
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn begin(&self, name: &str) -> Result<(u64, PathBuf, File), Error> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let mut kept: String = name.chars().filter(|c| *c != '/' && !c.is_control()).collect();
        kept.drain(..kept.ceil_char_boundary(kept.len().saturating_sub(180)));
        let path = self.dir.join(format!("{id:08}-{kept}"));
        let file = files::private_file().create_new(true).open(&path).map_err(Error::io(&path))?;
        Ok((id, path, file))
    }

    /// Has a filled file read. It is on disk already.
    pub fn submit(&self, id: u64, path: PathBuf, name: &str) {
        lock(&self.queue).push((id, path, name.to_owned()));
        self.arrived.notify_all();
    }

    /// The first file that waits, once there is one; `None` when it is time to stop.
    fn next(&self, stopping: &dyn Fn() -> bool) -> Option<(u64, PathBuf, String)> {
        let idle = |queue: &mut Vec<_>| queue.is_empty() && !stopping();
        let queue = self.arrived.wait_while(lock(&self.queue), idle).unwrap_or_else(PoisonError::into_inner);
        queue.first().filter(|_| !stopping()).cloned()
    }

    /// Has whoever waits for a file look whether to stop.
    pub fn wake(&self) {
        drop(lock(&self.queue));
        self.arrived.notify_all();
    }

    /// Files that wait or are being read.
    pub fn waiting(&self) -> usize {
        lock(&self.queue).len()
    }

    /// Reports, oldest first; that of a file that is being read comes last and is not `done`.
    pub fn reports(&self) -> Vec<Report> {
        lock(&self.reports).clone()
    }

    /// Takes the name of a file out of its report where a conversation that is forgotten may have it too.
    ///
    /// # Errors
    /// [`Error::Io`] of the reports.
    pub fn forget(&self, turns: &[Turn]) -> Result<(), Error> {
        lines::remove(&self.dir.with_file_name(JOURNAL).with_extension("damaged"))?;
        let mut named = Vec::new();
        self.journal.retain(|report| {
            let names = report.names(turns);
            named.extend(names.then(|| report.nameless()));
            !names
        })?;
        lock(&self.reports)
            .iter_mut()
            .filter(|report| report.names(turns))
            .for_each(|report| *report = report.nameless());
        if named.is_empty() { Ok(()) } else { self.journal.append_all(&named) }
    }

    fn update(&self, report: &Report) {
        let mut reports = lock(&self.reports);
        match reports.iter_mut().find(|known| known.id == report.id) {
            Some(known) => known.clone_from(report),
            None => reports.push(report.clone()),
        }
        let over = reports.len().saturating_sub(REPORTS);
        reports.drain(..over);
    }
}

/// A name without its extension.
fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

/// Number, path and name of a file that was left in the queue.
fn waiting(path: &Path) -> Option<(u64, PathBuf, String)> {
    let (id, name) = path.file_name()?.to_str()?.split_once('-')?;
    Some((id.parse().ok()?, path.to_owned(), name.to_owned()))
}

impl Conversations {
    /// Reads the files that wait until `stopping`, which is asked again at every [`wake`](Conversations::wake); calls `done` when one waits
    /// no longer.
    pub fn import_waiting(&self, stopping: &dyn Fn() -> bool, done: &dyn Fn()) {
        while let Some((id, path, name)) = self.imports.next(stopping) {
            let import = || self.import(id, &path, &name, &|_| ());
            let report = catch_unwind(AssertUnwindSafe(import)).unwrap_or_else(|_| self.give_up(id, &name));
            if !report.failed
                && let Err(e) = fs::remove_file(&path)
            {
                log::warn!("{}: {e}", path.display());
            }
            log::info!("imported {} turns from {}", report.turns, report.file);
            lock(&self.imports.queue).retain(|(waiting, ..)| *waiting != id);
            done();
        }
    }

    /// Takes what is new of a file. `progress` is called after each conversation.
    pub fn import(&self, id: u64, path: &Path, name: &str, progress: &dyn Fn(&Report)) -> Report {
        let now = Timestamp::now();
        let mut report = Report { id, file: name.to_owned(), at: now, ..Report::default() };
        let mut failed = None;
        let read = read::conversations(path, name, now, &mut |found| {
            match found {
                Ok(found) => failed = self.take(&found, &mut report).err().or(failed.take()),
                Err((place, why)) => report.refuse(place, why),
            }
            if report.conversations % 16 == 1 {
                self.imports.update(&report);
            }
            progress(&report);
        });
        report.failed = failed.is_some();
        report.other_files = *read.as_ref().unwrap_or(&0);
        for why in read.err().into_iter().chain(failed.map(|e| e.to_string())) {
            report.refuse("the file".into(), why);
        }
        self.finish(report)
    }

    fn finish(&self, report: Report) -> Report {
        let report = Report { done: true, ..report };
        if let Err(e) = self.imports.journal.append(&report) {
            log::error!("{e}");
        }
        self.imports.update(&report);
        report
    }

    /// Tells that reading a file has panicked, so that it does not keep all others waiting, now and after the next start.
    fn give_up(&self, id: u64, name: &str) -> Report {
        let mut report = Report { id, file: name.to_owned(), at: Timestamp::now(), ..Report::default() };
        report.refuse("the file".into(), "it cannot be read: an internal error".into());
        self.finish(report)
    }

    /// The number of an import that does not come through the queue.
    pub fn import_id(&self) -> u64 {
        self.imports.next.fetch_add(1, Ordering::Relaxed)
    }

    fn take(&self, found: &Found, report: &mut Report) -> Result<(), Error> {
        let added = self.add(found.session.as_deref(), &found.turns)?;
        let title = found.turns.first().and_then(|turn| turn.title.as_deref());
        report.conversations += 1;
        report.created += usize::from(added.created);
        report.turns += added.turns;
        report.known += added.known;
        report.left_out += found.left_out;
        let place =
            |number: usize| format!("message {number} of {}", found.session.as_deref().or(title).unwrap_or("one"));
        found.refused.iter().for_each(|(number, why)| report.refuse(place(*number), why.clone()));
        report.forgotten += usize::from(added.forgotten);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
