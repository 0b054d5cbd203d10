//! The service: accepts connections of its own user, reads calls, hands generations to the scheduler, streams events.
//!
//! A thread reads a connection, so that a cancel or a hang-up is seen while a generation runs; a second one writes.
//! Nothing a client sends ends the service or another client's connection.

use std::io::{self, BufReader};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::protocol::{self, Call, Event, Health, VERSION};
use crate::scheduler::{Job, Scheduler, Work};
use crate::states::States;
use crate::{Adapter, Cancel, Error, Request, socket};

/// Connections open at a time; more are told that the service is busy.
const MAX_CONNECTIONS: usize = 64;

/// After a connection could not be accepted, the next one is tried after so long.
const SCARCE: Duration = Duration::from_millis(20);

/// A client that does not read for so long is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(20);

/// Answers to calls that a client may leave unread; one that goes on asking without reading any is given up.
const UNREAD: usize = 4096;

/// What a connection needs to know of the service.
#[derive(Debug)]
pub struct Service {
    /// The engine and its queue.
    pub scheduler: Scheduler,
    /// The model of requests that name none.
    pub model: Option<PathBuf>,
    /// Threads of a generation, for health.
    pub threads: usize,
    /// What the engines keep of earlier prompts.
    pub states: Option<Arc<States>>,
    connections: Mutex<usize>,
    /// A connection has ended.
    left: Condvar,
}

impl Service {
    /// A service around a scheduler.
    pub fn new(scheduler: Scheduler, model: Option<PathBuf>, threads: usize, states: Option<Arc<States>>) -> Arc<Self> {
        let (connections, left) = Default::default();
        Arc::new(Self { scheduler, model, threads, states, connections, left })
    }

