//! How many threads a generation gets when nobody says.

use std::collections::BTreeSet;

/// The physical cores this process may run on; a second thread on one core makes llama.cpp slower, not faster.
pub fn physical_cores() -> usize {
    let allowed = std::thread::available_parallelism().map_or(1, usize::from);
    let cores: BTreeSet<String> = (0..1024).map_while(siblings).collect();
    match cores.len() {
        0 => allowed,
        count => count.min(allowed),
    }
}

/// The threads that share a core with this one, as the kernel writes them.
fn siblings(thread: usize) -> Option<String> {
    let path = format!("/sys/devices/system/cpu/cpu{thread}/topology/thread_siblings_list");
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
mod tests {
    #[test]
    fn there_is_at_least_one_core_and_no_more_than_threads() {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        assert!((1..=threads).contains(&super::physical_cores()));
    }
}
