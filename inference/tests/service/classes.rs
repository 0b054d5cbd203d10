//! Classes of work, on a real model.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use echofs_inference::{Cancel, Class, Error, Generator, Request};

use crate::common::{Fixture, ask, long_text, wait_for};

fn of_class(class: Class, request: Request) -> Request {
    Request { class, ..request }
}

// Requested work gives way as background work does, and is not starved by other programs of a busy machine.
#[test]
fn lower_work_gives_way_and_its_text_is_what_it_would_have_been() {
    let service = Fixture::new();
    let slow = of_class(Class::Requested, ask(&format!("{} Tell it all again.", long_text(600)), 40));
    let alone = service.text(&slow);
    let order = Mutex::new(Vec::new());
    let note = |name: &'static str| order.lock().expect("a list").push(name);
    let writing = AtomicBool::new(false);
    let text = std::thread::scope(|scope| {
        let requested = scope.spawn(|| {
            let done = service.client.generate(&slow, &Cancel::default(), &mut |_| {
                writing.store(true, Ordering::Release);
            });
            note("requested");
            done.expect("a completion").text
        });
        // While it reads, while it writes, and again.
        for number in 0..4 {
            if number > 1 {
                wait_for("it to write", || writing.load(Ordering::Acquire));
            }
            let question = ask(&format!("Question {number}: name a colour."), 4);
            service.say(&question).expect("a completion");
            note("question");
        }
        requested.join().expect("no panic")
    });
    assert_eq!(text, alone, "nothing was lost");
    let order = order.into_inner().expect("a list");
    assert!(order.iter().position(|name| *name == "requested") >= Some(2), "{order:?}");
}

#[test]
fn a_question_is_not_kept_waiting_by_a_full_queue_of_background_work() {
    let service = Fixture::with(|config| config.queue = 2);
    assert!(service.say(&ask("Hi", 1)).is_ok());
    let cancel = Cancel::default();
    std::thread::scope(|scope| {
        for number in 0..3 {
            let request = of_class(Class::Background, ask(&format!("{number} {}", long_text(2500)), 500));
            let (service, cancel) = (&service, &cancel);
            scope.spawn(move || service.client.generate(&request, cancel, &mut |_| {}));
        }
        let waiting = || service.client.health().map_or(0, |health| health.classes[Class::Background as usize].waiting);
        wait_for("a full queue", || waiting() == 2);
        let more = service.say(&of_class(Class::Background, ask("And this?", 1)));
        assert!(matches!(more, Err(Error::Busy(2))), "{more:?}");
        assert!(service.say(&ask("Hi", 2)).is_ok());
        assert_eq!(waiting(), 2, "the question went first");
        cancel.cancel();
    });
}

#[test]
fn background_work_runs_at_the_lowest_priority_and_nothing_else_does() {
    let service = Fixture::new();
    assert!(service.say(&of_class(Class::Background, ask("Hi", 1))).is_ok());
    let tasks = format!("/proc/{}/task", service.pid().as_raw_nonzero());
    let niceness = |stat: String| -> Option<i32> { stat.rsplit_once(") ")?.1.split(' ').nth(16)?.parse().ok() };
    let tasks = std::fs::read_dir(tasks).expect("threads").flatten();
    let read = |task: std::fs::DirEntry| niceness(std::fs::read_to_string(task.path().join("stat")).ok()?);
    let all: Vec<i32> = tasks.filter_map(read).collect();
    assert!(all.contains(&19) && all.iter().any(|nice| *nice < 19), "{all:?}");
}
