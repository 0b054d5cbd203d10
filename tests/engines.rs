//! Models, adapters and remote engines, chosen while a tree is mounted and from the command line.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Session, shared_models, until};

const NOTES: &[(&str, &str)] = &[("boat.md", "# Boat\n\nThe spare key of the boat shed hangs behind the oilskins.\n")];
const MODEL: &str = "smollm2-135m-q4_1";

/// A models directory of its own with the test model, as a link, and two adapters: one that fits it and one that does not.
fn models() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let model = shared_models().join("smollm2-135m-instruct-q4_1.gguf");
    std::os::unix::fs::symlink(&model, dir.path().join("smollm2-135m-instruct-q4_1.gguf")).expect("a link");
    fs::create_dir(dir.path().join("lora")).expect("a directory");
    let adapter = dir.path().join("lora/style.gguf");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/make-lora.py");
    let made = Command::new("python3").arg(script).arg(&model).arg(&adapter).output().expect("python3");
    assert!(made.status.success(), "{}", stderr(&made));
    let mut foreign = fs::read(&adapter).expect("readable");
    let at = foreign.windows(5).position(|window| window == b"llama").expect("the architecture");
    foreign[at..at + 5].copy_from_slice(b"gemma");
    fs::write(dir.path().join("lora/foreign.gguf"), foreign).expect("written");
    dir
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn session(models: &Path) -> Session {
    let mut session =
        Session::unmounted(NOTES).options(&["--models", models.to_str().expect("UTF-8"), "--model", MODEL]);
    session.mount();
    session.wait_for_words();
    session
}

#[test]
fn the_model_and_its_adapter_are_changed_while_mounted() {
    let models = models();
    let session = session(models.path());
    let generation = |session: &Session| session.status()["models"]["generation"]["name"].as_str().map(str::to_owned);
    assert_eq!(session.list(".echo/models"), [format!("{MODEL}.json")]);
    assert!(session.read(format!(".echo/models/{MODEL}.json")).contains("98362432"));
    assert!(session.read(".echo/model").starts_with(&format!("{MODEL}\n")));
    let order = |file: &str, line: &str| session.shell(&format!("echo '{line}' > .echo/{file}")).status.success();
    let answer = |session: &Session, question: &str| session.read(format!("ask/{question}"));
    answer(&session, "where does the spare key hang?");
    let engine = session.engine().expect("a process");

    assert!(order("lora", "style 0.5"));
    assert!(session.read(".echo/lora").starts_with("style 0.5\n"), "{}", session.read(".echo/lora"));
    answer(&session, "where is the spare key of the shed?");
    assert_eq!(session.engine(), Some(engine), "nothing was started or loaded again");
    assert!(!order("lora", "foreign 1"), "it fits another model");
    let told = session.read(".echo/lora");
    assert!(told.starts_with("style 0.5\n") && told.contains("refused: ") && told.contains("arch"), "{told}");
    assert!(!order("lora", "nonesuch"));
    assert!(order("lora", "off"));
    assert!(session.read(".echo/lora").starts_with("off\n") && !session.read(".echo/lora").contains("refused: "));

    assert!(!order("model", "nonesuch"));
    assert_eq!(generation(&session).as_deref(), Some(MODEL));
    assert!(order("model", "none"));
    until("no model", DEADLINE, || generation(&session).is_none());
    assert!(session.read(".echo/model").starts_with("none\n"));
    assert!(order("model", MODEL));
    until("the model", DEADLINE, || generation(&session).as_deref() == Some(MODEL));
    let sizes = session.shell("cat .echo/lora | wc -c; stat -c %s .echo/lora");
    let sizes = String::from_utf8_lossy(&sizes.stdout).split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(sizes[0], sizes[1], "the size is exact");
}

