//! Whole files, in all their forms.

use std::io::Write;

use super::*;

fn imported(store: &Conversations, dir: &Path, name: &str, bytes: &[u8]) -> Report {
    let path = dir.join("the-file");
    fs::write(&path, bytes).unwrap();
    store.import(store.import_id(), &path, name, &|_| ())
}

fn zipped(name: &str, content: &str) -> Vec<u8> {
    archive(&[("user.json", "{}"), (name, content)])
}

/// An archive of these files, as they are, so that a test can damage them.
fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in files {
        archive.start_file(*name, stored).unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A conversation as ChatGPT exports it.
fn chatgpt(id: &str, asked: &str, replied: &str) -> String {
    let node = |role: &str, text: &str, parent: Option<&str>| serde_json::json!({"message": {"author": {"role": role}, "content": {"parts": [text]}}, "parent": parent});
    serde_json::json!({"id": id, "title": asked, "create_time": 1773482400, "current_node": "b", "mapping": {
        "a": node("user", asked, None), "b": node("assistant", replied, Some("a"))}})
    .to_string()
}

#[test]
fn every_form_is_taken_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let check = |name: &str, bytes: &[u8], created: usize, turns: usize| {
        let report = imported(&store, dir.path(), name, bytes);
        assert_eq!((report.created, report.turns, report.refusals), (created, turns, 0), "{name}: {report:?}");
        let again = imported(&store, dir.path(), name, bytes);
        assert_eq!((again.created, again.turns, again.known), (0, 0, turns), "{name} again");
    };
    let claude = r#"[{"uuid":"u1","name":"A","created_at":"2026-01-02T10:00:00Z","chat_messages":[
        {"sender":"human","text":"claude one"},{"sender":"assistant","text":"claude two"}]},
        {"uuid":"u2","name":"B","created_at":"2026-01-03T10:00:00Z","chat_messages":[{"sender":"human","text":"claude three"}]}]"#;
    check("conversations.json", claude.as_bytes(), 2, 3);
    let chatgpt = r#"[{"id":"g1","title":"T","create_time":1773482400,"current_node":"b","mapping":{
        "a":{"message":{"author":{"role":"user"},"content":{"parts":["gpt one"]}},"parent":null},
        "b":{"message":{"author":{"role":"assistant"},"content":{"parts":["gpt two"]}},"parent":"a"}}}]"#;
    check("export.zip", &zipped("conversations.json", chatgpt), 1, 2);
    let programmes = "{\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"p1\"}]}\n\n\
        {\"messages\":[{\"role\":\"system\",\"content\":\"s\"},{\"role\":\"user\",\"content\":\"p2\"}]}\n";
    check("programmes.jsonl", programmes.as_bytes(), 2, 4);
    let turns = "{\"role\":\"user\",\"content\":\"t1\",\"session\":\"x\"}\n{\"role\":\"user\",\"content\":\"t2\",\"session\":\"y\"}\n\
        {\"role\":\"user\",\"content\":\"t1\",\"session\":\"x\"}";
    check("turns.jsonl", turns.as_bytes(), 2, 3);
    check("list.json", br#"[{"role":"user","content":"l1"},{"role":"assistant","content":"l2"}]"#, 1, 2);
    check("one.json", b"{\n \"messages\": [\n {\"role\": \"user\", \"content\": \"o1\"}]}", 1, 1);
    check("all.json", br#"{"conversations":[{"messages":[{"role":"user","content":"c1"}]}]}"#, 1, 1);
    check("2026-03-14 talk.md", b"# Talk\n\n**Oda:** m1\n\n**Bram:** m2\n", 1, 2);
    check("chat.txt", b"[14.03.26, 09:00:05] Oda: w1\n[14.03.26, 09:01:00] Bram: w2\n", 1, 2);
    check("bom.jsonl", "\u{feff}{\"role\":\"user\",\"content\":\"b1\"}\n".as_bytes(), 1, 1);
}

#[test]
fn an_export_of_claude_is_an_archive() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let conversations = r#"[{"uuid":"u1","name":"Mills","created_at":"2026-01-02T10:00:00Z","account":{"uuid":"me"},"chat_messages":[
        {"uuid":"m1","sender":"human","text":"Which mill?","content":[{"type":"text","text":"Which mill?"}],"created_at":"2026-01-02T10:00:00Z"},
        {"uuid":"m2","sender":"assistant","text":"","content":[{"type":"tool_use","name":"search"}],"created_at":"2026-01-02T10:00:05Z"},
        {"uuid":"m3","sender":"assistant","text":"The old one.","content":[{"type":"text","text":"The old one."}],"created_at":"2026-01-02T10:00:09Z"}]},
        {"uuid":"u2","name":"","created_at":"2026-01-03T10:00:00Z","chat_messages":[]}]"#;
    let bytes = archive(&[("users.json", "[]"), ("projects.json", "[]"), ("conversations.json", conversations)]);
    let report = imported(&store, dir.path(), "data-2026-01-04.zip", &bytes);
    assert_eq!((report.created, report.turns, report.other_files, report.refusals), (1, 2, 2, 1), "{report:?}");
    assert_eq!(report.refused, [("element 2".to_owned(), "it has no turns with text".to_owned())]);
    let turns = store.turns("claude-u1").unwrap();
    assert_eq!(turns.iter().map(|turn| turn.content.as_str()).collect::<Vec<_>>(), ["Which mill?", "The old one."]);
    assert_eq!(turns[0].title.as_deref(), Some("Mills"));
    let again = imported(&store, dir.path(), "data-2026-02-04.zip", &bytes);
    assert_eq!((again.created, again.turns, again.known), (0, 0, 2), "{again:?}");
}

