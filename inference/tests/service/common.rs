//! A service with the small test model, in a directory of its own.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use echofs_inference::client::{Client, ClientConfig};
use echofs_inference::{Cancel, Completion, Error, Format, Generator, Message, Part, Request, Role, socket};
use tempfile::TempDir;

/// Nothing here takes so long unless it hangs.
pub const DEADLINE: Duration = Duration::from_secs(120);

/// The model of the tests: SmolLM2-135M-Instruct in Q4_1.
pub fn model() -> PathBuf {
    let home = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let shared = || home("XDG_DATA_HOME").or_else(|| Some(home("HOME")?.join(".local/share")));
    let directory = home("ECHOFS_MODELS").or_else(|| Some(shared()?.join("echofs/models")));
    let path = directory.unwrap_or_default().join("smollm2-135m-instruct-q4_1.gguf");
    assert!(path.is_file(), "{} is missing: echofs model pull smollm2-135m-q4_1", path.display());
    path
}

/// A client with its service's directory.
pub struct Fixture {
    pub client: Client,
    pub dir: TempDir,
}

impl Fixture {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut ClientConfig)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("run/s.sock");
        let mut config = ClientConfig::new(env!("CARGO_BIN_EXE_echofs-inference").into(), socket);
        config.model = Some(model());
        config.threads = Some(1);
        change(&mut config);
        Self { client: Client::new(config), dir }
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("run/s.sock")
    }

    /// The process that listens.
    pub fn pid(&self) -> rustix::process::Pid {
        let stream = socket::connect(&self.socket()).expect("a service");
        rustix::net::sockopt::socket_peercred(&stream).expect("its process").pid
    }

    pub fn kill(&self) {
        rustix::process::kill_process(self.pid(), rustix::process::Signal::KILL).expect("killed");
    }

    pub fn say(&self, request: &Request) -> Result<Completion, Error> {
        self.client.generate(request, &Cancel::default(), &mut |_| {})
    }

    pub fn text(&self, request: &Request) -> String {
        self.say(request).expect("a completion").text
    }

    /// Returns once all is kept that was read before: other work waits for that. This is some that reads nothing.
    pub fn settle(&self) {
        let format = Some(Format::Grammar("root ::= root \"a\"".into()));
        let refused = self.say(&Request { format, ..ask("Hi", 1) });
        assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    }
}

/// A question with some text of the program around it.
pub fn ask(question: &str, max_tokens: usize) -> Request {
    let system = Message { role: Role::System, parts: vec![Part::Text("You are a helpful assistant.".into())] };
    let user = Message { role: Role::User, parts: vec![Part::Data(question.into())] };
    Request { messages: vec![system, user], max_tokens, ..Request::default() }
}

/// A request that runs until somebody stops it.
pub fn endless() -> Request {
    let mut request = ask("Count from one to ten thousand.", 3000);
    request.messages.push(Message { role: Role::Assistant, parts: vec![Part::Text("1, 2, 3, 4, 5,".into())] });
    request
}

/// Text of about so many tokens.
pub fn long_text(tokens: usize) -> String {
    let words = ["river", "lamp", "stone", "garden", "winter", "letter", "train"];
    (0..tokens).map(|i| words[(i * i + i / 3) % words.len()]).collect::<Vec<_>>().join(" ")
}

/// Waits until `done`, with a deadline.
pub fn wait_for(what: &str, done: impl Fn() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < DEADLINE, "{what}: not within {DEADLINE:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
