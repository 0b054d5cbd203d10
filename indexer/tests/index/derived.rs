//! What can be made again is kept, and made again when it is lost; nothing is done twice.

use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use echofs_embedder::{Embedder, Error, Hashed, ModelId};
use echofs_indexer::Index;

use crate::store::{Counting, PATIENCE, Place, found, search, until};

#[test]
fn a_restart_and_a_touch_cost_nothing() {
    let place = Place::new();
    (0..20).for_each(|n| drop(place.write(&format!("{n}.md"), &format!("note number {n}\n"))));
    let embedder = Counting::new();
    let index = place.open(Some(embedder.clone()));
    let indexed: Vec<i64> = index.coverage().iter().map(|c| c.indexed_at).collect();
    assert_eq!((indexed.len(), embedder.count()), (20, 20));
    assert_eq!((index.graph().vectors, index.graph().tombstones), (20, 0), "each vector stands there once");
    drop(index);

    let index = place.open(Some(embedder.clone()));
    assert_eq!(found(&index, "lex:(number AND 7)"), ["7.md"]);
    assert_eq!(search(&index, "note").hits.len(), 20);
    assert!(search(&index, "sem:note").hits.len() == 20);
    fs::File::options()
        .append(true)
        .open(place.path("3.md"))
        .unwrap()
        .set_modified(std::time::SystemTime::now())
        .unwrap();
    let modified = |index: &Index| index.document(&place.path("3.md")).unwrap().modified_ns;
    let before = modified(&index);
    index.touched(&place.path("3.md"));
    until("the new time is seen", || {
        modified(&index) != before || index.wait(true, PATIENCE) && modified(&index) == before
    });
    assert_eq!(embedder.count(), 20);
    assert_eq!(index.coverage().iter().map(|c| c.indexed_at).collect::<Vec<_>>(), indexed);
}

#[test]
fn a_rename_moves_a_document_without_embedding_it_again() {
    let place = Place::new();
    place.write("old/a.md", "the quick brown fox\n");
    place.write("old/b.md", "jumps over the lazy dog\n");
    let embedder = Counting::new();
    let index = place.open(Some(embedder.clone()));
    fs::rename(place.path("old"), place.path("new")).unwrap();
    until("both are found under the new path", || {
        index.documents().iter().all(|d| d.path.starts_with(place.path("new")))
    });
    assert!(index.wait(true, PATIENCE));
    assert_eq!(found(&index, "path:new fox"), ["a.md", "b.md"]);
    assert_eq!(found(&index, "sem:fox")[0], "a.md");
    assert!(search(&index, "fox").hits[0].why.semantic.unwrap() > 0.3);
    assert!(found(&index, "path:old").is_empty());
    assert_eq!((index.documents().len(), embedder.count()), (2, 2));
}

#[test]
fn the_same_text_is_never_embedded_twice() {
    let place = Place::new();
    place.write("a.md", "the same words\n");
    place.write("b.md", "the same words\n");
    let embedder = Counting::new();
    let index = place.open(Some(embedder.clone()));
    assert_eq!(search(&index, "sem:(same words)").hits.len(), 1, "copies are one hit");
    drop(index);
    for derived in ["index", "catalogue"] {
        fs::remove_dir_all(place.data().join(derived)).unwrap();
    }
    let index = place.open(Some(embedder.clone()));
    assert_eq!(search(&index, "sem:(same words)").hits.len(), 1);
    assert!(embedder.count() <= 2, "both may be under way at once, no more: {}", embedder.count());
}

#[test]
fn an_edited_paragraph_of_a_long_file_is_embedded_alone() {
    let place = Place::new();
    let paragraph =
        |section: usize, n: usize| format!("Entry {section}.{n}: {}\n\n", "what was said and done that day ".repeat(6));
    let text = |edited: &str| -> String {
        let section = |s: usize| format!("## Week {s}\n\n{}", (0..12).map(|n| paragraph(s, n)).collect::<String>());
        let whole: String = (0..20).map(section).collect();
        format!("# Diary\n\n{}", whole.replace("Entry 7.5: what was said", edited))
    };
    place.write("diary.md", &text("Entry 7.5: what was said"));
    let embedder = Counting::new();
    let index = place.open(Some(embedder.clone()));
    let before = embedder.count();
    assert!(before > 50, "{before} passages");
    for (n, edited) in ["Entry 7.5: what we heard", "Entry 7.5: the okapi was said"].iter().enumerate() {
        place.write("diary.md", &text(edited));
        until("the edit is known", || {
            index.passages(&place.path("diary.md")).unwrap().iter().any(|p| p.text.contains(edited))
        });
        assert!(index.wait(true, PATIENCE));
        let more = embedder.count() - before;
        assert!((n + 1..=2 * (n + 1)).contains(&more), "{more} texts, where the parts of a passage were due");
    }
    assert_eq!(index.graph().vectors, before, "one for each text");
    assert!(index.counts().chunks < before, "long passages have parts");
}

