//! Remote engines against servers of this test, which speak the protocol or break it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::{Value, json};

use super::attempt::TOKEN;
use super::body::{MARKERS, message};
use super::*;
use crate::{Message, Part, Role};

/// Nothing here takes so long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// A server on this machine that answers every request by `answer`, and notes what it was asked.
struct StandIn {
    url: String,
    asked: Arc<Mutex<Vec<(String, Value)>>>,
}

impl StandIn {
    fn new(answer: impl Fn(&mut TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let asked: Arc<Mutex<Vec<(String, Value)>>> = Arc::default();
        let noted = asked.clone();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                noted.lock().expect("a list").push(read(&mut stream));
                answer(&mut stream);
            }
        });
        Self { url, asked }
    }

    fn server(&self) -> Server {
        Server { url: self.url.clone(), model: "big".into(), key_file: None }
    }

    fn count(&self) -> usize {
        self.asked.lock().expect("a list").len()
    }
}

/// The head of a request, and its body.
fn read(stream: &mut TcpStream) -> (String, Value) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let from = head.len();
        reader.read_line(&mut head).expect("a line");
        let line = head[from..].trim();
        if let Some(text) = line.to_lowercase().strip_prefix("content-length:") {
            length = text.trim().parse().expect("a length");
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    (head, serde_json::from_slice(&body).expect("JSON"))
}

fn say(stream: &mut TcpStream, text: &str) {
    let _ = stream.write_all(text.as_bytes());
}

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n";

fn event(text: &str) -> String {
    format!("data: {}\n\n", json!({"model": "big-0925", "choices": [{"delta": {"content": text}}]}))
}

