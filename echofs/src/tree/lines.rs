//! `results.txt`: the line of each hit that holds most of what was asked, as grep -n and vim -q have it.

use std::fmt::Write;

use aho_corasick::AhoCorasick;
use echofs_indexer::Results;

use super::render::plain;

/// Longest line behind `path:line: `, in characters.
const LINE: usize = 240;

/// `path:line: text`, a line for each hit.
pub fn lines(results: &Results) -> String {
    let asked = Asked::new(results);
    let mut out = String::new();
    for hit in &results.hits {
        let (offset, line) = asked.best(&hit.passage.text);
        let text: String = plain(line).chars().take(LINE).collect();
        let _ = writeln!(out, "{}:{}: {text}", hit.document.path.display(), hit.passage.line + offset);
    }
    out
}

/// The words of a query, for finding them quickly and roughly: a word counts where one begins like its stem.
struct Asked {
    stems: Option<AhoCorasick>,
    /// Of each stem: its word, and how rare that is.
    words: Vec<(usize, f32)>,
}

impl Asked {
    fn new(results: &Results) -> Asked {
        let explain = &results.explain;
        let (mut stems, mut words) = (Vec::new(), Vec::new());
        for (i, word) in explain.words.iter().enumerate() {
            let rarity = (1.0 + explain.documents as f32 / (word.documents as f32 + 1.0)).ln();
            let bare = |form: &'_ String| form.trim_start_matches(|c: char| !c.is_alphanumeric()).to_owned();
            for stem in word.forms.iter().map(bare).filter(|stem| !stem.is_empty()) {
                stems.push(stem);
                words.push((i, rarity));
            }
        }
        Asked { stems: AhoCorasick::builder().ascii_case_insensitive(true).build(stems).ok(), words }
    }

    /// The first of the lines that hold most, and how many lines stand before it.
    fn best<'a>(&self, text: &'a str) -> (u32, &'a str) {
        let mut best = (0, "", -1.0);
        for (line, offset) in text.lines().zip(0..) {
            let line = line.trim();
            let held = if line.is_empty() { continue } else { self.held(line) };
            if held > best.2 {
                best = (offset, line, held);
            }
        }
        (best.0, best.1)
    }

    fn held(&self, line: &str) -> f32 {
        let Some(stems) = &self.stems else { return 0.0 };
        let begins = |at: usize| line[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
        let mut found: Vec<(usize, f32)> = Vec::new();
        for hit in stems.find_overlapping_iter(line).filter(|hit| begins(hit.start())) {
            let (word, rarity) = self.words[hit.pattern().as_usize()];
            if !found.iter().any(|(known, _)| *known == word) {
                found.push((word, rarity));
            }
        }
        found.iter().map(|(_, rarity)| rarity).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;
    use aho_corasick::AhoCorasick;

    #[test]
    fn the_line_with_the_rarest_words_is_best() {
        let stems = AhoCorasick::builder().ascii_case_insensitive(true).build(["heat", "pump", "price"]).ok();
        let asked = Asked { stems, words: vec![(0, 1.0), (1, 2.0), (2, 3.0)] };
        let text = "Tait Heating, Skerrow\n\nThe preheated pump\nOur prices for a heat pump, and the heat\n";
        assert_eq!(asked.best(text), (3, "Our prices for a heat pump, and the heat"));
        assert_eq!(asked.best("\n\n nothing of it\nand more"), (2, "nothing of it"));
    }
}
