//! Claims: what a model writes, cut into statements and held against the passages they cite.

use super::question::{Expected, Question};
use super::retrieve::{Excerpt, Gathered};
use super::sentences::sentences;
use super::span;
use super::text::{Token, likeness, one_line, tokens};

/// Share of a claim's words that its passage must hold.
const BORNE_OUT: f32 = 0.65;

/// One statement of the generated text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The words, without citation marks.
    pub text: String,
    /// The numbers it cites.
    pub cites: Vec<usize>,
}

/// Cuts a stream of text into claims at the ends of lines and sentences.
#[derive(Debug, Default)]
pub struct Claims {
    held: String,
}

impl Claims {
    /// Takes the next piece; gives back the claims that are complete with it.
    pub fn push(&mut self, piece: &str) -> Vec<Claim> {
        self.held.push_str(piece);
        let mut out = Vec::new();
        while let Some(end) = complete(&self.held) {
            let rest = self.held.split_off(end);
            out.extend(claim(&std::mem::replace(&mut self.held, rest)));
        }
        out
    }

    /// What is left at the end.
    pub fn finish(self) -> Option<Claim> {
        claim(&self.held)
    }
}

/// The claims of a whole text.
pub fn claims(text: &str) -> Vec<Claim> {
    let mut claims = Claims::default();
    let mut out = claims.push(text);
    out.extend(claims.finish());
    out
}

/// End of the first claim in `text` that cannot go on: a full line, or a sentence, with the citations after it, when
/// another one began.
fn complete(text: &str) -> Option<usize> {
    let line = text.find('\n').map(|i| i + 1);
    let found = sentences(&text[..line.unwrap_or(text.len())]);
    let next = found.get(1).and_then(|next| after_marks(text, next.start));
    next.filter(|&at| text[at..].trim_start().chars().next().is_some()).or(line)
}

/// Where the citation marks at `at` end; `None` when one of them is not complete.
fn after_marks(text: &str, at: usize) -> Option<usize> {
    let rest = text[at..].trim_start();
    let start = text.len() - rest.len();
    if !rest.starts_with('[') {
        return Some(at);
    }
    let close = rest.find(']')?;
    after_marks(text, start + close + 1)
}

fn claim(raw: &str) -> Option<Claim> {
    let mut text = String::with_capacity(raw.len());
    let mut cites = Vec::new();
    let mut rest = raw;
    while let Some(open) = rest.find('[') {
        text.push_str(&rest[..open]);
        rest = &rest[open + 1..];
        let Some(close) = rest.find(']') else { break };
        let numbers: Option<Vec<usize>> =
            rest[..close].split([',', ' ']).filter(|s| !s.is_empty()).map(|s| s.parse().ok()).collect();
        match numbers {
            Some(numbers) => {
                cites.extend(numbers.into_iter().filter(|n| !cites.contains(n)).collect::<Vec<_>>());
                rest = &rest[close + 1..];
            }
            None => text.push('['),
        }
    }
    text.push_str(rest);
    let text = one_line(&text).replace(" .", ".").replace(" ,", ",");
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '*' || c == '`').to_owned();
    text.chars().any(char::is_alphanumeric).then_some(Claim { text, cites })
}

/// Where a claim is borne out.
#[derive(Clone, Debug, PartialEq)]
pub struct Support {
    /// Index of the excerpt.
    pub excerpt: usize,
    /// Index of the sentence in its candidate.
    pub sentence: usize,
    /// Share of the claim's words in that sentence, 0 to 1.
    pub share: f32,
    /// Whether the claim's words stand there one after the other.
    pub literal: bool,
}

