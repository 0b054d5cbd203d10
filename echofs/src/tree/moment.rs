//! What the pages of working memory are made from, as it is at one moment, and those that were made so far.
//!
//! Pages are made when they are looked at and hold until something changes; while much changes, for a moment longer.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use echofs_indexer::context::{self, Moment, Tier};
use echofs_indexer::facts::Facts;
use echofs_indexer::relationship::View;
use echofs_indexer::{Document, Source};
use echofs_inference::vocabulary::estimate;
use echofs_query_lang::{parse, path};
use jiff::{Timestamp, ToSpan, Zoned};

use super::{Context, render};

/// Pages are made anew for a change only after so many times what making them took, ...
const SHARE: u32 = 10;
/// ... and after this time at the latest.
const STALE: Duration = Duration::from_secs(1);
/// Kept queries, and hits of each, that are looked at for what is new.
const KEPT: usize = 10;
const HITS: usize = 5;

/// A page of working memory.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Page {
    /// `now.md`.
    Now,
    /// `tasks.md`.
    Tasks,
    /// `suggestions.md`.
    Suggestions,
    /// A briefing of at most so many tokens.
    Briefing(usize),
    /// The documents of a tier.
    Tier(Tier),
    /// What moved between the tiers.
    Moved,
    /// `about-me.md`.
    AboutMe,
    /// The page of the person with this name.
    Person(String),
    /// `preferences.md`.
    Preferences,
    /// The page of opinions with this name.
    Opinion(String),
}

impl Page {
    /// Whether it depends on how near each document is.
    fn shows_tiers(&self) -> bool {
        matches!(self, Page::Now | Page::Suggestions | Page::Briefing(_) | Page::Tier(_))
    }
}

/// A page's text, and since when it reads so.
pub type Text = (Arc<[u8]>, SystemTime);

/// The pages of the latest moment.
#[derive(Default)]
pub struct Pages(Mutex<Option<Arc<Made>>>);

/// A moment, and its pages.
pub struct Made {
    state: State,
    begun: Instant,
    now: Zoned,
    documents: Arc<Vec<Document>>,
    facts: Arc<Facts>,
    log: View,
    opened: Vec<(PathBuf, Timestamp)>,
    hits: Vec<(String, PathBuf)>,
    sources: Vec<Source>,
    /// The tiers at the last look.
    tiers: BTreeMap<PathBuf, Tier>,
    /// Whether what moved since is noted.
    noted: AtomicBool,
    pages: Mutex<HashMap<Page, Text>>,
    opinions: OnceLock<Vec<(String, Text)>>,
    /// Those of the moment before: a page that reads the same keeps its time.
    before: HashMap<Page, Text>,
    cost: Mutex<Duration>,
}

/// Changes with everything that the pages are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    epoch: u64,
    facts: u64,
    log: usize,
    opened: u64,
    model: Option<String>,
    hour: (jiff::civil::Date, i8),
}

impl State {
    fn now(cx: &Context) -> State {
        let now = Zoned::now();
        State {
            epoch: cx.index.epoch(),
            facts: cx.index.facts().number,
            log: cx.index.relationship().len(),
            opened: cx.opened.number(),
            model: cx.generator.model(),
            hour: (now.date(), now.hour()),
        }
    }
}

impl Pages {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Made>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment, as it is now or was just before.
    pub fn made(&self, cx: &Context) -> Arc<Made> {
        let state = State::now(cx);
        let mut kept = self.lock();
        if let Some(made) = kept.as_ref().filter(|made| made.holds(&state)) {
            return Arc::clone(made);
        }
        let before = kept.take().map(|made| made.pages().clone()).unwrap_or_default();
        let made = Arc::new(Made::new(cx, state, before));
        *kept = Some(Arc::clone(&made));
        made
    }

    /// Drops all pages, so that none is shown a moment longer.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    /// Whether nothing has to be made to show these pages.
    pub fn has(&self, cx: &Context, pages: &[Page]) -> bool {
        let Ok(kept) = self.0.try_lock() else { return false };
        let state = State::now(cx);
        let all = |made: &Arc<Made>| pages.iter().all(|page| made.pages().contains_key(page));
        kept.as_ref().is_some_and(|made| made.holds(&state) && all(made))
    }

    /// When the latest moment was.
    pub fn modified(&self) -> Option<SystemTime> {
        self.0.try_lock().ok()?.as_ref().map(|made| SystemTime::from(made.now.timestamp()))
    }
}

impl Made {
    fn new(cx: &Context, state: State, before: HashMap<Page, Text>) -> Made {
        let begun = Instant::now();
        let view = cx.index.relationship().view();
        let log = view.inspect_err(|e| log::warn!("the relationship log is not read: {e}")).unwrap_or_default();
        // Reading the log for the first time tells how long it is.
        let state = State { log: cx.index.relationship().len(), ..state };
        let now = Zoned::now();
        let hits = hits(cx, &now);
        Made {
            state,
            begun,
            documents: cx.index.documents(),
            facts: cx.index.facts(),
            log,
            opened: cx.opened.latest(),
            hits,
            sources: cx.index.sources(),
            tiers: cx.index.tiers(),
            noted: AtomicBool::new(false),
            now,
            pages: Mutex::default(),
            opinions: OnceLock::new(),
            before,
            cost: Mutex::new(begun.elapsed()),
        }
    }

