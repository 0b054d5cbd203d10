//! Has the program that waits for us been told to stop?
//!
//! The kernel stops sending FUSE_INTERRUPT once it was answered ENOSYS, which fuser always does, so a waiting
//! read looks at the pending signals of its caller itself. Source: proc_pid_status(5), SigPnd, ShdPnd.

use std::fs;

const fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// SIGKILL shows that the kernel is going to end the process, whichever signal the reason was.
const ENDING: u64 =
    bit(libc::SIGKILL) | bit(libc::SIGINT) | bit(libc::SIGTERM) | bit(libc::SIGHUP) | bit(libc::SIGQUIT);

/// Whether a signal that ends or interrupts the thread `tid` is pending, or the thread is gone.
/// Always false for 0, a thread of another pid namespace.
pub fn is_pending(tid: u32) -> bool {
    if tid == 0 {
        return false;
    }
    match fs::read_to_string(format!("/proc/{tid}/status")) {
        Ok(status) => pending(&status) & ENDING != 0,
        Err(_) => true,
    }
}

fn pending(status: &str) -> u64 {
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0)
    };
    let held_back = (field("SigBlk:") | field("SigIgn:")) & !bit(libc::SIGKILL);
    (field("SigPnd:") | field("ShdPnd:")) & !held_back
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_without_signals_goes_on() {
        assert!(!is_pending(std::process::id()));
        assert!(!is_pending(0));
    }

    #[test]
    fn pending_reads_both_masks() {
        let check = |status: &str, want: bool| assert_eq!(pending(status) & ENDING != 0, want, "{status}");
        check("SigPnd:\t0000000000000000\nShdPnd:\t0000000000000002\n", true);
        check("SigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n", true);
        check("SigPnd:\t0000000000000000\nShdPnd:\t0000000000010000\n", false);
        check("ShdPnd:\t0000000000000002\nSigBlk:\t0000000000000002\n", false);
        check("ShdPnd:\t0000000000000100\nSigBlk:\t0000000000000100\n", true);
    }
}
