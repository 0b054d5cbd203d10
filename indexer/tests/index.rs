//! The store over real files: what is saved is found, what is gone is gone, and nothing is done twice.

mod store;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use echofs_embedder::{Embedder, Error as EmbedderError, Hashed, ModelId, SharedWords};
use echofs_indexer::relationship::{Entry, Kind as Entered, verify};
use echofs_indexer::{Error, Index, Kind, Reranking, State, Wanted};
use store::{Counting, PATIENCE, Place, found, found_set, holds, search, until};

#[test]
fn what_is_saved_is_found_and_what_is_deleted_is_gone() {
    let place = Place::new();
    place.write("bread.md", "# Sourdough\n\nFeed the starter every evening.\n");
    let index = place.open(None);
    assert_eq!(found(&index, "starter"), ["bread.md"]);
    let epoch = index.epoch();

    place.write("net.md", "The router password is on the fridge.\n");
    until("a new file is found", || found(&index, "lex:fridge") == ["net.md"]);
    assert!(index.epoch() > epoch);

    place.write("net.md", "The router password is in the safe.\n");
    until("its new text is found", || found(&index, "lex:safe") == ["net.md"]);
    assert!(found(&index, "lex:fridge").is_empty());

    fs::remove_file(place.path("net.md")).unwrap();
    until("it is gone", || index.document(&place.path("net.md")).is_none());
    assert!(found(&index, "password").is_empty());
    assert_eq!(index.documents().len(), 1);
}

#[test]
fn hits_lead_to_lines() {
    let place = Place::new();
    place.write("a.md", "# Title\n\nfirst paragraph\n\n## Two\n\nthe walrus sleeps\n");
    let index = place.open(None);
    let hit = &search(&index, "walrus").hits[0];
    assert_eq!((hit.rank, hit.document.title.as_str()), (1, "Title"));
    let lines: Vec<String> = fs::read_to_string(place.path("a.md")).unwrap().lines().map(str::to_owned).collect();
    let cited = lines[hit.passage.line as usize - 1..hit.passage.end_line as usize].join("\n");
    assert!(cited.contains(hit.passage.text.trim()), "{:?} is not in {cited:?}", hit.passage.text);
    assert_eq!(hit.why.words, ["walrus"]);
    assert_eq!((hit.why.lexical_rank, hit.why.semantic_rank), (Some(1), None));
    let passages = index.passages(&place.path("a.md")).unwrap();
    assert_eq!(passages[hit.passage.ordinal as usize], hit.passage);
}

#[test]
fn the_best_passage_of_a_long_document_is_shown() {
    let place = Place::new();
    let filler = "Nothing of note happened on this ordinary day in the office. ".repeat(18);
    let sections: Vec<String> = (0..12)
        .map(|n| format!("## Day {n}\n\n{filler}{}\n", if n == 7 { "We met the zebrafish." } else { "" }))
        .collect();
    place.write("diary.md", &format!("# Diary\n\n{}", sections.join("\n")));
    let index = place.open(Some(Arc::new(Hashed::new(64))));
    assert_eq!(index.graph().tombstones, 0, "parts that were shown early are not added again");
    for query in ["zebrafish", "lex:zebrafish", "\"the zebrafish\""] {
        let results = search(&index, query);
        assert!(results.hits[0].passage.text.contains("zebrafish"), "{query}");
    }
}

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

#[test]
fn what_is_forgotten_stays_forgotten() {
    let place = Place::new();
    place.write("keep.md", "an ordinary walrus\n");
    place.write("secret-plan.md", "the zebrafish conspiracy\n");
    place.write("dir/more.md", "another zebrafish\n");
    let embedder: Arc<dyn Embedder> = Arc::new(Hashed::new(64));
    let index = place.open(Some(embedder.clone()));
    fs::create_dir_all(place.data().join("index.damaged")).unwrap();
    fs::write(place.data().join("index.damaged/old"), "the zebrafish conspiracy").unwrap();
    fs::create_dir_all(place.data().join("vectors/another-model")).unwrap();
    let forgotten = index.forget(&place.path("secret-plan.md")).unwrap();
    assert!(!place.data().join("vectors/another-model").exists());
    assert_eq!((forgotten.paths.len(), forgotten.passages), (1, 1));
    index.forget(&place.path("dir")).unwrap();
    let is_gone = |index: &Index| {
        assert_eq!(found_set(index, "zebrafish walrus"), ["keep.md"]);
        assert!(index.passages(&place.path("secret-plan.md")).is_err());
        assert!(!index.readable(&place.path("secret-plan.md")) && !index.readable(&place.path("dir/more.md")));
        assert!(index.coverage().iter().any(|c| c.state == State::Skipped && c.reason == "forgotten"));
    };
    is_gone(&index);
    assert!(!holds(&place.data(), "zebrafish"), "the text is still somewhere on disk");

    place.write("secret-plan.md", "the zebrafish conspiracy, second edition\n");
    place.write("dir/new.md", "a new zebrafish\n");
    index.reindex(None);
    assert!(index.wait(true, PATIENCE));
    is_gone(&index);
    drop(index);

    for derived in ["index", "catalogue", "vectors"] {
        fs::remove_dir_all(place.data().join(derived)).unwrap();
    }
    is_gone(&place.open(Some(embedder)));
}

