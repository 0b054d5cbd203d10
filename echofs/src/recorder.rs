//! What was done here is kept: questions and answers as turns of a conversation for each day, and of questions, chats, opens
//! and changes, as far as the owner has them noted, that they were: the question, the paths and the time, and nothing of what
//! stands in a document.
//!
//! Nobody waits for the relationship log: what is to be noted is handed to a thread. Questions are written at once; opens and
//! changes in batches, each document once an hour at most. A batch of many is what a program did that goes through everything,
//! and is left out.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use echofs_indexer::conversations::{OWN, QUESTIONS, Role, Turn};
use echofs_indexer::relationship::{Activity, Entry, Evidence, Kind, Observe, normalised};
use echofs_indexer::{Document, Happened, Index, Kind as Place, What};
use jiff::{SignedDuration, Timestamp};

use crate::answer::{Answer, Answers, Citation, Listener, Settled, Since, Told};

/// How long opens and changes are collected.
const BATCH: Duration = Duration::from_secs(20);
/// More different things in one batch are nobody's doing.
const MANY: usize = 12;
/// The same question is noted again only after this time.
const AGAIN: SignedDuration = SignedDuration::from_mins(5);
/// And the same document, and what is said in the same chat.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// Documents of one kind within an hour.
const HOURLY: usize = 60;
/// Longest question that is noted, in bytes.
const LONGEST: usize = 1024;

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Questions and answers, as conversations.
    pub questions: bool,
    /// What is done, in the relationship log, as far as the owner has it noted.
    pub observations: bool,
}

impl Default for Record {
    fn default() -> Self {
        Record { questions: true, observations: true }
    }
}

/// Whether a document is a conversation with this program.
pub fn is_own(document: &Document) -> bool {
    let spoken = |author: &str| author.split(", ").any(|speaker| speaker == OWN);
    document.kind == Place::Conversation && document.author.as_deref().is_some_and(spoken)
}

/// Keeps the answers that it is told of.
pub fn listener(recorder: Arc<Recorder>, record: Record) -> Listener {
    Box::new(move |told| match told {
        Told::Made(answer, since) => {
            if record.questions
                && let Err(error) = recorder.keep(answer, since)
            {
                log::error!("a question was not kept: {error}");
            }
            if since.nothing_is_forgotten() {
                recorder.asked(answer);
            }
        }
        Told::Kept(settled) => recorder.asked_again(settled),
    })
}

fn turns(answer: &Answer) -> [Turn; 2] {
    let day = day_of(answer.generated_at);
    let turn = |role, content: String, speaker: Option<&str>| Turn {
        role,
        content,
        at: answer.generated_at,
        session: format!("{QUESTIONS}{day}"),
        speaker: speaker.map(str::to_owned),
        title: Some(format!("Questions of {day}")),
    };
    let sources: Vec<String> = answer.citations.iter().map(|c| format!("[{}] {}:{}", c.n, c.path, c.line)).collect();
    let said = format!("{}\n\n{}", answer.answer, sources.join("\n"));
    [turn(Role::User, answer.question.clone(), None), turn(Role::Assistant, said.trim().to_owned(), Some(OWN))]
}

fn day_of(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%F").to_string()
}

/// Something that was said, on its way to the log.
struct Said {
    activity: Activity,
    at: Timestamp,
    /// The question; nothing of what is no question.
    question: Option<String>,
    evidence: Vec<Evidence>,
    /// The conversation that keeps it.
    session: String,
}

/// What was looked at, by kind, each with when.
type Seen = BTreeMap<Activity, Vec<(String, Timestamp)>>;

/// What waits to be written.
#[derive(Default)]
struct Waiting {
    said: Vec<Said>,
    /// Paths that were opened or changed and questions whose answers were opened, with the time; one more than many at most.
    seen: Seen,
    /// Since when there is something of that.
    since: Option<Instant>,
    stopping: bool,
}

/// Takes what was done and never lets anybody wait.
pub struct Recorder {
    index: Arc<Index>,
    answers: Weak<Answers>,
    batch: Duration,
    waiting: Mutex<Waiting>,
    news: Condvar,
}

