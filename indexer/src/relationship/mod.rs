//! The relationship log and what is made from it.
//!
//! Truth is `<data>/relationship/log.jsonl`: what happened and what was noticed, an entry a line, each chained to the one
//! before. The pages (`preferences.md`, `patterns.md`, `opinions/<subject>.md`) are made from it at any time, below
//! `<data>/rendered/relationship`, which is a source of the index like any other. Invariant: no page says anything that
//! names no entry, and what the owner corrected or retracted stays so, since that is in the log as well. The tree shows
//! preferences and opinions with what the owner states elsewhere, which is in no log (`stated.rs`).

mod chain;
mod entry;
pub(crate) mod forgetting;
mod observe;
mod opinions;
mod pages;
mod patterns;
mod stated;
mod stats;
mod tastes;
mod view;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::shared::lock;
use crate::{Error, files, lines};

pub use chain::{Broken, verify};
pub use entry::{Entry, Evidence, Kind, Stance};
pub use observe::{Activity, Observe, Order, Pause};
pub use pages::{PATTERNS, PREFERENCES, opinion_pages, preferences};
pub use patterns::{Pattern, normalised};
pub use stated::entries as stated;
pub use view::View;

use chain::Log;

/// Pages are made at most this often.
const PAUSE: Duration = Duration::from_millis(200);

/// The relationship log of one data directory.
#[derive(Debug)]
pub struct Relationship {
    path: PathBuf,
    pages: PathBuf,
    log: Mutex<Option<Opened>>,
    /// Entries since the pages were made; the first time there is always one.
    news: Mutex<bool>,
    arrived: Condvar,
    /// Held by whoever makes or removes pages; taken before `log`.
    making: Mutex<()>,
    observe: Observe,
    counts: Counts,
}

/// How many entries there are, so that nobody who asks waits for one that is written.
#[derive(Debug, Default)]
struct Counts {
    all: AtomicUsize,
    /// Those of each activity.
    noted: [AtomicUsize; Activity::ALL.len()],
}

impl Counts {
    fn set(&self, entries: &[Entry]) {
        self.all.store(entries.len(), Ordering::Relaxed);
        let mut noted = [0; Activity::ALL.len()];
        entries.iter().filter_map(Activity::of).for_each(|activity| noted[activity as usize] += 1);
        self.noted.iter().zip(noted).for_each(|(count, n)| count.store(n, Ordering::Relaxed));
    }

