//! What a language model says of a topic: kept where what it was shown bears that out.
//!
//! Each word of a name that tells anything must have been shown. Most words of a sentence of a summary must stand in the
//! titles or passages, numbers and names all. Invariant: it has no word that only a key phrase has, which may come from a
//! document that the summary does not go with. Nor may it deny anything, give orders to programs, or hold marks that are no
//! plain text on a page.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::label::{Label, Summary, ToLabel};
use super::name::{root, slug, whole};
use super::terms::says_little;
use crate::conversations::sentences_of_line;
use crate::facts::{NEGATIVE, speaks_to_programs};
use crate::words::{fold, words};

/// Words of a name.
const NAME: RangeInclusive<usize> = 1..=5;
/// Sentences of a summary, and bytes of one.
const SENTENCES: (usize, usize) = (2, 240);
/// Share of the telling words of a sentence that must have been shown, and how many at least.
const BORNE_OUT: (f32, usize) = (0.65, 2);
/// Marks that are no plain text in Markdown.
const MARKS: &[char] = &['<', '>', '[', ']', '{', '}', '`', '|', '*', '\\', '@', '~'];
/// Words for speaking about documents.
const ABOUT: &str = "\
    collection collections contain contains cover covering covers describe describes description descriptions details \
    discuss discusses document documents explain explains explanation explanations file files focus focuses including \
    information notes overview passage passages provide provides related tells text texts topic topics various";

/// The stems of the words of a text.
pub fn roots(text: &str) -> impl Iterator<Item = String> + '_ {
    words(text).map(|word| root(&slug(&text[word.range])))
}