#[test]
fn a_forgotten_file_that_is_renamed_stays_forgotten() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    let index = place.open(None);
    index.forget(&place.path("a.md")).unwrap();
    fs::rename(place.path("a.md"), place.path("b.md")).unwrap();
    until("the new name is known", || index.coverage().iter().any(|c| c.path == place.path("b.md")));
    assert!(index.wait(false, PATIENCE));
    assert!(found(&index, "zebrafish").is_empty());
    drop(index);
    fs::rename(place.path("b.md"), place.path("c.md")).unwrap();
    assert!(found(&place.open(None), "zebrafish").is_empty(), "renamed while nobody looked");
}

#[test]
fn a_copy_of_a_forgotten_file_is_forgotten_until_it_says_something_else() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    place.write("b.md", "the zebrafish conspiracy\n");
    let index = place.open(None);
    let would = index.would_forget(&index.wanted("a.md").unwrap().unwrap()).unwrap();
    assert_eq!(would.paths, [place.path("a.md"), place.path("b.md")]);
    assert_eq!(index.forget(&place.path("a.md")).unwrap().paths, would.paths);
    place.write("c.md", "the zebrafish conspiracy\n");
    until("the copy is seen", || index.coverage().iter().any(|c| c.path == place.path("c.md")));
    assert!(index.wait(false, PATIENCE));
    assert!(found(&index, "zebrafish").is_empty() && !index.readable(&place.path("c.md")));
    place.write("c.md", "a walrus\n");
    until("another text is found", || found(&index, "walrus") == ["c.md"]);
}

#[test]
fn orders_of_older_versions_hold_and_lose_their_paths() {
    let place = Place::new();
    let path = place.write("a.md", "the zebrafish conspiracy\n");
    let entry = format!("{{\"path\":\"{}\",\"hash\":null,\"at\":5}}", path.display());
    let sum = &blake3::hash(entry.as_bytes()).to_hex()[..16];
    fs::create_dir_all(place.data().join("journal")).unwrap();
    fs::write(place.data().join("journal/forget.jsonl"), format!("{{\"sum\":\"{sum}\",\"entry\":{entry}}}\n")).unwrap();
    assert!(found(&place.open(None), "zebrafish").is_empty());
    assert!(!holds(&place.data(), "a.md"));
    assert!(found(&place.open(None), "zebrafish").is_empty());
}

#[test]
fn what_cannot_be_erased_is_an_error_and_is_erased_later() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    place.write("b.md", "a walrus\n");
    let index = place.open(None);
    let (dir, away) = (place.data().join("index"), place.data().join("away"));
    fs::rename(&dir, &away).unwrap();
    let error = index.forget(&place.path("a.md")).unwrap_err();
    assert!(matches!(error, Error::Unerased(_)), "{error}");
    assert!(place.data().join("journal/unerased").exists());
    fs::rename(&away, &dir).unwrap();
    until("it is erased", || !place.data().join("journal/unerased").exists());
    assert_eq!(found_set(&index, "zebrafish walrus"), ["b.md"]);
    assert!(!holds(&place.data(), "zebrafish"));
}

#[test]
fn what_a_crash_left_is_erased_at_the_next_start() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    place.write("b.md", "a walrus\n");
    drop(place.open(None));
    fs::write(place.data().join("journal/unerased"), "").unwrap();
    fs::remove_file(place.path("a.md")).unwrap();
    let index = place.open(None);
    until("it is erased", || !place.data().join("journal/unerased").exists());
    assert!(!holds(&place.data(), "zebrafish"));
    assert_eq!(found_set(&index, "zebrafish walrus"), ["b.md"]);
}

