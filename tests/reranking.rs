//! A reranker that the owner has named, on a real mount: a small cross-encoder, which counts the question's words in a text.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::common::{Session, shared_models};

/// To words alone one says most that has the rarest word again and again; to one that counts words it says least.
const NOTES: &[(&str, &str)] = &[
    ("rare.md", "zebra zebra zebra\n"),
    ("harbour.md", "boat river harbour\n"),
    ("meadow.md", "boat river meadow\n"),
    ("kitchen.md", "boat river kitchen\n"),
    ("engine.md", "boat river engine\n"),
    ("violin.md", "boat river violin\n"),
];
const QUERY: &str = "zebra boat river";

/// A models directory with the runtime, the reranker `words`, and `broken`, which is none.
fn models() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    symlink(shared_models().join("onnxruntime"), dir.path().join("onnxruntime")).expect("a link");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/make-reranker.py");
    for name in ["words", "broken"] {
        let mut command = Command::new("python3");
        command.arg(&script).arg(shared_models().join("all-minilm-l6-v2-dyn8")).arg(dir.path().join(name));
        assert!(command.status().expect("python3").success());
    }
    fs::write(dir.path().join("broken/model.onnx"), "no model").expect("written");
    dir
}

/// A mount whose configuration names this reranker.
fn session(models: &Path, reranker: &str) -> Session {
    let options = ["--models", models.to_str().expect("UTF-8"), "--model", "none"];
    let mut session = Session::unmounted(NOTES).options(&options);
    fs::create_dir_all(session.data()).expect("a directory");
    fs::write(session.data().join("config.toml"), format!("reranker = \"{reranker}\"\n")).expect("written");
    session.mount();
    session.wait_for_words();
    session
}

fn loaded(session: &Session) -> bool {
    session.status()["models"]["reranker"]["loaded"] == true
}

#[test]
fn a_reranker_works_where_it_is_asked_for_and_nowhere_else() {
    let models = models();
    let session = session(models.path(), "words");
    let plain = session.hits(QUERY);
    assert!(plain.len() == 6 && plain[0].ends_with("/rare.md"), "{plain:?}");
    assert!(session.list(format!("search/{QUERY}")).len() > 6);
    assert!(fs::metadata(session.at("ask/where are the boat, the river and the zebra?")).is_ok());
    assert!(!loaded(&session), "looking loads nothing");

    let asked = format!("{QUERY} sort:rerank");
    let hits = session.hits(&asked);
    assert!(hits.len() == 6 && hits[5].ends_with("/rare.md"), "{hits:?}");
    assert!(loaded(&session));
    let explained = session.read(format!("search/{asked}/explain.md"));
    assert!(explained.contains("words has read the query with 6 of the 6 best passages"), "{explained}");
    assert!(explained.contains("| # | reranked | score |") && explained.contains("| reranking | "), "{explained}");
    assert_eq!(session.hits(QUERY), plain);

    let answer = session.read("ask/where are the boat, the river and the zebra?.json");
    let answer: serde_json::Value = serde_json::from_str(&answer).expect("JSON");
    let told = &answer["reranked"][0];
    assert_eq!((&told["model"], &told["error"]), (&"words".into(), &serde_json::Value::Null), "{answer}");
    assert!(told["passages"].as_u64() >= Some(2) && told["passages"] == told["of"], "{answer}");
    assert!(session.read("status").contains("\nreranking   words, loaded\n"), "{}", session.read("status"));
    assert!(session.read(".echo/config.toml").contains("reranker = \"words\""));
}

#[test]
fn a_reranker_that_is_missing_or_broken_is_told_of_and_nothing_takes_its_place() {
    let models = models();
    for (name, cause) in [("gone", "no model at "), ("broken", "cannot be loaded")] {
        let session = session(models.path(), name);
        let explained = session.read(format!("search/{QUERY} sort:rerank/explain.md"));
        assert!(explained.contains(&format!("{name} gave no order")) && explained.contains(cause), "{explained}");
        assert_eq!(session.hits(&format!("{QUERY} sort:rerank")), session.hits(QUERY));
        let answer = session.read("ask/where are the boat, the river and the zebra?");
        assert!(answer.contains(&format!("(The reranker {name} gave no order: ")), "{answer}");
        let status = session.read("status");
        assert!(status.contains(&format!("\n! no reranking by {name}: ")) && status.contains(cause), "{status}");
        let mut doctor = session.command();
        let told =
            doctor.arg("--models").arg(models.path()).args(["doctor", "--json"]).output().expect("echofs starts");
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let line = told.lines().find(|line| line.contains("\"reranker\"")).unwrap_or_default();
        assert!(line.contains("\"warn\"") && line.contains(cause), "{told}");
    }
}