#[test]
fn an_export_that_is_divided_is_taken_as_a_whole_and_each_conversation_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let (one, two) = (chatgpt("g1", "gpt one", "gpt two"), chatgpt("g2", "gpt three", "gpt four"));
    let files = [
        ("chat.html", "<html>".to_owned()),
        ("conversations-001.json", format!("[{two},{one}]")),
        ("conversations-000.json", format!("[{one},{one}]")),
        ("shared_conversations.json", format!("[{}]", chatgpt("g3", "shared", "not this one"))),
    ];
    let files = files.each_ref().map(|(name, content)| (*name, content.as_str()));
    let report = imported(&store, dir.path(), "export.zip", &archive(&files));
    assert_eq!((report.conversations, report.created, report.turns, report.known), (4, 2, 4, 4), "{report:?}");
    let told = "4 conversations, 2 of them new; 4 turns taken, 4 known already; 2 other files in the archive";
    assert_eq!(report.to_string(), told);
    let alone = imported(&store, dir.path(), "conversations.json", format!("[{two}]").as_bytes());
    assert_eq!((alone.created, alone.turns, alone.known), (0, 0, 2), "the same in another import");
}

#[test]
fn a_damaged_part_of_an_archive_does_not_keep_the_others_out() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let files = [
        ("conversations-000.json", format!("[{}]", chatgpt("g1", "gpt one", "gpt two"))),
        ("conversations-001.json", format!("[{},{}]", chatgpt("g2", "whole", "yes"), chatgpt("g3", "DAMAGE", "no"))),
        ("conversations-002.json", "[{\"x\":1}]".to_owned()),
    ];
    let files = files.each_ref().map(|(name, content)| (*name, content.as_str()));
    let mut bytes = archive(&files);
    let at = bytes.windows(6).position(|part| part == b"DAMAGE").unwrap();
    bytes[at] = 0;
    let report = imported(&store, dir.path(), "export.zip", &bytes);
    assert_eq!((report.created, report.turns, report.refusals), (2, 4, 2), "{report:?}");
    let places: Vec<&str> = report.refused.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["conversations-001.json", "conversations-002.json, element 1"]);
    assert!(report.refused[0].1.contains("damaged JSON"), "{report:?}");
    let cut = imported(&store, dir.path(), "cut.zip", &bytes[..bytes.len() / 2]);
    assert!(cut.turns == 0 && cut.refused[0].1.contains("damaged archive"), "{cut:?}");
}

#[test]
fn a_longer_export_adds_what_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let short = "User: a\nAssistant: b\n";
    imported(&store, dir.path(), "one.md", short.as_bytes());
    let report = imported(&store, dir.path(), "two.md", format!("{short}User: c\n").as_bytes());
    assert_eq!((report.created, report.turns, report.known), (0, 1, 2));
}

#[test]
fn the_name_of_a_file_is_forgotten_with_the_conversation_that_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    imported(&store, dir.path(), "axolotl.md", b"User: a\nAssistant: b\n");
    imported(&store, dir.path(), "boat.md", b"User: c\nAssistant: d\n");
    imported(&store, dir.path(), "axolotl.md", b"User: e\nAssistant: f\n");
    let page = store.page_of("axolotl-2").unwrap().unwrap();
    store.forget(&page).unwrap();
    let kept = store.imports.reports();
    let files: Vec<&str> = kept.iter().map(|report| report.file.as_str()).collect();
    assert_eq!(files, [NAMELESS, "boat.md", NAMELESS]);
    assert_eq!(kept.iter().map(|report| report.turns).collect::<Vec<_>>(), [2, 2, 2]);
    assert_eq!(Conversations::open(dir.path()).unwrap().imports.reports(), kept);
    let journal = fs::read_to_string(dir.path().join("conversations").join(JOURNAL)).unwrap();
    assert!(!journal.contains("axolotl"), "{journal}");
}

