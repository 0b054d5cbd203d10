//! Kept states, and what is left of them when their files are damaged.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;

const PIECE: usize = 4;

fn key(fingerprint: &str, tokens: impl IntoIterator<Item = i32>, conversation: Option<&str>) -> Key {
    let conversation = conversation.map(str::to_owned);
    Key { fingerprint: fingerprint.into(), tokens: tokens.into_iter().collect(), fixed: 4, conversation }
}

fn prompt(tokens: impl IntoIterator<Item = i32>) -> Reading {
    Reading { tokens: tokens.into_iter().collect(), fixed: 4, ..Reading::default() }
}

fn on_disk(directory: &Path, budget: u64) -> States {
    States::new(Some(Slots::open(directory, budget).expect("opened")))
}

fn put(states: &States, key: Key, state: Vec<u8>) {
    states.put(key, state, states.forgotten());
}

fn found(states: &States, fingerprint: &str, prompt: &Reading) -> Option<(usize, Vec<u8>)> {
    states.find(fingerprint, prompt, PIECE, 0).map(|(count, _, state)| (count, state.to_vec()))
}

/// The one file that holds something.
fn full_file(directory: &Path) -> std::path::PathBuf {
    let entries = std::fs::read_dir(directory).expect("a directory").flatten();
    let mut full = entries.map(|entry| entry.path()).filter(|path| path.metadata().is_ok_and(|meta| meta.len() > 0));
    full.next().expect("a full file")
}

#[test]
fn the_state_with_most_of_the_prompt_is_found_by_its_fingerprint() {
    let states = States::new(None);
    put(&states, key("a", 0..4, None), b"opening".to_vec());
    put(&states, key("a", 0..12, None), b"more".to_vec());
    put(&states, key("b", 0..16, None), b"other model".to_vec());
    assert_eq!(found(&states, "a", &prompt(0..20)), Some((12, b"more".to_vec())));
    assert_eq!(found(&states, "a", &prompt((0..8).chain(50..60))), Some((8, b"more".to_vec())));
    assert_eq!(found(&states, "b", &prompt(0..20)), Some((16, b"other model".to_vec())));
    assert_eq!(found(&states, "c", &prompt(0..20)), None);
    assert_eq!(found(&states, "a", &prompt(7..20)), None);
    assert!(states.find("a", &prompt(0..20), PIECE, 12).is_none(), "no better than what is there");
}

#[test]
fn a_conversation_has_one_state() {
    let states = States::new(None);
    put(&states, key("a", 0..8, Some("garden")), b"first".to_vec());
    put(&states, key("a", 0..16, Some("garden")), b"second".to_vec());
    put(&states, key("a", 0..16, Some("work")), b"other".to_vec());
    assert_eq!(states.lock().memory.len(), 1, "equal tokens need one state");
    assert!(!states.has("a", &(0..8).collect::<Vec<_>>()));
}

#[test]
fn what_a_state_makes_useless_is_in_no_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let states = on_disk(dir.path(), 1 << 20);
    put(&states, key("a", 0..8, Some("garden")), b"first".to_vec());
    put(&states, key("a", 0..16, Some("work")), b"other".to_vec());
    // The same tokens as one, a turn of the other.
    put(&states, key("a", 0..16, Some("garden")), b"second".to_vec());
    drop(states);
    let slots = Slots::open(dir.path(), 1 << 20).expect("opened");
    assert_eq!(slots.keys().collect::<Vec<_>>(), [&key("a", 0..16, Some("garden"))]);
}

#[test]
fn states_survive_a_restart_in_files_of_their_owner() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("states");
    put(&on_disk(&path, 1 << 20), key("a", 0..8, Some("garden")), vec![7; 1000]);
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&full_file(&path))), (0o700, 0o600));
    assert_eq!(found(&on_disk(&path, 1 << 20), "a", &prompt(0..9)), Some((8, vec![7; 1000])));
}

#[test]
fn every_byte_that_is_changed_is_noticed_and_costs_only_the_state() {
    let dir = tempfile::tempdir().expect("a directory");
    put(&on_disk(dir.path(), 1 << 20), key("a", 0..8, None), vec![7; 200]);
    let file = full_file(dir.path());
    let whole = std::fs::read(&file).expect("readable");
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&file, &damaged).expect("written");
        let states = on_disk(dir.path(), 1 << 20);
        assert_eq!(found(&states, "a", &prompt(0..9)), None, "byte {at}");
        put(&states, key("a", 0..8, None), vec![8; 200]);
        assert_eq!(found(&states, "a", &prompt(0..9)), Some((8, vec![8; 200])), "kept anew");
        states.forget();
    }
}

#[test]
fn a_file_cut_anywhere_is_noticed() {
    let dir = tempfile::tempdir().expect("a directory");
    put(&on_disk(dir.path(), 1 << 20), key("a", 0..8, None), vec![7; 200]);
    let file = full_file(dir.path());
    let whole = std::fs::read(&file).expect("readable");
    for length in 0..whole.len() {
        std::fs::write(&file, &whole[..length]).expect("written");
        assert_eq!(found(&on_disk(dir.path(), 1 << 20), "a", &prompt(0..9)), None, "{length} bytes");
    }
    std::fs::write(&file, [&whole[..], b"more"].concat()).expect("written");
    assert_eq!(found(&on_disk(dir.path(), 1 << 20), "a", &prompt(0..9)), None);
}

