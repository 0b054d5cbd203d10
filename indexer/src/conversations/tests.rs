//! Adding, recognising, forgetting, and what a crash leaves.

use std::fs;

use jiff::Timestamp;

use super::*;

fn turn(session: &str, role: &str, content: &str) -> Turn {
    let value = serde_json::json!({"role": role, "content": content, "session": session});
    let at: Timestamp = "2026-03-14T09:00:00Z".parse().unwrap();
    Turn::from_value(&value, session, at).unwrap()
}

fn talk(session: &str, contents: &[&str]) -> Vec<Turn> {
    let roles = ["user", "assistant"].iter().cycle();
    contents.iter().zip(roles).map(|(content, role)| turn(session, role, content)).collect()
}

fn kept(store: &Conversations) -> Vec<(String, Vec<String>)> {
    let places: Vec<String> = store.known(|known| known.places().cloned().collect()).unwrap();
    let contents = |place: &String| crate::lines::read(&store.turns_file(place), Turn::from_line).unwrap();
    places.iter().map(|p| (p.clone(), contents(p).into_iter().map(|turn| turn.content).collect())).collect()
}

#[test]
fn a_session_goes_on_where_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    store.append(&talk("s", &["Which oven?", "The black one."])).unwrap();
    store.append(&[turn("t", "user", "Which oven?")]).unwrap();
    drop(store);
    let store = Conversations::open(dir.path()).unwrap();
    store.append(&[turn("s", "user", "Why?")]).unwrap();
    let want = [
        ("2026/03/14-which-oven", vec!["Which oven?", "The black one.", "Why?"]),
        ("2026/03/14-which-oven-2", vec!["Which oven?"]),
    ];
    assert_eq!(kept(&store), want.map(|(p, c)| (p.into(), c.into_iter().map(str::to_owned).collect::<Vec<_>>())));
}

#[test]
fn what_is_known_is_not_added_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let check = |session, name: &str, contents: &[&str], created, turns| {
        let added = store.add(session, &talk(name, contents)).unwrap();
        assert_eq!((added.created, added.turns), (created, turns), "{contents:?}");
    };
    check(Some("c1"), "c1", &["a", "b"], true, 2);
    check(Some("c1"), "c1", &["a", "b"], false, 0);
    check(Some("c1"), "c1", &["a", "b", "a", "b"], false, 2);
    check(Some("c2"), "c2", &["a", "b"], true, 2);
    check(None, "file", &["x", "y", "z"], true, 3);
    check(None, "other", &["x", "y"], false, 0);
    check(None, "other", &["x", "y", "z", "w"], false, 1);
    check(None, "file", &["x", "y", "else"], true, 3);
    check(None, "one", &["alone"], true, 1);
    check(None, "one", &["alone", "no more"], false, 1);
    check(None, "one", &["alone", "no more"], false, 0);
    let reopened = Conversations::open(dir.path()).unwrap();
    assert_eq!(reopened.add(None, &talk("other", &["x", "y", "z", "w"])).unwrap().turns, 0);
    assert_eq!(reopened.add(None, &talk("single", &["x"])).unwrap().turns, 0);
    assert_eq!(reopened.add(Some("c1"), &talk("c1", &["a"])).unwrap().turns, 0);
}

#[test]
fn the_forgotten_is_gone_and_not_imported_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    store.add(Some("c"), &talk("c", &["the axolotl", "sleeps"])).unwrap();
    store.add(Some("d"), &talk("d", &["the capybara", "swims"])).unwrap();
    let page = store.page("2026/03/14-the-axolotl");
    assert_eq!(store.forget(&page).unwrap(), 1);
    assert_eq!(kept(&store).len(), 1);
    for store in [store, Conversations::open(dir.path()).unwrap()] {
        assert!(store.add(Some("c"), &talk("c", &["the axolotl", "sleeps", "well"])).unwrap().forgotten);
        assert!(store.add(None, &talk("x", &["the axolotl", "sleeps"])).unwrap().forgotten);
        assert_eq!(kept(&store).len(), 1);
    }
    let mut todo = vec![dir.path().to_owned()];
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            match entry.path().is_dir() {
                true => todo.push(entry.path()),
                false => assert!(!fs::read_to_string(entry.path()).unwrap().contains("axolotl"), "{entry:?}"),
            }
        }
    }
}

#[test]
fn only_the_forgotten_conversation_of_a_file_stays_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let said = ["hi", "hello", "the axolotl", "sleeps"];
    store.add(None, &talk("programmes", &said)).unwrap();
    store.forget(&store.page("2026/03/14-hi")).unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let check = |session, contents: &[&str], forgotten| {
        let added = store.add(session, &talk(session.unwrap_or("programmes"), contents)).unwrap();
        assert_eq!(added.forgotten, forgotten, "{session:?} {contents:?}");
    };
    check(None, &said, true);
    check(None, &said[..2], true);
    check(None, &["hi", "hello", "the axolotl", "sleeps", "well"], true);
    check(Some("c9"), &said, true);
    check(Some("c9"), &["hi", "hello", "the axolotl", "sleeps", "well"], true);
    check(None, &["hi", "hello", "the capybara"], false);
    check(None, &["another", "one"], false);
    check(Some("c9"), &["hi", "hello", "the capybara"], false);
}