fn whole(stream: &mut TcpStream) {
    let last = json!({"choices": [{"delta": {}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 3}});
    say(stream, &format!("{HEAD}{}{}data: {last}\n\ndata: [DONE]\n\n", event("It is "), event("Pâris.")));
}

fn ask() -> Request {
    let parts = vec![Part::Text("Q: ".into()), Part::Data("who? <|im_end|>".into())];
    let messages = vec![Message { role: Role::User, parts }];
    Request { messages, max_tokens: 9, stop: vec!["\n".into()], ..Request::default() }
}

fn generate(remote: &Remote, request: &Request) -> (Result<Completion, Error>, Vec<String>) {
    let mut pieces = Vec::new();
    let result = remote.generate(request, &Cancel::default(), &mut |text| pieces.push(text.to_owned()));
    (result, pieces)
}

#[test]
fn text_streams_from_a_server_that_gets_key_and_prompt() {
    let server = StandIn::new(whole);
    let dir = tempfile::tempdir().expect("a directory");
    let key_file = Some(dir.path().join("key"));
    std::fs::write(dir.path().join("key"), "sesame\n").expect("written");
    let remote = Remote::new(vec![Server { key_file, ..server.server() }]).expect("right");
    assert!(remote.model().is_some_and(|name| name.starts_with("big at 127.0.0.1:") && name.ends_with("(remote)")));
    let (result, pieces) = generate(&remote, &ask());
    let done = result.expect("a completion");
    assert_eq!((done.text.as_str(), done.model.as_str()), ("It is Pâris.", "big-0925"));
    assert_eq!((done.prompt_tokens, done.output_tokens, pieces.concat()), (12, 3, done.text.clone()));
    let (head, body) = server.asked.lock().expect("a list").remove(0);
    assert!(head.starts_with("POST /v1/chat/completions ") && head.contains("Authorization: Bearer sesame"), "{head}");
    let content = &body["messages"][0]["content"];
    assert_eq!(content, "Q: who? < |im_end| >", "no special token comes out of stored text");
    assert_eq!((&body["max_tokens"], &body["stop"][0], &body["stream"]), (&json!(9), &json!("\n"), &json!(true)));
}

#[test]
fn a_server_that_fails_is_passed_over_for_the_next_and_then_left_alone() {
    let broken =
        StandIn::new(|stream| say(stream, "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"));
    let good = StandIn::new(whole);
    let dead = Server { url: "http://127.0.0.1:1/v1".into(), ..good.server() };
    let remote = Remote::new(vec![broken.server(), dead, good.server()]).expect("right");
    for _ in 0..2 {
        assert_eq!(generate(&remote, &ask()).0.expect("a completion").text, "It is Pâris.");
    }
    assert_eq!((broken.count(), good.count()), (1, 2));
    assert!(remote.model().is_some_and(|name| good.url.contains(name.split(' ').nth(2).expect("a host"))));
    let alone = Remote::new(vec![broken.server()]).expect("right");
    let (result, _) = generate(&alone, &ask());
    assert!(matches!(&result, Err(Error::Down(why)) if why.contains("503") && why.contains("127.0.0.1")), "{result:?}");
    assert_eq!(alone.status().state, State::Down);
    assert!(alone.status().last_error.is_some_and(|error| error.contains("503")));
}

#[test]
fn a_server_that_hangs_up_midway_is_an_error_and_nobody_else_goes_on() {
    let broken = StandIn::new(|stream| say(stream, &format!("{HEAD}{}", event("It is "))));
    let good = StandIn::new(whole);
    let remote = Remote::new(vec![broken.server(), good.server()]).expect("right");
    let (result, pieces) = generate(&remote, &ask());
    assert!(matches!(&result, Err(Error::Down(why)) if why.contains("hung up")), "{result:?}");
    assert_eq!((pieces.concat(), good.count()), ("It is ".into(), 0));
}

#[test]
fn a_request_that_is_refused_is_not_tried_elsewhere() {
    let text = r#"{"error":{"message":"too many tokens"}}"#;
    let head = format!("HTTP/1.1 400 Bad\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}", text.len());
    let strict = StandIn::new(move |stream| say(stream, &head));
    let good = StandIn::new(whole);
    let remote = Remote::new(vec![strict.server(), good.server()]).expect("right");
    let (result, _) = generate(&remote, &ask());
    assert!(matches!(&result, Err(Error::Refused(why)) if why.contains("too many tokens")), "{result:?}");
    assert_eq!(good.count(), 0);
}

#[test]
fn nothing_is_sent_to_where_a_server_points() {
    let other = StandIn::new(whole);
    let head =
        format!("HTTP/1.1 307 There\r\nLocation: {}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", other.url);
    let pointing = StandIn::new(move |stream| say(stream, &head));
    let (result, _) = generate(&Remote::new(vec![pointing.server()]).expect("right"), &ask());
    assert!(matches!(result, Err(Error::Down(_))), "{result:?}");
    assert_eq!(other.count(), 0);
}

#[test]
fn nonsense_is_an_error() {
    for text in ["data: {not json\n\n", "hello\n", "", "data: [1]\n\n", "data: {\"choices\":5}\n\n"] {
        let server = StandIn::new(move |stream| say(stream, &format!("{HEAD}{text}")));
        let (result, _) = generate(&Remote::new(vec![server.server()]).expect("right"), &ask());
        assert!(matches!(result, Err(Error::Down(_))), "{text}: {result:?}");
    }
    let refused = Remote::new(vec![Server { url: "ftp://x".into(), model: "m".into(), key_file: None }]);
    assert!(refused.is_err_and(|why| why.contains("ftp://x")));
    let url = "https://me:sesame@example.org/v1".into();
    let telling = Remote::new(vec![Server { url, model: "m".into(), key_file: None }]);
    assert!(telling.is_err_and(|why| why.contains("key_file") && !why.contains("sesame")));
}

#[test]
fn a_cancel_ends_the_wait_for_a_silent_server() {
    let (server, cancel) = (StandIn::new(|stream| drop(stream.read(&mut [0; 8]))), Cancel::default());
    let remote = Remote::new(vec![server.server()]).expect("right");
    let start = Instant::now();
    std::thread::scope(|scope| {
        let run = scope.spawn(|| remote.generate(&ask(), &cancel, &mut |_| {}));
        while server.count() == 0 && start.elapsed() < DEADLINE {
            std::thread::sleep(Duration::from_millis(5));
        }
        cancel.cancel();
        assert!(matches!(run.join().expect("no panic"), Err(Error::Cancelled)));
    });
    assert!(start.elapsed() < DEADLINE);
}

/// With these servers, for a test that waits until one is given up that was silent for so many seconds.
fn impatient(servers: Vec<Server>, silence: u64) -> Remote {
    let [connection, silence, reply] = [1, silence, 10].map(Duration::from_secs);
    Remote { patience: Patience { connection, silence, reply }, ..Remote::new(servers).expect("right") }
}

/// A server that says the same again and again, with pauses, as long as somebody listens.
fn dripping(drop: String) -> StandIn {
    StandIn::new(move |stream| {
        say(stream, HEAD);
        while stream.write_all(drop.as_bytes()).is_ok() {
            std::thread::park_timeout(Duration::from_millis(50));
        }
    })
}

#[test]
fn a_server_that_sends_bytes_and_no_text_is_given_up_for_the_next() {
    let (dripping, good) = (dripping(":".into()), StandIn::new(whole));
    let remote = impatient(vec![dripping.server(), good.server()], 5);
    assert_eq!(generate(&remote, &ask()).0.expect("a completion").text, "It is Pâris.");
    let alone = impatient(vec![dripping.server()], 5);
    let (result, _) = generate(&alone, &ask());
    assert!(matches!(&result, Err(Error::Down(why)) if why.contains("said nothing for 5 s")), "{result:?}");
}

#[test]
fn a_reply_that_drips_without_end_is_given_up() {
    let server = dripping(event("a "));
    let (result, pieces) = generate(&impatient(vec![server.server()], 5), &Request { max_tokens: 1 << 20, ..ask() });
    assert!(matches!(&result, Err(Error::Down(why)) if why.contains("not whole after 10 s")), "{result:?}");
    assert!(!pieces.is_empty());
}

#[test]
fn a_server_that_says_more_than_was_asked_for_is_cut_short() {
    let server = StandIn::new(|stream| {
        say(stream, HEAD);
        while stream.write_all(event(&"é ".repeat(5000)).as_bytes()).is_ok() {}
    });
    let (result, pieces) = generate(&Remote::new(vec![server.server()]).expect("right"), &ask());
    let text = result.expect("a completion").text;
    assert!(text.len() <= 9 * TOKEN && text.len() > 8 * TOKEN && text == pieces.concat(), "{} bytes", text.len());
}

/// A server that takes no connections and does not say so: its queue of them is full.
fn unreachable() -> (std::os::fd::OwnedFd, Server, Vec<TcpStream>) {
    use rustix::net::{AddressFamily, SocketType, bind, listen, socket};
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&socket, &std::net::SocketAddr::from(([127, 0, 0, 1], 0))).expect("bound");
    listen(&socket, 0).expect("listens");
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().expect("an address");
    let connect = || TcpStream::connect_timeout(&address, Duration::from_millis(300)).ok();
    let queue: Vec<TcpStream> = std::iter::from_fn(connect).take(64).collect();
    assert!(queue.len() < 64, "this system takes any number");
    let server = Server { url: format!("http://{address}/v1"), model: "big".into(), key_file: None };
    (listener.into(), server, queue)
}

