//! The service on its socket, around an engine that repeats what it is told.

use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use super::*;
use crate::protocol::Kind;
use crate::scheduler::Engine;
use crate::turn::Turn;
use crate::{Completion, Message, Part, Role};

/// Nothing here takes so long unless it hangs; less than a client has to read.
const DEADLINE: Duration = Duration::from_secs(15);
/// On a busy machine, for what waits for nobody. What would have to wait here never comes.
const AT_ONCE: Duration = Duration::from_secs(5);
/// Requests that may wait.
const QUEUE: usize = 2;
/// More tokens than anybody waits for.
const ENDLESS: usize = 1 << 40;

/// Says the last text of its prompt again and again, a millisecond each.
struct Parrot;

impl Engine for Parrot {
    fn generate(&mut self, work: &Work, turn: &Turn<'_>, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        let parts = work.request.messages.iter().flat_map(|message| &message.parts);
        let text = parts.last().map_or("", Part::as_str);
        for _ in 0..work.request.max_tokens {
            turn.wait()?;
            std::thread::park_timeout(Duration::from_millis(1));
            on_text(text);
        }
        Ok(Completion { output_tokens: work.request.max_tokens, ..Completion::default() })
    }
    fn tidy(&mut self) {}
    fn unload(&mut self) {}
    fn loaded(&self) -> Option<String> {
        None
    }
    fn cpu(&self) -> Option<String> {
        None
    }
}

/// A service that runs until the end of all tests.
struct Bench {
    service: Arc<Service>,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().expect("a directory");
        let listener = UnixListener::bind(dir.path().join("s.sock")).expect("a socket");
        let service = Service::new(Scheduler::start(|_| Parrot, QUEUE, DEADLINE), Some("parrot".into()), 1, None);
        let serving = Arc::clone(&service);
        std::thread::spawn(move || serving.serve(&listener));
        Bench { service, dir }
    }

    fn connect(&self) -> Caller {
        Caller::new(&self.dir.path().join("s.sock"))
    }

    /// A caller whose endless generation runs.
    fn busy(&self) -> Caller {
        let mut caller = self.connect();
        caller.call(&generate("again", ENDLESS));
        assert!(matches!(caller.event(), Some(Event::Text { .. })));
        caller
    }
}

struct Caller(BufReader<UnixStream>);

impl Caller {
    fn new(socket: &Path) -> Caller {
        let stream = UnixStream::connect(socket).expect("a connection");
        stream.set_read_timeout(Some(DEADLINE)).expect("set");
        Caller(BufReader::new(stream))
    }

    fn send(&self, bytes: &[u8]) {
        (&mut self.0.get_ref()).write_all(bytes).expect("taken");
    }

    fn call(&self, call: &Call) {
        protocol::write_call(&mut self.0.get_ref(), call).expect("taken");
    }

    /// The next event; `None` at the end of the connection.
    fn event(&mut self) -> Option<Event> {
        let mut line = Vec::new();
        let read = protocol::read_line(&mut self.0, &mut line).expect("within the deadline");
        read.then(|| protocol::parse_event(&line).expect("an event"))
    }

    /// The next event that is no text.
    fn end(&mut self) -> Option<Event> {
        loop {
            match self.event() {
                Some(Event::Text { .. }) => {}
                other => return other,
            }
        }
    }

    fn is_healthy(&mut self) -> bool {
        self.call(&Call::Health);
        matches!(self.end(), Some(Event::Health(_)))
    }
}

fn generate(text: &str, max_tokens: usize) -> Call {
    let messages = vec![Message { role: Role::User, parts: vec![Part::Data(text.into())] }];
    Call::Generate { model: None, adapter: None, request: Request { messages, max_tokens, ..Request::default() } }
}

fn is_error(event: Option<&Event>, wanted: Kind, says: &str) -> bool {
    matches!(event, Some(Event::Error { kind, message, .. }) if *kind == wanted && message.contains(says))
}

