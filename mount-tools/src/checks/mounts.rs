//! Mounts, those of the past too.

use std::path::PathBuf;

use crate::config::Settings;
use crate::doctor::Check;
use crate::record::{self, Record};
use crate::{mountinfo, mountpoint};

pub fn mount(settings: &Settings) -> Check {
    const NAME: &str = "mount";
    match record::last(settings) {
        Some(record) if record.alive() && record::is_ours(&record.mountpoint) => {
            Check::ok(NAME, format!("on {} (process {})", record.mountpoint.display(), record.pid))
        }
        Some(record) if record.alive() => {
            let text = format!("process {} has lost its mount on {}", record.pid, record.mountpoint.display());
            Check::warn(NAME, text, format!("kill {}", record.pid))
        }
        Some(Record { mountpoint, .. }) => {
            Check::ok(NAME, format!("none now; the last was on {}", mountpoint.display()))
        }
        None => Check::ok(NAME, "none yet"),
    }
}

pub fn stale_mounts() -> Check {
    const NAME: &str = "stale mounts";
    let mounts = mountinfo::all().unwrap_or_default();
    let dead = |path: &PathBuf| mountpoint::is_dead(path).unwrap_or(false);
    let stale: Vec<PathBuf> = mounts.into_iter().map(|mount| mount.mountpoint).filter(dead).collect();
    match stale.first() {
        None => Check::ok(NAME, "none"),
        Some(path) => {
            let text = format!("{}: the process behind it has died", path.display());
            Check::warn(NAME, text, format!("mount there again, or: fusermount3 -uz {}", path.display()))
        }
    }
}
