//! What a command says when it fails: one line with the cause, one line with what to do, and an exit code.

use std::fmt;

use echofs_inference::gguf::printable;

/// Exit codes, as `echofs --help` lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Something went wrong.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// There is no mount, no program or no model where one is needed.
    Unavailable = 69,
    /// The time given was not enough.
    TimedOut = 75,
}

/// A cause with advice.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong.
    pub cause: anyhow::Error,
    /// What to do about it.
    pub next: String,
    /// What the process ends with.
    pub exit: Exit,
}

/// Result of a subcommand.
pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    /// A failure with its own words.
    pub fn new(exit: Exit, cause: impl fmt::Display, next: impl Into<String>) -> Failure {
        Failure { cause: anyhow::anyhow!("{cause}"), next: next.into(), exit }
    }

    /// The two lines, without what would steer a terminal: a cause may hold words of a file or of a server.
    pub fn printable(&self) -> String {
        self.to_string().lines().map(printable).collect::<Vec<_>>().join("\n")
    }

    /// Whether a reader went away (`echofs search x | head`), which is no failure.
    pub fn is_broken_pipe(&self) -> bool {
        let broken = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
        self.cause.chain().any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(broken))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}\nNext: {}", self.cause, self.next)
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(cause: E) -> Failure {
        Failure { cause: cause.into(), next: "run `echofs doctor`".into(), exit: Exit::Failed }
    }
}

/// Adds advice to an error.
pub trait Advise<T> {
    /// The same result; its error says what to do next.
    fn advise(self, next: impl Into<String>) -> Outcome<T>;
}

impl<T, E: Into<anyhow::Error>> Advise<T> for Result<T, E> {
    fn advise(self, next: impl Into<String>) -> Outcome<T> {
        self.map_err(|cause| Failure { cause: cause.into(), next: next.into(), exit: Exit::Failed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_two_lines() {
        let failure = Failure::new(Exit::Unavailable, "nothing is mounted on /x", "echofs mount /x");
        assert_eq!(failure.to_string(), "nothing is mounted on /x\nNext: echofs mount /x");
    }

    #[test]
    fn a_cause_does_not_steer_a_terminal() {
        let failure = Failure::new(Exit::Failed, "no model: \u{1b}]0;x\u{7}", "echofs \u{9b}2J");
        assert_eq!(failure.printable(), "no model:  ]0;x \nNext: echofs  2J");
    }

    #[test]
    fn a_reader_that_left_is_recognised_below_context() {
        let error = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let failure = Failure::from(anyhow::Error::from(error).context("writing"));
        assert!(failure.is_broken_pipe());
    }
}
