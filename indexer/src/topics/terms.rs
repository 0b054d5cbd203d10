//! Words and phrases of two words: in how many documents of a group they stand, and which tell it from others.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use crate::lexical::Entry;
use crate::stop_words::is_stop_word;
use crate::words::{fold, stem, words};

/// What a term counts in the title, the folders and the text of a document.
const SHARES: (f32, f32, f32) = (1.0, 0.5, 0.3);
/// What two words together count, beside one.
const TOGETHER: f32 = 1.4;
/// Characters at the beginning of a document that are looked at.
const READ: usize = 6_000;
/// Of fewer documents one is enough to say what all are about.
const FEW: usize = 5;
/// Longest word, in bytes.
const LONGEST: usize = 24;

/// Words that say what is done or said, not what about.
const EMPTY: &str = "\
    able above across actually add added adding ago allow allows almost along already always another aren't around \
    ask asked available away back bad based become below best better bit call called came can't change come comes \
    contain contains couldn't create day didn't different doesn't done early easy else end enough etc even evening \
    ever every example false feel felt find first following full get gets getting give given go goes going good got \
    great hadn't hasn't haven't he's help helps hit however i'd i'll i've include includes including instead isn't \
    it'd keep know large last later least left less let like likely little long look looks lot made make makes many \
    may maybe mean means meant might month morning much must need needs new next note null number numbers often ok \
    okay old one open part pass passed per please pm point possible put quite ran rather read really represent \
    represents result results return returns right run running said say see seem seems set several she's short \
    shouldn't show simple simply since small something specific specify start still sure take tell thank thanks \
    that's they're thing things think thought time times today tomorrow true try turn two upon use used using value \
    values via want wanted wants wasn't way we're we've week weren't whether who's whole within without won't work \
    working works wouldn't write written year yes yesterday yet you're you've";

static EMPTY_WORDS: LazyLock<HashSet<&str>> = LazyLock::new(|| EMPTY.split(' ').collect());

/// Terms of some documents.
#[derive(Debug, Default)]
pub struct Terms {
    documents: usize,
    terms: BTreeMap<String, Term>,
}

/// A word or phrase; its key is its stems.
#[derive(Debug, Default)]
struct Term {
    documents: usize,
    weight: f32,
    /// As it is written, and how often.
    forms: BTreeMap<String, usize>,
}

/// The terms of one document, by their stems: where they stand, and how they are written.
pub type Seen = BTreeMap<String, (f32, String)>;

/// Reads the terms of a document.
pub fn seen(entry: &Entry) -> Seen {
    let mut seen = Seen::new();
    read(&entry.title, SHARES.0, &mut seen);
    for folder in entry.path.rsplit('/').skip(1) {
        read(folder, SHARES.1, &mut seen);
    }
    let mut left = READ;
    for text in entry.passages.iter().map(|p| p.passage.text.as_str()) {
        let end = text.char_indices().nth(left).map_or(text.len(), |(at, _)| at);
        text[..end].lines().for_each(|line| read(line, SHARES.2, &mut seen));
        left -= left.min(end);
    }
    seen
}

fn read(line: &str, share: f32, seen: &mut Seen) {
    let mut before: Option<(String, String)> = None;
    for chunk in line.split_whitespace() {
        if chunk.contains("://") || !chunk.starts_with(char::is_alphanumeric) {
            before = None;
        }
        if chunk.contains("://") {
            continue;
        }
        let mut end = None;
        for word in words(chunk) {
            // Only a hyphen holds the words of a phrase together, if not a blank. Pairs of characters overlap.
            if end.is_some_and(|end| chunk.get(end..word.range.start) != Some("-")) {
                before = None;
            }
            end = Some(word.range.end);
            let written = chunk[word.range].to_lowercase();
            let Some(stem) = telling(&written, share) else {
                before = None;
                continue;
            };
            if let Some((stem_before, written_before)) = before.filter(|(before, _)| *before != stem) {
                put(seen, format!("{stem_before} {stem}"), share, format!("{written_before} {written}"));
            }
            put(seen, stem.clone(), share, written.clone());
            before = Some((stem, written));
        }
        if !chunk.ends_with(char::is_alphanumeric) {
            before = None;
        }
    }
}

fn put(seen: &mut Seen, stems: String, share: f32, written: String) {
    let (weight, _) = seen.entry(stems).or_insert((share, written));
    *weight = weight.max(share);
}

/// The stem of a word that can tell what a text is about. Words of two letters are names in titles (`go`, `js`), and noise
/// elsewhere; syllables of Hiragana are endings and particles.
fn telling(written: &str, share: f32) -> Option<String> {
    let word = fold(written);
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let shortest = if share > SHARES.2 || !word.is_ascii() { 2 } else { 3 };
    let long_enough = word.chars().count() >= shortest && word.len() <= LONGEST;
    let hiragana = |c: char| ('\u{3040}'..='\u{309f}').contains(&c);
    let fits = long_enough && word.starts_with(char::is_alphabetic) && !word.contains(hiragana) && digits <= 2;
    let stem = stem(&word);
    (fits && !says_little(&word) && !says_little(&stem)).then_some(stem)
}

