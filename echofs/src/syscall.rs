//! Is the caller about to give something a new name?
//!
//! The kernel looks a name up before it makes a directory or renames to it, does not say why, and gives up when the
//! name is there. Where every name is there, as in `search/`, one has to look at what the caller is doing.
//! Source: proc_pid_syscall(5).

use std::fs;

/// What a caller is about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Making {
    /// Make a directory.
    Directory,
    /// Rename.
    Rename,
}

/// System calls that fail when the name is there.
const CALLS: &[(i64, Making)] = &[
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_mkdir, Making::Directory),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_rename, Making::Rename),
    (libc::SYS_mkdirat, Making::Directory),
    (libc::SYS_renameat, Making::Rename),
    (libc::SYS_renameat2, Making::Rename),
];
/// How often a thread is looked at that does not sleep yet.
const TRIES: usize = 20;
/// Where the system does not show other programs' calls, these are told by their names.
const PROGRAMS: [(&str, Making); 2] = [("mkdir", Making::Directory), ("mv", Making::Rename)];

/// Whether the thread `tid` is making a directory or renaming.
pub fn making(tid: u32) -> Option<Making> {
    if tid == 0 {
        return None;
    }
    match current(tid) {
        Some(call) => CALLS.iter().find(|(known, _)| *known == call).map(|(_, making)| *making),
        None => {
            let name = fs::read_to_string(format!("/proc/{tid}/comm")).ok()?;
            PROGRAMS.iter().find(|(known, _)| *known == name.trim_end()).map(|(_, making)| *making)
        }
    }
}

/// Whether the thread `tid` is of `mv`, which removes what it has copied or is about to copy to.
pub fn is_mv(tid: u32) -> bool {
    tid != 0 && fs::read_to_string(format!("/proc/{tid}/comm")).is_ok_and(|name| name.trim_end() == "mv")
}

/// The call that the thread is in; `None` where the system does not say.
fn current(tid: u32) -> Option<i64> {
    for _ in 0..TRIES {
        let line = fs::read_to_string(format!("/proc/{tid}/syscall")).ok()?;
        if let Some(call) = number(&line) {
            return Some(call);
        }
        // It waits for us, so it sleeps as soon as it has had the processor.
        std::thread::yield_now();
    }
    None
}

fn number(line: &str) -> Option<i64> {
    line.split_whitespace().next()?.parse().ok().filter(|call| *call >= 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_by_their_numbers() {
        let call = |line: &str| {
            let call = number(line)?;
            CALLS.iter().find(|(known, _)| *known == call).map(|(_, making)| *making)
        };
        let line = |call: i64| format!("{call} 0xffffff9c 0x7ffd 0x1ed 0x7ffe 0x7fff\n");
        assert_eq!(call(&line(libc::SYS_mkdirat)), Some(Making::Directory));
        assert_eq!(call(&line(libc::SYS_renameat2)), Some(Making::Rename));
        assert_eq!(call(&line(libc::SYS_openat)), None);
        assert_eq!(number("running\n"), None);
        assert_eq!(number("-1 0x7ffd 0x7f\n"), None);
        assert_eq!((making(std::process::id()), making(0)), (None, None));
    }
}