#[test]
fn a_query_that_does_not_say_what_forgets_nothing() {
    let place = Place::new();
    place.write("a.md", "the zebrafish conspiracy\n");
    let index = place.open(None);
    for query in
        ["", "sem:(a fish)", "zebrafish limit:1", "zebrafish in:nowhere", "(zebrafish", "zebrafish like:\"a.md\""]
    {
        let error = index.forget_wanted(&Wanted::Query(query.into())).unwrap_err();
        assert!(matches!(error, Error::Vague(_)), "{query}: {error}");
    }
    let error = index.forget_wanted(&Wanted::Query("zebrafish walrus".into())).unwrap_err();
    assert!(matches!(error, Error::Nothing(_)), "{error}");
    for outside in ["/etc/passwd".into(), place.notes().join("../data/journal"), place.data().join("notes/none.md")] {
        assert!(index.forget(&outside).is_err(), "{}", outside.display());
    }
    assert_eq!(found(&index, "zebrafish"), ["a.md"]);
}

#[test]
fn a_query_reaches_into_the_relationship_log() {
    let place = Place::new();
    place.write("a.md", "a walrus\n");
    let index = place.open(None);
    let entry = |kind, subject: &str, text: &str| Entry {
        subject: Some(subject.into()),
        ..Entry::new(kind, text, jiff::Timestamp::now())
    };
    let log = index.relationship();
    log.append(vec![
        entry(Entered::Opinion, "zebrafish", "They thrive in cold water."),
        entry(Entered::Preference, "pets", "no zebrafish any more"),
        entry(Entered::Interaction, "questions", "Where does the zebrafish live?"),
        entry(Entered::Correction, "Zebrafish", "They thrive in warm water."),
        entry(Entered::Opinion, "walrus", "It is large."),
    ])
    .unwrap();
    until("the pages are found", || found_set(&index, "in:relationship lex:thrive") == ["zebrafish.md"]);
    let wanted = Wanted::Query("zebrafish".into());
    let would = index.would_forget(&wanted).unwrap();
    assert_eq!((would.entries.len(), would.paths.len()), (4, 0), "{would:?}");
    assert_eq!(log.view().unwrap().entries.len(), 4, "a dry run changes nothing");
    assert_eq!(index.forget_wanted(&wanted).unwrap().entries, would.entries);
    let left: Vec<String> = log.view().unwrap().entries.into_iter().map(|entry| entry.text).collect();
    assert_eq!(left, ["It is large."]);
    assert_eq!(verify(log.file()).unwrap(), Ok(5), "the chain goes on");
    for trace in ["zebrafish", "Zebrafish", "thrive"] {
        assert!(!holds(&place.data(), trace), "{trace} is still somewhere on disk");
    }
    until("the other page is there", || found_set(&index, "in:relationship lex:large") == ["walrus.md"]);
    assert!(found(&index, "lex:thrive").is_empty());
    let again = index.forget_wanted(&wanted).unwrap_err();
    assert!(matches!(again, Error::Nothing(_)), "{again}");
}

#[test]
fn one_process_per_directory() {
    let place = Place::new();
    let _index = Index::open(place.config(), None).unwrap();
    let error = Index::open(place.config(), None).err().unwrap();
    assert!(matches!(error, Error::Locked { pid, .. } if pid == std::process::id()), "{error}");
}

#[test]
fn the_data_is_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    place.write("a.md", "text\n");
    drop(place.open(Some(Arc::new(Hashed::new(64)))));
    fn check(dir: &Path) {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", entry.path().display());
            if entry.path().is_dir() {
                check(&entry.path());
            }
        }
    }
    assert_eq!(fs::metadata(place.data()).unwrap().permissions().mode() & 0o777, 0o700);
    check(&place.data());
}

#[test]
fn notes_are_a_source_of_their_own() {
    let place = Place::new();
    place.write("file.md", "walrus\n");
    let index = place.open(None);
    let note = place.data().join("notes/mine.md");
    fs::write(&note, "walrus\n").unwrap();
    index.touched(&note);
    until("the note is found", || found(&index, "in:notes walrus") == ["mine.md"]);
    assert_eq!(index.document(&note).unwrap().kind, Kind::Note);
    assert_eq!(found(&index, "in:files walrus"), ["file.md"]);
    assert!(index.sources().iter().any(|s| s.kind == Kind::Note && s.name == "notes" && s.available));
}

