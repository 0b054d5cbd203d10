//! The scheduler around an engine that writes down each of its steps.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::protocol::Kind;

/// Nothing here takes so long unless it hangs.
const DEADLINE: Duration = Duration::from_secs(20);

/// The step that keeps a state.
const KEEP: usize = 99;

/// Steps as they were taken: the prompt's name and the number of the step.
type Steps = Arc<Mutex<Vec<(String, usize)>>>;

/// Takes `max_tokens` steps for a request, the next one only when the test lets it. To keep the state of a conversation is a step
/// too, number [`KEEP`].
struct Stepper {
    /// The prompt's name, where its state is to be kept.
    unkept: Option<String>,
    steps: Steps,
    gate: Arc<(Mutex<usize>, Condvar)>,
}

impl Engine for Stepper {
    fn generate(&mut self, work: &Work, turn: &Turn<'_>, on_text: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        let name = work.model.display().to_string();
        assert_ne!(name, "panic", "as the test wants it");
        self.unkept = work.request.conversation.as_ref().map(|_| name.clone());
        for step in 0..work.request.max_tokens {
            turn.wait()?;
            self.steps.lock().expect("steps").push((name.clone(), step));
            self.pass(turn)?;
            on_text("x");
        }
        let text = "x".repeat(work.request.max_tokens);
        let count = work.request.max_tokens;
        Ok(Completion { text, model: name, prompt_tokens: 0, output_tokens: count, ..Completion::default() })
    }
    fn keep_state(&mut self) {
        if let Some(name) = self.unkept.take() {
            self.steps.lock().expect("steps").push((name.clone(), KEEP));
            let passed = self.pass(&Turn::alone(&Cancel::default()));
            assert!(passed.is_ok() && name != "panic later", "as the test wants it");
        }
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

impl Stepper {
    /// Waits for one permission of the test.
    fn pass(&self, turn: &Turn<'_>) -> Result<(), Error> {
        let (left, changed) = &*self.gate;
        let mut left = left.lock().expect("the gate");
        while *left == 0 {
            if turn.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            left = changed.wait_timeout(left, Duration::from_millis(5)).expect("the gate").0;
        }
        *left -= 1;
        Ok(())
    }
}

struct Bench {
    scheduler: Scheduler,
    steps: Steps,
    gate: Arc<(Mutex<usize>, Condvar)>,
}

impl Bench {
    fn new(capacity: usize) -> Self {
        let (steps, gate): (Steps, Arc<(Mutex<usize>, Condvar)>) = Default::default();
        let inner = (steps.clone(), gate.clone());
        let make = move |_| Stepper { unkept: None, steps: inner.0.clone(), gate: inner.1.clone() };
        Self { scheduler: Scheduler::start(make, capacity, DEADLINE), steps, gate }
    }

    fn submit(&self, class: Class, name: &str, steps: usize) -> Result<(Receiver<Event>, Cancel), Error> {
        self.send(name, Request { max_tokens: steps, class, ..Request::default() })
    }

    /// A turn of a conversation.
    fn converse(&self, name: &str) -> Receiver<Event> {
        let conversation = Some("garden".into());
        self.send(name, Request { max_tokens: 1, conversation, ..Request::default() }).expect("queued").0
    }

    fn send(&self, name: &str, request: Request) -> Result<(Receiver<Event>, Cancel), Error> {
        let (events, received) = channel();
        let cancel = Cancel::default();
        let work = Work { model: name.into(), adapter: None, request };
        self.scheduler.submit(Job { work, cancel: cancel.clone(), events })?;
        Ok((received, cancel))
    }

    fn allow(&self, steps: usize) {
        *self.gate.0.lock().expect("the gate") += steps;
        self.gate.1.notify_all();
    }

    fn names(&self) -> Vec<String> {
        self.steps.lock().expect("steps").iter().map(|(name, step)| format!("{name}{step}")).collect()
    }

    fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !done(self) {
            assert!(start.elapsed() < DEADLINE, "{what}: {:?}", self.names());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

fn end(events: &Receiver<Event>) -> Event {
    loop {
        match events.recv_timeout(DEADLINE).expect("an end") {
            Event::Text { .. } => {}
            event => return event,
        }
    }
}

#[test]
fn lower_work_gives_way_between_two_steps_and_goes_on_where_it_was() {
    let bench = Bench::new(4);
    let (background, _) = bench.submit(Class::Background, "b", 4).expect("queued");
    bench.until("the background runs", |bench| bench.names() == ["b0"]);
    let (requested, _) = bench.submit(Class::Requested, "r", 2).expect("queued");
    bench.until("the requested work runs", |bench| bench.names().contains(&"r0".into()));
    let (interactive, _) = bench.submit(Class::Interactive, "i", 3).expect("queued");
    bench.until("the interactive work runs", |bench| bench.names().contains(&"i0".into()));
    bench.allow(100);
    for events in [interactive, requested, background] {
        assert!(matches!(end(&events), Event::Done { .. }));
    }
    assert_eq!(bench.names(), ["b0", "r0", "i0", "i1", "i2", "r1", "b1", "b2", "b3"]);
}

#[test]
fn each_class_has_its_own_bounded_queue_and_a_full_one_is_an_error_at_once() {
    let bench = Bench::new(2);
    for class in Class::ALL {
        let mut kept = Vec::new();
        for _ in 0..3 {
            kept.push(bench.submit(class, "x", 1).expect("room"));
        }
        bench.until("one runs, or waits for its turn", |bench| bench.scheduler.classes()[class as usize].waiting == 2);
        let start = Instant::now();
        let refused = bench.submit(class, "x", 1);
        assert!(matches!(refused, Err(Error::Busy(2))), "{class:?}");
        assert!(start.elapsed() < Duration::from_secs(1));
        for (_, cancel) in &kept {
            cancel.cancel();
        }
    }
}

#[test]
fn a_flood_of_background_work_does_not_hold_up_a_question() {
    let bench = Bench::new(8);
    let flood: Vec<_> = (0..50).filter_map(|_| bench.submit(Class::Background, "b", 1000).ok()).collect();
    assert!((8..=9).contains(&flood.len()), "{}", flood.len());
    bench.until("the flood runs", |bench| !bench.names().is_empty());
    let (question, _) = bench.submit(Class::Interactive, "i", 5).expect("room");
    bench.until("the question runs", |bench| bench.names().contains(&"i0".into()));
    bench.allow(6);
    assert!(matches!(end(&question), Event::Done { .. }));
    flood.iter().for_each(|(_, cancel)| cancel.cancel());
    for (events, _) in &flood {
        assert!(matches!(end(events), Event::Error { .. }));
    }
}

#[test]
fn a_panic_is_an_error_for_its_caller_and_the_next_job_runs() {
    let bench = Bench::new(2);
    let (broken, _) = bench.submit(Class::Interactive, "panic", 1).expect("queued");
    assert!(matches!(end(&broken), Event::Error { kind: Kind::Down, .. }));
    bench.allow(1);
    let (next, _) = bench.submit(Class::Interactive, "i", 1).expect("queued");
    assert!(matches!(end(&next), Event::Done { .. }));
    bench.until("nothing presses any more", |bench| bench.scheduler.state().0 == State::Idle);
}

#[test]
fn work_that_waits_for_its_turn_can_be_cancelled() {
    let bench = Bench::new(2);
    let (interactive, stop) = bench.submit(Class::Interactive, "i", 1).expect("queued");
    bench.until("it runs", |bench| bench.names() == ["i0"]);
    let (background, cancel) = bench.submit(Class::Background, "b", 1).expect("queued");
    cancel.cancel();
    assert!(matches!(end(&background), Event::Error { kind: Kind::Cancelled, .. }));
    assert_eq!(bench.names(), ["i0"]);
    stop.cancel();
    assert!(matches!(end(&interactive), Event::Error { .. }));
}

#[test]
fn a_caller_has_its_end_before_the_state_is_kept_and_the_next_work_waits_for_that() {
    let bench = Bench::new(0);
    bench.allow(1);
    let first = bench.converse("a");
    assert!(matches!(end(&first), Event::Done { .. }));
    bench.until("the state is being kept", |bench| bench.names() == ["a0", "a99"]);
    assert!(matches!(first.try_recv(), Err(std::sync::mpsc::TryRecvError::Disconnected)), "nothing more comes");
    let next = bench.converse("b");
    let (lower, _) = bench.submit(Class::Requested, "r", 1).expect("queued");
    assert_eq!(bench.names(), ["a0", "a99"], "the next one waits, though no place in the queue was left");
    bench.allow(1);
    bench.until("the next one runs", |bench| bench.names() == ["a0", "a99", "b0"]);
    bench.allow(1);
    assert!(matches!(end(&next), Event::Done { .. }));
    bench.until("lower work does not wait for a state", |bench| bench.names().contains(&"r0".into()));
    bench.allow(2);
    assert!(matches!(end(&lower), Event::Done { .. }));
    bench.until("both states are kept", |bench| bench.names().contains(&"b99".into()));
}

#[test]
fn a_panic_while_a_state_is_kept_costs_the_state_alone() {
    let bench = Bench::new(2);
    bench.allow(10);
    assert!(matches!(end(&bench.converse("panic later")), Event::Done { .. }));
    assert!(matches!(end(&bench.converse("b")), Event::Done { .. }));
}

#[test]
fn who_cancels_while_waiting_is_told_before_the_others_have_ended() {
    let bench = Bench::new(2);
    let (running, stop) = bench.submit(Class::Interactive, "a", 1).expect("queued");
    bench.until("it runs", |bench| bench.names() == ["a0"]);
    let is_cancelled = |events: &Receiver<Event>| matches!(end(events), Event::Error { kind: Kind::Cancelled, .. });
    let (first, cancel) = bench.submit(Class::Interactive, "b", 1).expect("queued");
    cancel.cancel();
    bench.scheduler.drop_cancelled();
    assert!(is_cancelled(&first));
    let (second, cancel) = bench.submit(Class::Interactive, "b", 1).expect("queued");
    cancel.cancel();
    let (third, _) = bench.submit(Class::Interactive, "c", 1).expect("queued");
    assert!(is_cancelled(&second), "also when another one comes");
    assert!(running.try_recv().is_err());
    stop.cancel();
    assert!(is_cancelled(&running));
    bench.allow(1);
    assert!(matches!(end(&third), Event::Done { .. }));
}

/// Panics when it is to give something back, and counts how often it is asked to.
struct Brittle(Arc<Mutex<usize>>);

impl Engine for Brittle {
    fn generate(&mut self, _: &Work, _: &Turn<'_>, _: &mut dyn FnMut(&str)) -> Result<Completion, Error> {
        Ok(Completion::default())
    }
    fn tidy(&mut self) {
        panic!("as the test wants it");
    }
    fn unload(&mut self) {
        *self.0.lock().expect("a count") += 1;
        panic!("as the test wants it");
    }
    fn loaded(&self) -> Option<String> {
        None
    }
    fn cpu(&self) -> Option<String> {
        None
    }
}

/// Runs a job of such an engine.
fn runs(scheduler: &Scheduler) -> bool {
    let (events, received) = channel();
    let work = Work { model: "m".into(), adapter: None, request: Request::default() };
    scheduler.submit(Job { work, cancel: Cancel::default(), events }).expect("queued");
    matches!(end(&received), Event::Done { .. })
}

#[test]
fn a_panic_while_nothing_runs_does_not_stop_the_work_to_come() {
    let unloaded: Arc<Mutex<usize>> = Arc::default();
    let count = unloaded.clone();
    let scheduler = Scheduler::start(move |_| Brittle(count.clone()), 1, Duration::ZERO);
    let unloaded = || *unloaded.lock().expect("a count");
    for _ in 0..4 {
        scheduler.tidy();
        let (before, start) = (unloaded(), Instant::now());
        assert!(runs(&scheduler));
        while unloaded() == before {
            assert!(start.elapsed() < DEADLINE, "the memory is not given back");
            std::thread::yield_now();
        }
    }
    drop(scheduler);
    assert!(
        unloaded() <= 3 + 4,
        "once for each class and once after each job: nothing spins where no idle time is allowed"
    );
}

#[test]
fn an_idle_time_without_an_end_is_one() {
    let scheduler = Scheduler::start(|_| Brittle(Arc::default()), 1, Duration::MAX);
    assert!(runs(&scheduler));
}

#[test]
fn an_engine_that_takes_no_step_is_found_unless_something_else_goes_on() {
    const LIMIT: Duration = Duration::from_secs(1);
    let bench = Bench::new(1);
    let (_events, cancel) = bench.submit(Class::Interactive, "a", 1 << 20).expect("queued");
    let (loading, found, signs) = (AtomicBool::new(true), AtomicBool::new(false), AtomicU64::new(0));
    let others = || signs.fetch_add(loading.load(Ordering::Acquire).into(), Ordering::AcqRel);
    let passes = |step: &dyn Fn()| {
        let start = Instant::now();
        while start.elapsed() < 2 * LIMIT {
            step();
            std::thread::sleep(Duration::from_millis(1));
        }
        !found.load(Ordering::Acquire)
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            bench.scheduler.wait_for_hang(LIMIT, others);
            found.store(true, Ordering::Release);
        });
        let while_loading = passes(&|| {});
        loading.store(false, Ordering::Release);
        let while_stepping = passes(&|| bench.allow(1));
        bench.until("it is found", |_| found.load(Ordering::Acquire));
        cancel.cancel();
        assert!(while_loading && while_stepping, "{while_loading} {while_stepping}");
    });
}
