//! Is the caller about to give something a new name?
//!
//! The kernel looks a name up before it makes a directory or renames to it, does not say why, and gives up when the
//! name is there. Where every name is there, as in `search/`, one has to look at what the caller is doing.
//! Source: proc_pid_syscall(5).

use std::fs;

/// System calls that make a directory or rename, and fail when the name is there.
const CALLS: &[i64] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_mkdir,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_rename,
    libc::SYS_mkdirat,
    libc::SYS_renameat,
    libc::SYS_renameat2,
];
/// How often a thread is looked at that does not sleep yet.
const TRIES: usize = 20;
/// Where the system does not show other programs' calls, these are told by their names.
const PROGRAMS: [&str; 2] = ["mkdir", "mv"];

/// Whether the thread `tid` is making a directory or renaming.
pub fn is_naming(tid: u32) -> bool {
    if tid == 0 {
        return false;
    }
    match current(tid) {
        Some(call) => CALLS.contains(&call),
        None => {
            let name = fs::read_to_string(format!("/proc/{tid}/comm")).unwrap_or_default();
            PROGRAMS.contains(&name.trim_end())
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
        let names = |call: i64| {
            number(&format!("{call} 0xffffff9c 0x7ffd 0x1ed 0x7ffe 0x7fff\n")).is_some_and(|call| CALLS.contains(&call))
        };
        assert!(names(libc::SYS_mkdirat) && names(libc::SYS_renameat2) && !names(libc::SYS_openat));
        assert_eq!(number("running\n"), None);
        assert_eq!(number("-1 0x7ffd 0x7f\n"), None);
        assert!(!is_naming(std::process::id()) && !is_naming(0));
    }
}
