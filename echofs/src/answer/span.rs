//! The few words that answer: spans of a sentence that are dates, numbers, names or reasons, and the choice among them.

use std::ops::Range;

use echofs_query_lang::MONTHS;

use super::question::{Expected, Question};
use super::text::{Token, likeness, tokens};

/// Whether a sentence holds something of the kind that is asked for and that the question does not say itself.
pub fn fits(question: &Question, text: &str, words: &[Token]) -> bool {
    match question.expected {
        Expected::Thing | Expected::Verdict => false,
        _ => !spans(question, text, words).is_empty(),
    }
}

/// The spans of `text` that are of the kind asked for, as byte ranges, without those that only repeat the question.
pub fn spans(question: &Question, text: &str, words: &[Token]) -> Vec<Range<usize>> {
    let found = match question.expected {
        Expected::Time => times(text, words),
        Expected::Number if question.measures => {
            numbers(text, words).into_iter().map(|s| with_unit(text, words, s)).collect()
        }
        Expected::Number => numbers(text, words),
        Expected::Person | Expected::Place => names(text, words),
        Expected::Reason => reasons(text, words),
        Expected::Thing | Expected::Verdict => {
            let mut all = names(text, words);
            all.extend(chunks(text, words));
            all
        }
    };
    found.into_iter().filter(|span| says_more(question, words, span)).collect()
}

/// Whether a span has a word that the question has not.
fn says_more(question: &Question, words: &[Token], span: &Range<usize>) -> bool {
    inside(words, span).any(|w| !w.is_stop() && !question.has(&w.stem))
}

fn inside<'a>(words: &'a [Token], span: &Range<usize>) -> impl Iterator<Item = &'a Token> {
    let span = span.clone();
    words.iter().filter(move |w| w.at.start >= span.start && w.at.end <= span.end)
}

/// Joins neighbouring words that `wanted` accepts while the text between them is one of `gaps`.
fn runs(text: &str, words: &[Token], wanted: impl Fn(usize) -> bool, gaps: &[&str]) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut last = None;
    for (i, word) in words.iter().enumerate().filter(|(i, _)| wanted(*i)) {
        let joined = out.last_mut().filter(|span| gaps.contains(&&text[span.end..word.at.start]));
        match joined {
            Some(span) if last.is_some() => span.end = word.at.end,
            _ => out.push(word.at.clone()),
        }
        last = Some(i);
    }
    out
}

/// Days of the week.
pub const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const TIMES: [&str; 16] = [
    "century",
    "centuries",
    "morning",
    "afternoon",
    "evening",
    "noon",
    "midnight",
    "today",
    "tomorrow",
    "yesterday",
    "spring",
    "summer",
    "autumn",
    "winter",
    "easter",
    "christmas",
];
const WITH_TIMES: [&str; 12] =
    ["early", "late", "mid", "bc", "ad", "bce", "ce", "am", "pm", "around", "about", "circa"];

/// Whether a word is a year, or a decade.
pub fn is_year(word: &Token) -> bool {
    let digits = word.lower.strip_suffix('s').unwrap_or(&word.lower);
    digits.len() == 4 && digits.parse::<u16>().is_ok_and(|y| (1000..2200).contains(&y))
}

fn is_time(word: &Token) -> bool {
    let lower = word.lower.as_str();
    let month = word.capital && MONTHS.iter().any(|month| lower == *month || lower == &month[..3]);
    month || is_year(word) || DAYS.contains(&lower) || TIMES.contains(&lower)
}