#[test]
fn a_cancel_in_the_middle_ends_the_generation_and_not_the_connection() {
    let bench = Bench::new();
    let mut caller = bench.busy();
    let start = Instant::now();
    caller.call(&Call::Cancel);
    let end = caller.end();
    assert!(is_error(end.as_ref(), Kind::Cancelled, ""), "{end:?}");
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    caller.call(&Call::Cancel);
    assert!(caller.is_healthy(), "with nothing to cancel nothing is said");
    caller.call(&generate("more", 3));
    assert!(matches!(caller.end(), Some(Event::Done { completion, .. }) if completion.output_tokens == 3));
}

#[test]
fn who_waits_and_cancels_or_leaves_is_gone_before_the_others_have_ended() {
    let bench = Bench::new();
    let mut first = bench.busy();
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let start = Instant::now();
        while !done() {
            assert!(start.elapsed() < DEADLINE, "{what}");
            std::thread::yield_now();
        }
    };
    let (mut cancelling, leaving) = (bench.connect(), bench.connect());
    for caller in [&cancelling, &leaving] {
        caller.call(&generate("later", 1));
    }
    until("both wait", &|| bench.service.health().waiting == 2);
    cancelling.call(&Call::Cancel);
    assert!(is_error(cancelling.event().as_ref(), Kind::Cancelled, ""));
    drop(leaving);
    until("neither waits any more", &|| bench.service.health().waiting == 0);
    until("its connection is over", &|| *bench.service.connections() == 2);
    assert!(matches!(first.event(), Some(Event::Text { .. })), "the first goes on");
}

#[test]
fn who_has_no_more_to_ask_gets_the_rest_unless_it_leaves() {
    let bench = Bench::new();
    let last_call = |tokens| {
        let caller = bench.connect();
        caller.call(&generate("rest", tokens));
        caller.0.get_ref().shutdown(std::net::Shutdown::Write).expect("shut");
        caller
    };
    let mut caller = last_call(30);
    assert!(matches!(caller.end(), Some(Event::Done { completion, .. }) if completion.output_tokens == 30));
    assert_eq!(caller.event(), None, "the connection ends");
    let mut leaving = last_call(ENDLESS);
    assert!(matches!(leaving.event(), Some(Event::Text { .. })));
    drop(leaving);
    let start = Instant::now();
    while *bench.service.connections() > 0 || bench.service.scheduler.idle_for().is_zero() {
        assert!(start.elapsed() < DEADLINE, "it goes on for nobody");
        std::thread::yield_now();
    }
}

#[test]
fn a_new_call_takes_the_place_of_the_one_that_runs() {
    let bench = Bench::new();
    let mut caller = bench.busy();
    caller.call(&generate("instead", 2));
    assert!(is_error(caller.end().as_ref(), Kind::Cancelled, ""));
    assert!(matches!(caller.end(), Some(Event::Done { .. })));
}

