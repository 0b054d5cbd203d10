//! "like", which is a verb in few places and a preposition in most.

use super::context::Place;
use super::tag::Tag;
use super::token::Token;

/// "I like", "they do not like", "Oda no longer likes"; not "he saw you like this", "does not look like", "is no longer like".
pub fn is_liking(p: &Place) -> bool {
    let Some(before) = p.real_before() else { return false };
    let between = &p.tokens[before + 1..p.at];
    let free = || {
        let tag = before.checked_sub(1).map(|at| p.tags[at]);
        !matches!(tag, Some(Tag::Verb | Tag::Preposition | Tag::Auxiliary | Tag::To))
    };
    match p.tokens[before].lower.as_str() {
        "do" | "does" | "did" => denies(between),
        "i" | "we" | "they" | "you" => free(),
        _ => is_no_longer(between) && matches!(p.tags[before], Tag::Noun | Tag::Proper | Tag::Pronoun),
    }
}

/// Whether the words behind a form of `do` go on with "not like".
pub fn is_not_liking(behind: &[Token], tags: &[Tag]) -> bool {
    let adverbs = tags.iter().take_while(|tag| matches!(tag, Tag::Adverb | Tag::Not)).count();
    denies(behind) && behind.get(adverbs).is_some_and(|word| word.lower == "like")
}

fn denies(words: &[Token]) -> bool {
    words.first().is_some_and(|word| matches!(word.lower.as_str(), "not" | "n't"))
}

fn is_no_longer(words: &[Token]) -> bool {
    words.iter().map(|word| word.lower.as_str()).eq(["no", "longer"])
}

/// "does not like" as one verb, so that it states the same in whatever words.
pub fn as_one_verb(verb: &str) -> Option<&'static str> {
    Some(match verb.to_lowercase().replace('’', "'").as_str() {
        "do not like" | "don't like" => "dislike",
        "does not like" | "doesn't like" => "dislikes",
        "did not like" | "didn't like" => "disliked",
        _ => return None,
    })
}
