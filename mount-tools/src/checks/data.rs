//! The data directory: whose it is, room, and whether what must not be lost is whole.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use crate::config::Settings;
use crate::doctor::Check;
use crate::models::human;

const LITTLE_SPACE: u64 = 1_000_000_000;
const NO_SPACE: u64 = 50_000_000;

pub fn data(settings: &Settings) -> Check {
    const NAME: &str = "data";
    let shown = settings.data.display();
    let metadata = match settings.data.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Check::ok(NAME, format!("{shown} will be made by the first mount"));
        }
        Err(error) => {
            return Check::fail(NAME, format!("{shown}: {error}"), "make it readable, or choose another --data DIR");
        }
    };
    let mode = metadata.permissions().mode() & 0o777;
    match () {
        () if !metadata.is_dir() => {
            Check::fail(NAME, format!("{shown} is not a directory"), "choose another --data DIR")
        }
        () if metadata.uid() != rustix::process::geteuid().as_raw() => {
            Check::fail(NAME, format!("{shown} belongs to another user"), "chown it, or choose another --data DIR")
        }
        () if mode & 0o077 != 0 => {
            Check::warn(NAME, format!("{shown} is open to others (mode {mode:o})"), format!("chmod 700 {shown}"))
        }
        () => Check::ok(NAME, format!("{shown}, yours alone")),
    }
}

pub fn space(settings: &Settings) -> Check {
    const NAME: &str = "space";
    let existing = settings.data.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let free = match rustix::fs::statvfs(existing) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => return Check::warn(NAME, format!("{}: {error}", existing.display()), "look at the disk with df"),
    };
    let text = format!("{} free at {}", human(free), existing.display());
    match free {
        0..NO_SPACE => Check::fail(NAME, text, "make room: nothing can be indexed"),
        NO_SPACE..LITTLE_SPACE => Check::warn(NAME, text, "make room before fetching models"),
        _ => Check::ok(NAME, text),
    }
}

pub fn config(settings: &Settings) -> Check {
    let path = settings.path();
    match path.exists() {
        true => Check::ok("config", path.display().to_string()),
        false => Check::ok("config", format!("no {}: defaults", path.display())),
    }
}

/// Every whole line of the journals must bear its sum.
pub fn journal(settings: &Settings) -> Check {
    const NAME: &str = "journal";
    match echofs_indexer::check_journals(&settings.data) {
        Err(error) => Check::fail(NAME, error.to_string(), "make it readable"),
        Ok((lines, 0)) => Check::ok(NAME, format!("{lines} entries, all whole")),
        Ok((lines, damaged)) => {
            let directory = settings.data.join("journal");
            let text = format!("{damaged} of {lines} entries in {} are damaged", directory.display());
            Check::fail(NAME, text, "copy the directory, then mount: damaged entries are put aside, the others kept")
        }
    }
}

/// Every turn of every conversation must bear its sum.
pub fn conversations(settings: &Settings) -> Check {
    const NAME: &str = "conversations";
    match echofs_indexer::conversations::check(&settings.data) {
        Err(error) => Check::fail(NAME, error.to_string(), "make it readable"),
        Ok((lines, None)) => Check::ok(NAME, format!("{lines} turns, all whole")),
        Ok((_, Some((path, line)))) => {
            let text = format!("{}:{line} is not the turn that was written", path.display());
            Check::fail(
                NAME,
                text,
                "copy the file, then append to it or mount: damaged turns are put aside, the others kept",
            )
        }
    }
}

/// Every line of the relationship log must name the one before it.
pub fn relationship(settings: &Settings) -> Check {
    const NAME: &str = "relationship";
    let path = echofs_indexer::relationship::log_path(&settings.data);
    match echofs_indexer::relationship::verify(&path) {
        Err(error) => Check::fail(NAME, format!("{}: {error}", path.display()), "make it readable"),
        Ok(Ok(lines)) => Check::ok(NAME, format!("{lines} entries, the chain is whole")),
        Ok(Err(broken)) => {
            let text = format!("{}:{}: {}", path.display(), broken.line, broken.why);
            Check::fail(NAME, text, "compare that line with a copy of yours; the log is never put right by itself")
        }
    }
}

#[cfg(test)]
mod tests {
    use echofs_indexer::Kept;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn an_open_data_directory_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings =
            Settings { data: dir.path().to_path_buf(), models: dir.path().join("m"), file: Default::default() };
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
        assert_eq!(data(&settings).state, State::Warn);
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).expect("set");
        assert_eq!(data(&settings).state, State::Ok);
    }

    #[test]
    fn a_changed_journal_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings =
            Settings { data: dir.path().to_path_buf(), models: dir.path().join("m"), file: Default::default() };
        std::fs::create_dir(dir.path().join("journal")).expect("made");
        let path = dir.path().join("journal/queries.jsonl");
        Kept::open(&path).and_then(|kept| kept.keep("heron")).expect("written");
        assert_eq!(journal(&settings), Check::ok("journal", "1 entries, all whole"));
        let line = std::fs::read_to_string(&path).expect("read");
        std::fs::write(&path, line.replace("heron", "stork")).expect("written");
        assert_eq!(journal(&settings).state, State::Fail);
    }
}