    fn add(&self, entry: &Entry) {
        self.all.fetch_add(1, Ordering::Relaxed);
        if let Some(activity) = Activity::of(entry) {
            self.noted[activity as usize].fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[derive(Debug)]
struct Opened {
    log: Log,
    entries: Vec<Entry>,
}

impl Relationship {
    /// Opens what is below `data`; reads nothing yet.
    ///
    /// # Errors
    /// [`Error::Io`] when the directories cannot be made.
    pub fn open(data: &Path) -> Result<Self, Error> {
        let (path, pages) = (log_path(data), pages_dir(data));
        files::private_dir(&data.join("relationship"))?;
        files::private_dir(&pages)?;
        // A page that a crash has kept from its place.
        lines::remove(&pages.with_extension("new"))?;
        let observe = Observe::open(path.with_file_name("observe.json"));
        let (log, arrived, making, counts) = Default::default();
        Ok(Self { path, pages, log, news: Mutex::new(true), arrived, making, observe, counts })
    }

    /// The file of the log.
    pub fn file(&self) -> &Path {
        &self.path
    }

    /// The directory of the pages, a source of the index.
    pub fn pages(&self) -> &Path {
        &self.pages
    }

    /// Adds entries, numbered and chained here. They are on disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`]; the log is then as it was before.
    pub fn append(&self, entries: Vec<Entry>) -> Result<(), Error> {
        self.append_where(entries, &|_| true)
    }

    /// Adds those of the entries that are `wanted`, which is asked while nothing of the log can be forgotten.
    ///
    /// # Errors
    /// As [`append`](Relationship::append).
    pub fn append_where(&self, mut entries: Vec<Entry>, wanted: &dyn Fn(&Entry) -> bool) -> Result<(), Error> {
        let mut opened = lock(&self.log);
        let opened = self.opened(&mut opened)?;
        entries.retain(|entry| wanted(entry));
        if entries.is_empty() {
            return Ok(());
        }
        let added = opened.log.append(entries)?;
        added.iter().for_each(|entry| self.counts.add(entry));
        opened.entries.extend(added);
        self.remake();
        Ok(())
    }

    /// What may be noted of what the owner does.
    pub fn observe(&self) -> &Observe {
        &self.observe
    }

    /// The entries that [`forget`](Self::forget) would empty.
    ///
    /// # Errors
    /// [`Error::Io`] when the log cannot be read.
    pub fn chosen(&self, wanted: &dyn Fn(&Entry) -> bool) -> Result<Vec<Entry>, Error> {
        let mut opened = lock(&self.log);
        let entries = &self.opened(&mut opened)?.entries;
        let chosen = forgetting::chosen(entries, wanted);
        Ok(entries.iter().filter(|entry| chosen.contains(&entry.seq)).cloned().collect())
    }

    /// Empties every entry that is `wanted`, with what corrects it and what it corrects. Gives the pages that said something of
    /// them: they are gone until [`remake`](Self::remake).
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn forget(&self, wanted: &dyn Fn(&Entry) -> bool) -> Result<Vec<PathBuf>, Error> {
        let _making = lock(&self.making);
        let mut opened = lock(&self.log);
        let opened = self.opened(&mut opened)?;
        let chosen = forgetting::chosen(&opened.entries, wanted);
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        opened.entries = opened.log.forget(|entry| chosen.contains(&entry.seq))?.0;
        self.counts.set(&opened.entries);
        let pages = self.texts(&opened.entries);
        let is_old = |made: &PathBuf| {
            let text = pages.iter().find(|(page, _)| page == made).map(|(_, text)| text.as_bytes());
            fs::read(made).ok().as_deref() != text
        };
        let old: Vec<PathBuf> =
            crate::conversations::keeper::all_files(&self.pages).into_iter().filter(is_old).collect();
        old.iter().try_for_each(|page| fs::remove_file(page).map_err(Error::io(page)))?;
        Ok(old)
    }

    /// Has the pages made again.
    pub fn remake(&self) {
        *lock(&self.news) = true;
        self.arrived.notify_all();
    }

    /// The log as its owner wants it seen.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read.
    pub fn view(&self) -> Result<View, Error> {
        Ok(View::new(&self.opened(&mut lock(&self.log))?.entries))
    }

    /// The entries from a time on, as they stand in the log.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read.
    pub fn since(&self, from: Timestamp) -> Result<Vec<Entry>, Error> {
        let mut opened = lock(&self.log);
        let opened = self.opened(&mut opened)?;
        Ok(opened.entries.iter().filter(|entry| entry.at >= from).cloned().collect())
    }

    /// How many entries there are; 0 before the log was read.
    pub fn len(&self) -> usize {
        self.counts.all.load(Ordering::Relaxed)
    }

    /// How many of them were noted of an activity.
    pub fn noted(&self, activity: Activity) -> usize {
        self.counts.noted[activity as usize].load(Ordering::Relaxed)
    }

    /// Whether there is no entry, as far as is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn opened<'a>(&self, opened: &'a mut Option<Opened>) -> Result<&'a mut Opened, Error> {
        if opened.is_none() {
            let (log, entries) = Log::open(&self.path)?;
            self.counts.set(&entries);
            *opened = Some(Opened { log, entries });
        }
        opened.as_mut().ok_or(Error::Stopped)
    }

    /// Makes the pages whenever there is something new, until `stopping`, which is asked again at every [`wake`](Relationship::wake);
    /// tells `touched` of each that changed.
    pub fn keep(&self, stopping: &dyn Fn() -> bool, touched: &dyn Fn(&Path)) {
        while self.has_news(stopping) {
            if let Err(e) = self.make_pages(touched) {
                log::error!("relationship: {e}");
            }
            drop(self.arrived.wait_timeout_while(lock(&self.news), PAUSE, |_| !stopping()));
        }
    }

    /// Waits for something new; false when it is time to stop.
    fn has_news(&self, stopping: &dyn Fn() -> bool) -> bool {
        let waited = self.arrived.wait_while(lock(&self.news), |news| !*news && !stopping());
        std::mem::take(&mut *waited.unwrap_or_else(PoisonError::into_inner)) && !stopping()
    }

    /// Has whoever makes the pages look whether to stop.
    pub fn wake(&self) {
        drop(lock(&self.news));
        self.arrived.notify_all();
    }

    fn make_pages(&self, touched: &dyn Fn(&Path)) -> Result<(), Error> {
        // Who forgets something meanwhile waits for this, and comes after it.
        let _making = lock(&self.making);
        let entries = self.opened(&mut lock(&self.log))?.entries.clone();
        let pages = self.texts(&entries);
        for (path, text) in &pages {
            if fs::read(path).ok().as_deref() != Some(text.as_bytes()) {
                self.write(path, text)?;
                touched(path);
            }
        }
        let made = crate::conversations::keeper::all_files(&self.pages);
        for old in made.into_iter().filter(|old| pages.iter().all(|(page, _)| page != old)) {
            fs::remove_file(&old).map_err(Error::io(&old))?;
            touched(&old);
        }
        Ok(())
    }

    /// The pages of these entries, as they read now.
    fn texts(&self, entries: &[Entry]) -> Vec<(PathBuf, String)> {
        let pages = pages::all(entries, Timestamp::now(), &jiff::tz::TimeZone::system());
        pages.into_iter().map(|(name, text)| (self.pages.join(name), text)).collect()
    }

    fn write(&self, path: &Path, text: &str) -> Result<(), Error> {
        path.parent().map_or(Ok(()), files::private_dir)?;
        let new = self.pages.with_extension("new");
        let mut file = files::private_file().truncate(true).open(&new).map_err(Error::io(&new))?;
        file.write_all(text.as_bytes()).map_err(Error::io(&new))?;
        fs::rename(&new, path).map_err(Error::io(path))
    }
}

/// The log below a data directory.
pub fn log_path(data: &Path) -> PathBuf {
    data.join("relationship/log.jsonl")
}

/// The directory of the pages below a data directory.
pub fn pages_dir(data: &Path) -> PathBuf {
    data.join("rendered/relationship")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rests_on_a_forgotten_document_is_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let store = Relationship::open(dir.path()).unwrap();
        let opinion = |text: &str, path: &str| Entry {
            subject: Some(text.split(' ').next().unwrap().into()),
            evidence: vec![Evidence { path: path.into(), line: Some(3) }],
            ..Entry::new(Kind::Opinion, text, Timestamp::now())
        };
        store
            .append(vec![opinion("axolotl sleeps", "/n/gone.md"), opinion("capybara swims", "/n/gone.md.bak")])
            .unwrap();
        store.make_pages(&|_| ()).unwrap();
        let rests = |entry: &Entry| entry.rests_on(Path::new("/n/gone.md"));
        let would: Vec<u64> = store.chosen(&rests).unwrap().iter().map(|entry| entry.seq).collect();
        assert_eq!(would, [1]);
        let gone = store.forget(&rests).unwrap();
        assert_eq!(gone, [store.pages().join("opinions/axolotl.md")]);
        store.make_pages(&|_| ()).unwrap();
        let files = crate::conversations::keeper::all_files(dir.path());
        assert!(files.iter().all(|file| !fs::read_to_string(file).unwrap().contains("axolotl")));
        assert!(store.pages().join("opinions/capybara.md").exists() && verify(store.file()).unwrap() == Ok(2));
        assert_eq!(store.view().unwrap().entries.len(), 1);
        assert!(store.forget(&rests).unwrap().is_empty());
    }

    #[test]
    fn pages_follow_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let store = Relationship::open(dir.path()).unwrap();
        let make = |store: &Relationship| store.make_pages(&|_| ()).unwrap();
        let preference = |text: &str| Entry {
            subject: Some("style".into()),
            ..Entry::new(Kind::Preference, text, Timestamp::now())
        };
        store.append(vec![preference("short answers")]).unwrap();
        let opinion =
            Entry { subject: Some("Rust".into()), ..Entry::new(Kind::Opinion, "It lasts.", Timestamp::now()) };
        store.append(vec![opinion]).unwrap();
        make(&store);
        let page = |name: &str| fs::read_to_string(store.pages().join(name)).unwrap_or_default();
        assert!(
            page("preferences.md").contains("short answers, since") && page("opinions/rust.md").contains("It lasts.")
        );
        drop(Relationship::open(dir.path()).unwrap());
        let again = Relationship::open(dir.path()).unwrap();
        let no = Entry { of: Some(2), retract: true, ..Entry::new(Kind::Correction, "no", Timestamp::now()) };
        again.append(vec![no]).unwrap();
        assert_eq!(again.len(), 3);
        fs::remove_file(again.pages().join("preferences.md")).unwrap();
        make(&again);
        assert!(page("preferences.md").contains("[#1]") && page("opinions/rust.md").is_empty());
        assert_eq!(verify(again.file()).unwrap(), Ok(3));
    }
}