#[test]
fn a_server_that_cannot_be_reached_is_not_waited_for_as_one_that_thinks() {
    let (_listener, far, _queue) = unreachable();
    let good = StandIn::new(whole);
    let remote = impatient(vec![far.clone(), good.server()], 10);
    let start = Instant::now();
    assert_eq!(generate(&remote, &ask()).0.expect("a completion").text, "It is Pâris.");
    assert!(!remote.is_down() && start.elapsed() < DEADLINE);
    let alone = impatient(vec![far], 10);
    let (result, _) = generate(&alone, &ask());
    assert!(matches!(&result, Err(Error::Down(why)) if why.contains("timed out")), "{result:?}");
    assert!(alone.is_down());
}

#[test]
fn who_fails_again_is_left_alone_for_longer() {
    let mut outage = Outage::default();
    assert!(!outage.lasts());
    let mut pause = || {
        outage = outage.longer();
        outage.until.map_or(0.0, |until| until.duration_since(Instant::now()).as_secs_f64().round())
    };
    assert_eq!([(); 6].map(|()| pause()), [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]);
    assert!(outage.lasts());
}

#[test]
fn no_special_token_comes_out_of_stored_text() {
    let content = |text: &str| {
        let parts = vec![Part::Data(text.into())];
        message(&Message { role: Role::User, parts })["content"].as_str().expect("text").to_owned()
    };
    let all = content(&MARKERS.concat());
    assert!(MARKERS.iter().all(|marker| !all.contains(marker)), "{all}");
    assert_eq!(content("<\u{ff5c}User\u{ff5c}>"), "< \u{ff5c}User\u{ff5c} >");
    for plain in ["if a[i] < b || c > d { Vec<u8> }", "[1] [x] <div> </p>", "a | b"] {
        assert_eq!(content(plain), plain);
    }
}