#[test]
fn a_file_that_is_given_up_is_told_of_once() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let report = store.give_up(store.import_id(), "talk.md");
    assert!(report.done && !report.failed && report.refusals == 1, "{report:?}");
    assert_eq!(Conversations::open(dir.path()).unwrap().imports.reports(), [report]);
}

#[test]
fn messages_that_cannot_be_taken_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let line = r#"{"title":"Ovens","messages":[{"role":"user","content":"a"},{"role":"cat","content":"x"}]}"#;
    let report = imported(&store, dir.path(), "programmes.jsonl", line.as_bytes());
    assert_eq!((report.turns, report.refusals, report.refused[0].0.as_str()), (1, 1, "message 2 of Ovens"));
}

#[test]
fn what_was_not_taken_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let check = |bytes: &[u8], turns: usize, place: &str, why: &str| {
        let report = imported(&store, dir.path(), "file.x", bytes);
        assert_eq!(report.turns, turns, "{report:?}");
        let told = report.refused.iter().any(|(p, w)| p == place && w.contains(why));
        assert!(told && report.done, "{report:?}");
    };
    check(b"", 0, "the file", "empty");
    check(b"\x00\x01\x02\xff", 0, "the file", "neither text");
    check(b"Just some words.\n", 0, "the file", "no turns");
    check(&zipped("other.json", "[]"), 0, "the file", "no conversations.json");
    check(b"PK\x03\x04broken", 0, "the file", "damaged archive");
    check(b"[{\"messages\":[{\"role\":\"user\",\"content\":\"k1\"}]}, {\"x\":1}, {", 1, "the file", "damaged JSON");
    check(b"[{\"x\":1}]", 0, "element 1", "none of");
    check(b"{\"role\":\"user\",\"content\":\"k2\"}\nnonsense\n{\"role\":\"user\"}\n", 1, "line 2", "no JSON");
    check(b"{\"role\":\"user\",\"content\":\"k3\"}\n{\"role\":\"user\"}\n", 1, "line 2", "`content`");
}

#[test]
fn an_import_that_was_cut_short_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let (_, path, mut file) = store.imports.begin("a/../talk.md").unwrap();
    file.write_all(b"User: a\nAssistant: b\n").unwrap();
    drop(store);
    let store = Conversations::open(dir.path()).unwrap();
    assert_eq!(store.imports.waiting(), 1);
    store.import_waiting(&|| !path.exists(), &|| ());
    assert_eq!(store.imports.waiting(), 0);
    let report = store.imports.reports().pop().unwrap();
    assert_eq!((report.file.as_str(), report.turns, path.exists()), ("a..talk.md", 2, false));
    let again = Conversations::open(dir.path()).unwrap();
    assert_eq!(again.imports.reports(), [report]);
}

#[test]
#[ignore = "half a minute; run with --release --run-ignored"]
fn ten_thousand_conversations() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let mut lines = String::new();
    for n in 0..10_000 {
        let turn = |k: usize| {
            format!(
                r#"{{"role":"{}","content":"turn {k} of talk {n}, about ovens and {} loaves"}}"#,
                ["user", "assistant"][k % 2],
                n * k
            )
        };
        let turns: Vec<String> = (0..50).map(turn).collect();
        lines.push_str(&format!("{{\"messages\":[{}]}}\n", turns.join(",")));
    }
    let begun = std::time::Instant::now();
    let report = imported(&store, dir.path(), "programmes.jsonl", lines.as_bytes());
    println!("{} turns in {:?}", report.turns, begun.elapsed());
    assert_eq!((report.created, report.turns), (10_000, 500_000));
    let begun = std::time::Instant::now();
    let report = imported(&store, dir.path(), "programmes.jsonl", lines.as_bytes());
    println!("again in {:?}", begun.elapsed());
    assert_eq!((report.created, report.turns), (0, 0));
    let begun = std::time::Instant::now();
    let reopened = Conversations::open(dir.path()).unwrap();
    reopened.live();
    assert!(reopened.session("none").unwrap().is_none());
    println!("opened in {:?}", begun.elapsed());
}
