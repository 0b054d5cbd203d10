//! Kept states on a real model: they save time and change nothing.

use std::path::{Path, PathBuf};

use echofs_inference::{Generator, Message, Part, Request, Role};

use crate::common::{Fixture, ask, long_text};

fn keeping(directory: &Path) -> Fixture {
    Fixture::with(|config| config.states = Some(directory.into()))
}

/// A turn of a conversation with a long beginning.
fn turn(question: &str) -> Request {
    let system = format!("You are a helpful assistant. Know this: {}", long_text(300));
    let told = format!("{} {question}", long_text(150));
    let message = |role, part| Message { role, parts: vec![part] };
    let messages = vec![message(Role::System, Part::Text(system)), message(Role::User, Part::Data(told))];
    Request { messages, max_tokens: 12, conversation: Some("garden".into()), ..Request::default() }
}

fn full_files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let full = entries.map(|entry| entry.path()).filter(|path| path.metadata().is_ok_and(|meta| meta.len() > 0));
    let mut full: Vec<PathBuf> = full.collect();
    full.sort();
    full
}

#[test]
fn after_a_restart_the_state_is_fetched_and_the_text_is_the_same() {
    let dir = tempfile::tempdir().expect("a directory");
    let states = dir.path().join("states");
    let requests = [turn("What do you know?"), turn("Which word came first?")];
    let fresh: Vec<String> = requests.iter().map(|request| Fixture::new().text(request)).collect();
    let first = keeping(&states);
    let cold = first.say(&requests[0]).expect("a completion");
    assert_eq!(cold.text, fresh[0]);
    first.settle();
    drop(first);
    assert_eq!(full_files(&states).len(), 2, "the opening and the conversation");
    let second = keeping(&states);
    second.say(&ask("Hi", 1)).expect("loaded");
    for (request, expected) in requests.iter().zip(&fresh) {
        let warm = second.say(request).expect("a completion");
        assert_eq!(&warm.text, expected);
        assert!(warm.first_token_ms < cold.first_token_ms * 0.6, "{} {}", warm.first_token_ms, cold.first_token_ms);
        assert!(warm.kept_tokens > 300 && cold.kept_tokens == 0, "{} {}", warm.kept_tokens, cold.kept_tokens);
    }
}

#[test]
fn damaged_swapped_and_cut_files_fall_back_to_reading() {
    let dir = tempfile::tempdir().expect("a directory");
    let states = dir.path().join("states");
    let request = turn("What do you know?");
    let first = keeping(&states);
    let expected = first.text(&request);
    first.settle();
    drop(first);
    let damages: [fn(&[PathBuf]); 4] = [
        |files| files.iter().for_each(|file| flip(file, 0.5)),
        |files| files.iter().for_each(|file| flip(file, 0.001)),
        |files| files.iter().for_each(|file| cut(file)),
        |files| {
            let swap = files[0].with_extension("swap");
            std::fs::rename(&files[0], &swap).expect("moved");
            std::fs::rename(&files[1], &files[0]).expect("moved");
            std::fs::rename(&swap, &files[1]).expect("moved");
        },
    ];
    for damage in damages {
        damage(&full_files(&states));
        let service = keeping(&states);
        assert_eq!(service.text(&request), expected);
        assert_eq!(service.client.status().restarts, 0);
        service.settle();
        drop(service);
        assert_eq!(full_files(&states).len(), 2, "kept anew");
    }
}

fn flip(file: &Path, at: f64) {
    let mut bytes = std::fs::read(file).expect("readable");
    let at = (bytes.len() as f64 * at) as usize;
    bytes[at] ^= 0x10;
    std::fs::write(file, bytes).expect("written");
}

fn cut(file: &Path) {
    let bytes = std::fs::read(file).expect("readable");
    std::fs::write(file, &bytes[..bytes.len() / 2]).expect("written");
}

#[test]
fn a_state_of_another_model_is_not_used() {
    let dir = tempfile::tempdir().expect("a directory");
    let states = dir.path().join("states");
    let service = keeping(&states);
    let expected = service.text(&turn("What do you know?"));
    // The same weights with some bytes behind them.
    let copy = dir.path().join("copy.gguf");
    let mut bytes = std::fs::read(crate::common::model()).expect("readable");
    bytes.extend_from_slice(&[0; 32]);
    std::fs::write(&copy, bytes).expect("written");
    service.client.set_model(Some(copy));
    assert_eq!(service.text(&turn("What do you know?")), expected);
    service.settle();
    drop(service);
    assert_eq!(full_files(&states).len(), 4, "each model has its own");
}

#[test]
fn what_is_forgotten_is_in_no_file_and_in_no_memory() {
    let dir = tempfile::tempdir().expect("a directory");
    let states = dir.path().join("states");
    let service = keeping(&states);
    let request = turn("What do you know?");
    let cold = service.say(&request).expect("a completion");
    service.client.forget();
    assert_eq!(full_files(&states), Vec::<PathBuf>::new());
    let again = service.say(&request).expect("a completion");
    assert_eq!(again.text, cold.text);
    service.settle();
    drop(service);
    assert!(!full_files(&states).is_empty());
    let idle = keeping(&states);
    idle.client.forget();
    assert_eq!(full_files(&states), Vec::<PathBuf>::new(), "also without a service");
    assert!(!idle.socket().exists(), "none was started for this");
}
