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

/// How often it is asked whether the model is free, at first and when nothing has happened for a while: nothing tells of a model whose file
/// comes or goes, of a battery, and of the last document that the index is done with.
const LOOK: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(10));
/// The time of [`Leisure::hourly`].
const HOUR: Duration = Duration::from_secs(3600);
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
    fn doing(cx: &Context) -> &Arc<Doing>;
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
    state: Mutex<State>,
    stirred: Condvar,
}

#[derive(Debug, Default)]
struct State {
    now: Option<&'static str>,
    wanted: bool,
    /// Whether something happened since the thread looked.
    stirred: bool,
}

impl Doing {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// In a few words; `None` where the model does not do it at all.
    pub fn now(&self) -> Option<&'static str> {
        self.lock().now
    }

    /// Has it done now, as soon as everything is indexed.
    pub fn want(&self) {
        self.lock().wanted = true;
        self.stir();
    }

    /// Says that something happened, so that it is asked again whether it may be done.
    pub fn stir(&self) {
        self.lock().stirred = true;
        self.stirred.notify_all();
    }

    fn is_wanted(&self) -> bool {
        self.lock().wanted
    }

    fn set(&self, doing: &'static str) {
        self.lock().now = Some(doing);
    }

    /// Waits until something happens, at most for so long; whether something did.
    fn rest(&self, time: Duration) -> bool {
        let waited = self.stirred.wait_timeout_while(self.lock(), time, |state| !state.stirred);
        std::mem::take(&mut waited.unwrap_or_else(PoisonError::into_inner).0.stirred)
    }
}

/// A running task; it ends when this is dropped.
pub struct Running {
    doing: Arc<Doing>,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

/// Tells the thread to end, also in the middle of an item.
#[derive(Default)]
struct Stop {
    stopping: AtomicBool,
    cancel: Mutex<Cancel>,
}

impl Stop {
    fn cancel(&self) -> MutexGuard<'_, Cancel> {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_set(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }
}

impl Running {
    /// Starts the thread of a task.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub fn start<T: Task>(cx: Arc<Context>, leisure: Leisure) -> std::io::Result<Running> {
        let doing = T::doing(&cx).clone();
        doing.set("has just begun");
        let stop = Arc::new(Stop::default());
        let told = stop.clone();
        let run = move || Worker::<T> { cx, leisure, stop: told, done: VecDeque::new(), task: PhantomData }.run();
        let thread = std::thread::Builder::new().name(T::NAME.into()).spawn(run)?;
        Ok(Running { doing, stop, thread: Some(thread) })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let cancel = self.stop.cancel();
        self.stop.stopping.store(true, Ordering::Release);
        cancel.cancel();
        drop(cancel);
        self.doing.stir();
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
        let doing = T::doing(&self.cx).clone();
        let mut pause = LOOK.0;
        while !self.stop.is_set() {
            let waits_for = self.waits_for();
            doing.set(waits_for.map_or("at work", |(why, _)| why));
            pause = match waits_for {
                Some((_, left)) => match doing.rest(pause.min(left)) {
                    true => LOOK.0,
                    false => (pause * 2).min(LOOK.1),
                },
                None => {
                    let until = Instant::now() + self.item();
                    self.leave_alone(until);
                    LOOK.0
                }
            };
        }
    }

    /// Waits until then, whatever happens, but not for longer than the task runs.
    fn leave_alone(&self, until: Instant) {
        while !self.stop.is_set()
            && let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
        {
            T::doing(&self.cx).rest(left);
        }
    }

    /// What it waits for, and how long that lasts at most, as far as it is known; `None` when it may work.
    fn waits_for(&mut self) -> Option<(&'static str, Duration)> {
        let cx = &self.cx;
        while self.done.front().is_some_and(|at| at.elapsed() > HOUR) {
            self.done.pop_front();
        }
        let unknown = |why| Some((why, Duration::MAX));
        let idle = cx.generator.last_asked().map_or(cx.since.elapsed(), |at| at.elapsed().min(cx.since.elapsed()));
        let counts = cx.index.counts();
        let behind = [counts.pending, counts.pending_semantic, counts.pending_facts, counts.pending_topics];
        let wanted = T::doing(cx).is_wanted();
        match () {
            () if cx.generator.model().is_none() => unknown("there is no model"),
            () if !counts.scanned || behind.iter().any(|pending| *pending > 0) => unknown("waits for the index"),
            () if T::left(&counts) == 0 => {
                T::doing(cx).lock().wanted = false;
                unknown(T::DONE)
            }
            () if wanted => None,
            () if idle < self.leisure.idle => {
                Some(("waits until nothing was asked for a while", self.leisure.idle - idle))
            }
            () if self.done.len() >= self.leisure.hourly => {
                let left = self.done.front().map_or(HOUR, |at| HOUR.saturating_sub(at.elapsed()));
                Some(("has done enough for this hour", left))
            }
            () if power::on_battery() => unknown("waits for mains power"),
            () => None,
        }
    }

    /// Does one thing, and says how long to wait then.
    fn item(&mut self) -> Duration {
        let item = match T::next(&self.cx.index) {
            Ok(Some(item)) => item,
            Ok(None) => return LOOK.0,
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
            Err(Error::Cancelled | Error::Busy(_)) => LOOK.0,
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