/// Whether a folded word tells nothing of what a text is about.
pub fn says_little(word: &str) -> bool {
    is_stop_word(word) || EMPTY_WORDS.contains(word)
}

/// A term that tells a group from others.
#[derive(Clone, Debug, PartialEq)]
pub struct Phrase {
    /// As it is mostly written.
    pub text: String,
    /// Its stems.
    pub stems: Vec<String>,
}

impl Terms {
    /// Adds a document.
    pub fn add(&mut self, seen: &Seen) {
        self.documents += 1;
        for (stems, (weight, written)) in seen {
            let term = self.terms.entry(stems.clone()).or_default();
            term.documents += 1;
            term.weight += weight;
            *term.forms.entry(written.clone()).or_default() += 1;
        }
    }

    /// The share of the documents that hold a word with this stem.
    pub fn share(&self, stem: &str) -> f32 {
        let held = self.terms.get(stem).map_or(0, |term| term.documents);
        held as f32 / self.documents.max(1) as f32
    }

    /// The stems of single words.
    pub fn stems(&self) -> impl Iterator<Item = &str> {
        self.terms.keys().map(String::as_str).filter(|stems| !stems.contains(' '))
    }

    /// The single words, as they are written.
    pub fn written(&self) -> impl Iterator<Item = &str> {
        self.forms(1)
    }

    /// Those that more than one document holds, where there are not very few.
    pub fn common(&self) -> impl Iterator<Item = &str> {
        self.forms(self.least())
    }

    fn forms(&self, least: usize) -> impl Iterator<Item = &str> {
        let words = self.terms.iter().filter(move |(stems, term)| !stems.contains(' ') && term.documents >= least);
        words.flat_map(|(_, term)| term.forms.keys().map(String::as_str))
    }

    /// Documents that hold what is said of all.
    fn least(&self) -> usize {
        if self.documents < FEW { 1 } else { 2 }
    }

    /// The phrases that many of the documents hold and few others, the best first; no two have a word in common. `others` says
    /// what share of the documents among which these are to be told apart hold a stem.
    pub fn best(&self, count: usize, others: &dyn Fn(&str) -> f32) -> Vec<Phrase> {
        let mut lifts: HashMap<&str, f32> = HashMap::new();
        for stem in self.stems() {
            let here = self.share(stem);
            lifts.insert(stem, (here / others(stem).clamp(0.000_1, 1.0)).ln().max(0.0));
        }
        let least = self.least();
        let mut scored: Vec<(f32, &String, &Term)> = Vec::new();
        for (stems, term) in self.terms.iter().filter(|(_, term)| term.documents >= least) {
            let lift = match stems.split_once(' ') {
                None => lifts[stems.as_str()],
                Some((a, b)) => TOGETHER * lifts[a].midpoint(lifts[b]),
            };
            scored.push((term.weight * (lift + 0.01), stems, term));
        }
        scored.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        let mut best: Vec<Phrase> = Vec::new();
        for (_, stems, term) in scored {
            let stems: Vec<String> = stems.split(' ').map(str::to_owned).collect();
            if best.len() < count && best.iter().all(|other| other.stems.iter().all(|stem| !stems.contains(stem))) {
                best.push(Phrase { text: term.written(), stems });
            }
        }
        best
    }
}

impl Term {
    /// The form that most documents have, the shorter of equals.
    fn written(&self) -> String {
        let most = self.forms.iter().max_by_key(|(form, count)| (**count, std::cmp::Reverse(form.len())));
        most.map(|(form, _)| form.clone()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexical::tests::entry;

    #[test]
    fn phrases_end_at_punctuation_and_addresses() {
        let seen =
            seen(&entry("", &["the old mill, a water wheel; see https://x.org/mill\nhand-made bread 2026 a3f9c81"]));
        let stems: Vec<&str> = seen.keys().map(String::as_str).collect();
        assert_eq!(stems, ["bread", "hand", "mill", "water", "water wheel", "wheel"]);
    }

    #[test]
    fn scripts_without_blanks_give_no_phrases() {
        let seen = seen(&entry("", &["森田健二ている writes"]));
        assert!(!seen.contains_key("てい"));
        assert!(seen.contains_key("森田") && seen.keys().all(|stems| !stems.contains(' ')), "{seen:?}");
    }

    #[test]
    fn what_is_common_here_and_rare_elsewhere_is_best() {
        let mut terms = Terms::default();
        for title in ["Sourdough bread", "Rye bread", "Bread from yesterday"] {
            terms.add(&seen(&entry(title, &["Mix flour and water. The garden waits."])));
        }
        let others = |stem: &str| if stem == "bread" { 0.1 } else { 0.9 };
        let best = terms.best(2, &others);
        assert_eq!(best[0].text, "bread");
        assert!(terms.written().any(|word| word == "sourdough") && terms.written().all(|word| word != "from"));
    }
}