    fn holds(&self, state: &State) -> bool {
        let cost = *self.cost.lock().unwrap_or_else(PoisonError::into_inner);
        self.state == *state || self.begun.elapsed() < (cost * SHARE).min(STALE)
    }

    fn pages(&self) -> MutexGuard<'_, HashMap<Page, Text>> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the people who have a page.
    pub fn people(&self) -> Vec<String> {
        context::people(&self.moment()).into_iter().map(|person| person.name.clone()).collect()
    }

    /// The person who is called so, by a full name, a first name or a mail address, where that is one person alone.
    pub fn called(&self, name: &str) -> Option<String> {
        let moment = self.moment();
        let people = context::people(&moment);
        let mut called = people.into_iter().filter(|person| person.may_be_called(name));
        called.next().filter(|_| called.next().is_none()).map(|person| person.name.clone())
    }

    /// A page, made when it is asked for first.
    pub fn page(&self, cx: &Context, page: &Page) -> Option<Text> {
        if let Some(text) = self.pages().get(page) {
            return Some(text.clone());
        }
        let begun = Instant::now();
        let text = self.write(cx, page)?;
        self.cost_more(begun);
        Some(self.keep(page.clone(), text))
    }

    /// The pages of opinions, by name.
    pub fn opinions(&self) -> &[(String, Text)] {
        self.opinions.get_or_init(|| {
            let begun = Instant::now();
            let pages = context::opinions(&self.moment());
            self.cost_more(begun);
            let name = |name: &str| name.strip_prefix("opinions/").unwrap_or(name).to_owned();
            let pages = pages.into_iter().map(|(page, text)| (name(&page), text));
            pages.map(|(name, text)| (name.clone(), self.keep(Page::Opinion(name), text))).collect()
        })
    }

    fn cost_more(&self, begun: Instant) {
        *self.cost.lock().unwrap_or_else(PoisonError::into_inner) += begun.elapsed();
    }

    /// Keeps a page that was made; since when it reads so is known from the moment before.
    fn keep(&self, page: Page, text: String) -> Text {
        let bytes: Arc<[u8]> = text.into_bytes().into();
        let known = self.before.get(&page).filter(|(known, _)| *known == bytes).cloned();
        let text = known.unwrap_or_else(|| (bytes, SystemTime::now()));
        self.pages().entry(page).or_insert(text).clone()
    }

    fn write(&self, cx: &Context, page: &Page) -> Option<String> {
        let moment = self.moment();
        if page.shows_tiers() && !self.noted.swap(true, Ordering::Relaxed) {
            cx.index.moved(&moment);
        }
        Some(match page {
            Page::Now => context::now(&moment),
            Page::Tasks => context::tasks(&moment),
            Page::Suggestions => context::suggestions(&moment),
            Page::Briefing(budget) => match cx.generator.vocabulary() {
                Some(vocabulary) => context::briefing(&moment, *budget, &|text| vocabulary.count(text)),
                None => context::briefing(&moment, *budget, &estimate),
            },
            Page::Tier(tier) => context::tier_page(&moment, *tier),
            Page::Moved => render::jsonl(cx.index.moved(&moment)),
            Page::AboutMe => context::about_me(&moment),
            Page::Preferences => context::preferences(&moment).unwrap_or_else(|| "None is known yet.\n".into()),
            // They are made all together.
            Page::Opinion(_) => return None,
            Page::Person(name) => {
                let person = self.facts.people().iter().find(|person| person.name == *name)?;
                context::person(&moment, person)
            }
        })
    }

    fn moment(&self) -> Moment<'_> {
        Moment {
            now: &self.now,
            documents: &self.documents,
            facts: &self.facts,
            log: &self.log,
            opened: &self.opened,
            hits: &self.hits,
            sources: &self.sources,
            before: &self.tiers,
        }
    }
}

/// Documents of the last day among the best hits of kept queries.
fn hits(cx: &Context, now: &Zoned) -> Vec<(String, PathBuf)> {
    let from = now.timestamp().checked_sub(24.hours()).unwrap_or_default().as_second();
    let mut all = Vec::new();
    for kept in cx.index.kept().all().iter().take(KEPT) {
        let query = parse(&path::decode(&kept.name), now).query;
        let Ok(results) = cx.index.search(&query) else { continue };
        let new = |document: &Document| document.modified_ns / 1_000_000_000 >= from.max(kept.since);
        let found = results.hits.into_iter().take(HITS).filter(|hit| new(&hit.document));
        all.extend(found.map(|hit| (kept.name.clone(), hit.document.path)));
    }
    all
}
