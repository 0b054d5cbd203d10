//! What a sentence says of liking something.

use crate::facts::is_pronoun;

/// Beginnings of verbs.
const LIKE: &[&str] = &["prefer", "like", "lov", "enjoy", "favo", "ador"];
const DISLIKE: &[&str] = &["hat", "dislik", "detest", "avoid"];
/// Words that turn a verb around.
const NOT: &[&str] = &["not", "n't", "never", "no", "longer", "used", "stopped", "hardly"];
/// What stands between what is preferred and what it is preferred to, ...
const RATHER: &[&str] = &[" rather than ", " instead of ", " more than ", " over ", " to "];
/// ... and before that for which it is.
const ABOUT: &[&str] = &[" for ", " when "];
/// Most words of a thing.
const LONGEST: usize = 6;

/// What somebody likes or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taste {
    /// The thing.
    pub thing: String,
    /// Whether it is liked.
    pub likes: bool,
    /// What is liked less.
    pub less: Option<String>,
    /// What it is for.
    pub about: Option<String>,
}

impl Taste {
    /// What a statement about the owner says, with the sentence that it stands in.
    pub fn of(predicate: &str, object: &str, sentence: &str) -> Option<Taste> {
        let predicate = predicate.to_lowercase();
        let words: Vec<&str> = predicate.split_whitespace().collect();
        let begins = |word: &str, list: &[&str]| list.iter().any(|start| word.starts_with(start));
        let verb = words.iter().position(|word| begins(word, LIKE) || begins(word, DISLIKE))?;
        let object = match words[verb + 1..] {
            [] => object.to_owned(),
            // "prefer to drink", "tea".
            ["to", ref rest @ ..] if !rest.is_empty() => format!("{} {object}", rest.join(" ")),
            _ => return None,
        };
        let turned = words.iter().filter(|word| NOT.contains(word) || word.ends_with("n't")).count() > 0;
        // The object may end before the sentence says what it is preferred to.
        let behind = sentence.split_once(object.as_str()).map_or("", |(_, behind)| behind);
        let whole = format!("{object}{}", clause(behind));
        let (thing, about) = cut(&whole, ABOUT);
        let (thing, less) = if words[verb].starts_with("prefer") { cut(thing, RATHER) } else { (thing, None) };
        let thing = name(if less.is_none() && about.is_none() { &object } else { thing })?;
        let less = less.map(|less| cut(less, ABOUT).0).and_then(name);
        Some(Taste { thing, likes: begins(words[verb], LIKE) != turned, less, about: about.and_then(name) })
    }

    /// In a word or two.
    pub fn text(&self) -> String {
        if self.likes { self.thing.clone() } else { format!("not {}", self.thing) }
    }
}

/// What stands before the end of a clause.
fn clause(text: &str) -> &str {
    let end = text.find([',', ';', '.', '!', '?', '(', ':', '\n']).unwrap_or(text.len());
    text[..end].split(" but ").next().unwrap_or_default()
}

/// What stands before and behind the first of these.
fn cut<'a>(text: &'a str, marks: &[&str]) -> (&'a str, Option<&'a str>) {
    let first = marks.iter().filter_map(|mark| Some((text.find(mark)?, mark.len()))).min();
    first.map_or((text, None), |(at, len)| (&text[..at], Some(&text[at + len..])))
}

/// A thing as it is told from others: small letters, no article.
fn name(text: &str) -> Option<String> {
    let lower = clause(text.trim()).to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    let words = match words[..] {
        ["the" | "a" | "an" | "my", ref rest @ ..] => rest,
        _ => &words[..],
    };
    let name = words.join(" ");
    let is_thing = (1..=LONGEST).contains(&words.len()) && name.contains(char::is_alphabetic);
    (is_thing && !is_pronoun(&name) && !matches!(name.as_str(), "me" | "that" | "this" | "it")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Passage;
    use crate::facts::{Document, facts};

    #[test]
    fn sentences_are_read() {
        let check = |predicate: &str, object: &str, sentence: &str, want: &str| {
            let shown = Taste::of(predicate, object, sentence).map_or("nothing".into(), |taste| {
                let part =
                    |mark: &str, part: &Option<String>| part.as_ref().map_or(String::new(), |p| format!(" {mark} {p}"));
                format!("{}{}{}", taste.text(), part("<", &taste.less), part("@", &taste.about))
            });
            assert_eq!(shown, want, "{sentence}");
        };
        check("like", "coffee", "I like coffee.", "coffee");
        check("prefer", "tea", "I prefer tea to coffee, as a rule.", "tea < coffee");
        check("prefer", "tea to coffee", "I prefer tea to coffee.", "tea < coffee");
        check("prefer", "Tea", "I prefer Tea for breakfast.", "tea @ breakfast");
        check("prefer", "tea", "I prefer tea over coffee for breakfast.", "tea < coffee @ breakfast");
        check("prefer to drink", "tea", "I prefer to drink tea.", "drink tea");
        check("do n't like", "the boat", "I don't like the boat.", "not boat");
        check("do not like", "coffee", "I do not like coffee but drink it.", "not coffee");
        check("used to like", "coffee", "I used to like coffee.", "not coffee");
        check("hate", "meetings", "I hate meetings.", "not meetings");
        check("do not hate", "meetings", "I do not hate meetings.", "meetings");
        check("like", "it", "I like it.", "nothing");
        check("prefer tea to", "coffee", "I prefer tea to coffee.", "nothing");
        check("bought", "coffee", "I bought coffee.", "nothing");
    }

    #[test]
    fn what_is_not_liked_is_told_by_all_its_words() {
        let document = Document { title: "Notes", media: "markdown", date: None, language: None };
        for text in ["I do not like boats.", "I don't like boats.", "I no longer like boats.", "I dislike boats."] {
            let passage = Passage { text: text.into(), line: 1, ..Passage::default() };
            let found = facts(&document, [&passage].into_iter());
            let tastes: Vec<Taste> =
                found.iter().filter_map(|found| Taste::of(&found.predicate, &found.object, &found.quote)).collect();
            let want = Taste { thing: "boats".into(), likes: false, less: None, about: None };
            assert_eq!(tastes, [want], "{text}");
        }
    }
}
