//! Names of topics: short, lower case, sure to be a file name, unique among those beside them.

use std::collections::HashSet;

use super::terms::{Phrase, says_little};
use super::topic::MISC;
use crate::words::{fold, stem};

/// Longest name, in bytes.
const LONGEST: usize = 40;

/// A name from `phrases`, the best first, that is not in `taken`, and takes it.
pub fn choose(phrases: &[Phrase], taken: &mut HashSet<String>) -> String {
    let slugs: Vec<String> = phrases.iter().map(|phrase| slug(&phrase.text)).filter(|slug| !slug.is_empty()).collect();
    let first = slugs.first().cloned().unwrap_or_else(|| "untitled".into());
    let more = slugs.iter().skip(1).map(|next| format!("{first}-{next}"));
    let numbered = (2..).map(|number| format!("{first}-{number}"));
    let free = |name: &String| name.len() <= LONGEST && !taken.contains(name) && name != MISC;
    let name = std::iter::once(first.clone()).chain(more).chain(numbered).find(free).unwrap_or(first);
    taken.insert(name.clone());
    name
}

/// The name that a text makes as a whole; `None` when it is too long for one.
pub fn whole(text: &str) -> Option<String> {
    Some(slug(text)).filter(|slug| text.len() <= LONGEST && !slug.is_empty() && slug != MISC)
}

/// Whether all words of a name are among `written`, in some form; words that say little need not be.
pub fn is_borne_out<'a>(name: &str, written: impl Iterator<Item = &'a str>) -> bool {
    let known: HashSet<String> = written.map(|word| root(&slug(word))).collect();
    let holds = |part: &str| known.contains(&root(part)) || part.bytes().all(|b| b.is_ascii_digit());
    name.split('-').all(|part| holds(part) || says_little(part))
}

/// What the forms of a word in a name have in common.
pub fn root(part: &str) -> String {
    stem(&fold(part))
}

/// `C++ headers` as `cpp-headers`.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.to_lowercase().chars() {
        match c {
            '+' => slug.push('p'),
            '#' => slug.push_str("sharp"),
            '\'' | '\u{2019}' => {}
            c if c.is_alphanumeric() => slug.push(c),
            _ if !slug.is_empty() && !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    let end = slug.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= LONGEST).last();
    slug.truncate(end.unwrap_or(0));
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_say_more_where_one_is_taken() {
        let phrases = ["C++", "Header files"].map(|text| Phrase { text: text.into(), stems: Vec::new() });
        let mut taken = HashSet::new();
        assert_eq!(choose(&phrases, &mut taken), "cpp");
        assert_eq!(choose(&phrases, &mut taken), "cpp-header-files");
        assert_eq!(choose(&phrases, &mut taken), "cpp-2");
        assert_eq!(choose(&[], &mut taken), "untitled");
        assert!(is_borne_out("cpp-2", ["C++", "boat"].into_iter()) && !is_borne_out("cpp-boats", ["C++"].into_iter()));
        assert!(is_borne_out("care-of-boats", ["boat", "caring", "care"].into_iter()));
        let misc = [Phrase { text: "misc".into(), stems: Vec::new() }];
        assert_eq!(choose(&misc, &mut taken), "misc-2");
    }

    #[test]
    fn slugs_are_file_names() {
        let check = |text: &str, want: &str| assert_eq!(slug(text), want);
        check("Heat pump", "heat-pump");
        check("../a b/", "a-b");
        check("don't", "dont");
        check("Müller 札幌", "müller-札幌");
        check(&"ö".repeat(30), &"ö".repeat(20));
        assert_eq!(whole("Heat pumps").as_deref(), Some("heat-pumps"));
        assert!(whole(&"ö".repeat(30)).is_none() && whole("...").is_none() && whole("Misc").is_none());
    }
}
