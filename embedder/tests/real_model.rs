//! The real model on this machine: `$ECHOFS_MODELS`, `$XDG_DATA_HOME/echofs/models` or `~/.local/share/echofs/models`.
//! Without it these tests fail and say so.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use echofs_embedder::{Embedder, Fastembed, Options};

mod common;

fn models() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = || from("HOME").unwrap_or_default().join(".local/share");
    from("ECHOFS_MODELS").unwrap_or_else(|| from("XDG_DATA_HOME").unwrap_or_else(home).join("echofs/models"))
}

fn open() -> Fastembed {
    named("all-minilm-l6-v2-dyn8")
}

fn named(model: &str) -> Fastembed {
    let models = models();
    let options = Options::new(models.join("onnxruntime/libonnxruntime.so"));
    Fastembed::open(&models.join(model), options)
        .unwrap_or_else(|e| panic!("{e}\nthis test needs the embedding model: echofs model pull {model}"))
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[test]
fn meaning_is_near_and_vectors_are_units() {
    let model = open();
    assert!(!model.loaded());
    let texts =
        ["How do I bake sourdough bread?", "A recipe for a loaf with a natural starter", "TCP congestion control"];
    let vectors = model.embed(&texts).unwrap();
    assert!(model.loaded());
    for vector in &vectors {
        assert_eq!(vector.len(), model.dim());
        assert!((cosine(vector, vector) - 1.0).abs() < 1e-4);
    }
    assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[0], &vectors[2]) + 0.2);
    let query = model.embed_query(texts[0]).unwrap();
    assert!(cosine(&query, &vectors[0]) > 0.9999);
    assert!(model.embed(&[""]).is_ok());
    model.unload();
    assert!(cosine(&model.embed_query(texts[0]).unwrap(), &query) > 0.9999);
}

#[test]
fn a_model_that_nobody_uses_leaves_memory() {
    let models = models();
    let runtime = models.join("onnxruntime/libonnxruntime.so");
    let options = Options { idle: Duration::from_millis(20), ..Options::new(runtime) };
    let model = Fastembed::open(&models.join("all-minilm-l6-v2-dyn8"), options).unwrap();
    let vector = model.embed_query("one").unwrap();
    common::until_unloaded(|| model.loaded());
    assert!(cosine(&model.embed_query("one").unwrap(), &vector) > 0.9999);
}

#[test]
fn products_in_8_bits_give_nearly_the_same_vectors() {
    let (fast, plain) = (named("all-minilm-l6-v2-dyn8"), named("all-minilm-l6-v2-int8"));
    let texts = [
        "The ferry leaves at a quarter past six, but only on weekdays.",
        "fn main() { println!(\"{}\", 6 * 7); }",
        "Mateo is allergic to cashew and pistachio; hives and a swollen lip after the satay.",
        "?",
    ];
    for (text, (fast, plain)) in texts.iter().zip(fast.embed(&texts).unwrap().iter().zip(plain.embed(&texts).unwrap()))
    {
        assert!(cosine(fast, &plain) > 0.97, "{text}: {}", cosine(fast, &plain));
    }
}

#[test]
fn a_query_goes_ahead_of_passages() {
    let model = Arc::new(open());
    model.embed_query("warm up").unwrap();
    let passage = "the quick brown fox jumps over the lazy dog and runs on ".repeat(12);
    let busy = model.clone();
    let passages = std::thread::spawn(move || {
        busy.embed(&vec![passage.as_str(); 60]).unwrap();
        Instant::now()
    });
    std::thread::sleep(Duration::from_millis(100));
    let asked = Instant::now();
    model.embed_query("who jumps?").unwrap();
    let answered = Instant::now();
    assert!(answered < passages.join().unwrap(), "the query waited for all passages: {:?}", answered - asked);
}

#[test]
fn a_broken_model_is_an_error() {
    let models = models();
    let dir = tempfile::tempdir().unwrap();
    let copy = dir.path().join("broken");
    std::fs::create_dir(&copy).unwrap();
    for file in ["tokenizer.json", "config.json", "tokenizer_config.json", "special_tokens_map.json"] {
        std::fs::copy(models.join("all-minilm-l6-v2-int8").join(file), copy.join(file)).expect("the embedding model");
    }
    std::fs::write(copy.join("model.onnx"), b"not a model").unwrap();
    let model = Fastembed::open(&copy, Options::new(models.join("onnxruntime/libonnxruntime.so"))).unwrap();
    assert!(model.embed_query("hello").is_err());
    assert!(!model.loaded());
}
