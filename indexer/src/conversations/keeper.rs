//! The thread that makes the pages: once at the start for those that are not as their turns are, then as turns come.

use std::collections::BTreeSet;
use std::fs::{self, FileTimes};
use std::io::Write;
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Zoned;
use jiff::civil::Date;

use super::turn::Turn;
use super::{Conversations, render};
use crate::shared::lock;
use crate::{Error, files, lines};

/// Pages are made at most this often, so that a turn a millisecond does not make one a millisecond.
const PAUSE: Duration = Duration::from_millis(40);
/// How long to wait for news before asking whether to stop.
const PATIENCE: Duration = Duration::from_millis(200);

impl Conversations {
    /// Makes pages until `stopping`; tells `touched` of each that changed.
    pub fn keep(&self, stopping: &dyn Fn() -> bool, touched: &dyn Fn(&Path)) {
        if let Err(e) = self.compare(stopping, touched) {
            log::error!("conversations: {e}");
        }
        let (mut archived, mut stale) = (None, BTreeSet::new());
        while !stopping() {
            let changed = self.next_changed();
            if changed.is_empty() {
                self.archive_when_idle(&mut archived, &mut stale, stopping);
            }
            for (place, changes) in changed {
                if let Err(e) = self.make_page(&place) {
                    log::error!("{e}");
                }
                touched(&self.page(&place));
                self.made(&place, changes);
                stale.insert(place);
            }
            std::thread::sleep(PAUSE);
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

    /// The conversations that changed, once there are any. They stay in the list until their pages are made.
    pub(super) fn next_changed(&self) -> Vec<(String, u64)> {
        let guard = lock(&self.changed);
        let waited = self.news.wait_timeout_while(guard, PATIENCE, |changed| changed.is_empty());
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
        // Who forgets it meanwhile holds this lock; what they removed is not to come back.
        let _writing = lock(&self.open);
        if file.is_file() { fs::rename(&new, &page).map_err(Error::io(&page)) } else { Ok(()) }
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
