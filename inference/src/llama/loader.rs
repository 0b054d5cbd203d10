//! A thread that loads models, one after the other. A thread of background work has a low priority for good; what it loads,
//! questions that come meanwhile wait for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use crate::{Cancel, Error};

/// How often who waits looks at its [`Cancel`].
const TICK: Duration = Duration::from_millis(20);

type Job = Box<dyn FnOnce() + Send>;

/// The thread; it has the priority of whoever makes this, and ends with it.
#[derive(Debug)]
pub struct Loader {
    jobs: Option<Sender<Job>>,
}

impl Default for Loader {
    /// Starts the thread. Where there can be none, everything runs on the caller's.
    fn default() -> Self {
        let (jobs, queue) = mpsc::channel::<Job>();
        let run = move || queue.into_iter().for_each(|job| drop(catch_unwind(AssertUnwindSafe(job))));
        let started = thread::Builder::new().name("model-loader".into()).spawn(run);
        Self { jobs: started.is_ok().then_some(jobs) }
    }
}

impl Loader {
    /// What `load` gives, on the thread. It is not waited for once `cancel` is set; to end it too is up to `load`.
    ///
    /// # Errors
    /// Those of `load`; [`Error::Cancelled`]; [`Error::Down`] when it panics.
    pub fn run<T: Send + 'static>(
        &self,
        cancel: &Cancel,
        load: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let Some(jobs) = &self.jobs else { return load() };
        let (done, result) = mpsc::sync_channel(1);
        let job = move || done.send(load()).unwrap_or_default();
        jobs.send(Box::new(job)).map_err(|_| Error::Down("the thread that loads models has ended".into()))?;
        while !cancel.is_cancelled() {
            match result.recv_timeout(TICK) {
                Ok(loaded) => return loaded,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Down("loading the model failed inside".into()));
                }
            }
        }
        Err(Error::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_panics_does_not_stop_the_others() {
        let (loader, cancel) = (Loader::default(), Cancel::default());
        let failed = loader.run(&cancel, || -> Result<(), Error> { panic!("on purpose") });
        assert!(matches!(failed, Err(Error::Down(_))));
        assert_eq!(loader.run(&cancel, || Ok(7)).ok(), Some(7));
        let name = loader.run(&cancel, || Ok(thread::current().name().map(str::to_owned)));
        assert_eq!(name.ok().flatten().as_deref(), Some("model-loader"));
    }

    #[test]
    fn who_waits_behind_another_load_can_give_up() {
        let (loader, cancel) = (Loader::default(), Cancel::default());
        let (begun, begins) = mpsc::channel();
        let (end, ends) = mpsc::channel::<()>();
        thread::scope(|scope| {
            let first = scope.spawn(|| {
                let load = move || {
                    begun.send(()).ok();
                    Ok(ends.recv().is_ok())
                };
                loader.run(&Cancel::default(), load)
            });
            let is_loading = begins.recv().is_ok();
            let second = scope.spawn(|| loader.run(&cancel, || Ok(())));
            cancel.cancel();
            let given_up = second.join();
            end.send(()).ok();
            assert!(is_loading && matches!(given_up, Ok(Err(Error::Cancelled))));
            assert!(matches!(first.join(), Ok(Ok(true))), "the first is loaded all the same");
        });
    }
}
