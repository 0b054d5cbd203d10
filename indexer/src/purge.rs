//! The mark that something is still to be erased from disk. It is there from before anything is forgotten until no store
//! has a byte of it left, so that neither a failure nor a crash in between leaves some.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::{Error, files, lines};

fn mark(data: &Path) -> PathBuf {
    data.join("journal/unerased")
}

/// Leaves the mark; it is on disk when this returns.
///
/// # Errors
/// [`Error::Io`].
pub fn owe(data: &Path) -> Result<(), Error> {
    let mark = mark(data);
    files::private_file().open(&mark).map_err(Error::io(&mark))?;
    mark.parent().map_or(Ok(()), files::sync_dir)
}

/// Whether the mark is there.
pub fn is_owed(data: &Path) -> bool {
    fs::exists(mark(data)).unwrap_or(true)
}

/// Empties what programs wrote about their work here: it may name what is forgotten, or a file of it.
///
/// # Errors
/// [`Error::Io`].
pub fn logs(data: &Path) -> Result<(), Error> {
    for path in fs::read_dir(data.join("run")).into_iter().flatten().flatten().map(|entry| entry.path()) {
        match path.extension().and_then(|extension| extension.to_str()) {
            // Whoever has it open goes on at its end.
            Some("log") => empty(&path).map_err(Error::io(&path))?,
            Some("old") => lines::remove(&path)?,
            _ => {}
        }
    }
    Ok(())
}

fn empty(path: &Path) -> io::Result<()> {
    let file = files::private_file().open(path)?;
    file.set_len(0)?;
    file.sync_all()
}

/// Takes the mark away.
///
/// # Errors
/// [`Error::Io`].
pub fn paid(data: &Path) -> Result<(), Error> {
    lines::remove(&mark(data))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn logs_begin_anew_and_go_on() {
        let dir = tempfile::tempdir().unwrap();
        let run = dir.path().join("run");
        fs::create_dir(&run).unwrap();
        let path = run.join("echofs.log");
        let mut log = fs::File::options().create(true).append(true).open(&path).unwrap();
        writeln!(log, "imported 2 turns from axolotl.md").unwrap();
        fs::write(run.join("echofs.log.old"), "axolotl").unwrap();
        fs::write(run.join("mount.json"), "{}").unwrap();
        logs(dir.path()).unwrap();
        writeln!(log, "forgotten").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "forgotten\n");
        assert!(!run.join("echofs.log.old").exists() && run.join("mount.json").exists());
        logs(&run).unwrap();
    }
}
