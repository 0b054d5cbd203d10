//! The language of a text, where it is clear.

use whatlang::Lang;

use crate::Span;

/// So much text is looked at, in bytes.
const SAMPLE: usize = 800;
/// Less text than this says nothing, in bytes.
const LEAST: usize = 60;
/// Words that are frequent in English and rare in everything else.
const ENGLISH: [&str; 20] = [
    "the", "of", "and", "to", "that", "this", "with", "for", "are", "from", "you", "have", "which", "it", "is", "be",
    "by", "not", "can", "we",
];

/// The ISO 639-3 code of the language of the first passages; `None` when it is not clear.
pub fn of(text: &str, passages: &[Span]) -> Option<String> {
    let mut sample = String::with_capacity(2 * SAMPLE);
    for span in passages {
        let part = &text[span.start as usize..span.end as usize];
        sample.push_str(&part[..part.floor_char_boundary(SAMPLE)]);
        sample.push('\n');
        if sample.len() > SAMPLE {
            break;
        }
    }
    sample.truncate(sample.floor_char_boundary(SAMPLE));
    if sample.len() < LEAST {
        return None;
    }
    if is_english(&sample) {
        return Some(Lang::Eng.code().to_owned());
    }
    let found = whatlang::detect(&sample)?;
    (found.is_reliable() && found.confidence() >= 0.9).then(|| found.lang().code().to_owned())
}

/// Whether every fifth word at least is a function word of English, or every twelfth one of the three most frequent ones; these
/// in lower case, since names have them in other languages too (The Hague). whatlang would say the same, but takes ten times as long
/// over it as the rest of the extraction of a note.
fn is_english(sample: &str) -> bool {
    let (mut all, mut found, mut first) = (0, 0, [0; 3]);
    for word in sample.split(|c: char| !c.is_alphabetic() && c != '\'').filter(|word| !word.is_empty()) {
        all += 1;
        found += usize::from(ENGLISH.iter().any(|known| known.eq_ignore_ascii_case(word)));
        if let Some(known) = ENGLISH[..3].iter().position(|known| *known == word) {
            first[known] += 1;
        }
    }
    all >= 20 && (found * 5 >= all || first[0] > 1 && first.iter().sum::<usize>() * 12 >= all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::{Block, passages};

    fn check(text: &str, want: Option<&str>) {
        let spans = passages(text, &[Block::body(0..text.len())]);
        assert_eq!(of(text, &spans).as_deref(), want, "{text}");
    }

    #[test]
    fn clear_languages_are_named() {
        check(
            "We went to the harbour and looked at the boats for an hour, and it was the best part of the day for all of us.",
            Some("eng"),
        );
        check(
            "Expression levels of several transcription factors change during the differentiation of human stem cells; \
             inhibitors of the kinase reverse such changes.",
            Some("eng"),
        );
        check(
            "De ploeg speelt onder de naam The Hague of, zoals zij zelf liever zegt, The Old Harbour, en wint bijna elke \
             wedstrijd die op het grote veld achter de haven gehouden wordt.",
            Some("nld"),
        );
        check(
            "Am Samstag spielten The Beatles und danach The Rolling Stones im alten Stadion, das seit vielen Jahren leer \
             steht und nun bald abgerissen wird.",
            Some("deu"),
        );
        check(
            "Wir sind zum Hafen gegangen und haben uns eine Stunde lang die Boote angesehen, bevor der Regen kam.",
            Some("deu"),
        );
        check(
            "Nous sommes allés au port pour regarder les bateaux pendant une heure avant que la pluie ne commence.",
            Some("fra"),
        );
        check("これは日本語の文章です。私たちは港に行って、一時間ほど船を眺めました。", Some("jpn"));
        check("short text", None);
        check(&"a1b2 c3d4 0x1f ".repeat(20), None);
    }
}
