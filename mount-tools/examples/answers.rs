//! How good the answers are on a directory of documents and a file of questions with known answers.
//!
//! `cargo run --release -p echofs-mount-tools --example answers -- DIRECTORY QUESTIONS.jsonl WORKDIR [MODEL.gguf]`
//!
//! A line of the questions has `question`, `answers` (none: the documents do not hold it) and, where it is known,
//! `evidence` (`path` and `quote`). WORKDIR keeps the index and what the model replied, so that a change of anything
//! but the prompt is measured without the model. A line for each question goes to standard output, means to standard
//! error. F1 is that of SQuAD 2.0. `ECHOFS_THREADS` says how many threads the model has.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use echofs_embedder::{Embedder, Fastembed, Options};
use echofs_fs::answer::{Answers, Form};
use echofs_indexer::{Config, Index};
use echofs_inference::client::{Client, ClientConfig};
use echofs_inference::{Cancel, Completion, Error, Generator, Request, Status, model_name};
use serde::Deserialize;
use serde_json::{Value, json};

type Failure = Box<dyn std::error::Error>;

#[derive(Deserialize)]
struct Asked {
    question: String,
    answers: Vec<String>,
    #[serde(default)]
    evidence: Vec<Evidence>,
}

#[derive(Deserialize)]
struct Evidence {
    path: PathBuf,
}

/// A model whose replies are kept in a file.
struct Kept {
    model: Option<Client>,
    name: Option<String>,
    replies: Mutex<HashMap<String, Completion>>,
    file: Mutex<File>,
}

impl Kept {
    fn open(file: &Path, model: Option<&Path>) -> Result<Kept, Failure> {
        let known = File::open(file).map(|f| BufReader::new(f).lines().collect::<Result<Vec<_>, _>>());
        let mut replies = HashMap::new();
        for line in known.unwrap_or_else(|_| Ok(Vec::new()))? {
            let (key, completion): (String, Completion) = serde_json::from_str(&line)?;
            replies.insert(key, completion);
        }
        let file = Mutex::new(OpenOptions::new().create(true).append(true).open(file)?);
        let beside = std::env::current_exe()?.parent().and_then(Path::parent).ok_or("no directory")?.to_owned();
        let socket = std::env::temp_dir().join(format!("echofs-answers-{}", std::process::id())).join("s.sock");
        let config = |model: &Path| ClientConfig {
            model: Some(model.to_owned()),
            threads: std::env::var("ECHOFS_THREADS").ok().and_then(|n| n.parse().ok()),
            ..ClientConfig::new(beside.join("echofs-inference"), socket.clone())
        };
        // A name without a file shows the prompts (RUST_LOG=answers=debug) and answers by the evidence alone.
        let client = model.filter(|model| model.is_file()).map(|model| Client::new(config(model)));
        Ok(Kept { model: client, name: model.map(model_name), replies: Mutex::new(replies), file })
    }
}

impl Generator for Kept {
    fn generate(&self, request: &Request, cancel: &Cancel, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        let key = serde_json::to_string(&(self.model(), request)).unwrap_or_default();
        let known = self.replies.lock().ok().and_then(|replies| replies.get(&key).cloned());
        if let Some(known) = known {
            on_text(&known.text);
            return Ok(known);
        }
        log::debug!("{key}");
        let model = self.model.as_ref().ok_or_else(|| Error::NoModel("none was given".into()))?;
        let completion = model.generate(request, cancel, on_text)?;
        let line = serde_json::to_string(&(&key, &completion)).unwrap_or_default();
        if let (Ok(mut replies), Ok(mut file)) = (self.replies.lock(), self.file.lock()) {
            writeln!(file, "{line}").map_err(|e| Error::Down(e.to_string()))?;
            replies.insert(key, completion.clone());
        }
        Ok(completion)
    }

    fn model(&self) -> Option<String> {
        self.name.clone()
    }

    fn status(&self) -> Status {
        Status {
            state: echofs_inference::State::Idle,
            queue: 0,
            restarts: 0,
            model: self.model(),
            cpu: None,
            last_error: None,
        }
    }
}

fn main() -> Result<(), Failure> {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    let mut args = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: answers DIRECTORY QUESTIONS.jsonl WORKDIR [MODEL.gguf]";
    let (directory, questions, work) =
        (args.next().ok_or(usage)?, args.next().ok_or(usage)?, args.next().ok_or(usage)?);
    let directory = directory.canonicalize()?;
    std::fs::create_dir_all(&work)?;
    let generator = Arc::new(Kept::open(&work.join("replies.jsonl"), args.next().as_deref())?);
    let index = indexed(&directory, &work)?;
    let kept = tempfile::tempdir()?;
    let answers = Answers::open(index.clone(), generator, kept.path().join("answers"))?;
    let mut rows = Vec::new();
    for line in BufReader::new(File::open(&questions)?).lines() {
        let asked: Asked = serde_json::from_str(&line?)?;
        let row = judged(&asked, &directory, &ask(&answers, &asked.question)?);
        println!("{row}");
        rows.push(row);
    }
    index.stop();
    report(&rows);
    Ok(())
}

