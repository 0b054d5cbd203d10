//! A bar at a terminal; nothing elsewhere.

use std::io::{IsTerminal, Write};

const WIDTH: u64 = 30;

/// A bar on standard error.
pub struct Progress {
    terminal: bool,
    shown: Option<u64>,
}

impl Progress {
    /// Shown only where standard error is a terminal.
    pub fn new() -> Progress {
        Progress { terminal: std::io::stderr().is_terminal(), shown: None }
    }

    /// So much of all is done.
    pub fn at(&mut self, done: u64, all: u64) {
        let filled = bar(done, all);
        if self.terminal && self.shown != Some(done) {
            self.shown = Some(done);
            let (full, empty) = ("#".repeat(filled as usize), "-".repeat((WIDTH - filled) as usize));
            let _ = write!(std::io::stderr(), "\r  [{full}{empty}] {done} of {all} ");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r{}\r", " ".repeat(WIDTH as usize + 30));
        }
    }
}

fn bar(done: u64, all: u64) -> u64 {
    done.min(all).saturating_mul(WIDTH) / all.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_never_longer_than_its_frame() {
        assert_eq!([bar(0, 0), bar(0, 9), bar(3, 9), bar(9, 9), bar(12, 9)], [0, 0, 10, 30, 30]);
    }
}
