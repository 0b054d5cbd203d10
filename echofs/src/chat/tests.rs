//! Replies that are held open while their chat ends, or while something is forgotten.

use std::path::Path;

use echofs_indexer::conversations::Turn;
use echofs_inference::{Cancel, Completion, Error as Failure, Request, Status};

use super::*;
use crate::node::Control;
use crate::tree::{Context, control};
use crate::unmounted;
use crate::waiting::until;

const QUESTION: &str = "Where does the spare key of the boat shed hang?";

/// A model that says one thing, when the test lets it, also to who does not want it any more: it was done at that very moment.
struct Held {
    says: &'static str,
    /// How often it was asked, and how often it may speak.
    turns: Mutex<(usize, usize)>,
    changed: Condvar,
}

impl Held {
    fn new(says: &'static str) -> Arc<Held> {
        Arc::new(Held { says, turns: Mutex::default(), changed: Condvar::new() })
    }

    fn asked(&self) -> usize {
        self.turns.lock().expect("a number").0
    }

    fn let_go(&self, times: usize) {
        self.turns.lock().expect("a number").1 += times;
        self.changed.notify_all();
    }
}

impl Generator for Held {
    fn generate(&self, _: &Request, _: &Cancel, _: &mut dyn FnMut(&str)) -> Result<Completion, Failure> {
        let mut turns = self.turns.lock().expect("a number");
        turns.0 += 1;
        let mut turns = self.changed.wait_while(turns, |turns| turns.1 == 0).expect("a number");
        turns.1 -= 1;
        Ok(Completion { text: self.says.to_owned(), model: "held".to_owned(), ..Completion::default() })
    }

    fn model(&self) -> Option<String> {
        Some("held".to_owned())
    }

    fn status(&self) -> Status {
        let (state, model) = (echofs_inference::State::Idle, self.model());
        Status { state, queue: 0, restarts: 0, model, cpu: None, last_error: None }
    }
}

/// Everything that a mount has but the mount, around one note.
fn open(dir: &Path, model: &Arc<Held>) -> Context {
    let source = dir.join("src");
    fs::create_dir_all(&source).expect("a directory");
    fs::write(source.join("boat.md"), "# Boat\n\nThe spare key of the boat shed hangs behind the oilskins.\n")
        .expect("written");
    let cx = unmounted::open(dir, model.clone());
    until("the note is found", || {
        let counts = cx.index.counts();
        counts.scanned && counts.documents == 1 && counts.pending == 0
    });
    cx
}

/// Says something, and gives the session once the model is asked for the reply.
fn say(cx: &Context, model: &Held, text: &str) -> String {
    let session = cx.chats.open("walk").expect("a name");
    let writing = Writing::open(&cx.chats, &session, libc::O_APPEND).expect("opened");
    writing.write(0, format!("{text}\n").as_bytes()).expect("taken");
    drop(writing);
    until("the model is asked", || model.asked() == 1);
    session
}

fn turns(cx: &Context, session: &str) -> Vec<Turn> {
    cx.index.conversations().turns(session).expect("readable")
}

fn until_nobody_replies(cx: &Context) {
    until("nobody replies any more", || cx.chats.lock().replying.is_empty());
}

#[test]
fn a_reply_that_is_done_when_its_chat_has_ended_is_not_kept() {
    let (dir, model) = (tempfile::tempdir().expect("a directory"), Held::new("You're welcome!"));
    let cx = open(dir.path(), &model);
    let session = say(&cx, &model, "thanks");
    cx.chats.end("walk").expect("ended");
    model.let_go(1);
    until_nobody_replies(&cx);
    let roles: Vec<Role> = turns(&cx, &session).iter().map(|turn| turn.role).collect();
    assert_eq!(roles, [Role::User, Role::System]);
}

#[test]
fn a_reply_that_is_done_when_its_chat_was_deleted_does_not_bring_it_back() {
    let (dir, model) = (tempfile::tempdir().expect("a directory"), Held::new("You're welcome!"));
    let cx = open(dir.path(), &model);
    cx.index.conversations().hide_chats().expect("hidden");
    let session = say(&cx, &model, "thanks");
    cx.chats.end("walk").expect("ended");
    model.let_go(1);
    until_nobody_replies(&cx);
    assert_eq!(cx.index.conversations().session(&session).expect("readable"), None);
}

#[test]
fn a_reply_from_what_is_forgotten_meanwhile_is_made_anew_without_it() {
    let (dir, model) = (tempfile::tempdir().expect("a directory"), Held::new("behind the oilskins [1]"));
    let cx = open(dir.path(), &model);
    let session = say(&cx, &model, QUESTION);
    let order = dir.path().join("src/boat.md");
    control::obey(&cx, Control::Forget, &order.to_string_lossy()).expect("forgotten");
    let shown = cx.chats.take(&session, 0, 1 << 20).expect("readable").expect("the message");
    assert!(!String::from_utf8_lossy(&shown).contains("oilskins"), "not while the old one ends either");
    model.let_go(9);
    until_nobody_replies(&cx);
    let turns = turns(&cx, &session);
    assert_eq!(turns.len(), 2, "{turns:?}");
    assert!(turns.iter().all(|turn| !turn.content.contains("oilskins")), "{turns:?}");
}

#[test]
fn no_reply_is_made_while_something_is_forgotten() {
    let (dir, model) = (tempfile::tempdir().expect("a directory"), Held::new("behind the oilskins [1]"));
    let cx = open(dir.path(), &model);
    let session = say(&cx, &model, QUESTION);
    let forgetting = cx.chats.forgetting();
    model.let_go(9);
    // What is to be forgotten can still be found.
    until("the reply is stopped", || cx.chats.lock().replying.get(&session).is_none_or(|chat| !chat.is_replying()));
    cx.index.forget(&dir.path().join("src/boat.md")).expect("forgotten");
    assert_eq!((turns(&cx, &session).len(), model.asked()), (1, 1));
    drop(forgetting);
    until_nobody_replies(&cx);
    let turns = turns(&cx, &session);
    assert_eq!(turns.len(), 2, "{turns:?}");
    assert!(turns.iter().all(|turn| !turn.content.contains("oilskins")), "{turns:?}");
}