#[test]
fn secrets_and_binaries_are_accounted_for_and_not_found() {
    let place = Place::new();
    place.write(".env", "TOKEN=zebrafish\n");
    place.write("key.pem", "zebrafish\n");
    place.write("empty.md", "");
    fs::write(place.path("pic.bin"), [0u8, 159, 146, 150, 0, 0, 1, 2]).unwrap();
    place.write("ok.md", "walrus\n");
    let index = place.open(None);
    assert!(found(&index, "zebrafish").is_empty());
    let coverage = index.coverage();
    for name in [".env", "key.pem", "pic.bin", "empty.md"] {
        let line =
            coverage.iter().find(|c| c.path == place.path(name)).unwrap_or_else(|| panic!("{name} is not listed"));
        assert!(line.state == State::Skipped && !line.reason.is_empty(), "{line:?}");
    }
    assert!(!index.readable(&place.path("key.pem")) && index.readable(&place.path("ok.md")));
    assert_eq!(index.counts().documents, 1);
}

#[test]
fn words_answer_without_a_model() {
    let place = Place::new();
    place.write("a.md", "walrus\n");
    let index = place.open(None);
    let results = search(&index, "walrus");
    assert_eq!(results.hits.len(), 1);
    assert!(results.explain.semantic_error.is_some());
    let query = echofs_query_lang::parse("sem:walrus", &jiff::Zoned::now()).query;
    assert!(matches!(index.search(&query), Err(Error::Semantic(_))));
}

/// A model that cannot be loaded.
struct Broken(ModelId);

impl Embedder for Broken {
    fn id(&self) -> &ModelId {
        &self.0
    }
    fn dim(&self) -> usize {
        8
    }
    fn embed(&self, _: &[&str]) -> Result<Vec<Vec<f32>>, EmbedderError> {
        Err(EmbedderError::Missing("/nowhere/model.onnx".into()))
    }
    fn embed_query(&self, _: &str) -> Result<Vec<f32>, EmbedderError> {
        Err(EmbedderError::Missing("/nowhere/model.onnx".into()))
    }
    fn loaded(&self) -> bool {
        false
    }
    fn unload(&self) {}
}

#[test]
fn a_broken_model_is_reported_and_words_go_on() {
    let place = Place::new();
    (0..5).for_each(|n| drop(place.write(&format!("{n}.md"), &format!("walrus {n}\n"))));
    let index = Index::open(place.config(), Some(Arc::new(Broken(ModelId("broken".into()))))).unwrap();
    index.start();
    assert!(index.wait(false, PATIENCE));
    until("the failure is known", || index.counts().semantic_error.is_some());
    assert_eq!(search(&index, "walrus").hits.len(), 5);
    let counts = index.counts();
    assert!(counts.pending_semantic > 0 && counts.pending == 0, "{counts:?}");
}

#[test]
fn the_best_are_reordered_by_a_reranker_where_the_query_asks_for_it() {
    let place = Place::new();
    place.write("rare.md", "zebra zebra zebra\n");
    for word in ["harbour", "meadow", "kitchen", "engine", "violin"] {
        place.write(&format!("{word}.md"), &format!("walrus ketch {word}\n"));
    }
    let index = place.open(None);
    let (plain, asked) = ("zebra walrus ketch", "zebra walrus ketch sort:rerank");
    let by_search = found(&index, plain);
    assert_eq!((by_search.len(), by_search[0].as_str()), (6, "rare.md"));
    let results = search(&index, asked);
    assert!(results.explain.ignored[0].starts_with("sort:rerank: there is no reranker"), "{:?}", results.explain);
    assert_eq!(found(&index, asked), by_search);

    index.rerank_with(Reranking::new("shared-words", Ok(Arc::new(SharedWords))));
    let results = search(&index, asked);
    let told = results.explain.reranked.as_ref().expect("it was asked");
    assert_eq!((told.model.as_str(), told.passages, told.of, &told.error), ("shared-words", 6, 6, &None));
    let last = results.hits.last().expect("hits");
    assert_eq!((last.rank, last.document.path.clone()), (6, place.path("rare.md")));
    assert!(last.why.rerank < results.hits[0].why.rerank);
    assert_eq!(found(&index, asked)[..5], by_search[1..], "equal ones stay as they were");
    let few = found(&index, &format!("{asked} limit:2"));
    assert_eq!(few, by_search[1..3], "it chooses from more than are shown");
    assert_eq!(found(&index, plain), by_search, "nobody else is reordered");
    assert!(search(&index, plain).explain.reranked.is_none());
    let listed = search(&index, "ext:md sort:rerank");
    assert!(listed.hits.len() == 6 && listed.explain.ignored[0].contains("no words"), "{:?}", listed.explain);
}

