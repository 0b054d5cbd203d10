//! How the threads that compute share the processor with all others.

use std::io;

use rustix::process::nice;

/// `IOPRIO_WHO_PROCESS` of ioprio_set(2).
const THIS_THREAD: libc::c_int = 1;
/// `IOPRIO_CLASS_IDLE` in its place among the bits: the disk is used when nobody else uses it.
const IDLE: libc::c_int = 3 << 13;
/// Nanoseconds of a turn of a thread that computes; the kernel's own choice is about 3 ms.
const TURN: u64 = 20_000_000;

/// Gives this thread, and those it starts from now on, the lowest priority for processor and disk, for good.
pub fn lower_this_thread() {
    // On Linux a thread has a niceness of its own, whatever POSIX says.
    if let Err(error) = nice(19) {
        log::warn!("background work runs at the usual priority: {error}");
    }
    // SAFETY: takes no pointers; 0 stands for the calling thread.
    if unsafe { libc::syscall(libc::SYS_ioprio_set, THIS_THREAD, 0, IDLE) } != 0 {
        log::debug!("background work reads the disk at the usual priority: {}", io::Error::last_os_error());
    }
}

/// How long this thread, and those it starts from now on, work at a stretch. Their share of the processor stays the same, but one that
/// wakes up and has shorter turns goes first: without this, whoever lists a directory waits for the end of a step of the model.
/// Linux before 6.12 knows no such thing. Source: "Custom slice for SCHED_OTHER", the kernel's documentation of EEVDF.
pub fn take_long_turns() {
    if let Err(error) = turns().and_then(|attributes| set_turns(libc::sched_attr { sched_runtime: TURN, ..attributes }))
    {
        log::debug!("generation has turns of the usual length: {error}");
    }
}

/// How this thread is scheduled.
fn turns() -> io::Result<libc::sched_attr> {
    let size = size_of::<libc::sched_attr>() as u32;
    // SAFETY: a structure of numbers, for which 0 is valid.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is as large as is said, and lives longer than the call; 0 stands for the calling thread.
    match unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) } {
        0 => Ok(attributes),
        _ => Err(io::Error::last_os_error()),
    }
}

fn set_turns(mut attributes: libc::sched_attr) -> io::Result<()> {
    // What getattr gives as the size may be less, if the kernel knows less.
    attributes.sched_flags = 0;
    // SAFETY: as above; the call only reads the structure.
    match unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_turns_are_taken_where_the_kernel_knows_them() {
        let usual = turns().expect("every kernel tells");
        let long = std::thread::spawn(|| {
            take_long_turns();
            turns().expect("every kernel tells").sched_runtime
        });
        let long = long.join().expect("no panic");
        assert!(usual.sched_runtime == 0 || long == TURN, "{} became {long}", usual.sched_runtime);
        assert_eq!(turns().expect("every kernel tells").sched_runtime, usual.sched_runtime, "others keep theirs");
    }

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