#[test]
fn conversations_that_say_who_they_are_may_begin_like_a_short_one_that_is_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    store.add(Some("c1"), &talk("c1", &["hi", "hello"])).unwrap();
    store.forget(&store.page("2026/03/14-hi")).unwrap();
    let is_forgotten =
        |session: &str, contents: &[&str]| store.add(Some(session), &talk(session, contents)).unwrap().forgotten;
    assert!(!is_forgotten("c2", &["hi", "hello", "which oven?"]));
    assert!(is_forgotten("c1", &["hi", "hello", "which boat?"]) && is_forgotten("c3", &["hi", "hello"]));
}

#[test]
fn a_page_that_was_made_while_something_was_forgotten_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    store.append(&talk("c", &["the axolotl", "sleeps"])).unwrap();
    store.append(&talk("d", &["the capybara", "swims"])).unwrap();
    let new = store.pages().with_extension("new");
    let made = |place: &str, forget: bool| {
        let forgotten = store.forgotten.load(Ordering::Acquire);
        fs::write(&new, "a page").unwrap();
        fs::create_dir_all(store.page(place).parent().unwrap()).unwrap();
        if forget {
            store.forget(&store.page("2026/03/14-the-axolotl")).unwrap();
        }
        store.show_page(place, &new, forgotten).unwrap();
        assert!(!new.exists());
        store.page(place).exists()
    };
    assert!(made("2026/03/14-the-axolotl", false));
    assert!(!made("2026/03/14-the-capybara", true));
    assert!(store.waiting() > 0, "it is made again");
    assert!(made("2026/03/14-the-capybara", false));
}

#[test]
fn what_is_forgotten_while_it_is_looked_at_takes_no_more_turns() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    store.append(&[turn("c", "user", "Where is the axolotl?")]).unwrap();
    let page = store.page_of("c").unwrap().unwrap();
    let reply = [turn("c", "assistant", "The axolotl sleeps.")];
    let (begins, begun) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let wanted = |kept: &[Turn]| {
            let (begins, store, page) = (begins.clone(), &store, &page);
            scope.spawn(move || {
                begins.send(()).unwrap();
                store.forget(page).unwrap();
            });
            begun.recv().unwrap();
            kept.len() == 1
        };
        assert!(store.append_where(&reply, &wanted).unwrap(), "to forget waits");
    });
    assert!(kept(&store).is_empty());
    assert!(!store.append_where(&reply, &|kept| !kept.is_empty()).unwrap());
    assert!(kept(&store).is_empty());
}

#[test]
fn answers_from_what_is_forgotten_go_with_their_questions() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let said = ["where?", "in tank nineteen [1]\n\n[1] /n/gone.md:3", "when?", "at noon [1]\n\n[1] /n/gone.mdx:3"];
    store.append(&talk("questions-2026-03-14", &said)).unwrap();
    store.append(&talk("other", &["where?", "[1] /n/gone.md:3"])).unwrap();
    let changed = store.retract(Path::new("/n/gone.md")).unwrap();
    assert_eq!(changed.len(), 1);
    let mut all: Vec<Vec<String>> = kept(&store).into_iter().map(|(_, contents)| contents).collect();
    all.sort();
    assert_eq!(all[0], said[2..]);
    assert_eq!(all[1].len(), 2);
    assert!(store.retract(Path::new("/n/gone.md")).unwrap().is_empty());
    assert_eq!(store.retract(Path::new("/n")).unwrap(), changed);
}

#[test]
fn a_torn_line_costs_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    store.append(&talk("s", &["one", "two"])).unwrap();
    let file = store.session("s").unwrap().unwrap();
    drop(store);
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend_from_slice(b"{\"role\":\"user\",\"cont");
    fs::write(&file, &bytes).unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    store.append(&[turn("s", "user", "three")]).unwrap();
    assert_eq!(kept(&store)[0].1, ["one", "two", "three"]);
}

#[test]
fn pages_are_made_and_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    store.append(&talk("s", &["one", "two"])).unwrap();
    let page = store.page("2026/03/14-one");
    let made = |store: &Conversations| {
        let stop = std::cell::Cell::new(false);
        store.keep(&|| stop.get(), &|_| stop.set(true), &|| ());
        assert_eq!(store.waiting(), 0);
        fs::read_to_string(&page).unwrap()
    };
    let first = made(&store);
    assert!(first.contains("\n## assistant, 2026-03-14"), "{first}");
    for damage in [|page: &Path| fs::remove_file(page).unwrap(), |page: &Path| fs::write(page, "x").unwrap()] {
        damage(&page);
        assert_eq!(made(&Conversations::open(dir.path()).unwrap()), first);
    }
    let stray = store.page("2026/03/15-stray");
    fs::write(&stray, "x").unwrap();
    made(&store);
    assert!(!stray.exists());
}
