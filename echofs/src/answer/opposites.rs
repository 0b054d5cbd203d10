//! Words that turn a statement round: negations, pairs that exclude each other, and one of several that do.

use std::sync::LazyLock;

use echofs_query_lang::MONTHS;

use super::span::DAYS;
use super::text::{Token, tokens};

const NEGATIONS: [&str; 9] = ["not", "no", "never", "without", "none", "neither", "nor", "cannot", "nobody"];

const PAIRS: &str = "accept reject|accept refuse|agree disagree|allow forbid|allow prevent|allow prohibit|always never|\
    ancient modern|appear vanish|arrive depart|arrive leave|attack defend|background foreground|before after|begin end|\
    best worst|better worse|buy sell|common rare|complex simple|connect disconnect|create destroy|build destroy|decrease increase|\
    dark light|deep shallow|defeat win|die born|east west|eastern western|easy hard|easy difficult|empty full|enter leave|\
    expand shrink|external internal|fail succeed|failure success|fall rise|fast slow|few many|fewest most|first last|found abolish|\
    gain lose|gain loss|high low|higher lower|highest lowest|import export|include exclude|inside outside|join leave|\
    large small|larger smaller|largest smallest|big small|biggest smallest|least most|less more|long short|longest shortest|\
    lose win|male female|mother father|maternal paternal|maximum minimum|major minor|majority minority|new old|newest oldest|youngest oldest|\
    north south|northern southern|open close|oppose support|part whole|peace war|permit forbid|poor rich|popular unpopular|\
    private public|push pull|raise lower|recent ancient|remember forget|remove add|rural urban|safe dangerous|same different|\
    start stop|start end|strong weak|stronger weaker|strongest weakest|temporary permanent|upper lower|victory defeat|\
    wide narrow|early late|earlier later|earliest latest|increase reduce|rarest common|likely unlikely|true false|before since|\
    king queen|husband wife|brother sister|son daughter|ally enemy|friend enemy|input output|formal informal|direct indirect|\
    encourage discourage|encourage inhibit|activate inhibit|stable unstable|adaptive innate|lost won|won lost|above below";

/// Of each row a thing is one at most.
const ROWS: [&[&str]; 5] = [
    &["north", "south", "east", "west"],
    &["northern", "southern", "eastern", "western"],
    &["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"],
    &DAYS,
    &MONTHS,
];

static OPPOSITES: LazyLock<Vec<(String, String)>> = LazyLock::new(|| {
    let stem = |word: &str| tokens(word).into_iter().next().map_or(String::new(), |t| t.stem);
    PAIRS.split('|').filter_map(|pair| pair.split_once(' ')).map(|(a, b)| (stem(a), stem(b))).collect()
});

/// Whether the words deny something.
pub fn negated(words: &[Token]) -> bool {
    let contracted = |i: usize| words[i].lower == "t" && i > 0 && words[i - 1].lower.ends_with('n');
    (0..words.len()).any(|i| NEGATIONS.contains(&words[i].lower.as_str()) || contracted(i))
}

/// Whether one says the opposite of a word of the other without saying that word too.
pub fn opposed(question: &[Token], sentence: &[Token]) -> bool {
    let holds = |words: &[Token], stem: &str| words.iter().any(|w| w.stem == stem);
    let against =
        |a: &str, b: &str| holds(question, a) && !holds(sentence, a) && holds(sentence, b) && !holds(question, b);
    OPPOSITES.iter().any(|(a, b)| against(a, b) || against(b, a))
        || prefixed(question, sentence)
        || prefixed(sentence, question)
}

/// Whether a sentence has another word or number of the kind of `asked`, of which a thing is one at most: "the second
/// minister", and the sentence is about the first; "in the 1930s", and it says 1951. What is `known`, from the question or as
/// the answer, is no rival.
pub fn rivalled(asked: &Token, sentence: &[Token], known: &[Token]) -> bool {
    let digits = |word: &Token| word.stem.contains(|c: char| c.is_ascii_digit());
    let row = ROWS.iter().find(|row| row.contains(&asked.lower.as_str()));
    let rival = |word: &Token| match row {
        Some(row) => row.contains(&word.lower.as_str()),
        None => digits(asked) && digits(word) && !is_time_of(&asked.stem, &word.stem),
    };
    let is_known = |word: &Token| known.iter().any(|known| known.stem == word.stem);
    sentence.iter().any(|word| word.stem != asked.stem && rival(word) && !is_known(word))
}

/// Whether a year lies in a decade or in a century, as they are written in digits: 1934 in the 1930s, 1066 in the 11th.
fn is_time_of(span: &str, year: &str) -> bool {
    let Ok(year) = year.trim_end_matches('s').parse::<u16>() else { return false };
    let number = span.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    match (number.len(), number.parse::<u16>()) {
        (1..=2, Ok(century)) if number.len() < span.len() => year.saturating_sub(1) / 100 + 1 == century,
        (4, Ok(decade)) if decade % 10 == 0 => year / 10 == decade / 10,
        _ => false,
    }
}

/// Whether `some` has a word that `others` has only with a prefix that negates it.
fn prefixed(some: &[Token], others: &[Token]) -> bool {
    let holds = |words: &[Token], lower: &str| words.iter().any(|w| w.lower == lower);
    some.iter().filter(|w| w.lower.len() > 4 && !holds(others, &w.lower)).any(|word| {
        ["un", "in", "im", "non", "dis", "ir"].iter().any(|prefix| {
            let turned = format!("{prefix}{}", word.lower);
            holds(others, &turned) && !holds(some, &turned)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{negated, opposed, rivalled, tokens};

    #[test]
    fn opposites() {
        let check =
            |a: &str, b: &str, expected: bool| assert_eq!(opposed(&tokens(a), &tokens(b)), expected, "{a} / {b}");
        check("what is the rarest cause?", "The most common cause is hunger.", true);
        check("what decreases with heat?", "Pressure increases with heat.", true);
        check("who rejected it?", "Anna accepted or rejected it.", false);
        check("what is stable?", "The bridge is unstable.", true);
        check("where is the shed?", "The shed is behind the house.", false);
    }

    #[test]
    fn rivals() {
        let check = |asked: &str, sentence: &str, known: &str, expected: bool| {
            let asked = tokens(asked).remove(0);
            assert_eq!(rivalled(&asked, &tokens(sentence), &tokens(known)), expected, "{asked:?} / {sentence}");
        };
        check("second", "The first minister opened the bridge.", "", true);
        check("tuesday", "We rehearse on Thursday.", "", true);
        check("tuesday", "We rehearse on Thursday.", "Thursday", false);
        check("1930", "The line was closed in 1951.", "", true);
        check("1930", "The line was closed in 1934.", "", false);
        check("11th", "He sailed in 1066.", "", false);
        check("11th", "He sailed in 1191.", "", true);
        check("three", "It may be put off by 14 days.", "", true);
        check("bridge", "The first was built in 1951.", "", false);
    }

    #[test]
    fn negations() {
        assert!(negated(&tokens("who did not pay?")) && negated(&tokens("who didn't pay?")));
        assert!(!negated(&tokens("what is a T cell?")));
    }
}
