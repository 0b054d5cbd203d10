//! Names of languages, and how they inflect.

use std::collections::BTreeMap;

use frostem::{Algorithm, Stemmer};

/// A language counts in a collection from this share of its documents on, and from so many: short texts are mistaken for one
/// now and then.
const SHARE: usize = 50;
const LEAST: usize = 3;

/// Three-letter code (ISO 639-3), two-letter code, English name.
const LANGUAGES: [(&str, &str, &str); 44] = [
    ("ara", "ar", "arabic"),
    ("ben", "bn", "bengali"),
    ("bul", "bg", "bulgarian"),
    ("cat", "ca", "catalan"),
    ("ces", "cs", "czech"),
    ("cmn", "zh", "chinese"),
    ("dan", "da", "danish"),
    ("deu", "de", "german"),
    ("ell", "el", "greek"),
    ("eng", "en", "english"),
    ("epo", "eo", "esperanto"),
    ("est", "et", "estonian"),
    ("fin", "fi", "finnish"),
    ("fra", "fr", "french"),
    ("heb", "he", "hebrew"),
    ("hin", "hi", "hindi"),
    ("hrv", "hr", "croatian"),
    ("hun", "hu", "hungarian"),
    ("ind", "id", "indonesian"),
    ("ita", "it", "italian"),
    ("jpn", "ja", "japanese"),
    ("kat", "ka", "georgian"),
    ("kor", "ko", "korean"),
    ("lat", "la", "latin"),
    ("lav", "lv", "latvian"),
    ("lit", "lt", "lithuanian"),
    ("nld", "nl", "dutch"),
    ("nob", "no", "norwegian"),
    ("pes", "fa", "persian"),
    ("pol", "pl", "polish"),
    ("por", "pt", "portuguese"),
    ("ron", "ro", "romanian"),
    ("rus", "ru", "russian"),
    ("slk", "sk", "slovak"),
    ("slv", "sl", "slovene"),
    ("spa", "es", "spanish"),
    ("srp", "sr", "serbian"),
    ("swe", "sv", "swedish"),
    ("tam", "ta", "tamil"),
    ("tha", "th", "thai"),
    ("tur", "tr", "turkish"),
    ("ukr", "uk", "ukrainian"),
    ("urd", "ur", "urdu"),
    ("vie", "vi", "vietnamese"),
];

/// The three-letter code of a language named by a code or in English, lower case.
pub fn code(name: &str) -> Option<&str> {
    let known = LANGUAGES.iter().find(|(three, two, english)| [*three, *two, *english].contains(&name));
    known.map(|(three, _, _)| *three).or_else(|| (name.len() == 3 && name.is_ascii()).then_some(name))
}

/// The stemmers (Snowball) of the languages other than English that a collection is written in. `counts` has the documents of
/// each three-letter code.
pub fn stemmers(counts: &BTreeMap<String, usize>, documents: usize) -> Vec<Stemmer> {
    let frequent = counts.iter().filter(|(_, count)| **count >= LEAST.max(documents / SHARE));
    frequent.filter_map(|(code, _)| stemmer(code)).collect()
}

fn stemmer(code: &str) -> Option<Stemmer> {
    let name = if code == "nob" { "norwegian" } else { code };
    let algorithm = Algorithm::from_name(name).ok().filter(|algorithm| *algorithm != Algorithm::English)?;
    Some(Stemmer::new(algorithm))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::{fold, open_root};

    #[test]
    fn languages_of_some_documents_inflect() {
        let named = |counts: &[(&str, usize)], documents| {
            let counts = counts.iter().map(|(code, count)| (code.to_string(), *count)).collect();
            let stemmers = stemmers(&counts, documents);
            stemmers.iter().map(|stemmer| stemmer.algorithm().name()).collect::<Vec<_>>()
        };
        assert_eq!(named(&[("eng", 500), ("fra", 20), ("deu", 9), ("jpn", 400)], 1_000), ["french"]);
        assert_eq!(named(&[("deu", 3), ("ita", 2)], 5), ["german"]);
        assert_eq!(named(&[("spa", 5), ("nob", 5), ("rus", 5)], 20), ["norwegian", "russian", "spanish"]);
    }

    /// Words are kept without accents, and what is looked for begins with all but the last letter of the stem.
    #[test]
    fn forms_of_a_word_find_each_other() {
        let forms = [
            ("cat", "gat gats"),
            ("dan", "bil biler bilen"),
            ("deu", "Haus Häuser"),
            ("deu", "Datenbank Datenbanken"),
            ("fin", "talo talon talossa"),
            ("fra", "maison maisons"),
            ("fra", "nouvelle nouvelles"),
            ("hun", "ház házak"),
            ("ita", "libro libri"),
            ("nob", "bil biler bilen"),
            ("por", "livro livros"),
            ("ron", "carte cartea"),
            ("rus", "новый новая новые"),
            ("rus", "книга книги"),
            ("spa", "canción canciones"),
            ("swe", "bil bilar bilen"),
            ("tur", "kitap kitaplar"),
        ];
        for (code, words) in forms {
            let stemmer = stemmer(code).unwrap_or_else(|| panic!("no {code}"));
            let words: Vec<String> = words.split(' ').map(|word| fold(word).into_owned()).collect();
            let stems: Vec<_> = words.iter().map(|word| stemmer.stem(word)).collect();
            assert!(stems.iter().all(|stem| *stem == stems[0]), "{code}: {words:?} have {stems:?}");
            assert!(words.iter().all(|word| word.starts_with(open_root(&stems[0]))), "{code}: {words:?}, {stems:?}");
        }
    }
}
