//! What `echofs doctor` looks at: the system, the data directory, the models.

mod data;
mod engines;
mod mounts;
mod system;

use std::path::PathBuf;

use crate::config::Settings;
use crate::doctor::Check;
use data::{config, conversations, data, journal, relationship, space};
use engines::{embedding, fetched_models, inference, language_model, reranker};
use mounts::{mount, stale_mounts};
use system::{fuse, fusermount, inotify, landlock, pdf, processor};

/// Every check, in the order of a set-up.
pub fn all(settings: &Settings, deep: bool) -> Vec<Check> {
    let mut checks = vec![fuse(), fusermount(), landlock(), inotify(), processor(), pdf()];
    checks.extend([
        data(settings),
        space(settings),
        config(settings),
        journal(settings),
        conversations(settings),
        relationship(settings),
        mount(settings),
        stale_mounts(),
    ]);
    checks.push(embedding(settings));
    checks.extend(reranker(settings));
    checks.extend([language_model(settings), inference()]);
    checks.extend(fetched_models(settings, deep));
    checks
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn whatever_is_not_well_comes_with_advice() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = Settings { data: dir.path().join("d"), models: dir.path().join("m"), file: Default::default() };
        for check in all(&settings, false) {
            assert_eq!(check.state == State::Ok, check.next.is_none(), "{check:?}");
        }
    }
}