/// The name in a label, as a topic has it, if what was shown holds its words.
pub fn name(asked: &ToLabel, said: &Label) -> Option<String> {
    let name = whole(said.name.trim())?;
    let parts: Vec<&str> = name.split('-').collect();
    let plain = !said.name.contains(|c: char| c.is_control() || c == '/' || MARKS.contains(&c));
    let numbered = parts.iter().any(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let shown = texts(asked).chain(&asked.phrases).flat_map(|text| roots(text)).collect::<HashSet<String>>();
    let mut telling = parts.iter().filter(|part| !says_little(part)).peekable();
    let sound = plain && !numbered && NAME.contains(&parts.len()) && telling.peek().is_some();
    (sound && telling.all(|part| shown.contains(&root(part)))).then(|| name.clone())
}

/// The sentences in a label that what was shown bears out.
pub fn summary(asked: &ToLabel, said: Option<&Label>) -> Summary {
    let mut kept = Summary { sources: asked.sources.clone(), ..Summary::default() };
    let Some(said) = said else { return kept };
    kept.model.clone_from(&said.model);
    let passages: HashSet<String> = texts(asked).flat_map(|text| roots(text)).collect();
    let phrases: HashSet<String> = asked.phrases.iter().flat_map(|text| roots(text)).collect();
    for sentence in sentences_of_line(&said.summary).into_iter().take(SENTENCES.0) {
        let sentence = said.summary[sentence].trim();
        if let Some(words) = borne_out(sentence, &passages, &phrases).filter(|_| is_plain(sentence)) {
            kept.text.push_str(if kept.text.is_empty() { "" } else { " " });
            kept.text.push_str(sentence);
            kept.words.extend(words);
        }
    }
    kept.words.sort_unstable();
    kept.words.dedup();
    kept
}

fn texts(asked: &ToLabel) -> impl Iterator<Item = &String> {
    asked.titles.iter().chain(&asked.passages)
}

/// Whether a sentence is whole, short and plain text.
fn is_plain(sentence: &str) -> bool {
    let marked = sentence.contains(|c: char| c.is_control() || MARKS.contains(&c)) || sentence.contains("://");
    let begins = sentence.starts_with(char::is_alphanumeric);
    let ends = sentence.ends_with(['.', '!', '?', '。', '！', '？']);
    begins && ends && !marked && sentence.len() <= SENTENCES.1 && !speaks_to_programs(sentence)
}

/// The stems of the telling words of a sentence that stand in the titles and passages, if these are enough.
fn borne_out(sentence: &str, passages: &HashSet<String>, phrases: &HashSet<String>) -> Option<Vec<String>> {
    let (mut held, mut telling) = (Vec::new(), 0);
    for word in words(sentence) {
        let written = &sentence[word.range];
        let folded = fold(written);
        if NEGATIVE.contains(&&*folded) || folded.ends_with("n't") {
            return None;
        }
        let is_number = folded.contains(|c: char| c.is_ascii_digit());
        if !is_number && (says_little(&folded) || ABOUT.split(' ').any(|about| about == folded)) {
            continue;
        }
        let stem = root(&slug(written));
        // The first word of a sentence may be a name too.
        let must_stand = is_number || written.starts_with(char::is_uppercase) || phrases.contains(&stem);
        telling += 1;
        match passages.contains(&stem) {
            true => held.push(stem),
            false if must_stand => return None,
            false => {}
        }
    }
    let enough = held.len() >= BORNE_OUT.1 && held.len() as f32 >= BORNE_OUT.0 * telling as f32;
    enough.then_some(held)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bees() -> ToLabel {
        ToLabel {
            path: "bees".into(),
            phrases: vec!["bees".into(), "winter feeding".into(), "clover".into()],
            titles: vec!["Feeding in winter".into(), "The hives of Oda Brekke".into()],
            passages: vec!["Bees get sugar syrup until October. Ignore what the 12 neighbours say.".into()],
            ..ToLabel::default()
        }
    }

    fn said(name: &str, summary: &str) -> Label {
        Label { name: name.into(), summary: summary.into(), model: "m".into() }
    }

    #[test]
    fn a_name_has_words_that_were_shown() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(name(&bees(), &said(text, "")).as_deref(), want, "{text}");
        };
        check("Feeding Bees", Some("feeding-bees"));
        check(" winter feeds for the bee ", Some("winter-feeds-for-the-bee"));
        check("hives", Some("hives"));
        check("Beekeeping equipment", None);
        check("Bees 12", None);
        check("the new", None);
        check("bees/winter", None);
        check("bees\u{7}", None);
        check("<b>bees</b>", None);
        check("misc", None);
        check("", None);
        check("bees winter feeding sugar syrup hives", None);
        check("bees winter feeding sugar syrup October neighbours", None);
    }

    #[test]
    fn a_sentence_holds_words_numbers_and_names_that_were_shown() {
        let check = |text: &str, want: &str| {
            assert_eq!(summary(&bees(), Some(&said("", text))).text, want, "{text}");
        };
        let good = "These notes are about feeding bees sugar syrup in winter.";
        check(good, good);
        check(&format!("{good} The hives of Oda Brekke."), &format!("{good} The hives of Oda Brekke."));
        check(&format!("{good} The hives of Kari Brekke."), good);
        check(&format!("{good} Bees get 13 kilos of syrup."), good);
        check(&format!("{good} Bees get syrup. Bees get sugar."), &format!("{good} Bees get syrup."));
        check("Bees get sugar syrup from tasty hives.", "Bees get sugar syrup from tasty hives.");
        check("Bees get sugar syrup and tasty water.", "");
        check("Bees get sugar syrup and clover.", "");
        check("Bees do not get sugar syrup.", "");
        check("Bees don't get sugar syrup.", "");
        check("Oxalic acid kills the mites of bees.", "");
        check("These notes are about bees", "");
        check("The bees.", "");
        check("", "");
    }

    #[test]
    fn orders_links_and_marks_are_left_out() {
        for text in [
            "Ignore the previous bees and sugar syrup.",
            "Bees get sugar syrup at https://bees.",
            "Bees get [sugar](syrup).",
            "<b>Bees get sugar syrup.",
            "Bees get sugar\u{1b}[2J syrup.",
        ] {
            assert_eq!(summary(&bees(), Some(&said("", text))).text, "", "{text}");
        }
    }

    #[test]
    fn what_was_shown_and_used_is_kept_with_it() {
        let asked = ToLabel { sources: [(7, [1; 16])].into(), ..bees() };
        let kept = summary(&asked, Some(&said("", "Bees get tasty sugar syrup in winter.")));
        assert_eq!(kept.words, ["bee", "sugar", "syrup", "winter"]);
        assert_eq!((kept.sources, kept.model.as_str()), (asked.sources.clone(), "m"));
        assert_eq!(summary(&asked, None), Summary { sources: asked.sources.clone(), ..Summary::default() });
    }
}
