//! Who said a sentence of a conversation, and when.

use echofs_indexer::conversations::{Role, turn_line};
use jiff::civil::Date;

use super::text::{Token, tokens};

/// A turn of a conversation within a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Where the line that says who and when begins, in bytes of the passage.
    pub at: usize,
    /// Who spoke: the name that begins what was said ("Oda: ..."), else who the line names.
    pub who: String,
    /// The day.
    pub day: Date,
    /// Whether a language model wrote it.
    pub by_model: bool,
}

/// The turns that begin in a passage of a conversation, in order.
pub fn turns(text: &str) -> Vec<Turn> {
    let mut at = 0;
    let lines = text.split_inclusive('\n').map(|line| {
        at += line.len();
        (at - line.len(), line)
    });
    let turn = |(at, line): (usize, &str)| {
        let (who, moment) = turn_line(line.trim_end())?;
        let named = name(text[at + line.len()..].trim_start());
        let by_model = named.is_none() && Role::named(who) == Some(Role::Assistant);
        Some(Turn { at, who: named.unwrap_or(who).to_owned(), day: moment.date(), by_model })
    };
    lines.filter_map(turn).collect()
}

/// The name before the colon that a line of a dialogue begins with.
fn name(said: &str) -> Option<&str> {
    let (name, after) = said.split_once(':')?;
    let words = || name.split(' ');
    let named = words().count() <= 3 && words().all(|word| word.chars().next().is_some_and(char::is_uppercase));
    (named && after.starts_with(' ')).then_some(name)
}

/// Whether a turn of somebody with this word in the name is among them, and `speaker` is somebody else.
pub fn is_another(turns: &[Turn], speaker: &Turn, stem: &str) -> bool {
    !is_named(speaker, stem) && turns.iter().any(|turn| is_named(turn, stem))
}

/// Whether somebody is called by a name with this word in it.
pub fn is_named(turn: &Turn, stem: &str) -> bool {
    tokens(&turn.who).iter().any(|word| word.stem == stem)
}

/// Whether a sentence tells of who says it.
pub fn is_of_speaker(sentence: &[Token]) -> bool {
    has(sentence, &["i", "i'm", "i've", "i'll", "i'd", "me", "my", "mine", "we", "we're", "we've", "us", "our"])
}

/// Whether it tells of who it is said to.
pub fn is_of_listener(sentence: &[Token]) -> bool {
    has(sentence, &["you", "you're", "you've", "you'll", "your", "yours"])
}

fn has(sentence: &[Token], words: &[&str]) -> bool {
    sentence.iter().any(|word| words.contains(&word.lower.as_str()))
}

/// The turn in which the byte `at` of the passage stands; `None` before the first.
pub fn turn_of(turns: &[Turn], at: usize) -> Option<&Turn> {
    turns.iter().take_while(|turn| turn.at <= at).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_belongs_to_the_turn_before_it() {
        let text = "of the boat.\n\n## Oda, 2026-03-14 09:00\n\nI sold it.\n\n## user, 2026-03-15 10:00\n\nWhen?\n";
        let turns = turns(text);
        let who = |at: usize| turn_of(&turns, at).map(|turn| (turn.who.as_str(), turn.day.to_string()));
        let by_model =
            super::turns("## assistant, 2026-03-14 09:00\n\nIt is.\n\n## assistant, 2026-03-14 09:01\n\nOda: No.\n");
        assert_eq!(by_model.iter().map(|turn| turn.by_model).collect::<Vec<_>>(), [true, false]);
        assert_eq!(who(0), None);
        assert_eq!(who(text.find("I sold").unwrap()), Some(("Oda", "2026-03-14".into())));
        assert_eq!(who(text.find("When").unwrap()), Some(("user", "2026-03-15".into())));
    }

    #[test]
    fn what_one_says_of_oneself_is_not_of_the_other() {
        let text = "## user, 2026-03-14 09:00\n\nOda Berg: I sold it. What: the boat.\n\n## assistant, 2026-03-14 09:01\n\nIvo: Why did you?\n";
        let turns = turns(text);
        assert_eq!(turns.iter().map(|turn| turn.who.as_str()).collect::<Vec<_>>(), ["Oda Berg", "Ivo"]);
        let stem = |word: &str| tokens(word)[0].stem.clone();
        assert!(is_another(&turns, &turns[0], &stem("Ivo")) && !is_another(&turns, &turns[0], &stem("Oda")));
        assert!(!is_another(&turns, &turns[0], &stem("Anna")), "nobody of that name speaks");
        let (told, asked) = (tokens("Oda: I sold it"), tokens("Ivo: Why did you?"));
        assert!(is_of_speaker(&told) && !is_of_listener(&told) && !is_of_speaker(&asked) && is_of_listener(&asked));
    }
}
