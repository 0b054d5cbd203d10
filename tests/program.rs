//! The command line as scripts meet it: exit codes, messages, help.

use crate::common::Session;

fn stderr(output: &std::process::Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn errors_are_a_line_and_what_to_do_next() {
    let session = Session::unmounted(&[]);
    let done = session.run(["wait", "/proc"]);
    assert_eq!(done.status.code(), Some(69));
    let text = stderr(&done);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("echofs: ") && lines[1].starts_with("Next: "), "{text}");
}

#[test]
fn a_wrong_argument_is_a_usage_error() {
    let session = Session::unmounted(&[]);
    assert_eq!(session.run(["mount"]).status.code(), Some(2));
    assert_eq!(session.run(["model", "pull", "no-such-model"]).status.code(), Some(2));
}
