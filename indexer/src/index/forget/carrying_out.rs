//! Carrying out an order to forget.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::time::Duration;

use super::Index;
use super::scope::Scope;
use crate::ingest::Event;
use crate::remembered::{self, NOTE};
use crate::shared::lock;
use crate::{Error, Forgotten, files, purge};

/// How long it may take until nothing is on disk any more.
const PURGE: Duration = Duration::from_secs(120);

impl Index {
    pub(super) fn carry_out(&self, scope: &Scope) -> Result<Forgotten, Error> {
        let events = lock(&self.running).as_ref().map(|r| r.events.clone()).ok_or(Error::Stopped)?;
        let told = self.told(scope)?;
        let mut paths = self.paths(scope);
        purge::owe(&self.shared.config.data)?;
        // Before it is forgotten: then nobody knows any more what was put right.
        self.shared.forget_corrections(self.going(scope))?;
        let places: Vec<&Path> = scope.places.iter().map(PathBuf::as_path).collect();
        self.shared.order_to_forget(&places, &scope.contents().into_iter().collect::<Vec<_>>())?;
        let (mut retracted, mut pages) = (Vec::new(), Vec::new());
        // Even if something cannot be deleted, the rest is to go.
        let deleted = self.delete(scope).and_then(|()| self.take_back(scope, &paths, &mut retracted, &mut pages));
        paths.extend(retracted.iter().map(|place| self.conversations.page(place)).chain(pages.iter().cloned()));
        let (reply, answer) = channel();
        events.send(Event::Forget(paths.clone(), reply)).map_err(|_| Error::Stopped)?;
        let removed = answer.recv().map_err(|_| Error::Stopped)?;
        self.conversations.remake(&retracted);
        self.relationship.remake();
        pages.iter().for_each(|page| self.touched(page));
        self.moved.forget(&paths);
        deleted?;
        let removed = removed?;
        if !self.shared.wait_for(PURGE, |p| p.is_purged()) {
            return Err(Error::Unerased("the stores take long to be written anew".into()));
        }
        events.send(Event::Erased).ok();
        let changed: BTreeSet<PathBuf> = told.changed.into_iter().chain(removed).collect();
        let changed = changed.into_iter().filter(|path| !told.paths.contains(path)).collect();
        Ok(Forgotten { changed, ..told })
    }

    /// Takes back what was replied and noticed that rests on these paths; gives the conversations and pages that changed.
    fn take_back(
        &self,
        scope: &Scope,
        paths: &[PathBuf],
        retracted: &mut Vec<String>,
        pages: &mut Vec<PathBuf>,
    ) -> Result<(), Error> {
        for path in paths {
            retracted.extend(self.conversations.retract(path)?);
        }
        pages.extend(self.relationship.forget(&|entry| scope.takes(entry, paths))?);
        Ok(())
    }

    fn delete(&self, scope: &Scope) -> Result<(), Error> {
        for place in &scope.conversations {
            self.conversations.forget(&self.conversations.page(place))?;
        }
        scope.notes.iter().try_for_each(|note| self.delete_note(note))?;
        if scope.lines.is_empty() {
            return Ok(());
        }
        let lines: Vec<(u32, &str)> = scope.lines.iter().map(|taken| (taken.line, taken.text.as_str())).collect();
        remembered::take_out(&self.notes(), &lines).map_err(Error::io(self.notes().join(NOTE)))
    }

    /// Deletes a note, or a directory with everything in it; never what a link in the notes leads to.
    fn delete_note(&self, path: &Path) -> Result<(), Error> {
        let notes = self.notes();
        if path == notes {
            return files::remove_others(path, &|_| false);
        }
        let real = |path: &Path| path.canonicalize().map_err(Error::io(path));
        let Some(parent) = path.parent().filter(|parent| parent.exists()) else { return Ok(()) };
        if !real(parent)?.starts_with(real(&notes)?) {
            return Err(Error::Outside(path.to_owned()));
        }
        let removed = match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
            Ok(_) => fs::remove_file(path),
            Err(_) => return Ok(()),
        };
        removed.map_err(Error::io(path))?;
        files::sync_dir(parent)
    }
}
