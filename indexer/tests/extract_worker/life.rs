//! A worker's life: what it is kept from, how it ends, and that nothing is left of it.

use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

use echofs_indexer::Extracted;
use echofs_indexer::extract::{ExtractError, Extractor, extract};
use rustix::process::{Pid, Signal, kill_process};

use crate::{Test, pool, read, vault};

pub fn trials() -> Vec<Test> {
    vec![
        ("every_file_of_the_vault_comes_back_as_read_here", same_as_here),
        ("a_worker_cannot_reach_files_or_network", confined),
        ("a_worker_killed_over_a_job_is_replaced", killed),
        ("files_that_go_together_have_their_own_ends", together),
        ("of_files_that_go_together_one_that_hangs_is_waited_for", waits_once),
        ("a_worker_that_hangs_is_killed_at_its_deadline", hung),
        ("crashes_are_told_from_panics", crashes),
        ("noise_on_standard_output_does_no_harm", noise),
        ("a_worker_killed_while_idle_is_not_the_next_files_fault", killed_idle),
        ("a_worker_outlives_the_thread_that_asked_first", threads),
        ("idle_workers_are_ended_and_none_stays_behind", idle),
        ("dropping_the_pool_ends_its_workers", dropped),
        ("many_threads_share_few_workers", shared),
        ("a_command_that_is_no_worker_is_told", unavailable),
        ("descriptors_do_not_leak", descriptors),
    ]
}

fn same_as_here() {
    let pool = pool(2);
    for path in vault() {
        let bytes = std::fs::read(&path).expect("a readable file");
        let here = extract(&path, &bytes);
        let there = pool.extract(&path, bytes);
        assert_eq!(here, there, "{}", path.display());
        assert!(!matches!(there, Err(ExtractError::Failed(_))), "{}: {there:?}", path.display());
    }
}

fn confined() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("secret"), "x").expect("a file");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let argument = format!("{} {}", listener.local_addr().expect("an address"), folder.path().display());
    let pool = pool(1);
    let done = read(&pool, "!escape", argument).expect("an answer");
    assert_eq!(done.text, "", "the worker got out");
    let confinement = pool.confinement().expect("a worker has run");
    assert_eq!(confinement.summary(), "full");
    assert!(folder.path().join("secret").exists());
}

/// The id of the only worker, which is idle.
fn only_worker(pool: &Extractor) -> Pid {
    read(pool, "a.txt", "warm up").expect("an answer");
    let pids = pool.idle_pids();
    assert_eq!(pids.len(), 1);
    Pid::from_raw(pids[0].cast_signed()).expect("an id")
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < end, "waited too long: {what}");
        std::thread::yield_now();
    }
}

fn exists(pid: Pid) -> bool {
    Path::new(&format!("/proc/{}", pid.as_raw_nonzero())).exists()
}

fn killed() {
    let pool = pool(1);
    let pid = only_worker(&pool);
    std::thread::scope(|scope| {
        let job = scope.spawn(|| read(&pool, "!hang", ""));
        until("the job is taken", || pool.idle_pids().is_empty());
        kill_process(pid, Signal::KILL).expect("a running worker");
        let end = job.join().expect("no panic");
        assert_eq!(end, Err(ExtractError::Crashed("signal 9".to_owned())));
    });
    assert!(!exists(pid), "a zombie stays");
    assert_eq!(read(&pool, "a.txt", "next").expect("a new worker").text, "next");
}

/// Has several files read together, each named by its text if that is a job of these tests.
fn read_all(pool: &Extractor, texts: &[&str]) -> Vec<Result<Extracted, ExtractError>> {
    let name = |text: &str| if text.starts_with('!') { text.into() } else { "a.txt".into() };
    let files: Vec<_> = texts.iter().map(|text| (name(text), text.as_bytes().to_vec())).collect();
    let ends = pool.extract_all(&files);
    assert_eq!(ends.len(), texts.len());
    ends
}

fn together() {
    let pool = pool(1);
    kill_idle(only_worker(&pool));
    let long = "word ".repeat(100_000);
    let texts = ["one", &long, "!abort", "two", "!panic", &long, "three"];
    for (text, end) in texts.iter().zip(read_all(&pool, &texts)) {
        match *text {
            "!abort" => assert_eq!(end, Err(ExtractError::Crashed("signal 6".to_owned()))),
            "!panic" => assert!(matches!(end, Err(ExtractError::Failed(_)))),
            text => assert_eq!(end.expect("a reply").text.trim(), text.trim()),
        }
    }
}

