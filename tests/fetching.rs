//! `echofs model pull` from a hub on this machine. What the script behind it does in detail is tested by `scripts/test-pull.py`.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Output;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use crate::common::Session;

/// A hub with one model. It sends who wants the file elsewhere, where the first connection ends half-way.
struct Hub {
    address: String,
    /// First byte of each range of the file that was asked for.
    asked: Arc<Mutex<Vec<usize>>>,
}

fn content() -> Vec<u8> {
    echofs_inference::probe::model()
}

fn digest() -> String {
    Sha256::digest(content()).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Hub {
    /// One that tells this size and this digest.
    fn telling(size: u64, digest: &str) -> Hub {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let (asked, digest) = (Arc::new(Mutex::new(Vec::new())), digest.to_owned());
        let noted = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Who asks may be gone.
                let _ = serve(stream, size, &digest, &noted);
            }
        });
        Hub { address, asked }
    }

    fn pull(&self, session: &Session, words: &[&str]) -> Output {
        let mut command = session.command();
        command.env("HF_ENDPOINT", &self.address).env("no_proxy", "127.0.0.1").env_remove("HF_HUB_OFFLINE");
        command.arg("--models").arg(session.data().join("models")).args(["model", "pull"]).args(words);
        command.output().expect("echofs starts")
    }

    fn asked(&self) -> Vec<usize> {
        self.asked.lock().expect("no panic").clone()
    }
}

fn serve(mut stream: TcpStream, size: u64, digest: &str, asked: &Mutex<Vec<usize>>) -> std::io::Result<()> {
    let head = BufReader::new(stream.try_clone()?).lines().map_while(Result::ok);
    let head: Vec<String> = head.take_while(|line| !line.is_empty()).collect();
    let line = head.first().map_or("", String::as_str);
    let range = head.iter().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let start = range.and_then(|range| range.trim_end_matches('-').parse().ok()).unwrap_or(0);
    let whole = content();
    let told = format!("Location: /elsewhere/tiny.gguf\r\nX-Linked-Size: {size}\r\nX-Linked-ETag: \"{digest}\"");
    let (code, headers, body) = match line.split(' ').nth(1).unwrap_or_default() {
        "/org/tiny/resolve/main/Tiny-Q4_0.gguf" => ("302 Found", told, &whole[..0]),
        "/elsewhere/tiny.gguf" => {
            let mut asked = asked.lock().expect("no panic");
            let end = if asked.is_empty() { whole.len() / 2 } else { whole.len() };
            asked.push(start);
            let code = if start == 0 { "200 OK" } else { "206 Partial Content" };
            (code, format!("Content-Length: {}", whole.len() - start), &whole[start..end])
        }
        _ => ("404 Not Found", "Content-Length: 0".to_owned(), &whole[..0]),
    };
    stream.write_all(format!("HTTP/1.1 {code}\r\n{headers}\r\nConnection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The two lines of a failure, and that nothing was left in the way of the next try.
fn refused(session: &Session, done: &Output, code: i32) -> String {
    let why = text(&done.stderr);
    assert_eq!(done.status.code(), Some(code), "{why}{}", text(&done.stdout));
    let lines: Vec<&str> = why.lines().collect();
    assert!(lines.len() == 2 && lines[0].starts_with("echofs: ") && lines[1].starts_with("Next: "), "{why}");
    assert!(!session.data().join("models/Tiny-Q4_0.gguf").exists());
    why
}

#[test]
fn a_model_of_a_hub_is_fetched_over_a_redirect_and_a_broken_connection() {
    let hub = Hub::telling(content().len() as u64, &digest());
    let session = Session::unmounted(&[]);
    let done = hub.pull(&session, &["org/tiny/Tiny-Q4_0.gguf"]);
    let said = text(&done.stdout);
    assert!(done.status.success(), "{said}{}", text(&done.stderr));
    assert_eq!(hub.asked(), [0, content().len() / 2]);
    assert_eq!(fs::read(session.data().join("models/Tiny-Q4_0.gguf")).expect("there"), content());
    assert!(said.contains("interrupted at") && said.ends_with("tiny-q4_0: there\n") && !said.contains('#'), "{said}");
    let listed = session.command().arg("--models").arg(session.data().join("models")).args(["model", "list"]).output();
    assert!(text(&listed.expect("echofs starts").stdout).contains("org/tiny on the hub"));
    assert!(hub.pull(&session, &["org/tiny/Tiny-Q4_0.gguf"]).status.success());
    assert_eq!(hub.asked().len(), 2, "it is there already");
}

#[test]
fn what_is_not_the_file_or_not_there_or_too_large_is_refused_with_the_reason() {
    let session = Session::unmounted(&[]);
    let size = content().len() as u64;
    let hub = Hub::telling(size, &digest());
    let absent = refused(&session, &hub.pull(&session, &["org/tiny/absent.gguf"]), 1);
    assert!(absent.contains("has no such thing"), "{absent}");
    let wrong = hub.pull(&session, &["org/tiny/Tiny-Q4_0.gguf", "--sha256", &"1".repeat(64)]);
    refused(&session, &wrong, 1);
    assert!(text(&wrong.stdout).contains("SHA-256 differs"), "{}", text(&wrong.stdout));
    refused(&session, &hub.pull(&session, &["org/tiny/Tiny-Q4_0.gguf", "--sha256", "1"]), 2);
    let lying = Hub::telling(size, &"0".repeat(64));
    refused(&session, &lying.pull(&session, &["org/tiny/Tiny-Q4_0.gguf"]), 1);
    let huge = Hub::telling(1 << 60, &digest());
    let full = refused(&session, &huge.pull(&session, &["org/tiny/Tiny-Q4_0.gguf"]), 1);
    assert!(full.contains("are free") && full.contains("Next: make room"), "{full}");
    assert_eq!(huge.asked(), [0; 0], "nothing was begun");
}
