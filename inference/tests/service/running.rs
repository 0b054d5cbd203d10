//! The process: started, killed, cancelled, crowded, idle.

use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use echofs_inference::protocol::{self, Call, Event};
use echofs_inference::{Cancel, Error, Generator, State, socket};

use crate::common::{DEADLINE, Fixture, ask, endless, long_text, wait_for};

/// A person does not notice less.
const AT_ONCE: Duration = Duration::from_millis(300);

#[test]
fn a_service_killed_while_it_writes_is_an_error_at_once_and_the_next_request_works() {
    let service = Fixture::new();
    let mut killed = None;
    let result = service.client.generate(&endless(), &Cancel::default(), &mut |_| {
        killed.get_or_insert_with(|| {
            service.kill();
            Instant::now()
        });
    });
    assert!(matches!(&result, Err(Error::Down(why)) if why.contains("signal: 9")), "{result:?}");
    assert!(killed.expect("it wrote").elapsed() < Duration::from_secs(2));
    assert!(service.say(&ask("Hi", 4)).is_ok());
    assert_eq!(service.client.status().restarts, 1);
}

#[test]
fn killed_again_and_again_it_pauses_and_says_so_and_comes_back() {
    let service = Fixture::new();
    let die = || service.client.generate(&endless(), &Cancel::default(), &mut |_| service.kill());
    assert!(matches!(die(), Err(Error::Down(_))));
    assert!(matches!(die(), Err(Error::Down(_))));
    assert_eq!(service.client.status().state, State::Down);
    let start = Instant::now();
    let paused = service.say(&ask("Hi", 4));
    if start.elapsed() < AT_ONCE {
        assert!(matches!(&paused, Err(Error::Down(why)) if why.contains("tried again in")), "{paused:?}");
    }
    wait_for("an answer after the pause", || service.say(&ask("Hi", 4)).is_ok());
    assert_eq!(service.client.status().state, State::Idle);
}

/// Cancels once `due` and returns how long the request went on after that.
fn cancelled_after(
    service: &Fixture,
    request: &echofs_inference::Request,
    due: impl Fn(usize) -> bool + Sync,
) -> Duration {
    let (cancel, pieces) = (Cancel::default(), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let run = scope.spawn(|| {
            let result = service.client.generate(request, &cancel, &mut |_| {
                pieces.fetch_add(1, Ordering::AcqRel);
            });
            assert!(matches!(result, Err(Error::Cancelled)), "{result:?}");
            Instant::now()
        });
        wait_for("the moment to cancel", || due(pieces.load(Ordering::Acquire)));
        let start = Instant::now();
        cancel.cancel();
        run.join().expect("no panic").duration_since(start)
    })
}

fn service_is_idle(service: &Fixture) -> bool {
    service.client.health().is_ok_and(|health| health.state == State::Idle)
}

#[test]
fn a_cancel_ends_the_reading_of_a_long_prompt() {
    let service = Fixture::new();
    assert!(service.say(&ask("Hi", 1)).is_ok());
    let busy = |_| !service_is_idle(&service);
    assert!(cancelled_after(&service, &ask(&long_text(2500), 10), busy) < AT_ONCE);
    let start = Instant::now();
    wait_for("the service to stop", || service_is_idle(&service));
    // One piece of 128 tokens may be under way; 2,500 would take twenty times as long.
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(service.say(&ask("Hi", 4)).is_ok());
}

#[test]
fn a_cancel_ends_the_writing_of_an_answer() {
    let service = Fixture::new();
    assert!(cancelled_after(&service, &endless(), |pieces| pieces > 2) < AT_ONCE);
    wait_for("the service to stop", || service_is_idle(&service));
    let before = ask("Tell me about the moon.", 16);
    assert_eq!(service.text(&before), Fixture::new().text(&before), "what was cancelled leaves nothing behind");
}

#[test]
fn a_client_that_vanishes_stops_its_generation() {
    let service = Fixture::new();
    assert!(service.say(&ask("Hi", 1)).is_ok());
    let stream = socket::connect(&service.socket()).expect("a connection");
    let model = service.client.model_path();
    protocol::write_call(&mut &stream, &Call::Generate { model, adapter: None, request: endless() }).expect("written");
    wait_for("the generation to run", || !service_is_idle(&service));
    drop(stream);
    wait_for("the service to stop", || service_is_idle(&service));
}

