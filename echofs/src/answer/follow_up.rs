//! A message as a question that can be asked alone.
//!
//! "And when do they come?" is asked with the content words of what it goes on from; "And Ferris?" is the question before
//! it with another name; of a long text its question is asked. All by rules: words that stand in the message and in
//! those before it, nothing else, so that a small model has no chance to make up what was meant.

use std::ops::Range;

use super::question::{Question, Sort};
use super::sentences::sentences;
use super::text::{Token, one_line, tokens};

/// A message of more bytes is cut down to its question.
const LONG: usize = 400;
/// Words that a message takes over from those before it.
const CARRIED: usize = 7;
/// Messages that are looked back on.
const BEFORE: usize = 6;

/// Words that stand for something said before.
const PRONOUNS: [&str; 16] = [
    "he",
    "she",
    "it",
    "they",
    "him",
    "her",
    "them",
    "his",
    "hers",
    "its",
    "their",
    "theirs",
    "himself",
    "herself",
    "itself",
    "themselves",
];
/// Words that do so at the end of a message, and the first four in one that says little else.
const POINTERS: [&str; 8] = ["this", "that", "these", "those", "there", "then", "one", "ones"];
/// Words that a message begins with when it goes on from another.
const OPENERS: [&str; 6] = ["and", "but", "or", "so", "also", "then"];
/// Words that ask for something.
pub const QUESTION_WORDS: [&str; 9] = ["who", "whom", "whose", "what", "which", "when", "where", "why", "how"];
/// Words of questions besides; a message without any may be a piece of a question.
const ASKING: [&str; 3] = ["whether", "is", "did"];

/// The message with what it leaves unsaid, from the ones before it, oldest first, and what was answered to each.
pub fn standalone(message: &str, before: &[(&str, String)]) -> String {
    let (mut question, mut answer) = (String::new(), "");
    for (message, answered) in &before[before.len().saturating_sub(BEFORE)..] {
        (question, answer) = (complete(&brief(message), &question, answer), answered);
    }
    complete(&brief(message), &question, answer)
}

/// A long text cut down to its question, with the names around it where it needs them; a short one on one line.
pub fn brief(text: &str) -> String {
    let line = one_line(text);
    if line.len() <= LONG {
        return line;
    }
    let all: Vec<String> = sentences(text).into_iter().map(|at| one_line(&text[at])).collect();
    let is_question = |sentence: &String| sentence.ends_with(['?', '\u{ff1f}', '\u{61f}']);
    let at = all.iter().rposition(is_question).unwrap_or(all.len().saturating_sub(1));
    let question = all.get(at).map_or("", |sentence| cut(sentence));
    let rest = all.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, sentence)| sentence.as_str());
    complete(question, &rest.collect::<Vec<_>>().join(" "), "")
}

fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(LONG);
    if end == text.len() { text } else { &text[..text[..end].rfind(' ').unwrap_or(end)] }
}

fn complete(message: &str, before: &str, answer: &str) -> String {
    let words = tokens(message);
    if before.is_empty() || !leans(&words, message) {
        return message.to_owned();
    }
    replaced(message, &words, before).unwrap_or_else(|| carried(message, &words, &(names(answer) + before)))
}

/// The names in an answer, each with a blank behind it; none where it is a date or an amount.
fn names(answer: &str) -> String {
    let words = tokens(answer);
    let is_name = |word: &&Token| word.capital && !word.is_stop() && !words.iter().any(|word| word.number);
    words.iter().filter(is_name).map(|word| format!("{} ", &answer[word.at.clone()])).collect()
}

/// Whether a message needs those before it to be understood.
fn leans(words: &[Token], message: &str) -> bool {
    let is = |word: &Token, list: &[&str]| list.contains(&word.lower.as_str());
    let opens = words.first().is_some_and(|word| is(word, &OPENERS)) || starts_about(words);
    let named_before = |n: usize| words[..n].iter().skip(1).any(|word| word.capital && !word.is_stop());
    let question = Question::new(message);
    let points = |n: usize| n + 1 == words.len() || is(&words[n], &POINTERS[..4]) && question.terms.len() < 2;
    let stands_for =
        |(n, word): (usize, &Token)| !named_before(n) && (is(word, &PRONOUNS) || is(word, &POINTERS) && points(n));
    let says_nothing = words.iter().all(Token::is_stop) || words.len() <= 2 && question.terms.len() < 2;
    opens || words.iter().enumerate().any(stands_for) || says_nothing
}

/// "What about" and "how about".
fn starts_about(words: &[Token]) -> bool {
    words.len() > 2 && matches!(words[0].lower.as_str(), "what" | "how") && words[1].lower == "about"
}