fn indexed(directory: &Path, work: &Path) -> Result<Arc<Index>, Failure> {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
    let data = data.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share")));
    let models = std::env::var_os("ECHOFS_MODELS").map(PathBuf::from);
    let models = models.or_else(|| data.map(|data| data.join("echofs/models"))).ok_or("no models")?;
    let runtime = models.join("onnxruntime/libonnxruntime.so");
    let embedder = Fastembed::open(&models.join("all-minilm-l6-v2-int8"), Options::new(runtime))?;
    let program = std::env::current_exe()?.parent().and_then(Path::parent).ok_or("no directory")?.join("echofs");
    let config = Config {
        data: work.join("data"),
        sources: vec![directory.to_owned()],
        excluded: vec![],
        worker: vec![program.into(), "extract-worker".into()],
    };
    let index = Index::open(config, Some(Arc::new(embedder) as Arc<dyn Embedder>))?;
    index.start();
    if !index.wait(true, Duration::from_secs(3600)) {
        return Err("the index did not come to rest within an hour".into());
    }
    // The model is in memory from the first question on, as in a mount that is in use.
    index.search(&echofs_query_lang::parse("warm up", &jiff::Zoned::now()).query)?;
    Ok(index)
}

fn ask(answers: &Answers, question: &str) -> Result<Value, Failure> {
    let reader = answers.ask(question);
    let mut text = Vec::new();
    loop {
        let piece = reader.read(Form::Json, text.len() as u64, 1 << 16, &|| false)?;
        if piece.is_empty() {
            return Ok(serde_json::from_slice(&text)?);
        }
        text.extend(piece);
    }
}

fn judged(asked: &Asked, directory: &Path, answer: &Value) -> Value {
    let said = answer["answerable"].as_bool().unwrap_or(false);
    let short = answer["short_answer"].as_str().unwrap_or("");
    let full = answer["answer"].as_str().unwrap_or("");
    let best = asked.answers.iter().map(|gold| f1(short, gold)).fold(0.0, f64::max);
    let gold: Vec<PathBuf> = asked.evidence.iter().map(|e| directory.join(&e.path)).collect();
    let cited: HashSet<&str> =
        answer["citations"].as_array().into_iter().flatten().filter_map(|c| c["path"].as_str()).collect();
    let well_cited = said && gold.iter().any(|path| cited.contains(path.to_string_lossy().as_ref()));
    let f1 = if asked.answers.is_empty() { f64::from(!said) } else { best };
    json!({
        "question": asked.question, "gold": asked.answers, "said": said, "short": short, "answer": full,
        "f1": f1, "contains": asked.answers.iter().any(|gold| contains(full, gold)), "cited": well_cited,
        "support": answer["confidence"], "prompt": answer["tokens"]["prompt"], "citations": answer["citations"],
    })
}

fn report(rows: &[Value]) {
    let mean = |key: &str, rows: &[&Value]| -> f64 {
        let value = |row: &&Value| row[key].as_f64().unwrap_or_else(|| f64::from(row[key] == true));
        rows.iter().map(value).sum::<f64>() / rows.len().max(1) as f64
    };
    let known = |row: &&Value| row["gold"].as_array().is_some_and(|gold| !gold.is_empty());
    let (has, not): (Vec<&Value>, Vec<&Value>) = rows.iter().partition(|row| known(row));
    let refused = |rows: &[&Value]| rows.iter().filter(|row| row["said"] == false).count();
    let (right, wrong) = (refused(&not), refused(&has));
    eprintln!(
        "answerable    {}: F1 {:.3}, contains {:.3}, cited the gold document {:.3}, refused {wrong}",
        has.len(),
        mean("f1", &has),
        mean("contains", &has),
        mean("cited", &has)
    );
    eprintln!(
        "unanswerable  {}: refused {right}; recall {:.3}, precision {:.3}",
        not.len(),
        right as f64 / not.len().max(1) as f64,
        right as f64 / (right + wrong).max(1) as f64
    );
}

/// Letters and digits in lower case, without articles.
fn words(text: &str) -> Vec<String> {
    let plain: String = text.to_lowercase().chars().filter(|c| !c.is_ascii_punctuation()).collect();
    plain.split_whitespace().filter(|w| !["a", "an", "the"].contains(w)).map(str::to_owned).collect()
}

fn f1(said: &str, gold: &str) -> f64 {
    let (said, gold) = (words(said), words(gold));
    let mut left = gold.clone();
    let same = said.iter().filter(|word| left.iter().position(|l| l == *word).map(|at| left.swap_remove(at)).is_some());
    let same = same.count() as f64;
    if same == 0.0 { 0.0 } else { 2.0 * same / (said.len() + gold.len()) as f64 }
}

fn contains(text: &str, gold: &str) -> bool {
    let (text, gold) = (words(text), words(gold));
    !gold.is_empty() && text.windows(gold.len()).any(|run| run == gold)
}