#[test]
fn of_twenty_requests_at_once_those_beyond_the_queue_are_told_so_at_once() {
    let service = Fixture::with(|config| config.queue = 4);
    assert!(service.say(&ask("Hi", 1)).is_ok());
    let (done, busy) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for i in 0..20 {
            let (service, done, busy) = (&service, &done, &busy);
            scope.spawn(move || match service.say(&ask(&format!("Say {i}. {}", long_text(100)), 12)) {
                Ok(_) => done.fetch_add(1, Ordering::AcqRel),
                Err(Error::Busy(waiting)) => busy.fetch_add(waiting.min(1), Ordering::AcqRel),
                Err(error) => panic!("{error}"),
            });
        }
        let queue = || service.client.status().queue;
        wait_for("a queue", || queue() > 0 || done.load(Ordering::Acquire) > 0);
    });
    let (done, busy) = (done.into_inner(), busy.into_inner());
    assert_eq!(done + busy, 20);
    assert!(done >= 5 && busy >= 1, "{done} done, {busy} refused");
    assert_eq!(service.client.status().queue, 0);
}

#[test]
fn memory_is_given_back_when_idle_and_the_process_ends_later() {
    let service = Fixture::with(|config| config.idle = Duration::from_secs(1));
    assert!(service.say(&ask("Hi", 1)).is_ok());
    let resident = |pid: i32| {
        let statm = std::fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
        statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4096
    };
    let pid = service.pid().as_raw_nonzero().get();
    let loaded = resident(pid);
    wait_for("the model to be unloaded", || service.client.health().is_ok_and(|health| health.model.is_none()));
    let left = resident(pid);
    assert!(left < 60 << 20 && left < loaded / 2, "{left} bytes of {loaded} are left");
    assert!(service.say(&ask("Hi", 1)).is_ok(), "loaded again");
    wait_for("the process to end", || socket::connect(&service.socket()).is_err());
    assert!(service.say(&ask("Hi", 1)).is_ok(), "started again");
    assert_eq!(service.client.status().restarts, 0, "an end without a fault is no failure");
}

#[test]
fn only_the_owner_reaches_the_socket_and_the_process_can_do_little() {
    let service = Fixture::new();
    assert!(service.client.health().is_ok());
    let mode = |path: &std::path::Path| std::fs::metadata(path).expect("there").mode() & 0o777;
    assert_eq!((mode(&service.socket()), mode(&service.dir.path().join("run"))), (0o600, 0o700));
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.pid().as_raw_nonzero())).expect("readable");
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2"] {
        assert!(status.contains(line), "{status}");
    }
}

#[test]
fn the_process_ends_with_its_client() {
    let service = Fixture::new();
    assert!(service.client.health().is_ok());
    let stream = socket::connect(&service.socket()).expect("a connection");
    drop(service.client);
    let mut line = Vec::new();
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    let read = protocol::read_line(&mut std::io::BufReader::new(&stream), &mut line);
    assert!(!matches!(read, Ok(true)), "the kernel closed it");
    assert!(socket::connect(&service.dir.path().join("run/s.sock")).is_err());
}

#[test]
fn lines_that_are_no_calls_are_refused_and_hurt_nobody() {
    let service = Fixture::new();
    assert!(service.client.health().is_ok());
    let stream = socket::connect(&service.socket()).expect("a connection");
    stream.set_read_timeout(Some(DEADLINE)).expect("set");
    let mut reader = std::io::BufReader::new(&stream);
    let mut answer = |bytes: &[u8]| {
        (&stream).write_all(bytes).expect("written");
        let mut line = Vec::new();
        assert!(protocol::read_line(&mut reader, &mut line).expect("read"));
        protocol::parse_event(&line).expect("an event")
    };
    let bad: [&[u8]; 5] = [
        b"\n",
        b"hello\n",
        b"\x00\xfe\xff\n",
        b"{\"v\":9,\"call\":\"health\"}\n",
        b"{\"v\":1,\"call\":\"generate\",\"messages\":5}\n",
    ];
    for bytes in bad {
        let event = answer(bytes);
        assert!(matches!(event, Event::Error { kind: protocol::Kind::Refused, .. }), "{event:?}");
    }
    assert!(matches!(answer(b"{\"v\":1,\"call\":\"health\"}\n"), Event::Health(_)));
    assert!(service.say(&ask("Hi", 2)).is_ok());
}
