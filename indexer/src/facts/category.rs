//! What kind of statement a triple is.

use super::Triple;
use super::fact::Category;
use super::relational::{is_kin, is_office};
use super::{certainty, dates, morphology, occupation};

const PREFER: &[&str] = &["prefer", "lov", "hat", "dislik", "enjoy", "favour", "favor", "ador", "detest", "avoid"];
/// Before "like" where it is the verb, and not as in "looks like".
const BEFORE_LIKE: &[&str] = &[
    "do", "does", "did", "not", "n't", "don't", "doesn't", "didn't", "really", "also", "always", "still", "never",
    "used", "to", "no", "longer",
];
const DECIDE: &[&str] = &["decid", "choos", "agre", "settl", "select", "opt", "pick", "adopt", "reject", "approv"];
const LIFE: &[&str] = &[
    "born", "bear", "di", "marri", "marry", "divorc", "work", "employ", "graduat", "study", "studi", "attend", "teach",
    "retir", "hir", "appoint", "elect", "serv", "join", "rais", "educat", "coach", "play",
];
const PLACE: &[&str] =
    &["liv", "locat", "bas", "headquarter", "situat", "resid", "stand", "lie", "settl", "mov", "kept", "keep", "stor"];
const HAPPEN: &[&str] = &[
    "happen", "meet", "visit", "held", "hold", "open", "clos", "launch", "releas", "arriv", "leav", "start", "begin",
    "end", "win", "los",
];
const MEAN: &[&str] = &["mean", "stand for", "denot", "describ", "defin", "refer"];

/// The category, and the confidence from 0 to 1.
pub fn of(triple: &Triple) -> (Category, f32) {
    (category(triple), certainty::confidence(triple))
}

fn category(triple: &Triple) -> Category {
    let predicate = triple.predicate.to_lowercase();
    let words: Vec<&str> = predicate.split_whitespace().collect();
    let bases: Vec<String> = words.iter().map(|word| morphology::base(word)).collect();
    let has = |list: &[&str]| bases.iter().any(|base| list.contains(&base.as_str()));
    let copula = words.first().is_some_and(|word| super::tag::is_be(word) || *word == "was");
    let last = words.last().copied().unwrap_or_default();
    match () {
        () if (has(PREFER) || likes(&words)) && !copula => Category::Preference,
        () if has(DECIDE) => Category::Decision,
        () if words.iter().any(|word| is_kin(word) || is_office(word)) && copula => Category::Person,
        () if has(LIFE) => Category::Person,
        () if has(MEAN) && !copula => Category::Definition,
        () if has(PLACE)
            && matches!(last, "in" | "at" | "on" | "to" | "from" | "near" | "behind" | "under" | "above") =>
        {
            Category::Location
        }
        () if copula
            && words.len() == 2
            && matches!(last, "in" | "at" | "near" | "behind" | "under" | "above")
            && !dates::is_time(&triple.object) =>
        {
            Category::Location
        }
        () if dates::is_time(&triple.object) || has(HAPPEN) && triple.from.is_some() => Category::Event,
        () if is_amount(&triple.object) => Category::Quantity,
        () if copula && words.len() <= 2 => identity(triple),
        () => Category::Relation,
    }
}

fn likes(predicate: &[&str]) -> bool {
    let verb = predicate.iter().position(|word| matches!(*word, "like" | "likes" | "liked"));
    verb.is_some_and(|verb| predicate[..verb].iter().all(|word| BEFORE_LIKE.contains(word)))
}

/// What "X is Y" says: what a named thing is, or what a word means.
fn identity(triple: &Triple) -> Category {
    let name = triple.subject.starts_with(char::is_uppercase)
        && !triple.subject.starts_with("The ")
        && !triple.subject.starts_with("A ");
    let person =
        triple.object.split_whitespace().next_back().is_some_and(|word| occupation::is_person(&word.to_lowercase()));
    let article = ["a ", "an "].iter().any(|article| triple.object.starts_with(article));
    match (name || person, article) {
        (false, true) => Category::Definition,
        _ => Category::Identity,
    }
}

fn is_amount(object: &str) -> bool {
    object.trim_start_matches(['$', '€', '£', '~', ' ']).starts_with(|c: char| c.is_ascii_digit())
}
