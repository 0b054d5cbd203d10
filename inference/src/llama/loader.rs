//! A thread that loads models. A thread of background work has a low priority for good; what it loads, questions that come
//! meanwhile wait for.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Sender};
use std::thread;

use crate::Error;

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
    /// What `load` gives, on the thread.
    ///
    /// # Errors
    /// Those of `load`; [`Error::Down`] when it panics.
    pub fn run<T: Send + 'static>(&self, load: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
        let Some(jobs) = &self.jobs else { return load() };
        let (done, result) = mpsc::sync_channel(1);
        let job = move || done.send(load()).unwrap_or_default();
        jobs.send(Box::new(job)).map_err(|_| Error::Down("the thread that loads models has ended".into()))?;
        result.recv().map_err(|_| Error::Down("loading the model failed inside".into()))?
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_panics_does_not_stop_the_others() {
        let loader = Loader::default();
        let failed = loader.run(|| -> Result<(), Error> { panic!("on purpose") });
        assert!(matches!(failed, Err(Error::Down(_))));
        assert_eq!(loader.run(|| Ok(7)).ok(), Some(7));
        let name = loader.run(|| Ok(thread::current().name().map(str::to_owned)));
        assert_eq!(name.ok().flatten().as_deref(), Some("model-loader"));
    }
}