fn waits_once() {
    let deadline = Duration::from_secs(1);
    let pool = pool(1).deadline(deadline);
    only_worker(&pool);
    let start = Instant::now();
    let ends = read_all(&pool, &["one", "!hang", "!hang", "!hang", "!hang", "two"]);
    assert!(start.elapsed() < 3 * deadline, "every file that hangs was waited for");
    assert!(ends[0].is_ok() && ends[1] == Err(ExtractError::TimedOut(deadline)), "{ends:?}");
    assert!(ends[2..].iter().all(|end| matches!(end, Err(ExtractError::Unavailable(_)))), "{ends:?}");
    assert!(read(&pool, "a.txt", "next").is_ok());
}

fn hung() {
    let deadline = Duration::from_millis(300);
    let pool = pool(1).deadline(deadline);
    let pid = only_worker(&pool);
    let start = Instant::now();
    assert_eq!(read(&pool, "!hang", ""), Err(ExtractError::TimedOut(deadline)));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(!exists(pid));
    assert!(read(&pool, "a.txt", "next").is_ok());
}

fn crashes() {
    let pool = pool(1);
    assert_eq!(read(&pool, "!abort", ""), Err(ExtractError::Crashed("signal 6".to_owned())));
    assert!(matches!(read(&pool, "!recurse", ""), Err(ExtractError::Crashed(_))));
    assert!(matches!(read(&pool, "!memory", ""), Err(ExtractError::Crashed(_))));
    let pid = only_worker(&pool);
    assert_eq!(read(&pool, "!panic", ""), Err(ExtractError::Failed("the parser gave up: as asked".to_owned())));
    assert_eq!(only_worker(&pool), pid, "a panic costs no worker");
}

fn noise() {
    let pool = pool(1);
    assert!(read(&pool, "!print", "").is_ok());
    assert!(read(&pool, "a.txt", "next").is_ok());
}

/// Kills a worker, and waits until it is a zombie: then its pipes are closed.
fn kill_idle(pid: Pid) {
    kill_process(pid, Signal::KILL).expect("a running worker");
    let stat = || std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    until("the worker is dead", || stat().contains(") Z "));
}

fn killed_idle() {
    let pool = pool(1);
    kill_idle(only_worker(&pool));
    assert!(read(&pool, "a.txt", "next").is_ok());
}

fn threads() {
    let pool = pool(1);
    let first = std::thread::scope(|scope| scope.spawn(|| only_worker(&pool)).join().expect("no panic"));
    let second = std::thread::scope(|scope| scope.spawn(|| only_worker(&pool)).join().expect("no panic"));
    assert_eq!(first, second);
}

fn idle() {
    let pool = pool(1).idle(Duration::from_millis(50));
    let pid = {
        read(&pool, "a.txt", "x").expect("an answer");
        pool.idle_pids().first().copied()
    };
    until("idle workers end", || pool.idle_pids().is_empty());
    if let Some(pid) = pid.and_then(|pid| Pid::from_raw(pid.cast_signed())) {
        until("no zombie stays", || !exists(pid));
    }
    assert!(read(&pool, "a.txt", "again").is_ok());
}

fn dropped() {
    let pool = pool(1);
    let pid = only_worker(&pool);
    drop(pool);
    assert!(!exists(pid));
}

fn shared() {
    let pool = pool(2);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let pool = &pool;
            scope.spawn(move || {
                for at in 0..50 {
                    let text = format!("thread {thread} file {at}");
                    let done = if at % 25 == 24 { read(pool, "!abort", "") } else { read(pool, "a.txt", text.clone()) };
                    match done {
                        Ok(done) => assert_eq!(done.text, text),
                        Err(error) => assert_eq!(error, ExtractError::Crashed("signal 6".to_owned())),
                    }
                }
            });
        }
    });
    assert!(pool.idle_pids().len() <= 2);
}

fn unavailable() {
    for argv in [vec!["/nonexistent/program".into()], vec!["/bin/true".into()], vec![]] {
        let pool = Extractor::new(argv, 2);
        assert!(matches!(read(&pool, "a.txt", "x"), Err(ExtractError::Unavailable(_))));
        assert!(matches!(read(&pool, "a.txt", "x"), Err(ExtractError::Unavailable(_))));
    }
}

fn descriptors() {
    let count = || std::fs::read_dir("/proc/self/fd").expect("a list").count();
    let before = count();
    {
        let pool = pool(2);
        for _ in 0..10 {
            assert!(read(&pool, "!abort", "").is_err());
            assert!(read(&pool, "a.txt", "x").is_ok());
        }
    }
    assert_eq!(count(), before);
}
