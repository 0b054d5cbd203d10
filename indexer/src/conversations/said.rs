//! What the user said in a conversation: a page names who speaks, the turns behind it know in which role.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::turn::{Role, Turn};
use super::{QUESTIONS, render};
use crate::lines;
use crate::shared::lock;

/// Fewer words may stand anywhere.
const LEAST_WORDS: usize = 2;
/// Pages that are remembered; more, and all are looked at again.
const MOST: usize = 50_000;

/// What was found out, since the same sentences are asked for again and again: no text but that of one page.
#[derive(Default)]
struct Known {
    /// By page and by the hash of a quotation, for the page as it was at a time.
    pages: HashMap<PathBuf, (i64, HashMap<u64, bool>)>,
    last: (PathBuf, i64, String),
}

static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// Whether a statement on a page of `pages`, as it was at `modified_ns`, stands in a turn of the user and asks nothing.
pub fn is_by_user(pages: &Path, page: &Path, modified_ns: i64, quote: &str) -> bool {
    let quote = quote.trim();
    if quote.ends_with('?') || quote.split_whitespace().count() < LEAST_WORDS {
        return false;
    }
    let mut known = lock(&KNOWN);
    let Known { pages: verdicts, last } = &mut *known;
    if verdicts.len() >= MOST && !verdicts.contains_key(page) {
        verdicts.clear();
    }
    let (at, said) = verdicts.entry(page.to_owned()).or_default();
    if *at != modified_ns {
        (*at, *said) = (modified_ns, HashMap::new());
    }
    *said.entry(hash(quote)).or_insert_with(|| {
        if (last.0.as_path(), last.1) != (page, modified_ns) {
            *last = (page.to_owned(), modified_ns, text_of_user(pages, page).unwrap_or_default());
        }
        last.2.contains(quote)
    })
}

fn hash(quote: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    quote.hash(&mut hasher);
    hasher.finish()
}

/// The turns behind a page.
fn turns_of(pages: &Path, page: &Path) -> Option<Vec<Turn>> {
    // `<data>/rendered/conversations` has the pages, `<data>/conversations` the turns.
    let turns = pages.ancestors().nth(2)?.join("conversations").join(page.strip_prefix(pages).ok()?);
    lines::read(&turns.with_extension("jsonl"), Turn::from_line).ok()
}

/// When something was said last in a conversation; `None` where it is the questions to this program.
pub fn last_turn(pages: &Path, page: &Path) -> Option<Timestamp> {
    let turns = turns_of(pages, page)?;
    let talk = turns.first().is_some_and(|turn| !turn.session.starts_with(QUESTIONS));
    turns.iter().map(|turn| turn.at).max().filter(|_| talk)
}

/// Everything that the user said, as it stands on the page; of questions to this program nothing, since they state nothing.
fn text_of_user(pages: &Path, page: &Path) -> Option<String> {
    let turns = turns_of(pages, page)?;
    let own = turns.iter().filter(|turn| turn.role == Role::User && !turn.session.starts_with(QUESTIONS));
    Some(own.map(|turn| render::block(turn, &TimeZone::UTC)).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conversations::Conversations;

    #[test]
    fn only_what_the_user_said_is_by_the_user() {
        let dir = tempfile::tempdir().unwrap();
        let store = Conversations::open(dir.path()).unwrap();
        let turn = |role: &str, speaker: &str, content: &str, session: &str| {
            let value = serde_json::json!({"role": role, "speaker": speaker, "content": content});
            Turn::from_value(&value, session, "2026-03-14T09:00:00Z".parse().unwrap()).unwrap()
        };
        store
            .append(&[
                turn("user", "Hanna", "I prefer short answers. Is the boat ready?\n\nIt is blue\nand old.", "talk"),
                turn("assistant", "Coach", "You should order coal by Friday.", "talk"),
                turn("system", "", "You are a helpful assistant.", "talk"),
            ])
            .unwrap();
        let page = store.page_of("talk").unwrap().unwrap();
        let check = |quote: &str, want: bool| {
            for _ in 0..2 {
                assert_eq!(is_by_user(store.pages(), &page, 1, quote), want, "{quote}");
            }
        };
        check("I prefer short answers.", true);
        check("It is blue\nand old.", true);
        check("Is the boat ready?", false);
        check("blue", false);
        check("You should order coal by Friday.", false);
        check("You are a helpful assistant.", false);
        store.append(&[turn("user", "Hanna", "You should order coal by Friday.", "talk")]).unwrap();
        check("You should order coal by Friday.", false);
        assert!(is_by_user(store.pages(), &page, 2, "You should order coal by Friday."), "the page is a newer one");
        let asked = "questions-2026-03-14";
        store.append(&[turn("user", "", "the final price of the boat", asked)]).unwrap();
        let page = store.page_of(asked).unwrap().unwrap();
        assert!(!is_by_user(store.pages(), &page, 1, "the final price of the boat"));
        assert!(!is_by_user(store.pages(), Path::new("/elsewhere.md"), 1, "the final price of the boat"));
    }
}