/// The sentence that bears `claim` out best, the cited excerpts before others; `None` when there is none.
pub fn support(claim: &Claim, question: &Question, gathered: &Gathered, excerpts: &[Excerpt]) -> Option<Support> {
    let words = tokens(&claim.text);
    if question.expected == Expected::Verdict && words.iter().all(|w| matches!(w.lower.as_str(), "yes" | "no")) {
        return verdict(claim, excerpts);
    }
    let cited = |i: usize| claim.cites.contains(&(i + 1));
    let all = || excerpts.iter().enumerate().flat_map(|(i, e)| e.sentences.iter().map(move |&s| (i, s)));
    let judged = all().filter_map(|(i, s)| {
        let candidate = &gathered.candidates[excerpts[i].candidate];
        let sentence = &candidate.sentences[s];
        let context: Vec<&Token> = excerpts[i].sentences.iter().flat_map(|&s| &candidate.sentences[s].tokens).collect();
        let share = share(&words, question, &sentence.tokens, &context)?;
        let literal = span::find(candidate.text(s), &claim.text).is_some();
        Some((Support { excerpt: i, sentence: s, share, literal }, sentence.score))
    });
    let key = |(support, score): &(Support, f32)| (support.literal, cited(support.excerpt), support.share + score);
    let best = judged.max_by(|a, b| {
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.cmp(&b.1)).then(a.2.total_cmp(&b.2))
    })?;
    Some(best.0)
}

/// A bare yes or no rests on the best sentence of the excerpt it cites.
fn verdict(claim: &Claim, excerpts: &[Excerpt]) -> Option<Support> {
    let cited = claim.cites.iter().filter_map(|n| n.checked_sub(1)).find(|&i| i < excerpts.len());
    let excerpt = cited.unwrap_or(0);
    Some(Support { excerpt, sentence: excerpts.get(excerpt)?.best, share: 1.0, literal: false })
}

/// Share of the claim's content words that the sentence holds; `None` when that is too little, or when a number or
/// a name that the question does not say is missing from the excerpt.
fn share(claim: &[Token], question: &Question, sentence: &[Token], context: &[&Token]) -> Option<f32> {
    let content: Vec<&Token> = claim.iter().filter(|w| !w.is_stop() || w.number).collect();
    if content.is_empty() {
        return None;
    }
    let among = |word: &Token, words: &mut dyn Iterator<Item = &Token>| {
        words.map(|w| likeness(&word.stem, &w.stem)).fold(0.0, f32::max)
    };
    let missing = content.iter().filter(|w| !question.has(&w.stem)).any(|word| {
        let strict = word.number || word.capital && word.at.start > 0;
        strict && among(word, &mut context.iter().copied()) < 0.6
    });
    let new: Vec<&&Token> = content.iter().filter(|w| !question.has(&w.stem)).collect();
    let judged: Vec<&Token> = if new.is_empty() { content.clone() } else { new.into_iter().copied().collect() };
    let held =
        |words: &mut dyn FnMut(&Token) -> f32| judged.iter().map(|w| words(w)).sum::<f32>() / judged.len() as f32;
    let own = held(&mut |w| among(w, &mut sentence.iter()));
    let near = held(&mut |w| among(w, &mut context.iter().copied()));
    let share = if own >= 0.4 { own.max(0.9 * near) } else { own };
    (!missing && share >= BORNE_OUT).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::{Claim, Claims};

    fn cut(pieces: &[&str]) -> Vec<(String, Vec<usize>)> {
        let mut claims = Claims::default();
        let mut out: Vec<Claim> = pieces.iter().flat_map(|p| claims.push(p)).collect();
        out.extend(claims.finish());
        out.into_iter().map(|c| (c.text, c.cites)).collect()
    }

    #[test]
    fn claims_are_cut_at_sentences_and_lines() {
        let one = |text: &str, cites: &[usize]| (text.to_owned(), cites.to_vec());
        assert_eq!(cut(&["Den", "ver Bron", "cos [1", "]"]), [one("Denver Broncos", &[1])]);
        assert_eq!(
            cut(&["We chose SQLite [1]. It is ", "small [2, 3].\n"]),
            [one("We chose SQLite.", &[1]), one("It is small.", &[2, 3])]
        );
        assert_eq!(cut(&["It is done. [2] Next one [1]"]), [one("It is done.", &[2]), one("Next one", &[1])]);
        assert_eq!(cut(&["[x] odd [", "\n\n"]), [one("[x] odd", &[])]);
        assert_eq!(cut(&["\u{1b}[31mred\u{7} [1]"]), [one("[31mred", &[1])]);
        assert_eq!(cut(&["  [1] \n"]), []);
    }
}
