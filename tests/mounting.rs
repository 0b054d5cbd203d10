//! Mounting and unmounting: foreground, background, signals, and what a killed process leaves.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::common::{DEADLINE, Session, is_mounted, program, until};

const NOTE: (&str, &str) = ("boat.md", "# Boat\n\nThe spare key hangs behind the oilskins.\n");

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn signal(session: &Session, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(session.pid()).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, signal).expect("a child of ours");
}

/// In the background, as `echofs mount` is typed.
fn mount_in_background(session: &Session) -> Output {
    let mut command = session.command();
    command.arg("mount").arg(session.mountpoint()).arg("--source").arg(session.vault()).args(["--model", "none"]);
    command.output().expect("echofs starts")
}

#[test]
fn the_tree_is_there_and_goes() {
    let mut session = Session::with(&[NOTE]);
    assert!(session.list(".").contains(&"ask".to_owned()));
    assert!(is_mounted(&session.mountpoint()));
    assert!(session.status()["documents"].as_u64() >= Some(1));
    session.unmount();
    assert!(!is_mounted(&session.mountpoint()));
}

#[test]
fn the_background_returns_when_the_mount_answers() {
    let session = Session::unmounted(&[NOTE]);
    let done = mount_in_background(&session);
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(session.list(".").contains(&"search".to_owned()));
    let kind = fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    let line = kind.lines().find(|line| line.contains(session.mountpoint().to_str().expect("text"))).expect("a line");
    assert!(line.contains(" - fuse.echofs "), "{line}");
    let unmounted = session.run(["umount".as_ref(), session.mountpoint().as_os_str()]);
    assert!(unmounted.status.success(), "{}", stderr(&unmounted));
    assert!(!is_mounted(&session.mountpoint()));
}

#[test]
fn a_background_mount_that_fails_says_why() {
    let session = Session::unmounted(&[NOTE]);
    fs::write(session.at("precious.txt"), "x").expect("a file at the mount point");
    let done = mount_in_background(&session);
    assert_eq!(done.status.code(), Some(1));
    let text = stderr(&done);
    assert!(text.contains("is not empty") && text.lines().count() == 2, "{text}");
}

#[test]
fn one_data_directory_is_mounted_once() {
    let session = Session::with(&[NOTE]);
    let other = session.vault().with_file_name("other");
    let done = session.run(["mount".as_ref(), other.as_os_str(), "--foreground".as_ref()]);
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains(&format!("by process {}", session.pid())), "{}", stderr(&done));
    assert!(!is_mounted(&other));
}

#[test]
fn signals_unmount() {
    for number in [Signal::TERM, Signal::INT] {
        let mut session = Session::with(&[NOTE]);
        signal(&session, number);
        until("the mount goes after a signal", DEADLINE, || !is_mounted(&session.mountpoint()));
        assert!(session.ended().success(), "{}", session.log());
    }
}

#[test]
fn a_signal_detaches_a_mount_in_use() {
    let mut session = Session::with(&[NOTE]);
    let held = File::open(session.mountpoint()).expect("the mount is a directory");
    signal(&session, Signal::TERM);
    until("the mount goes although it is in use", DEADLINE, || !is_mounted(&session.mountpoint()));
    assert!(session.ended().success(), "{}", session.log());
    drop(held);
}

#[test]
fn umount_names_the_reason_when_it_is_in_use() {
    let mut session = Session::with(&[NOTE]);
    let held = File::open(session.mountpoint()).expect("the mount is a directory");
    let done = session.run(["umount".as_ref(), session.mountpoint().as_os_str()]);
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("in use"), "{}", stderr(&done));
    assert!(is_mounted(&session.mountpoint()));
    drop(held);
    session.unmount();
}

#[test]
fn a_killed_mount_is_healed_by_the_next() {
    let mut session = Session::with(&[NOTE]);
    session.kill();
    assert!(is_mounted(&session.mountpoint()), "a kill leaves the mount behind");
    session.mount();
    session.wait_for_words();
    assert!(session.read("search/spare key/results.txt").contains("boat.md"));
}

#[test]
fn wait_gives_up_with_75() {
    let mut session = Session::unmounted(&[]);
    for number in 0..500 {
        session.write(&format!("{number}.md"), format!("# Note {number}\n\nText of note {number}.\n"));
    }
    session.mount();
    let done = session.run(["wait".as_ref(), session.mountpoint().as_os_str(), "--timeout".as_ref(), "0".as_ref()]);
    assert_eq!(done.status.code(), Some(75), "{}", stderr(&done));
    assert!(stderr(&done).contains("Next: "), "{}", stderr(&done));
}

#[test]
fn only_the_owner_sees_the_data() {
    let session = Session::with(&[NOTE]);
    let mut directories = vec![session.data()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).expect("a directory of ours") {
            let entry = entry.expect("an entry");
            let metadata = entry.metadata().expect("metadata");
            let open = metadata.permissions().mode() & 0o077;
            assert!(open == 0 || metadata.is_symlink(), "{} is open to others: {open:o}", entry.path().display());
            if metadata.is_dir() {
                directories.push(entry.path());
            }
        }
    }
}

#[test]
fn search_and_status_work_without_a_mount() {
    let mut session = Session::with(&[NOTE]);
    let mounted = session.run(["search", "oilskins"]);
    assert!(String::from_utf8_lossy(&mounted.stdout).contains("boat.md:"), "{}", stderr(&mounted));
    session.unmount();
    let alone = session.run(["search", "oilskins"]);
    assert_eq!(String::from_utf8_lossy(&alone.stdout), String::from_utf8_lossy(&mounted.stdout), "{}", stderr(&alone));
    let status = session.run(["status", "--json"]);
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).expect("JSON");
    assert_eq!(status["state"], "unmounted");
}

#[test]
fn fstab_options_are_understood() {
    let session = Session::unmounted(&[NOTE]);
    let options = format!("ro,data={},source={},model=none", session.data().display(), session.vault().display());
    let mut command = Command::new(program());
    command.arg("mount").arg(session.mountpoint()).args(["-o", &options]);
    let done = command.output().expect("echofs starts");
    assert!(done.status.success(), "{}", stderr(&done));
    let refused = File::create(session.at("knowledge/notes/x.md"));
    assert_eq!(refused.expect_err("read-only").kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    let done = session.run(["umount".as_ref(), session.mountpoint().as_os_str()]);
    assert!(done.status.success(), "{}", stderr(&done));
    until("the process is gone", Duration::from_secs(20), || !is_mounted(&session.mountpoint()));
}
