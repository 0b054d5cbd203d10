//! The lowest priority for work that nobody waits for.

use rustix::process::nice;

/// `IOPRIO_WHO_PROCESS` of ioprio_set(2).
const THIS_THREAD: libc::c_int = 1;
/// `IOPRIO_CLASS_IDLE` in its place among the bits: the disk is used when nobody else uses it.
const IDLE: libc::c_int = 3 << 13;

/// Gives this thread, and those it starts from now on, the lowest priority for processor and disk, for good.
pub fn lower_this_thread() {
    // On Linux a thread has a niceness of its own, whatever POSIX says.
    if let Err(error) = nice(19) {
        log::warn!("background work runs at the usual priority: {error}");
    }
    // SAFETY: takes no pointers; 0 stands for the calling thread.
    if unsafe { libc::syscall(libc::SYS_ioprio_set, THIS_THREAD, 0, IDLE) } != 0 {
        log::debug!("background work reads the disk at the usual priority: {}", std::io::Error::last_os_error());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_lowered_and_the_others_are_not() {
        let niceness = || {
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap_or_default();
            let fields = stat.rsplit_once(") ").map(|(_, rest)| rest.to_owned()).unwrap_or_default();
            fields.split(' ').nth(16).and_then(|nice| nice.parse::<i32>().ok())
        };
        let before = niceness();
        let lowered = std::thread::spawn(move || {
            lower_this_thread();
            // SAFETY: takes no pointers.
            let disk = unsafe { libc::syscall(libc::SYS_ioprio_get, THIS_THREAD, 0) };
            (niceness(), disk)
        });
        assert_eq!(lowered.join().ok(), Some((Some(19), i64::from(IDLE))));
        assert_eq!(niceness(), before);
    }
}