#[test]
fn words_of_a_server_do_not_steer_a_terminal() {
    let told =
        json!({"model": "\u{1b}]0;x\u{7}", "choices": [{"delta": {"content": "Yes."}, "finish_reason": "stop"}]});
    let naming = StandIn::new(move |stream| say(stream, &format!("{HEAD}data: {told}\n\ndata: [DONE]\n\n")));
    let (result, _) = generate(&Remote::new(vec![naming.server()]).expect("right"), &ask());
    assert_eq!(result.expect("a completion").model, " ]0;x ");
    let failing = StandIn::new(|stream| say(stream, &format!("{HEAD}data: {}\n\n", json!({"error": "\u{1b}[2J"}))));
    let remote = Remote::new(vec![failing.server()]).expect("right");
    let (result, _) = generate(&remote, &ask());
    assert!(matches!(&result, Err(Error::Down(why)) if why.ends_with(":  [2J")), "{result:?}");
    assert!(remote.status().last_error.is_some_and(|error| !error.contains('\u{1b}')));
}

#[test]
fn a_stop_string_ends_the_text_and_the_connection() {
    let server = StandIn::new(|stream| {
        say(stream, HEAD);
        while stream.write_all(event("a\n").as_bytes()).is_ok() {}
    });
    let (result, pieces) = generate(&Remote::new(vec![server.server()]).expect("right"), &ask());
    assert_eq!((result.expect("a completion").text.as_str(), pieces.concat().as_str()), ("a", "a"));
}

#[test]
fn a_server_that_sends_without_end_is_an_error_and_not_a_full_memory() {
    let server = StandIn::new(|stream| {
        say(stream, HEAD);
        let line = format!("{}\n", "x".repeat(1 << 20));
        while stream.write_all(line.as_bytes()).is_ok() {}
    });
    let (result, _) = generate(&Remote::new(vec![server.server()]).expect("right"), &ask());
    assert!(matches!(&result, Err(Error::Down(why)) if why.contains("too much")), "{result:?}");
}

#[test]
fn a_whole_reply_with_strange_counts_is_a_reply() {
    let last = json!({"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": null}});
    let text = format!("{HEAD}{}data: {last}\n\ndata: [DONE]\n\n", event("Yes."));
    let server = StandIn::new(move |stream| say(stream, &text));
    let (result, _) = generate(&Remote::new(vec![server.server()]).expect("right"), &ask());
    assert_eq!(result.expect("a completion").text, "Yes.");
}

#[test]
fn a_key_that_is_none_is_refused_and_not_shown() {
    let (server, dir) = (StandIn::new(whole), tempfile::tempdir().expect("a directory"));
    let key_file = Some(dir.path().join("key"));
    let remote = Remote::new(vec![Server { key_file, ..server.server() }]).expect("right");
    for key in ["sesame\n# of March\n", "sesam\u{e9}", "sesam\u{0}e"] {
        std::fs::write(dir.path().join("key"), key).expect("written");
        let (result, _) = generate(&remote, &ask());
        assert!(matches!(&result, Err(Error::Down(why)) if why.contains("more than a key")), "{result:?}");
        assert!(remote.status().last_error.is_some_and(|error| !error.contains("sesam")), "the key is told");
    }
    assert_eq!(server.count(), 0);
}

#[test]
fn who_panics_while_listening_is_not_counted_for_ever() {
    let server = StandIn::new(whole);
    let remote = Remote::new(vec![server.server()]).expect("right");
    let listen = || remote.generate(&ask(), &Cancel::default(), &mut |_| panic!("as the test wants it"));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(listen)).is_err());
    assert_eq!(remote.status().state, State::Idle);
}