impl Recorder {
    /// For the log of `index`; nothing is written before [`Recording::start`].
    pub fn new(index: Arc<Index>, answers: &Arc<Answers>) -> Recorder {
        let (waiting, news) = Default::default();
        Recorder { index, answers: Arc::downgrade(answers), batch: BATCH, waiting, news }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn observe(&self) -> &Observe {
        self.index.relationship().observe()
    }

    /// Whether the owner has this noted now.
    pub fn records(&self, activity: Activity) -> bool {
        self.observe().records(activity, Timestamp::now())
    }

    /// Keeps a question and its answer, but for one that may rest on what was forgotten while it was made.
    fn keep(&self, answer: &Answer, since: &Since) -> Result<bool, echofs_indexer::Error> {
        let is_gone = |citation: &Citation| self.index.is_gone(Path::new(&citation.path));
        let stands = || since.nothing_is_forgotten() && !answer.citations.iter().any(is_gone);
        self.index.conversations().append_where(&turns(answer), &|_| stands())
    }

    /// A question was answered.
    fn asked(&self, answer: &Answer) {
        self.say(asking(answer, answer.generated_at));
    }

    /// A question was asked whose answer is kept.
    fn asked_again(&self, settled: &Settled) {
        match again(settled, Timestamp::now()) {
            Some(said) => self.say(said),
            None => log::warn!("the kept answer to {:?} cannot be read", settled.question),
        }
    }

    /// The kept answer to a question was opened.
    pub fn opened_answer(&self, question: &str) {
        self.see(Activity::Questions, question);
    }

    /// A document was opened.
    pub fn opened(&self, path: &Path) {
        self.see_path(Activity::Opens, path);
    }

    /// Files under the sources changed.
    pub fn changed(&self, happened: &[Happened]) {
        let changed = happened.iter().filter(|one| matches!(one.what, What::Indexed | What::Changed));
        changed.for_each(|one| self.see_path(Activity::Changes, &one.path));
    }

    /// Something was said in a chat: a question, or something else, of which nothing is noted; and the answer, where there is one.
    pub fn said(&self, session: &str, question: Option<&str>, answer: Option<&Answer>) {
        self.say(Said {
            activity: Activity::Chats,
            at: Timestamp::now(),
            question: question.map(str::to_owned),
            evidence: answer.map(evidence).unwrap_or_default(),
            session: session.to_owned(),
        });
    }

    fn say(&self, said: Said) {
        if self.records(said.activity) {
            self.lock().said.push(said);
            self.news.notify_all();
        }
    }

    /// A name that is no text could not be forgotten again, so it is not noted.
    fn see_path(&self, activity: Activity, path: &Path) {
        path.to_str().into_iter().for_each(|path| self.see(activity, path));
    }

    fn see(&self, activity: Activity, what: &str) {
        if !self.records(activity) {
            return;
        }
        let mut waiting = self.lock();
        let seen = waiting.seen.entry(activity).or_default();
        if seen.len() <= MANY && seen.iter().all(|(known, _)| known != what) {
            seen.push((what.to_owned(), Timestamp::now()));
        }
        if waiting.since.is_none() {
            waiting.since = Some(Instant::now());
            self.news.notify_all();
        }
    }

    /// Waits for something to write; also whether it is the last time.
    fn next(&self) -> (Vec<Said>, Seen, bool) {
        let mut waiting = self.lock();
        loop {
            let due = waiting.stopping || waiting.since.is_some_and(|since| since.elapsed() >= self.batch);
            if due || !waiting.said.is_empty() {
                let said = std::mem::take(&mut waiting.said);
                let seen = if due { std::mem::take(&mut waiting.seen) } else { Seen::new() };
                if due {
                    waiting.since = None;
                }
                return (said, seen, waiting.stopping);
            }
            let left = waiting.since.map(|since| self.batch.saturating_sub(since.elapsed()));
            waiting = match left {
                None => self.news.wait(waiting).unwrap_or_else(PoisonError::into_inner),
                Some(left) => self.news.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0,
            };
        }
    }

    fn run(&self) {
        let mut latest = Latest::of(&self.index);
        loop {
            let (mut said, seen, last) = self.next();
            let mut entries = Vec::new();
            for (activity, seen) in seen.into_iter().filter(|(_, seen)| seen.len() <= MANY) {
                for (what, at) in seen {
                    match activity {
                        Activity::Questions => said.extend(self.kept(&what, at)),
                        _ => entries.extend(self.entry(activity, &what, at, &mut latest)),
                    }
                }
            }
            entries.extend(said.into_iter().filter_map(|said| self.entry_of(said, &mut latest)));
            // Who pauses or switches off means what waits as well.
            entries.retain(|entry| Activity::of(entry).is_none_or(|activity| self.records(activity)));
            if !entries.is_empty()
                && let Err(error) = self.index.note(entries)
            {
                log::error!("what was done is not noted: {error}");
            }
            if last {
                return;
            }
        }
    }

    /// The asking of a question whose kept answer was opened; nothing when it is kept no more.
    fn kept(&self, question: &str, at: Timestamp) -> Option<Said> {
        again(&*self.answers.upgrade()?.get(question)?, at)
    }

    fn entry_of(&self, said: Said, latest: &mut Latest) -> Option<Entry> {
        let Said { activity, at, question, mut evidence, session } = said;
        let page = self.index.conversations().page_of(&session).ok().flatten();
        if activity == Activity::Chats && page.is_none() {
            // The chat was deleted meanwhile, and with it what was noted of it.
            return None;
        }
        let key = question.as_deref().map_or_else(|| session.clone(), normalised);
        if !latest.is_new(activity, &key, if question.is_some() { AGAIN } else { HOUR }, at) {
            return None;
        }
        // To forget the conversation is to forget this as well.
        evidence.extend(page.map(|page| Evidence { path: page.to_string_lossy().into_owned(), line: None }));
        let kind = if question.is_some() { Kind::Interaction } else { Kind::Observation };
        let mut text = question.unwrap_or_else(|| "Something was said in a chat".to_owned());
        text.truncate(text.floor_char_boundary(LONGEST));
        Some(Entry { subject: Some(activity.name().to_owned()), evidence, ..Entry::new(kind, &text, at) })
    }

    /// That a document was opened or changed, if it is one and that is news.
    fn entry(&self, activity: Activity, path: &str, at: Timestamp, latest: &mut Latest) -> Option<Entry> {
        let document = self.index.document(Path::new(path))?;
        let name = document.path.file_name()?.to_str()?;
        let by_people = matches!(document.kind, Place::File | Place::Note);
        let (does, fits) = match activity {
            Activity::Changes => ("Changed", by_people && is_recent(&document, at)),
            _ => ("Opened", document.kind != Place::Relationship),
        };
        if !fits || !latest.is_new(activity, path, HOUR, at) {
            return None;
        }
        let evidence = vec![Evidence { path: path.to_owned(), line: None }];
        let entry = Entry::new(Kind::Observation, &format!("{does} {name}"), at);
        Some(Entry { subject: Some(activity.name().to_owned()), evidence, ..entry })
    }
}

/// What is found for the first time is old where it was only copied here, or was here before.
fn is_recent(document: &Document, at: Timestamp) -> bool {
    let modified = Timestamp::from_nanosecond(i128::from(document.modified_ns)).unwrap_or_default();
    at.duration_since(modified).abs() < HOUR
}

/// That a question is asked again whose answer is kept.
fn again(settled: &Settled, at: Timestamp) -> Option<Said> {
    Some(asking(&serde_json::from_slice(&settled.json).ok()?, at))
}

/// That the question of an answer was asked.
fn asking(answer: &Answer, at: Timestamp) -> Said {
    Said {
        activity: Activity::Questions,
        at,
        question: Some(answer.question.clone()),
        evidence: evidence(answer),
        session: format!("{QUESTIONS}{}", day_of(answer.generated_at)),
    }
}

/// The places that answer a question. Where nothing does, what was looked at: without a line it bears nothing out, but to
/// forget it is to forget the question as well.
fn evidence(answer: &Answer) -> Vec<Evidence> {
    let line = |citation: &Citation| answer.answerable.then_some(citation.line);
    answer.citations.iter().map(|citation| Evidence { path: citation.path.clone(), line: line(citation) }).collect()
}

/// What was noted within the last hour, so that it is not noted again too soon.
#[derive(Default)]
struct Latest(HashMap<(Activity, String), Timestamp>);

impl Latest {
    /// As the log has it.
    fn of(index: &Index) -> Latest {
        let from = Timestamp::now() - HOUR;
        let known = index.relationship().since(from).unwrap_or_else(|error| {
            log::warn!("the relationship log is not read: {error}");
            Vec::new()
        });
        let one = |entry: Entry| {
            let activity = Activity::of(&entry)?;
            let what = match (activity, entry.kind) {
                (_, Kind::Interaction) => normalised(&entry.text),
                _ => entry.evidence.into_iter().next()?.path,
            };
            Some(((activity, what), entry.at))
        };
        Latest(known.into_iter().filter_map(one).collect())
    }