#[test]
fn the_commands_choose_convert_and_remove() {
    let models = models();
    let session = Session::unmounted(NOTES);
    let run = |words: &[&str]| {
        let done = session.command().arg("--models").arg(models.path()).args(words).output().expect("echofs starts");
        (done.status.success(), String::from_utf8_lossy(&done.stdout).into_owned(), stderr(&done))
    };
    let config = || fs::read_to_string(session.data().join("config.toml")).unwrap_or_default();
    let (good, listed, why) = run(&["lora", "list"]);
    assert!(good && listed.contains("style") && listed.contains("foreign"), "{listed}{why}");
    assert!(run(&["model", "use", MODEL]).0);
    assert!(run(&["lora", "use", "style", "--scale", "0.5"]).0);
    assert!(config().contains("lora = \"style\"") && config().contains("lora_scale = 0.5"), "{}", config());
    let (good, _, why) = run(&["lora", "use", "foreign"]);
    assert!(!good && why.contains("arch") && why.contains("Next: "), "{why}");
    let (good, _, why) = run(&["lora", "use", "none-such"]);
    assert!(!good && why.contains("none-such"), "{why}");
    assert!(run(&["lora", "list", "--json"]).1.contains("\"in_use\":true"));
    assert!(run(&["lora", "off"]).0 && config().contains("lora = \"none\""));

    let (good, said, why) = run(&["model", "quantize", MODEL, "Q3_K_M"]);
    assert!(good && said.contains("smollm2-135m-instruct-q3_k_m.gguf") && !why.contains('#'), "{said}{why}");
    let (good, _, why) = run(&["model", "quantize", MODEL, "q3_k_m"]);
    assert!(!good && why.contains("--force"), "{why}");
    let (good, _, why) = run(&["model", "quantize", MODEL, "q9"]);
    assert!(!good && why.contains("q4_0"), "{why}");
    assert!(run(&["model", "list"]).1.contains("smollm2-135m-q3_k_m"));
    let (good, said, _) = run(&["model", "info", "smollm2-135m-q3_k_m"]);
    assert!(good && said.contains("llama"), "{said}");
    assert!(run(&["model", "use", "smollm2-135m-q3_k_m"]).0);
    let (good, _, why) = run(&["model", "remove", "smollm2-135m-q3_k_m"]);
    assert!(!good && why.contains("in use"), "{why}");
    let (good, said, why) = run(&["model", "use", "auto"]);
    assert!(good && said.contains("free memory"), "{said}{why}");
    assert!(run(&["model", "use", "none"]).0);
    assert!(run(&["model", "remove", "smollm2-135m-q3_k_m"]).0);
    assert!(!run(&["model", "list"]).1.contains("q3_k_m"));
    assert!(!run(&["model", "remove", "smollm2-135m-q3_k_m"]).0);
}

/// A server on this machine that answers every request with the same words; its address.
fn stand_in(words: &'static str) -> String {
    let event = serde_json::json!({"choices": [{"delta": {"content": words}, "finish_reason": "stop"}]});
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";
    server(format!("{head}data: {event}\n\ndata: [DONE]\n\n")).0
}

/// A server on this machine that gives every request the same answer; its address, and how often it was asked.
fn server(answer: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            count.fetch_add(1, Ordering::AcqRel);
            let mut reader = BufReader::new(&mut stream);
            let (mut line, mut length) = (String::new(), 0);
            while reader.read_line(&mut line).is_ok() && !line.trim().is_empty() {
                if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
                    length = text.trim().parse().unwrap_or(0);
                }
                line.clear();
            }
            let _ = reader.read_exact(&mut vec![0; length]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (url, asked)
}

#[test]
fn a_remote_engine_that_fails_is_left_alone_while_the_model_here_answers() {
    let (url, asked) = server("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".into());
    let mut session = Session::unmounted(NOTES).options(&["--model", MODEL]);
    fs::create_dir_all(session.data()).expect("a directory");
    let config = format!("[[remote]]\nurl = \"{url}\"\nmodel = \"big\"\n");
    fs::write(session.data().join("config.toml"), config).expect("written");
    session.mount();
    session.wait_for_words();
    let start = Instant::now();
    for question in ["where does the spare key hang?", "where is the spare key of the boat shed?"] {
        let answer: serde_json::Value =
            serde_json::from_str(&session.read(format!("ask/{question}.json"))).expect("JSON");
        assert_eq!(answer["model"], MODEL, "{answer}");
    }
    let paused = start.elapsed() < Duration::from_secs(25);
    assert!(asked.load(Ordering::Acquire) == 1 || !paused, "nobody waits for it again so soon");
    let status = session.read("status");
    assert!(status.contains("(remote)") && status.contains("503"), "{status}");
}

#[test]
fn a_remote_engine_that_was_written_down_words_the_answers_and_is_named() {
    let url = stand_in("behind the oilskins [1]");
    let mut session = Session::unmounted(NOTES).options(&["--model", "none"]);
    fs::create_dir_all(session.data()).expect("a directory");
    let dead = "[[remote]]\nurl = \"http://127.0.0.1:1/v1\"\nmodel = \"gone\"\n";
    let config = format!("{dead}\n[[remote]]\nurl = \"{url}\"\nmodel = \"big\"\n");
    fs::write(session.data().join("config.toml"), config).expect("written");
    session.mount();
    session.wait_for_words();
    let question = "where does the spare key of the boat shed hang?";
    session.read(format!("ask/{question}"));
    let answer: serde_json::Value = serde_json::from_str(&session.read(format!("ask/{question}.json"))).expect("JSON");
    assert!(answer["model"].as_str().is_some_and(|model| model.contains("big")), "{answer}");
    let status = session.read("status");
    assert!(status.contains("big at 127.0.0.1:") && status.contains("(remote)"), "{status}");
    assert!(session.engine().is_none(), "no model runs here");
}
