//! Too few watches, too many events, too slow a kernel.

use std::fs;
use std::time::Duration;

use super::bench::Bench;
use crate::shared::lock;
use crate::watch::{Options, Watch};

fn folders(root: &std::path::Path, count: usize) {
    for folder in 0..count {
        fs::create_dir(root.join(format!("{folder}"))).unwrap();
        fs::write(root.join(format!("{folder}/a.md")), "x").unwrap();
    }
}

#[test]
fn without_watches_left_the_source_is_polled() {
    let options = Options { max_watches: Some(5), poll: Duration::from_millis(100), ..Options::default() };
    let mut bench = Bench::with(options, |root| folders(root, 20));
    bench.settle();
    let watch = bench.watcher.state(&bench.root).unwrap().watch;
    assert!(matches!(&watch, Watch::Polling(why) if why.contains("max_user_watches")), "{watch}");
    bench.shell("echo longer > 7/a.md; rm 8/a.md; mv 9 nine; mkdir -p x/y; echo x > x/y/z.md");
    bench.settle();
}

#[test]
fn watches_that_run_out_later_mean_polling_too() {
    let options = Options { max_watches: Some(5), poll: Duration::from_millis(100), ..Options::default() };
    let mut bench = Bench::with(options, |root| folders(root, 2));
    assert_eq!(bench.watcher.state(&bench.root).unwrap().watch, Watch::Inotify);
    folders(&bench.at("1"), 10);
    bench.settle();
    assert!(matches!(bench.watcher.state(&bench.root).unwrap().watch, Watch::Polling(_)));
    bench.shell("echo x > 1/9/new.md");
    bench.settle();
}

#[test]
fn after_an_overflow_the_sources_are_compared_with_the_disk() {
    let mut bench = Bench::with(Options::default(), |root| folders(root, 3));
    bench.settle_and_rest();
    // Events that never arrive: the hints are thrown away, as the kernel would.
    let stop_hints = lock(&bench.watcher.shared.hints);
    fs::write(bench.at("1/lost.md"), "x").unwrap();
    fs::remove_file(bench.at("2/a.md")).unwrap();
    drop(stop_hints);
    let lost = notify::Event::new(notify::EventKind::Other).set_flag(notify::event::Flag::Rescan);
    bench.watcher.shared.event(Ok(lost));
    bench.settle();
}

#[test]
fn a_queue_that_overflows_for_real() {
    const LIMIT: &str = "/proc/sys/fs/inotify/max_queued_events";
    let Ok(before) = fs::read_to_string(LIMIT) else { return };
    if fs::write(LIMIT, "16").is_err() {
        eprintln!("only root may make the queue small: left out");
        return;
    }
    let bench = Bench::with(Options::default(), |root| folders(root, 3));
    fs::write(LIMIT, before).unwrap();
    let mut bench = bench;
    for file in 0..3_000 {
        fs::write(bench.at(&format!("{}/{file}.md", file % 3)), "x").unwrap();
    }
    bench.settle();
    fs::remove_dir_all(bench.at("1")).unwrap();
    bench.settle();
}

#[test]
fn a_rescan_tells_everything_again() {
    let mut bench = Bench::with(Options::default(), |root| folders(root, 5));
    bench.settle_and_rest();
    bench.books.documents.clear();
    bench.watcher.rescan(Some(&bench.root.clone()));
    bench.until("completed again", |books| books.completed == 2);
    bench.settle();
}

#[test]
fn the_regular_comparison_finds_what_no_event_told() {
    let options = Options { reconcile: Duration::from_millis(200), ..Options::default() };
    let mut bench = Bench::with(options, |root| folders(root, 2));
    bench.settle();
    // A second name for the directory: changes through it are changes all the same.
    bench.shell("echo x > 1/b.md");
    lock(&bench.watcher.shared.hints).take(std::time::Instant::now() + Duration::from_secs(1));
    bench.settle();
}

#[test]
fn a_stop_ends_the_wait_at_once() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| bench.watcher.next(10, Duration::from_secs(600)));
        bench.watcher.stop();
        assert!(waiting.join().unwrap().is_none());
    });
}

#[test]
fn an_idle_watcher_does_nothing() {
    let mut bench = Bench::with(Options::default(), |root| folders(root, 10));
    bench.settle_and_rest();
    let turns = || bench.watcher.shared.turns.load(std::sync::atomic::Ordering::Relaxed);
    let before = turns();
    assert!(bench.watcher.next(10, Duration::from_secs(2)).is_some_and(|changes| changes.is_empty()));
    // Other tests mount and unmount, which wakes it; polling of any kind would be far more.
    assert!(turns() - before < 40, "{} wake-ups in two idle seconds", turns() - before);
}
