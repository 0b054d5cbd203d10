//! What the language model does while nobody needs it.
//!
//! Each task has a thread of its own, which asks the index what is to be done next, the model to do it, and brings that back. It
//! gives way to everything: it waits until nothing was asked for a while, nothing is being indexed and the machine is not on
//! its battery, and does a bounded number of things an hour. Who asks for it gets it at once, before what nobody asked for.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use echofs_indexer::{Counts, Index};
use echofs_inference::{Cancel, Class, Completion, Error, Message, Part, Request, Role};

use crate::power;
use crate::tree::Context;

/// How often it is asked whether the model is free.
const LOOK: Duration = Duration::from_secs(2);
/// How long a model that cannot be started is left alone.
const DOWN: Duration = Duration::from_secs(600);

/// Something that the model does item by item.
pub trait Task: 'static {
    /// What is done at a time.
    type Item;
    /// What the task is called in logs.
    const NAME: &'static str;
    /// What is said of it when nothing is left.
    const DONE: &'static str;
    /// How it is doing.
    fn doing(cx: &Context) -> &Doing;
    /// How many items are left.
    fn left(counts: &Counts) -> usize;
    /// The next item; the same one until it is brought back.
    ///
    /// # Errors
    /// I/O errors of the index.
    fn next(index: &Index) -> Result<Option<Self::Item>, echofs_indexer::Error>;
    /// What the model is asked.
    fn request(item: &Self::Item) -> Request;
    /// Brings back what the model said; `None` when it refused.
    fn bring(index: &Index, item: Self::Item, said: Option<&Completion>);
}

/// When the model may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leisure {
    /// How long nothing must have been asked.
    pub idle: Duration,
    /// No more is done within an hour.
    pub hourly: usize,
}

/// How a task is doing, for `status`, and whether somebody asked for it.
#[derive(Debug, Default)]
pub struct Doing {
    now: Mutex<Option<&'static str>>,
    wanted: AtomicBool,
}

impl Doing {
    /// In a few words; `None` where the model does not do it at all.
    pub fn now(&self) -> Option<&'static str> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has it done now, as soon as everything is indexed.
    pub fn want(&self) {
        self.wanted.store(true, Ordering::Release);
    }

    fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Acquire)
    }

    fn set(&self, doing: &'static str) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = Some(doing);
    }
}

/// A running task; it ends when this is dropped.
pub struct Running {
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

/// Tells the thread to end, also in the middle of an item.
#[derive(Default)]
struct Stop {
    stopping: AtomicBool,
    cancel: Mutex<Cancel>,
    told: Condvar,
}

impl Stop {
    fn cancel(&self) -> MutexGuard<'_, Cancel> {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_set(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Waits, and says whether to go on.
    fn wait(&self, time: Duration) -> bool {
        let begun = Instant::now();
        let mut guard = self.cancel();
        while !self.is_set() && begun.elapsed() < time {
            let left = time.saturating_sub(begun.elapsed());
            guard = self.told.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        !self.is_set()
    }
}

impl Running {
    /// Starts the thread of a task.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub fn start<T: Task>(cx: Arc<Context>, leisure: Leisure) -> std::io::Result<Running> {
        T::doing(&cx).set("has just begun");
        let stop = Arc::new(Stop::default());
        let told = stop.clone();
        let run = move || Worker::<T> { cx, leisure, stop: told, done: VecDeque::new(), task: PhantomData }.run();
        let thread = std::thread::Builder::new().name(T::NAME.into()).spawn(run)?;
        Ok(Running { stop, thread: Some(thread) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let cancel = self.stop.cancel();
        self.stop.stopping.store(true, Ordering::Release);
        cancel.cancel();
        drop(cancel);
        self.stop.told.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("a thread that has the model work in idle time panicked");
        }
    }
}

struct Worker<T> {
    cx: Arc<Context>,
    leisure: Leisure,
    stop: Arc<Stop>,
    /// When something was done in the last hour.
    done: VecDeque<Instant>,
    task: PhantomData<T>,
}

impl<T: Task> Worker<T> {
    fn run(&mut self) {
        let mut pause = Duration::ZERO;
        while self.stop.wait(pause) {
            let waits_for = self.waits_for();
            T::doing(&self.cx).set(waits_for.unwrap_or("at work"));
            pause = match waits_for {
                Some(_) => LOOK,
                None => self.item(),
            };
        }
    }

    /// What it waits for; `None` when it may work.
    fn waits_for(&mut self) -> Option<&'static str> {
        let cx = &self.cx;
        while self.done.front().is_some_and(|at| at.elapsed() > Duration::from_secs(3600)) {
            self.done.pop_front();
        }
        let counts = cx.index.counts();
        let behind = [counts.pending, counts.pending_semantic, counts.pending_facts, counts.pending_topics];
        let wanted = T::doing(cx).is_wanted();
        match () {
            () if cx.generator.model().is_none() => Some("there is no model"),
            () if !counts.scanned || behind.iter().any(|pending| *pending > 0) => Some("waits for the index"),
            () if T::left(&counts) == 0 => {
                T::doing(cx).wanted.store(false, Ordering::Release);
                Some(T::DONE)
            }
            () if wanted => None,
            () if cx.generator.last_asked().is_some_and(|at| at.elapsed() < self.leisure.idle)
                || cx.since.elapsed() < self.leisure.idle =>
            {
                Some("waits until nothing was asked for a while")
            }
            () if self.done.len() >= self.leisure.hourly => Some("has done enough for this hour"),
            () if power::on_battery() => Some("waits for mains power"),
            () => None,
        }
    }

    /// Does one thing, and says how long to wait then.
    fn item(&mut self) -> Duration {
        let item = match T::next(&self.cx.index) {
            Ok(Some(item)) => item,
            Ok(None) => return LOOK,
            Err(error) => {
                log::warn!("{}: {error}", T::NAME);
                return DOWN;
            }
        };
        self.done.push_back(Instant::now());
        match self.ask(T::request(&item)) {
            Ok(said) => {
                T::bring(&self.cx.index, item, Some(&said));
                Duration::ZERO
            }
            // Too long for this model, or the like: it would be refused again.
            Err(Error::Refused(why)) => {
                log::debug!("{}: {why}", T::NAME);
                T::bring(&self.cx.index, item, None);
                Duration::ZERO
            }
            Err(Error::Cancelled | Error::Busy(_)) => LOOK,
            Err(error) => {
                log::warn!("{}: {error}", T::NAME);
                DOWN
            }
        }
    }

    fn ask(&self, request: Request) -> Result<Completion, Error> {
        let cancel = Cancel::default();
        {
            let mut current = self.stop.cancel();
            *current = cancel.clone();
            if self.stop.is_set() {
                return Err(Error::Cancelled);
            }
        }
        let class = if T::doing(&self.cx).is_wanted() { Class::Requested } else { Class::Background };
        // Who asks meanwhile goes before it; what it has read so far is not lost.
        self.cx.generator.generate(&Request { class, ..request }, &cancel, &mut |_| ())
    }
}

/// A prompt for a task: an order, an example with its reply, and what is given.
pub fn messages(order: &str, example: (&str, &str), given: Vec<Part>) -> Vec<Message> {
    let text = |role, text: &str| Message { role, parts: vec![Part::Text(text.into())] };
    vec![
        text(Role::System, order),
        text(Role::User, example.0),
        text(Role::Assistant, example.1),
        Message { role: Role::User, parts: given },
    ]
}

/// The beginning of a text, of at most so many bytes.
pub fn beginning(text: &str, longest: usize) -> &str {
    &text[..text.floor_char_boundary(longest)]
}
