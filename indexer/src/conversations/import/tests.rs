//! Whole files, in all their forms.

use std::io::Write;

use super::*;

fn imported(store: &Conversations, dir: &Path, name: &str, bytes: &[u8]) -> Report {
    let path = dir.join("the-file");
    fs::write(&path, bytes).unwrap();
    store.import(store.import_id(), &path, name, &|_| ())
}

fn zipped(name: &str, content: &str) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    archive.start_file("user.json", zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(b"{}").unwrap();
    archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(content.as_bytes()).unwrap();
    archive.finish().unwrap().into_inner()
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
fn a_longer_export_adds_what_is_new() {
    let dir = tempfile::tempdir().unwrap();
    let store = Conversations::open(dir.path()).unwrap();
    let short = "User: a\nAssistant: b\n";
    imported(&store, dir.path(), "one.md", short.as_bytes());
    let report = imported(&store, dir.path(), "two.md", format!("{short}User: c\n").as_bytes());
    assert_eq!((report.created, report.turns, report.known), (0, 1, 2));
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
    store.import_waiting(&|| store.imports.waiting() == 0);
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
