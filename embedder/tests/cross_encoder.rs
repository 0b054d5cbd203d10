//! A cross-encoder on the ONNX runtime of this machine: a small one, which a script makes, with the tokenizer of the
//! embedding model. Where these are missing the tests fail and say so.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use echofs_embedder::{CrossEncoder, Error, Options, Reranker};

mod common;

const PATIENCE: Duration = Duration::from_secs(20);
const QUESTION: &str = "where does the red key hang";
/// Texts, with how many words of the question they have.
const TEXTS: [(&str, f32); 4] = [
    ("The river is behind the door.", 1.0),
    ("Where does the red key hang? It does hang behind the door.", 6.0),
    ("", 0.0),
    ("There is a red key.", 2.0),
];

fn models() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = || from("HOME").unwrap_or_default().join(".local/share");
    from("ECHOFS_MODELS").unwrap_or_else(|| from("XDG_DATA_HOME").unwrap_or_else(home).join("echofs/models"))
}

/// A directory with a model that counts shared words.
fn made() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/make-reranker.py");
    let from = models().join("all-minilm-l6-v2-dyn8");
    let done = Command::new("python3").arg(script).arg(from).arg(dir.path()).output().expect("python3");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}\nthis test needs the embedding model: echofs model pull");
    dir
}

fn open(dir: &Path, idle: Duration) -> CrossEncoder {
    let options = Options { idle, ..Options::new(models().join("onnxruntime/libonnxruntime.so")) };
    CrossEncoder::open(dir, options).unwrap()
}

#[test]
fn a_question_and_a_text_are_read_together() {
    let dir = made();
    let model = open(dir.path(), PATIENCE);
    assert!(!model.loaded());
    let (texts, want): (Vec<&str>, Vec<f32>) = TEXTS.into_iter().unzip();
    assert_eq!(model.rerank(QUESTION, &texts, PATIENCE).unwrap(), want);
    assert!(model.loaded());
    assert_eq!(model.rerank("a river", &texts, PATIENCE).unwrap(), [1.0, 0.0, 0.0, 0.0], "another question");
    let long = format!("{} red key", "river ".repeat(2000));
    assert_eq!(model.rerank("river", &[&long], PATIENCE).unwrap(), [1.0], "a long text is cut");
    assert!(model.rerank(QUESTION, &[], PATIENCE).unwrap().is_empty());
}

#[test]
fn what_is_not_begun_in_time_has_no_score() {
    let dir = made();
    let model = open(dir.path(), PATIENCE);
    let text = "the red key ".repeat(100);
    assert_eq!(model.rerank(QUESTION, &[&text], Duration::ZERO).unwrap().len(), 1, "loading is waited for");
    assert!(model.rerank(QUESTION, &[&text], Duration::ZERO).unwrap().is_empty());
    assert_eq!(model.rerank(QUESTION, &[&text, &text], PATIENCE).unwrap().len(), 2, "nothing is left over");
}

#[test]
fn a_cross_encoder_that_nobody_uses_leaves_memory() {
    let dir = made();
    let model = open(dir.path(), Duration::from_millis(20));
    let score = || model.rerank(QUESTION, &["a red key"], PATIENCE).unwrap();
    assert_eq!(score(), [2.0]);
    common::until_unloaded(|| model.loaded());
    assert_eq!(score(), [2.0]);
}

#[test]
fn a_missing_or_broken_cross_encoder_is_an_error() {
    let dir = made();
    std::fs::write(dir.path().join("model.onnx"), b"not a model").unwrap();
    let model = open(dir.path(), PATIENCE);
    let error = model.rerank(QUESTION, &["a red key"], PATIENCE).unwrap_err();
    assert!(matches!(error, Error::Unusable { .. }), "{error}");
    assert!(!model.loaded());
    std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
    let options = Options::new(models().join("onnxruntime/libonnxruntime.so"));
    assert!(
        matches!(CrossEncoder::open(dir.path(), options), Err(Error::Missing(path)) if path.ends_with("tokenizer.json"))
    );
}