fn small_number(word: &Token) -> bool {
    let digits = word.lower.trim_end_matches(|c: char| c.is_ascii_lowercase());
    !digits.is_empty() && digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A year before 1000: "in 911", with nothing after it that it could count.
fn early_year(words: &[Token], i: usize) -> bool {
    let digits = words[i].lower.len() == 3 && words[i].lower.bytes().all(|b| b.is_ascii_digit());
    let before = i > 0 && ["in", "since", "until", "before", "after", "from"].contains(&words[i - 1].lower.as_str());
    let counts = words.get(i + 1).is_some_and(|w| !w.is_stop() && w.at.start == words[i].at.end + 1);
    digits && before && !counts
}

/// Dates, years, centuries, clock times.
pub fn times(text: &str, words: &[Token]) -> Vec<Range<usize>> {
    let with = |w: &Token| is_time(w) || small_number(w) || w.number || WITH_TIMES.contains(&w.lower.as_str());
    let spans = runs(text, words, |i| with(&words[i]), &[" ", ", ", "-", "–", ":", "/", "\n", " of ", "."]);
    let clock = |span: &Range<usize>| {
        text[span.clone()].contains(':') && text[span.clone()].bytes().filter(u8::is_ascii_digit).count() >= 3
    };
    let early = |span: &Range<usize>| words.iter().position(|w| w.at == *span).is_some_and(|i| early_year(words, i));
    let timed = spans.into_iter().filter(|span| inside(words, span).any(is_time) || clock(span) || early(span));
    timed.map(|span| trim(words, span, &["around", "about", "circa", "may"])).collect()
}

/// Drops leading words of `list` from a span of several words.
fn trim(words: &[Token], span: Range<usize>, list: &[&str]) -> Range<usize> {
    let first = inside(words, &span).find(|w| !list.contains(&w.lower.as_str()) || w.capital);
    first.map_or(span.clone(), |w| w.at.start..span.end)
}

const MAGNITUDES: [&str; 12] = [
    "hundred", "thousand", "million", "billion", "trillion", "percent", "dozen", "half", "euros", "dollars", "pounds",
    "degrees",
];

/// Numbers with their magnitude, percent and currency signs.
pub fn numbers(text: &str, words: &[Token]) -> Vec<Range<usize>> {
    let part = |i: usize| {
        let word = &words[i];
        let magnitude = MAGNITUDES.contains(&word.lower.as_str());
        word.number || magnitude && (i > 0 && words[i - 1].number || word.lower == "half")
    };
    runs(text, words, part, &[" ", "-", "–", "/"]).into_iter().map(|span| with_signs(text, span)).collect()
}

/// A measure without its unit says nothing.
fn with_unit(text: &str, words: &[Token], number: Range<usize>) -> Range<usize> {
    let next = words.iter().find(|w| w.at.start >= number.end);
    let unit = next.filter(|w| !w.is_stop() && matches!(&text[number.end..w.at.start], " " | "-" | ""));
    number.start..unit.map_or(number.end, |w| w.at.end)
}

/// Units as they are written after a number.
const UNITS: [&str; 41] = [
    "mg", "g", "kg", "ml", "cl", "l", "mm", "cm", "m", "km", "ha", "kw", "kwh", "w", "hz", "khz", "mhz", "ghz", "kb",
    "mb", "gb", "tb", "kib", "mib", "gib", "ms", "s", "min", "h", "minutes", "hours", "days", "weeks", "months",
    "years", "metres", "miles", "litres", "pounds", "euros", "dollars",
];

/// A number that is the whole span, with the unit that stands after it and that the question does not name.
pub fn measured(question: &Question, text: &str, span: Range<usize>) -> Range<usize> {
    let words = tokens(text);
    let alone = matches!(inside(&words, &span).collect::<Vec<_>>()[..], [word] if word.number);
    if !alone {
        return span;
    }
    let sign =
        text[span.end..].strip_prefix(' ').and_then(|rest| rest.chars().next()).filter(|c| "€£$¥%°".contains(*c));
    if let Some(sign) = sign {
        return span.start..span.end + 1 + sign.len_utf8();
    }
    let asked = tokens(&question.text);
    let unit = words.iter().find(|word| word.at.start >= span.end).filter(|word| {
        let unit = word.lower.as_str();
        matches!(&text[span.end..word.at.start], " " | "")
            && UNITS.contains(&unit)
            && asked.iter().all(|w| w.lower != unit)
    });
    span.start..unit.map_or(span.end, |unit| unit.at.end)
}

fn with_signs(text: &str, span: Range<usize>) -> Range<usize> {
    let before: usize =
        text[..span.start].chars().rev().take_while(|c| "$€£¥~#".contains(*c)).map(char::len_utf8).sum();
    let after: usize = text[span.end..].chars().take_while(|c| "%°".contains(*c)).map(char::len_utf8).sum();
    span.start - before..span.end + after
}

/// Runs of capitalised words.
pub fn names(text: &str, words: &[Token]) -> Vec<Range<usize>> {
    let named = |i: usize| {
        let word = &words[i];
        let opens = i == 0 || text[words[i - 1].at.end..word.at.start].contains(['.', '!', '?', '\n', '|', ':']);
        word.capital && !(opens && word.is_stop()) && !(word.is_stop() && word.lower.len() < 3)
    };
    runs(text, words, named, &[" ", " of ", " of the ", " de ", " von ", " van ", "-", ". ", " & ", "'s ", "’s "])
}

/// What follows a word that gives a reason, to the end of the clause.
pub fn reasons(text: &str, _words: &[Token]) -> Vec<Range<usize>> {
    const MARKS: [&str; 10] = [
        "because of ",
        "because ",
        "due to ",
        "in order to ",
        "so that ",
        "as a result of ",
        "owing to ",
        "since ",
        "thanks to ",
        "to avoid ",
    ];
    let lower = text.to_ascii_lowercase();
    let mut out: Vec<Range<usize>> = Vec::new();
    for mark in MARKS {
        for (at, _) in lower.match_indices(mark) {
            let start = at + if mark == "to avoid " { 0 } else { mark.len() };
            let end = text[start..].find([',', ';', '.', '(']).map_or(text.len(), |i| start + i);
            if end > start && !out.iter().any(|span| span.contains(&start)) {
                out.push(start..end);
            }
        }
    }
    out
}

/// Runs of content words, a rough kind of noun phrase.
fn chunks(text: &str, words: &[Token]) -> Vec<Range<usize>> {
    runs(text, words, |i| !words[i].is_stop(), &[" ", "-", " of "])
}

/// The span of the expected kind in `sentence` that stands nearest to the question's words.
pub fn best(question: &Question, weights: &[f32], sentence: &str) -> Option<Range<usize>> {
    let words = tokens(sentence);
    let near = |span: &Range<usize>| -> f32 {
        let closeness = |word: &Token| {
            let gap = if word.at.end <= span.start {
                span.start - word.at.end
            } else {
                word.at.start.saturating_sub(span.end)
            };
            1.0 / (1.0 + gap as f32 / 12.0)
        };
        let pulls = words.iter().filter(|w| w.at.end <= span.start || w.at.start >= span.end).map(|word| {
            let like = |(t, w): (&super::question::Term, &f32)| w * likeness(&t.stem, &word.stem);
            question.terms.iter().zip(weights).map(like).fold(0.0, f32::max) * closeness(word)
        });
        pulls.sum::<f32>() - 0.15 * inside(&words, span).filter(|w| question.has(&w.stem)).count() as f32
    };
    spans(question, sentence, &words).into_iter().max_by(|a, b| near(a).total_cmp(&near(b)).then(b.start.cmp(&a.start)))
}

/// Where the words of `phrase` stand in `text`, in order and without a gap of other words; cuts the text, not the phrase.
pub fn find(text: &str, phrase: &str) -> Option<Range<usize>> {
    let wanted: Vec<Token> = tokens(phrase);
    let words = tokens(text);
    if wanted.is_empty() || wanted.len() > words.len() {
        return None;
    }
    let same = |run: &[Token]| run.iter().zip(&wanted).all(|(a, b)| a.lower == b.lower || a.number && a.stem == b.stem);
    let at = words.windows(wanted.len()).find(|run| same(run))?;
    Some(with_signs(text, at[0].at.start..at[at.len() - 1].at.end))
}

/// Where the content words of `phrase` stand in `text` in their order with few other words between them.
pub fn loosely(text: &str, phrase: &str) -> Option<Range<usize>> {
    const GAP: usize = 2;
    let wanted: Vec<Token> = tokens(phrase).into_iter().filter(|w| !w.is_stop()).collect();
    let words = tokens(text);
    let (first, rest) = wanted.split_first().filter(|(_, rest)| !rest.is_empty())?;
    let from = |start: usize| {
        let mut last = start;
        for word in rest {
            let near = words.iter().enumerate().skip(last + 1).take(GAP + 1);
            last = near.into_iter().find(|(_, w)| w.stem == word.stem)?.0;
        }
        Some(words[start].at.start..words[last].at.end)
    };
    let starts = (0..words.len()).filter(|&i| words[i].stem == first.stem);
    starts.filter_map(from).min_by_key(|span| span.len()).map(|span| with_signs(text, span))
}

#[cfg(test)]
mod tests {
    use super::{best, find, loosely, measured, spans};
    use crate::answer::question::Question;
    use crate::answer::text::tokens;

    #[test]
    fn spans_of_the_kind_asked_for() {
        let check = |question: &str, text: &str, expected: &[&str]| {
            let found: Vec<&str> =
                spans(&Question::new(question), text, &tokens(text)).into_iter().map(|s| &text[s]).collect();
            assert_eq!(found, expected, "{question} / {text}");
        };
        check(
            "When was it built?",
            "It was built around May 1932, then again on 2026-03-14.",
            &["May 1932", "2026-03-14"],
        );
        check("When did it begin?", "It began in the early 10th century at 14:30.", &["early 10th century", "14:30"]);
        check("When did it end?", "In 911 they met in 250 houses.", &["911"]);
        check("How many came?", "About 46,000 people and $3 million, or 12%.", &["46,000", "$3 million", "12%"]);
        check("How long is it?", "It is 12 metres long, 3-storey, 40.", &["12 metres", "3-storey", "40"]);
        check("Who came?", "Then Anna Berg met Jean de Ribault in Porto.", &["Anna Berg", "Jean de Ribault", "Porto"]);
        check("Why did they leave?", "They left because the roof leaked, and went home.", &["the roof leaked"]);
        check("When was 1932 over?", "In 1932.", &[]);
    }

    #[test]
    fn a_number_alone_gets_its_unit() {
        let check = |question: &str, text: &str, number: &str, expected: &str| {
            let at = text.find(number).expect("it stands there");
            let span = measured(&Question::new(question), text, at..at + number.len());
            assert_eq!(&text[span], expected, "{question} / {text}");
        };
        check("what dose does the cat get?", "Dose halved: 1.25 mg twice a day.", "1.25", "1.25 mg");
        check("what does it cost?", "Since July it is 248 € each.", "248", "248 €");
        check("how many minutes does it take?", "It takes 40 minutes.", "40", "40");
        check("how many came?", "On 3 May 40 people came.", "40", "40");
        check("when is it?", "At 9:30 min.", "9:30", "9:30");
    }

    #[test]
    fn the_span_nearest_to_the_words_of_the_question() {
        let question = Question::new("When was the bridge opened?");
        let weights = vec![0.5; question.terms.len()];
        let text = "The tower was begun in 1920, and the bridge was opened in 1932.";
        assert_eq!(best(&question, &weights, text).map(|s| &text[s]), Some("1932"));
    }

    #[test]
    fn phrases_are_found_with_few_words_between() {
        let text = "It has a direct effect, between 1621 and 1629.";
        assert_eq!(loosely(text, "1621-1629").map(|s| &text[s]), Some("1621 and 1629"));
        assert_eq!(loosely(text, "has effects").map(|s| &text[s]), None);
        assert_eq!(loosely(text, "direct effects").map(|s| &text[s]), Some("direct effect"));
        assert_eq!(loosely(text, "effect direct"), None);
    }

    #[test]
    fn phrases_are_found_word_by_word() {
        let text = "It cost $1,500 (in \u{201c}Old Town\u{201d}).";
        assert_eq!(find(text, "1500").map(|s| &text[s]), Some("$1,500"));
        assert_eq!(find(text, "old town").map(|s| &text[s]), Some("Old Town"));
        assert_eq!(find("the class #P", "#P").map(|s| &"the class #P"[s]), Some("#P"));
        assert_eq!(find(text, "new town"), None);
        assert_eq!(find(text, ""), None);
    }
}