#[test]
fn similar_documents_are_found_and_not_the_document_itself() {
    let place = Place::new();
    place.write("bread.md", "flour water salt and a sourdough starter\n");
    place.write("cake.md", "flour water sugar and butter\n");
    place.write("net.md", "router switch cable\n");
    let index = place.open(Some(Arc::new(Hashed::new(256))));
    let all = echofs_query_lang::Query::default();
    let names = |results: echofs_indexer::Results| -> Vec<String> {
        results.hits.iter().map(|h| h.document.title.clone()).collect()
    };
    assert_eq!(names(index.similar(&place.path("bread.md"), &all).unwrap())[0], "cake");
    assert!(!names(index.similar(&place.path("bread.md"), &all).unwrap()).contains(&"bread".to_owned()));
    assert_eq!(found(&index, "like:bread.md")[..2], ["bread.md", "cake.md"]);
    assert!(matches!(index.similar(Path::new("/nowhere"), &all), Err(Error::Unknown(_))));
}

#[test]
fn words_that_nothing_holds_give_way_to_near_ones() {
    let place = Place::new();
    place.write("a.md", "configuration of the printer\n");
    place.write("b.md", "holiday plans\n");
    let index = place.open(None);
    assert_eq!(found(&index, "configuratoin"), ["a.md"]);
    let word = &search(&index, "configuratoin").explain.words[0];
    assert!(word.corrected && word.documents == 1, "{word:?}");
    assert!(found(&index, "the").len() == 1, "stop words alone are words too");
}

#[test]
fn parts_without_meaning_are_reported() {
    let place = Place::new();
    place.write("a.md", "walrus\n");
    let index = place.open(None);
    for query in ["walrus topic:sea", "walrus -topic:sea", "walrus in:nowhere", "walrus is:odd"] {
        let results = search(&index, query);
        assert_eq!((results.hits.len(), results.explain.ignored.len()), (1, 1), "{query}");
    }
}

#[test]
fn words_are_inflected_in_the_languages_of_the_documents() {
    let german = [
        "Die Datenbanken werden jede Nacht gesichert, und die alten Sicherungen heben wir noch drei Monate lang auf.",
        "Seit vielen Jahren stehen die Häuser am See leer, weil dort im Winter niemand mehr wohnen möchte.",
        "Morgen sollten wir mit dem Zug nach Hamburg fahren und unsere Freunde besuchen, die gerade umgezogen sind.",
    ];
    let place = Place::new();
    place.write(
        "en.md",
        "We moved the databases to the new machine yesterday, and the backups went with them without a problem.\n",
    );
    let index = place.open(None);
    for (text, name) in german.iter().zip(["a.md", "b.md", "c.md"]) {
        place.write(name, &format!("{text}\n"));
    }
    for (query, name) in [("lex:Datenbank", "a.md"), ("lex:Haus", "b.md"), ("lex:Freund", "c.md")] {
        until(query, || found(&index, query).contains(&name.to_owned()));
    }
    assert!(found(&index, "lex:Hauser").contains(&"b.md".to_owned()), "accents do not count");
    assert!(!found(&index, "lex:Datum").contains(&"a.md".to_owned()));
}

#[test]
fn tags_and_authors_are_words() {
    let place = Place::new();
    place.write("bread.md", "---\ntags: [sourdough]\nauthor: Oda Brenna\n---\n\nFeed the starter every evening.\n");
    place.write("net.md", "The router password is on the fridge.\n");
    let index = place.open(None);
    assert_eq!(found(&index, "lex:sourdough"), ["bread.md"]);
    assert_eq!(found(&index, "lex:Brenna"), ["bread.md"]);
    assert!(found(&index, "title:sourdough").is_empty());
}