/// The question before with another name or number in the place of its only one: what "And Ferris?" means.
fn replaced(message: &str, words: &[Token], before: &str) -> Option<String> {
    let skipped = words.iter().take_while(|word| OPENERS.contains(&word.lower.as_str())).count();
    let words = &words[skipped..];
    let words = if starts_about(words) { &words[2..] } else { words };
    let asks =
        words.iter().any(|word| [&QUESTION_WORDS[..], &ASKING].iter().any(|list| list.contains(&word.lower.as_str())));
    let (first, last) = (words.first()?, words.last()?);
    let piece = &message[first.at.start..last.at.end];
    let numbers = words.iter().all(|word| word.number || word.is_stop()) && words.iter().any(|word| word.number);
    // A capital letter at the beginning of the message says nothing.
    let named = |word: &Token| word.capital && word.at.start > 0 && !word.is_stop();
    let names = words.iter().any(named) && words.len() <= 4;
    let place = match (asks, names, numbers) {
        (true, _, _) | (_, false, false) => None,
        (_, true, _) => only(before, Sort::Name),
        _ => only(before, Sort::Number),
    }?;
    let piece = if numbers { &message[words.iter().find(|word| word.number)?.at.start..last.at.end] } else { piece };
    Some(format!("{}{piece}{}", &before[..place.start], &before[place.end..]))
}

/// The bytes of the only name or number of a question; words of a name stand side by side.
fn only(question: &str, sort: Sort) -> Option<Range<usize>> {
    let read = Question::new(question);
    let is = |word: &Token| read.terms.iter().any(|term| term.sort == sort && term.lower == word.lower);
    let all: Vec<Token> = tokens(question);
    let at: Vec<usize> = (0..all.len()).filter(|n| is(&all[*n])).collect();
    let (first, last) = (*at.first()?, *at.last()?);
    (last - first + 1 == at.len()).then(|| all[first].at.start..all[last].at.end)
}

/// The message with the content words of what it goes on from.
fn carried(message: &str, words: &[Token], before: &str) -> String {
    let all = tokens(before);
    let new = |word: &&Token| !word.is_stop() && !words.iter().any(|own| own.stem == word.stem);
    let mut taken: Vec<&Token> = Vec::new();
    for pass in [true, false] {
        for word in all.iter().filter(new).filter(|word| (word.capital || word.number) == pass) {
            if taken.len() < CARRIED && !taken.iter().any(|known| known.stem == word.stem) {
                taken.push(word);
            }
        }
    }
    if taken.is_empty() {
        return message.to_owned();
    }
    taken.sort_by_key(|word| word.at.start);
    let taken: Vec<&str> = taken.iter().map(|word| &before[word.at.clone()]).collect();
    let (body, mark) = match message.strip_suffix('?') {
        Some(body) => (body, "?"),
        None => (message, ""),
    };
    format!("{} ({}){mark}", body.trim_end(), taken.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_unsaid_is_taken_from_before() {
        let check = |before: &[&str], message: &str, want: &str| {
            let before: Vec<(&str, String)> = before.iter().map(|text| (*text, String::new())).collect();
            assert_eq!(standalone(message, &before), want);
        };
        let pump = "What did Tait quote for the heat pump?";
        check(&[], "and when do they come?", "and when do they come?");
        check(&[pump], "and when do they come?", "and when do they come (Tait quote heat pump)?");
        check(&[pump], "Who is she", "Who is she (Tait quote heat pump)");
        check(&[pump], "And Ferris?", "What did Ferris quote for the heat pump?");
        check(&[pump], "The price?", "The price (Tait quote heat pump)?");
        check(&[pump], "what did that cost?", "what did that cost (Tait quote heat pump)?");
        check(&[pump], "what about Ida Ferris", "What did Ida Ferris quote for the heat pump?");
        check(&["What did we spend in 2025?"], "and in 2026?", "What did we spend in 2026?");
        check(&["Who leads Nightjar?"], "why?", "why (leads Nightjar)?");
        check(&[pump, "And Ferris?"], "When was that?", "When was that (Ferris quote heat pump)?");
    }

    #[test]
    fn what_stands_alone_stays_as_it_is() {
        let before = [("What did Tait quote for the heat pump?", "The Tait offer".to_owned())];
        for message in [
            "When does the ferry to Lunna leave?",
            "Did Anna pay her rent?",
            "Which of these hens lay best?",
            "What is kubernetes?",
            "Is there a vet in Porto?",
        ] {
            assert_eq!(standalone(message, &before), message);
        }
    }

    #[test]
    fn what_was_answered_is_taken_up() {
        let check = |answer: &str, want: &str| {
            assert_eq!(standalone("what did they cost?", &[("Which firm did we choose?", answer.to_owned())]), want);
        };
        check("Tait Heating.", "what did they cost (Tait Heating firm choose)?");
        check("On 16 February", "what did they cost (firm choose)?");
    }

    #[test]
    fn a_long_text_is_asked_by_its_question() {
        let filler = "The valves were bled and the tank was flushed twice. ".repeat(20);
        let text = format!("Dear Alasdair,\n\n{filler}\n\nWhen will the radiators come?\n\nKind regards\nHanna");
        assert_eq!(brief(&text), "When will the radiators come?");
        let leaning = format!("Ottilie Brand wrote.\n\n{filler}\nWhat did she want?");
        let asked = brief(&leaning);
        assert!(asked.starts_with("What did she want (Ottilie Brand ") && asked.len() < 120, "{asked}");
        assert_eq!(brief("When?\nNow."), "When? Now.");
        assert!(brief(&"word ".repeat(4000)).len() <= LONG);
    }
}