#[test]
fn saved_vectors_serve_the_next_start_and_may_be_damaged_or_forgotten() {
    let place = Place::new();
    let words = "what was said and done that day ".repeat(7);
    let text: String = (0..1_100).map(|n| format!("## Day {n}\n\nEntry number{n}: {words}\n\n")).collect();
    place.write("diary.md", &text);
    place.write("secret.md", "the okapi hides here\n");
    let embedder = Counting::new();
    let index = place.open(Some(embedder.clone()));
    let saved = place.data().join("vectors/hashed-64");
    let generation = |n: u32| saved.join(format!("generation-{n}"));
    until("they are saved", || generation(1).exists());
    assert!(index.graph().vectors >= 1_100 && index.graph().in_graph == 0);
    drop(index);

    let texts = embedder.count();
    let top = |index: &Index| search(index, "sem:(entry number77)").hits[0].passage.text.contains("number77:");
    for damage in [scramble as fn(&Path), remove, |_: &Path| {}] {
        let index = place.open(Some(embedder.clone()));
        assert!(top(&index), "after a start");
        until("they are saved", || fs::read_dir(&saved).unwrap().flatten().any(|e| generation_of(&e.path()).is_some()));
        drop(index);
        let newest = fs::read_dir(&saved).unwrap().flatten().find_map(|e| generation_of(&e.path()).map(|_| e.path()));
        damage(&newest.unwrap());
    }
    let index = place.open(Some(embedder.clone()));
    assert!(top(&index));
    assert_eq!(embedder.count(), texts, "nothing was embedded again");

    index.forget(&place.path("secret.md")).unwrap();
    let names = || fs::read_dir(&saved).unwrap().flatten().map(|e| e.file_name().to_string_lossy().into_owned());
    assert!(!names().any(|name| name.ends_with(".damaged")), "what was moved aside may hold what is forgotten");
    assert!(top(&index));
    assert_eq!(index.graph().tombstones, 0, "no row is left of what was forgotten");
}

fn generation_of(path: &Path) -> Option<u32> {
    path.file_name()?.to_str()?.strip_prefix("generation-")?.parse().ok()
}

#[test]
fn derived_stores_come_back() {
    let place = Place::new();
    (0..5).for_each(|n| drop(place.write(&format!("{n}.md"), &format!("apples and pears {n}\n"))));
    drop(place.open(Some(Arc::new(Hashed::new(64)))));
    for damage in [remove as fn(&Path), scramble] {
        for derived in ["index", "catalogue", "vectors"] {
            damage(&place.data().join(derived));
            let index = place.open(Some(Arc::new(Hashed::new(64))));
            assert_eq!(found(&index, "lex:apples").len(), 5, "words after damage of {derived}");
            assert_eq!(found(&index, "sem:pears").len(), 5, "meaning after damage of {derived}");
            assert_eq!(found(&index, "lex:(pears AND 3)"), ["3.md"]);
        }
    }
}

fn remove(dir: &Path) {
    fs::remove_dir_all(dir).unwrap();
}

fn scramble(dir: &Path) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => scramble(&path),
            path => {
                let mut bytes = fs::read(&path).unwrap();
                bytes.iter_mut().for_each(|b| *b = b.wrapping_mul(77).wrapping_add(13));
                fs::write(&path, bytes).unwrap();
            }
        }
    }
}

/// Says when it is first asked for passages, and waits then. Remembers what it was asked for.
struct Held {
    inner: Hashed,
    asked: Mutex<Vec<String>>,
    begun: Sender<()>,
    go: Mutex<Receiver<()>>,
}

impl Embedder for Held {
    fn id(&self) -> &ModelId {
        self.inner.id()
    }
    fn dim(&self) -> usize {
        self.inner.dim()
    }
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, Error> {
        let mut asked = self.asked.lock().unwrap();
        let is_first = asked.is_empty();
        asked.extend(texts.iter().map(|text| text.to_string()));
        drop(asked);
        if is_first {
            self.begun.send(()).unwrap();
            self.go.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        }
        self.inner.embed(texts)
    }
    fn embed_query(&self, text: &str) -> Result<Vec<f32>, Error> {
        self.inner.embed_query(text)
    }
    fn loaded(&self) -> bool {
        true
    }
    fn unload(&self) {}
}

#[test]
fn a_new_file_has_its_meaning_before_the_rest_of_a_long_one() {
    let place = Place::new();
    let day = |n: usize| format!("## Day {n}\n\n{}\n\n", format!("On day {n} nothing happened. ").repeat(35));
    place.write("diary.md", &(0..150).map(day).collect::<String>());
    let ((begun, begins), (go, goes)) = (channel(), channel());
    let (asked, go_on) = (Mutex::default(), Mutex::new(goes));
    let embedder = Arc::new(Held { inner: Hashed::new(64), asked, begun, go: go_on });
    let index = Index::open(place.config(), Some(embedder.clone())).unwrap();
    index.start();
    begins.recv_timeout(PATIENCE).unwrap();
    let new = place.write("new.md", "We met the zebrafish.\n");
    until("the new file is found", || index.document(&new).is_some());
    go.send(()).unwrap();
    assert!(index.wait(true, PATIENCE), "not settled: {:?}", index.counts());
    let asked = embedder.asked.lock().unwrap();
    let at = asked.iter().position(|text| text.contains("zebrafish")).unwrap();
    assert!(at < asked.len() / 2, "{at} of {}", asked.len());
    assert_eq!(asked.len(), index.graph().vectors, "nothing is computed twice");
}
