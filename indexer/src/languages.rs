//! Names of languages.

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