    fn connections(&self) -> MutexGuard<'_, usize> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accepts connections for ever.
    ///
    /// # Errors
    /// When the listening socket itself fails.
    pub fn serve(self: &Arc<Self>, listener: &UnixListener) -> io::Result<()> {
        loop {
            match listener.accept() {
                Ok((stream, _)) => self.welcome(stream),
                Err(error) if is_passing(&error) => {
                    log::warn!("cannot accept a connection: {error}");
                    // What it lacks may come back with the end of another one.
                    drop(self.left.wait_timeout(self.connections(), SCARCE));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends the calling thread's wait when nothing was to be done for `time`; nobody may be connected then.
    pub fn wait_idle(&self, time: Duration) {
        let mut connections = self.connections();
        loop {
            connections = self.left.wait_while(connections, |open| *open > 0).unwrap_or_else(PoisonError::into_inner);
            let left = time.saturating_sub(self.scheduler.idle_for());
            if left.is_zero() {
                return;
            }
            connections = self.left.wait_timeout(connections, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn welcome(self: &Arc<Self>, stream: UnixStream) {
        if let Err(error) = socket::check_peer(&stream) {
            return log::warn!("connection refused: {error}");
        }
        let guest = Guest::new(self);
        let open = *self.connections();
        if open > MAX_CONNECTIONS {
            let _ = protocol::write_event(&mut &stream, &Event::from(&Error::Busy(open - 1)));
            return;
        }
        let spawned = std::thread::Builder::new().spawn(move || {
            if let Err(error) = guest.0.converse(&stream) {
                log::debug!("connection ended: {error}");
            }
        });
        if let Err(error) = spawned {
            log::warn!("no thread for a connection: {error}");
        }
    }

    /// Reads calls to the end of the connection.
    fn converse(&self, stream: &UnixStream) -> io::Result<()> {
        stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        let (events, written) = channel();
        let writer = stream.try_clone()?;
        let sent = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&sent);
        let writer = std::thread::Builder::new().spawn(move || write_events(&writer, &written, &count))?;
        let mut running = Running::default();
        let result = self.read_calls(stream, &events, &sent, &mut running);
        drop(events);
        if result.is_ok() {
            // Who has no more to ask may still listen to what was asked last.
            wait_for_hang_up(stream);
        }
        drop(running);
        // What it still waited for would hold its place until its turn comes.
        self.scheduler.drop_cancelled();
        let _ = writer.join();
        result
    }

    fn read_calls(
        &self,
        stream: &UnixStream,
        events: &Sender<Event>,
        sent: &AtomicUsize,
        running: &mut Running,
    ) -> io::Result<()> {
        let mut reader = BufReader::new(stream);
        let mut line = Vec::new();
        let mut answers = 0_usize;
        loop {
            line.clear();
            match protocol::read_line(&mut reader, &mut line) {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    let _ = events.send(Event::from(&Error::Refused(error.to_string())));
                    return Err(error);
                }
            }
            let Some(answer) = self.obey(&line, events, running) else { continue };
            answers += 1;
            if answers.saturating_sub(sent.load(Ordering::Acquire)) > UNREAD {
                stream.shutdown(std::net::Shutdown::Both)?;
                return Err(io::Error::other("the client asks and does not read"));
            }
            let _ = events.send(answer);
        }
    }

    /// Does what a call says; the answer, where it has one at once.
    fn obey(&self, line: &[u8], events: &Sender<Event>, running: &mut Running) -> Option<Event> {
        match protocol::parse_call(line) {
            Ok(Call::Cancel) => {
                running.cancel();
                self.scheduler.drop_cancelled();
                None
            }
            Ok(Call::Health) => Some(Event::Health(self.health())),
            Ok(Call::Forget) => {
                self.forget();
                Some(Event::Forgotten)
            }
            Ok(Call::Generate { model, adapter, request }) => {
                self.generate(model, adapter, request, events, running).err().as_ref().map(Event::from)
            }
            Err(why) => Some(Event::from(&Error::Refused(why))),
        }
    }

    fn generate(
        &self,
        model: Option<PathBuf>,
        adapter: Option<Adapter>,
        request: Request,
        events: &Sender<Event>,
        running: &mut Running,
    ) -> Result<(), Error> {
        let model = model.or_else(|| self.model.clone());
        let model = model.ok_or_else(|| Error::NoModel("the service has none and the request names none".into()))?;
        running.cancel();
        let cancel = running.renew();
        let work = Work { model, adapter, request };
        self.scheduler.submit(Job { work, cancel, events: events.clone() })
    }

    fn forget(&self) {
        if let Some(states) = &self.states {
            states.forget();
        }
        self.scheduler.tidy();
    }

    fn health(&self) -> Health {
        let (state, waiting, model, cpu) = self.scheduler.state();
        let classes = self.scheduler.classes();
        Health { version: VERSION, state, waiting, model, cpu, threads: self.threads, classes }
    }
}

/// The generation of a connection; cancelled when the connection ends.
#[derive(Debug, Default)]
struct Running(Option<Cancel>);

impl Running {
    fn renew(&mut self) -> Cancel {
        self.0.insert(Cancel::default()).clone()
    }

    fn cancel(&mut self) {
        if let Some(cancel) = self.0.take() {
            cancel.cancel();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel();
    }
}

/// Counts a connection while it lives.
struct Guest(Arc<Service>);

impl Guest {
    fn new(service: &Arc<Service>) -> Self {
        *service.connections() += 1;
        Self(Arc::clone(service))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        *self.0.connections() -= 1;
        self.0.left.notify_all();
    }
}

/// Writes events, counting them, until there are no more, or the client is gone; then hangs up, which the reading thread sees.
fn write_events(stream: &UnixStream, events: &Receiver<Event>, sent: &AtomicUsize) {
    for event in events {
        if protocol::write_event(&mut &*stream, &event).is_err() {
            break;
        }
        sent.fetch_add(1, Ordering::AcqRel);
    }
    let _ = stream.shutdown(std::net::Shutdown::Both);
}

/// Returns when both directions of a connection are over: the client is gone, or all was written.
fn wait_for_hang_up(stream: &UnixStream) {
    while let Err(Errno::INTR) = poll(&mut [PollFd::new(stream, PollFlags::empty())], None) {}
}

fn is_passing(error: &io::Error) -> bool {
    let passing = [Errno::CONNABORTED, Errno::INTR, Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    error.raw_os_error().is_some_and(|code| passing.iter().any(|errno| errno.raw_os_error() == code))
}

#[cfg(test)]
mod tests;