#[test]
fn one_connection_too_many_is_told_so_at_once_and_a_free_place_is_used_again() {
    let bench = Bench::new();
    let mut callers: Vec<Caller> = (0..MAX_CONNECTIONS).map(|_| bench.connect()).collect();
    assert!(callers.iter_mut().all(Caller::is_healthy));
    let start = Instant::now();
    let mut further = bench.connect();
    let told = further.event();
    assert!(matches!(told, Some(Event::Error { kind: Kind::Busy, waiting: MAX_CONNECTIONS, .. })), "{told:?}");
    assert!(further.event().is_none() && start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    assert!(callers.iter_mut().all(Caller::is_healthy), "the others go on");
    callers.pop();
    while *bench.service.connections() >= MAX_CONNECTIONS {
        assert!(start.elapsed() < DEADLINE, "the place of who left stays taken");
        std::thread::yield_now();
    }
    assert!(bench.connect().is_healthy());
}

#[test]
fn it_is_idle_when_the_last_connection_is_over() {
    let bench = Bench::new();
    let mut caller = bench.connect();
    assert!(caller.is_healthy());
    let (told, idle) = channel();
    let service = Arc::clone(&bench.service);
    std::thread::spawn(move || {
        service.wait_idle(Duration::ZERO);
        told.send(())
    });
    assert!(caller.is_healthy() && idle.try_recv().is_err(), "somebody is connected");
    drop(caller);
    assert_eq!(idle.recv_timeout(DEADLINE), Ok(()));
}

#[test]
fn a_full_queue_is_busy_at_once() {
    let bench = Bench::new();
    let mut first = bench.busy();
    let waiting: Vec<Caller> = (0..QUEUE).map(|_| bench.connect()).collect();
    for (caller, count) in waiting.iter().zip(1..) {
        caller.call(&generate("later", 1));
        let start = Instant::now();
        while bench.service.health().waiting < count {
            assert!(start.elapsed() < DEADLINE, "it does not wait");
            std::thread::yield_now();
        }
    }
    let (start, mut further) = (Instant::now(), bench.connect());
    further.call(&generate("never", 1));
    let told = further.event();
    assert!(matches!(told, Some(Event::Error { kind: Kind::Busy, waiting: QUEUE, .. })), "{told:?}");
    assert!(start.elapsed() < AT_ONCE, "{:?}", start.elapsed());
    first.call(&Call::Cancel);
    assert!(is_error(first.end().as_ref(), Kind::Cancelled, ""));
    for mut caller in waiting {
        assert!(matches!(caller.end(), Some(Event::Done { .. })), "who waits has its turn");
    }
    further.call(&generate("now", 1));
    assert!(matches!(further.end(), Some(Event::Done { .. })));
}

#[test]
fn another_version_is_refused_by_its_number_and_the_connection_goes_on() {
    let bench = Bench::new();
    let mut caller = bench.connect();
    for (line, says) in [
        (&b"{\"v\":2,\"call\":\"health\"}\n"[..], "version 2 is not spoken here, only 1"),
        (b"{\"v\":0,\"call\":\"generate\",\"messages\":[],\"max_tokens\":1}\n", "version 0"),
        (b"{\"call\":\"health\"}\n", "v"),
    ] {
        caller.send(line);
        let told = caller.event();
        assert!(is_error(told.as_ref(), Kind::Refused, says), "{told:?}");
    }
    assert!(caller.is_healthy());
}

#[test]
fn a_line_that_is_too_long_is_refused_and_ends_its_connection_alone() {
    let bench = Bench::new();
    let (mut caller, mut other) = (bench.connect(), bench.connect());
    caller.send(&vec![b'x'; protocol::MAX_LINE + 1]);
    let told = caller.event();
    assert!(is_error(told.as_ref(), Kind::Refused, "longer than"), "{told:?}");
    assert!(caller.event().is_none(), "the connection is over");
    assert!(other.is_healthy());
}

#[test]
fn who_never_reads_and_who_never_ends_a_line_hold_up_nobody() {
    let bench = Bench::new();
    let deaf = bench.connect();
    // Much more than a socket holds.
    deaf.call(&generate(&"x".repeat(64 << 10), 64));
    let slow = bench.connect();
    slow.send(b"{\"v\":1,\"call\":");
    let start = Instant::now();
    let mut caller = bench.connect();
    assert!(caller.is_healthy());
    caller.call(&generate("one", 5));
    assert!(matches!(caller.end(), Some(Event::Done { completion, .. }) if completion.output_tokens == 5));
    assert!(start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    slow.send(b"\"health\"}\n");
    let mut slow = slow;
    assert!(matches!(slow.event(), Some(Event::Health(_))), "the rest of the line came");
    let mut rest = String::new();
    assert!({ deaf }.0.read_line(&mut rest).is_ok_and(|read| read > 0), "who reads late gets it all the same");
}

#[test]
fn who_asks_on_and_on_without_reading_is_given_up() {
    let bench = Bench::new();
    let deaf = bench.connect();
    let start = Instant::now();
    // Far more than the answers that a socket holds.
    let ended = (0..1_000_000).any(|_| protocol::write_call(&mut deaf.0.get_ref(), &Call::Health).is_err());
    assert!(ended && start.elapsed() < DEADLINE, "{:?}", start.elapsed());
    assert!(bench.connect().is_healthy());
}
