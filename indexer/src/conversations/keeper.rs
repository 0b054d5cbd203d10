//! The thread that makes the pages: once at the start for those that are not as their turns are, then as turns come.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, FileTimes};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

use jiff::Zoned;
use jiff::civil::Date;

use super::turn::Turn;
use super::{Conversations, render};
use crate::shared::lock;
use crate::{Error, files, lines};

/// Pages are made at most this often, so that a turn a millisecond does not make one a millisecond.
const PAUSE: Duration = Duration::from_millis(40);
/// The archive is brought up to date when no turn came for so long.
const QUIET: Duration = Duration::from_millis(200);
/// How often it is looked at whether another day has begun: a clock may be set, and a machine sleeps.
const LOOK: Duration = Duration::from_secs(60);

impl Conversations {
    /// Makes pages until `stopping`, which is asked again at every [`wake`](Conversations::wake). Tells `touched` of each that changed,
    /// and calls `done` when some wait no longer.
    pub fn keep(&self, stopping: &dyn Fn() -> bool, touched: &dyn Fn(&Path), done: &dyn Fn()) {
        if let Err(e) = self.compare(stopping, touched) {
            log::error!("conversations: {e}");
        }
        let (mut archived, mut stale) = (None, BTreeSet::new());
        loop {
            let patience = if archived.is_none() || !stale.is_empty() { QUIET } else { LOOK };
            let changed = self.next_changed(patience, stopping);
            if stopping() {
                return;
            }
            if changed.is_empty() {
                self.archive_when_idle(&mut archived, &mut stale, stopping);
                continue;
            }
            stale.extend(changed.iter().map(|(place, _)| place.clone()));
            self.make_pages(changed, touched);
            done();
            drop(self.news.wait_timeout_while(lock(&self.changed), PAUSE, |_| !stopping()));
        }
    }

    /// Has those who make pages and read imports look whether they are to stop.
    pub fn wake(&self) {
        drop(lock(&self.changed));
        self.news.notify_all();
        self.imports.wake();
    }

    fn make_pages(&self, changed: Vec<(String, u64)>, touched: &dyn Fn(&Path)) {
        for (place, changes) in changed {
            if let Err(e) = self.make_page(&place) {
                log::error!("{e}");
            }
            touched(&self.page(&place));
            self.made(&place, changes);
        }
    }

    /// Brings the archive up to date: all of it once a day, else the months of `stale` conversations.
    fn archive_when_idle(
        &self,
        archived: &mut Option<Date>,
        stale: &mut BTreeSet<String>,
        stopping: &dyn Fn() -> bool,
    ) {
        let today = Zoned::now().date();
        let done = match *archived == Some(today) {
            false => self.archive_all(today, stopping),
            true if stale.is_empty() => return,
            true => self.archive_again(stale.iter().map(String::as_str)),
        };
        if let Err(e) = done {
            log::error!("the archive of conversations: {e}");
        }
        *archived = Some(today);
        stale.clear();
    }

    /// The conversations that changed, once there are any; none when `patience` is over or it is time to stop. They stay in the list
    /// until their pages are made.
    pub(super) fn next_changed(&self, patience: Duration, stopping: &dyn Fn() -> bool) -> Vec<(String, u64)> {
        let idle = |changed: &mut BTreeMap<String, u64>| changed.is_empty() && !stopping();
        let waited = self.news.wait_timeout_while(lock(&self.changed), patience, idle);
        let changed = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        changed.iter().map(|(place, changes)| (place.clone(), *changes)).collect()
    }

    /// The page of a conversation shows this many changes; if there were more meanwhile, it is made again.
    pub(super) fn made(&self, place: &str, changes: u64) {
        let mut changed = lock(&self.changed);
        if changed.get(place) == Some(&changes) {
            changed.remove(place);
        }
    }

    /// Notes the conversations whose pages are missing or older or newer than their turns, and removes pages without turns.
    fn compare(&self, stopping: &dyn Fn() -> bool, touched: &dyn Fn(&Path)) -> Result<(), Error> {
        let places: Vec<String> = self.known(|known| known.places().cloned().collect())?;
        for place in places.iter().take_while(|_| !stopping()) {
            if modified(&self.page(place)) != modified(&self.turns_file(place)) {
                self.change(place);
            }
        }
        for page in all_files(&self.pages) {
            let place = page.strip_prefix(&self.pages).ok().and_then(|p| p.to_str()?.strip_suffix(".md"));
            if !place.is_some_and(|place| self.turns_file(place).is_file()) {
                fs::remove_file(&page).map_err(Error::io(&page))?;
                touched(&page);
            }
        }
        Ok(())
    }

    /// Makes the page of a conversation; its time is that of the turns, which tells whether it is up to date. A hidden one has
    /// none.
    pub(super) fn make_page(&self, place: &str) -> Result<(), Error> {
        let (file, page) = (self.turns_file(place), self.page(place));
        let forgotten = self.times_forgotten();
        if self.is_hidden(place)? {
            return lines::remove(&page);
        }
        let Some(at) = modified(&file) else { return Ok(()) };
        let turns = lines::read(&file, Turn::from_line)?;
        if turns.is_empty() {
            return Ok(());
        }
        page.parent().map_or(Ok(()), files::private_dir)?;
        let new = self.pages.with_extension("new");
        let mut out = files::private_file().truncate(true).open(&new).map_err(Error::io(&new))?;
        out.write_all(render::page(&turns).as_bytes()).map_err(Error::io(&new))?;
        out.set_times(FileTimes::new().set_modified(at)).map_err(Error::io(&new))?;
        self.show_page(place, &new, forgotten)
    }

    /// How often turns were taken away, none being taken away now.
    pub(super) fn times_forgotten(&self) -> u64 {
        let _writing = lock(&self.open);
        self.forgotten.load(Ordering::Acquire)
    }

    /// Puts a page that was written to `new` in its place, unless turns were taken away meanwhile, which are not to come back. Then
    /// it is made again.
    pub(super) fn show_page(&self, place: &str, new: &Path, forgotten: u64) -> Result<(), Error> {
        // Who forgets something holds this lock.
        let _writing = lock(&self.open);
        if self.forgotten.load(Ordering::Acquire) == forgotten {
            let page = self.page(place);
            return fs::rename(new, &page).map_err(Error::io(&page));
        }
        self.change(place);
        lines::remove(new)
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|meta| meta.modified()).ok()
}

/// Every file below a directory.
pub fn all_files(root: &Path) -> Vec<std::path::PathBuf> {
    let (mut todo, mut found) = (vec![root.to_owned()], Vec::new());
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => todo.push(entry.path()),
                _ => found.push(entry.path()),
            }
        }
    }
    found
}