#[test]
fn a_file_changed_while_the_service_runs_is_noticed() {
    let dir = tempfile::tempdir().expect("a directory");
    let states = on_disk(dir.path(), 1 << 20);
    put(&states, key("a", 0..8, None), vec![1; 200]);
    let first = full_file(dir.path());
    put(&states, key("b", 0..8, None), vec![2; 200]);
    states.release();
    let other = dir.path().join("01.state");
    assert_ne!(first, other);
    // Swapped: each is whole, and neither is what it should be.
    let (one, two) = (std::fs::read(&first).expect("read"), std::fs::read(&other).expect("read"));
    std::fs::write(&first, two).expect("written");
    std::fs::write(&other, one).expect("written");
    assert_eq!(found(&states, "a", &prompt(0..9)), None);
    assert_eq!(found(&states, "b", &prompt(0..9)), None);
}

#[test]
fn files_swapped_between_runs_are_found_under_their_own_names() {
    let dir = tempfile::tempdir().expect("a directory");
    let states = on_disk(dir.path(), 1 << 20);
    put(&states, key("a", 0..8, None), vec![1; 200]);
    put(&states, key("b", 0..8, None), vec![2; 200]);
    drop(states);
    let swap = |from: &str, to: &str| std::fs::rename(dir.path().join(from), dir.path().join(to)).expect("renamed");
    swap("00.state", "x");
    swap("01.state", "00.state");
    swap("x", "01.state");
    let states = on_disk(dir.path(), 1 << 20);
    assert_eq!(found(&states, "a", &prompt(0..9)), Some((8, vec![1; 200])));
    assert_eq!(found(&states, "b", &prompt(0..9)), Some((8, vec![2; 200])));
}

#[test]
fn the_disk_budget_holds_and_the_state_unused_for_longest_goes_first() {
    let dir = tempfile::tempdir().expect("a directory");
    let budget = 10_000;
    let states = on_disk(dir.path(), budget);
    let used = || -> u64 {
        let entries = std::fs::read_dir(dir.path()).expect("a directory").flatten();
        entries.map(|entry| entry.metadata().map_or(0, |meta| meta.len())).sum()
    };
    for number in 0..20 {
        put(&states, key(&number.to_string(), 0..8, None), vec![7; 2000]);
        states.release();
        assert!(found(&states, "0", &prompt(0..9)).is_some(), "0 is used again and again, after {number}");
        assert!(used() <= budget);
    }
    assert!(found(&states, "1", &prompt(0..9)).is_none());
    assert!(found(&states, "19", &prompt(0..9)).is_some());
    put(&states, key("huge", 0..8, None), vec![7; 9000]);
    states.release();
    assert!(found(&states, "huge", &prompt(0..9)).is_none(), "it would push out everything else");
}

#[test]
fn the_memory_budget_holds() {
    let states = States::new(None);
    for number in 0..6 {
        put(&states, key(&number.to_string(), 0..8, None), vec![0; MEMORY / 4]);
    }
    assert_eq!(states.lock().memory.len(), 4);
    assert!(found(&states, "5", &prompt(0..9)).is_some() && found(&states, "0", &prompt(0..9)).is_none());
}

#[test]
fn forgetting_leaves_no_byte() {
    let dir = tempfile::tempdir().expect("a directory");
    let states = on_disk(dir.path(), 1 << 20);
    put(&states, key("a", 0..8, Some("garden")), b"a secret".to_vec());
    states.forget();
    assert_eq!((found(&states, "a", &prompt(0..9)), states.forgotten()), (None, 1));
    let files = std::fs::read_dir(dir.path()).expect("a directory").flatten();
    assert!(files.map(|entry| entry.metadata().map_or(1, |meta| meta.len())).all(|length| length == 0));
}

#[test]
fn what_was_computed_before_all_was_forgotten_is_not_kept_after_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let states = on_disk(dir.path(), 1 << 20);
    let since = states.forgotten();
    states.forget();
    states.put(key("a", 0..8, Some("garden")), b"a secret".to_vec(), since);
    assert_eq!(found(&states, "a", &prompt(0..9)), None);
    let files = std::fs::read_dir(dir.path()).expect("a directory").flatten();
    assert!(files.map(|entry| entry.metadata().map_or(1, |meta| meta.len())).all(|length| length == 0));
    put(&states, key("a", 0..8, Some("garden")), b"new".to_vec());
    assert_eq!(found(&states, "a", &prompt(0..9)), Some((8, b"new".to_vec())));
}

#[test]
fn a_directory_is_used_by_one_service_at_a_time() {
    let dir = tempfile::tempdir().expect("a directory");
    let _first = Slots::open(dir.path(), 1000).expect("opened");
    assert_eq!(Slots::open(dir.path(), 1000).map(drop).map_err(|e| e.kind()), Err(io::ErrorKind::WouldBlock));
}
