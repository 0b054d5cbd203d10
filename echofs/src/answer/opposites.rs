//! Words that turn a statement round: negations, pairs that exclude each other, and one of several that do.

use std::sync::LazyLock;

use echofs_query_lang::MONTHS;

use super::span::DAYS;
use super::text::{Token, tokens};

const NEGATIONS: [&str; 10] = ["not", "no", "non", "never", "without", "none", "neither", "nor", "cannot", "nobody"];

/// Verbs, nouns and the like. A word with a common second sense is not among them ("left", "kind", "light").
const PAIRS: &str = "accept reject|accept refuse|acquit convict|adaptive innate|admit deny|advance retreat|agree disagree|allow forbid|\
    allow prevent|allow prohibit|ally enemy|always never|appear vanish|arrival departure|arrive depart|arrive leave|ascend descend|\
    asset liability|attack defend|attract repel|aunt uncle|background foreground|before after|before since|begin end|best worst|\
    better worse|build demolish|build destroy|buy sell|buyer seller|combine separate|compliance violation|confirm deny|connect disconnect|\
    create destroy|decrease increase|defeat win|deposit withdraw|die born|divide multiply|divide unite|emigrate immigrate|\
    employer employee|encourage discourage|encourage inhibit|activate inhibit|enter leave|entrance exit|expand shrink|\
    export import|fail succeed|failure success|fall rise|few many|fewest most|first last|float sink|forget remember|forward backward|\
    found abolish|friend enemy|gain lose|gain loss|greater lesser|greater smaller|larger lesser|guest host|\
    guilty innocent|hire fire|horizontal vertical|husband wife|\
    include exclude|increase reduce|input output|inside outside|join leave|king queen|landlord tenant|least most|lend borrow|\
    less more|lose win|lost won|major minor|majority minority|male female|man woman|maternal paternal|maximum minimum|\
    maximize minimize|melt freeze|mother father|nephew niece|north south|east west|northern southern|eastern western|\
    open close|oppose support|optimistic pessimistic|parent child|part whole|peace war|permit forbid|\
    predator prey|presence absence|profit loss|push pull|raise lower|receive send|\
    rarest common|remove add|retain discard|reward punish|sender recipient|singular plural|sister brother|son daughter|start end|start stop|\
    strengthen weaken|summer winter|sunrise sunset|synthetic natural|top bottom|\
    true false|upper lower|victory defeat|above below|numerator denominator|ancestor descendant|morning evening";

/// Adjectives, which have two further forms.
const ADJECTIVES: &str = "big small|big little|bright dim|broad narrow|cheap expensive|clean dirty|cold hot|cold warm|cool warm|\
    dark light|deep shallow|dry wet|early late|easy difficult|easy hard|fast slow|hard soft|happy sad|high low|\
    large small|large little|long short|loose tight|loud quiet|near far|new old|old young|poor rich|poor wealthy|quick slow|rapid slow|\
    rough smooth|safe dangerous|simple complex|simple complicated|straight curved|straight crooked|strong weak|powerful weak|tall short|thick thin|\
    wide narrow|active passive|ancient modern|ancient recent|artificial natural|beautiful ugly|common rare|common uncommon|compulsory voluntary|\
    correct wrong|dead alive|direct indirect|domestic foreign|domestic international|empty full|external internal|exterior interior|\
    fixed variable|formal informal|frequent rare|future past|global local|indoor outdoor|inferior superior|junior senior|\
    liberal conservative|likely unlikely|mandatory optional|negative positive|obligatory optional|offensive defensive|permanent temporary|\
    popular unpopular|private public|religious secular|rural urban|same different|scarce abundant|stable unstable|\
    visible invisible";

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
    let pairs = |text: &'static str| text.split('|').filter_map(|pair| pair.split_once(' '));
    let compared = pairs(ADJECTIVES).flat_map(|(a, b)| ["er", "est"].map(|end| (with_end(a, end), with_end(b, end))));
    let plain = pairs(PAIRS).chain(pairs(ADJECTIVES)).map(|(a, b)| (a.to_owned(), b.to_owned()));
    plain.chain(compared).map(|(a, b)| (stem(&a), stem(&b))).collect()
});

/// The comparative or superlative of an adjective: "bigger", "nicest", "earlier".
fn with_end(adjective: &str, end: &str) -> String {
    let is_vowel = |letter: u8| b"aeiou".contains(&letter);
    match adjective.as_bytes() {
        [rest @ .., b'e'] => format!("{}{end}", String::from_utf8_lossy(rest)),
        [rest @ .., b'y'] => format!("{}i{end}", String::from_utf8_lossy(rest)),
        [.., before, vowel, last] if is_vowel(*vowel) && !is_vowel(*before) && !is_vowel(*last) && *last != b'w' => {
            format!("{adjective}{}{end}", *last as char)
        }
        _ => format!("{adjective}{end}"),
    }
}

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
    use super::{negated, opposed, rivalled, tokens, with_end};

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
    fn adjectives_are_compared() {
        let of = ["big", "early", "large", "slow", "short", "near"].map(|word| with_end(word, "est"));
        assert_eq!(of, ["biggest", "earliest", "largest", "slowest", "shortest", "nearest"]);
        assert!(opposed(&tokens("which is the lesser threat?"), &tokens("Rust is the greater threat.")));
    }

    #[test]
    fn negations() {
        assert!(negated(&tokens("who did not pay?")) && negated(&tokens("who didn't pay?")));
        assert!(!negated(&tokens("what is a T cell?")));
    }
}