    /// Whether this was not noted for so long, and there is room for it; it is noted from now on.
    fn is_new(&mut self, activity: Activity, what: &str, pause: SignedDuration, at: Timestamp) -> bool {
        self.0.retain(|_, last| at.duration_since(*last) < HOUR);
        let key = (activity, what.to_owned());
        let known = self.0.get(&key).is_some_and(|last| at.duration_since(*last) < pause);
        let full = pause == HOUR && self.0.keys().filter(|(known, _)| *known == activity).count() >= HOURLY;
        let is_new = !known && !full;
        if is_new {
            self.0.insert(key, at);
        }
        is_new
    }
}

/// The thread that writes; what waits when it is dropped is written before it ends.
pub struct Recording {
    recorder: Arc<Recorder>,
    thread: Option<JoinHandle<()>>,
}

impl Recording {
    /// Starts to write.
    ///
    /// # Errors
    /// When there can be no more threads.
    pub fn start(recorder: &Arc<Recorder>) -> std::io::Result<Recording> {
        let writing = Arc::clone(recorder);
        let thread = std::thread::Builder::new().name("recorder".into()).spawn(move || writing.run())?;
        Ok(Recording { recorder: Arc::clone(recorder), thread: Some(thread) })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        self.recorder.lock().stopping = true;
        self.recorder.news.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            log::error!("the recorder panicked");
        }
    }
}

#[cfg(test)]
mod tests;
