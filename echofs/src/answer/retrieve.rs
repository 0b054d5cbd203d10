//! From a question to the sentences that may answer it.
//!
//! The search gives documents; of the best ones other passages are looked at as well. Every sentence is scored by
//! the question's words in it and around it, weighted by how rare they are among the candidates, by whether it
//! holds what is asked for (a date, a name, a number), and by the rank of its document. The best sentences, with
//! their neighbours, become excerpts, each short enough to be read in a moment.

use std::ops::Range;
use std::path::PathBuf;

use echofs_indexer::Kind;
use echofs_indexer::facts::days_in;
use jiff::civil::Date;

use super::evidence::{Evidence, Found, Passage};
use super::question::{Question, Sort};
use super::sentences::sentences;
use super::span;
use super::text::{Token, likeness, tokens};
use super::turns::{Turn, turn_of, turns};
use super::versions;

/// Documents taken from the search.
const DOCUMENTS: usize = 10;
/// Of so many of them all passages are looked at.
const OPENED: usize = 4;
/// A document with more passages than this is looked at around its best passage only.
const MANY: u32 = 400;
/// Further passages taken of one document.
const FURTHER: usize = 3;
/// Sentences whose meaning is compared with the question's.
const REFINED: usize = 8;
/// Weight of that comparison in a sentence's score.
const MEANING: f32 = 1.5;
/// What the newest of the best sentences has over the oldest, where a question asks how things are now.
const NEWEST: f32 = 0.4;
/// What a sentence that a language model wrote has less than one that a person wrote.
const BY_MODEL: f32 = 0.3;
/// Sentences among which the newest are looked for.
const DATED: usize = 24;
/// Excerpts in a prompt.
const EXCERPTS: usize = 4;
/// Tokens that the first excerpt and each further one may take with what stands around its best sentence.
const ROOM: [usize; EXCERPTS] = [190, 150, 110, 60];
/// Tokens of an excerpt's number and title.
const LABEL: usize = 8;

/// Weights of a sentence's score: the question's words in it, in it and its neighbours, in the passage; the
/// document's relevance; whether it holds something of the kind asked for.
const SCORE: [f32; 5] = [0.45, 0.3, 0.1, 1.0, 0.25];

/// A sentence of a passage with its score.
#[derive(Clone, Debug)]
pub struct Sentence {
    /// Bytes in the passage's text.
    pub at: Range<usize>,
    /// Its words.
    pub tokens: Vec<Token>,
    /// Share of the question's weight that it holds itself, 0 to 1.
    pub cover: f32,
    /// What it is chosen by.
    pub score: f32,
}

/// A passage that may answer.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Absolute path of its document.
    pub path: PathBuf,
    /// Title of its document.
    pub title: String,
    /// Who wrote its document.
    pub author: Option<String>,
    /// The day its document states.
    pub date: Option<Date>,
    /// Score of the document relative to the best one, 0 to 1.
    pub relevance: f32,
    /// Cosine of the document's meaning with the question's.
    pub semantic: Option<f32>,
    /// The passage.
    pub passage: Passage,
    /// The turns that begin in it, of a conversation.
    pub turns: Vec<Turn>,
    /// Its sentences.
    pub sentences: Vec<Sentence>,
    /// Share of the question's weight in the passage, its headings and its title, 0 to 1.
    pub cover: f32,
}

impl Candidate {
    /// What stands around the passage: title, headings, author, date, the name of the file and of its directory.
    pub fn around(&self) -> Vec<Token> {
        let names = self.path.iter().rev().take(2).map(|name| name.to_string_lossy().replace(['_', '-', '.'], " "));
        let author = self.author.clone().unwrap_or_default();
        let date = self.date.map(|date| date.strftime("%A %-d %B %Y").to_string()).unwrap_or_default();
        let mut parts = vec![self.title.clone(), self.passage.heading.clone(), author, date];
        parts.extend(names);
        tokens(&parts.join(" "))
    }

    /// The turn that a sentence of a conversation is part of, where the passage says so.
    pub fn turn(&self, sentence: usize) -> Option<&Turn> {
        turn_of(&self.turns, self.sentences[sentence].at.start)
    }

    /// The day on which a sentence was written.
    pub fn day(&self, sentence: usize) -> Option<Date> {
        self.turn(sentence).map(|turn| turn.day).or(self.date)
    }

    /// The text of a sentence.
    pub fn text(&self, sentence: usize) -> &str {
        &self.passage.text[self.sentences[sentence].at.clone()]
    }
}

/// What was found, ready to choose from.
#[derive(Clone, Debug, Default)]
pub struct Gathered {
    /// Passages, in the order of the search.
    pub candidates: Vec<Candidate>,
    /// Weight of each term of the question, in its order; the sum is 1.
    pub weights: Vec<f32>,
}

/// Sentences of one passage that go into the prompt together.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// Index into the candidates.
    pub candidate: usize,
    /// Indices of its sentences, in order.
    pub sentences: Vec<usize>,
    /// The best of them.
    pub best: usize,
}

/// Searches and scores. Takes milliseconds; runs no language model.
pub fn gather(evidence: &dyn Evidence, question: &Question) -> Result<Gathered, String> {
    let found = evidence.search(&question.text, DOCUMENTS)?;
    let best = found.first().map_or(1.0, |f| f.score.max(f32::MIN_POSITIVE));
    let mut candidates = Vec::new();
    for (rank, found) in found.into_iter().enumerate() {
        let relevance = (found.score / best).clamp(0.0, 1.0);
        let further = further(evidence, question, &found, rank);
        for passage in std::iter::once(found.passage.clone()).chain(further) {
            candidates.push(candidate(&found, relevance, passage));
        }
    }
    let weights = weights(question, &candidates);
    for candidate in &mut candidates {
        score(question, &weights, candidate);
    }
    let mut gathered = Gathered { candidates, weights };
    refine(evidence, question, &mut gathered);
    if versions::asks_of_the_newest(question) {
        prefer_newest(&mut gathered);
    }
    Ok(gathered)
}

/// Adds to the scores of the best sentences the more, the later the day is that they say or that they were written on.
fn prefer_newest(gathered: &mut Gathered) {
    let today = jiff::Zoned::now().date();
    let day = |&(c, s): &(usize, usize)| {
        let candidate = &gathered.candidates[c];
        let written = candidate.day(s);
        let said = days_in(candidate.text(s), written).into_iter().filter(|day| *day <= today).max();
        said.or(written)
    };
    let best: Vec<((usize, usize), Option<Date>)> =
        ordered(gathered).into_iter().take(DATED).map(|at| (at, day(&at))).collect();
    let mut days: Vec<Date> = best.iter().filter_map(|(_, day)| *day).collect();
    days.sort_unstable();
    days.dedup();
    for ((c, s), day) in best {
        let rank = day.and_then(|day| days.binary_search(&day).ok()).unwrap_or(0);
        gathered.candidates[c].sentences[s].score += NEWEST * rank as f32 / days.len().max(2).saturating_sub(1) as f32;
    }
}

/// Adds the likeness in meaning to the scores of the best sentences; what was not compared counts as the least like.
fn refine(evidence: &dyn Evidence, question: &Question, gathered: &mut Gathered) {
    let best: Vec<(usize, usize)> = ordered(gathered).into_iter().take(REFINED).collect();
    let text = |&(c, s): &(usize, usize)| {
        let candidate = &gathered.candidates[c];
        format!("{}. {}", candidate.title, candidate.text(s))
    };
    let likeness = evidence.likeness(&question.text, &best.iter().map(text).collect::<Vec<_>>());
    let least = likeness.iter().copied().fold(1.0, f32::min);
    for (&(c, s), like) in best.iter().zip(&likeness) {
        gathered.candidates[c].sentences[s].score += MEANING * (like - least);
    }
}

/// All sentences, best first.
pub fn ordered(gathered: &Gathered) -> Vec<(usize, usize)> {
    let sentences = |c: usize| (0..gathered.candidates[c].sentences.len()).map(move |s| (c, s));
    let mut order: Vec<(usize, usize)> = (0..gathered.candidates.len()).flat_map(sentences).collect();
    let score = |&(c, s): &(usize, usize)| gathered.candidates[c].sentences[s].score;
    order.sort_by(|a, b| score(b).total_cmp(&score(a)).then(a.cmp(b)));
    order
}

/// Other passages of a document that share words with the question.
fn further(evidence: &dyn Evidence, question: &Question, found: &Found, rank: usize) -> Vec<Passage> {
    if rank >= OPENED || found.passages <= 1 {
        return Vec::new();
    }
    let mut scored: Vec<(usize, Passage)> = evidence
        .passages(&found.path)
        .into_iter()
        .filter(|p| p.ordinal != found.passage.ordinal && !found.passage.text.contains(&p.text))
        .filter(|p| found.passages <= MANY || p.ordinal.abs_diff(found.passage.ordinal) <= 2)
        .map(|p| (shared_terms(question, &p) + usize::from(p.ordinal.abs_diff(found.passage.ordinal) == 1), p))
        .filter(|(shared, _)| *shared > 0)
        .collect();
    scored.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.ordinal.cmp(&b.1.ordinal)));
    scored.into_iter().take(FURTHER).map(|(_, passage)| passage).collect()
}

fn shared_terms(question: &Question, passage: &Passage) -> usize {
    let words = tokens(&passage.text);
    question.terms.iter().filter(|term| words.iter().any(|w| w.stem == term.stem)).count()
}

fn candidate(found: &Found, relevance: f32, passage: Passage) -> Candidate {
    let sentences = sentences(&passage.text)
        .into_iter()
        .map(|at| {
            let tokens = tokens(&passage.text[at.clone()]);
            Sentence { at, tokens, cover: 0.0, score: 0.0 }
        })
        .collect();
    Candidate {
        path: found.path.clone(),
        title: found.title.clone(),
        author: found.author.clone(),
        date: found.date,
        relevance,
        semantic: found.semantic,
        turns: if found.kind == Kind::Conversation { turns(&passage.text) } else { Vec::new() },
        passage,
        sentences,
        cover: 0.0,
    }
}

/// Inverse document frequency of each term among the candidates' sentences, times what kind of word it is; sums to 1.
fn weights(question: &Question, candidates: &[Candidate]) -> Vec<f32> {
    let sentences: Vec<&Sentence> = candidates.iter().flat_map(|c| &c.sentences).collect();
    let count = sentences.len().max(1) as f32;
    let raw: Vec<f32> = question
        .terms
        .iter()
        .map(|term| {
            let having = sentences.iter().filter(|s| s.tokens.iter().any(|t| t.stem == term.stem)).count() as f32;
            let rarity = (1.0 + count / (having + 1.0)).ln();
            let kind = match term.sort {
                Sort::Plain => 1.0,
                Sort::Name | Sort::Number => 1.4,
                Sort::Class => 0.5,
                Sort::Kind => 0.2,
            };
            rarity * kind
        })
        .collect();
    let sum: f32 = raw.iter().sum::<f32>().max(f32::MIN_POSITIVE);
    raw.into_iter().map(|w| w / sum).collect()
}

/// How far each term of the question is among `words`, 0 to 1.
pub fn matches<'a>(question: &Question, words: impl Iterator<Item = &'a Token> + Clone) -> Vec<f32> {
    let likest = |stem: &str| words.clone().map(|w| likeness(stem, &w.stem)).fold(0.0, f32::max);
    question.terms.iter().map(|term| likest(&term.stem)).collect()
}

/// What `matches` of a question's terms are worth together, 0 to 1.
pub fn weighed(weights: &[f32], matches: &[f32]) -> f32 {
    weights.iter().zip(matches).map(|(w, m)| w * m).sum()
}

fn score(question: &Question, weights: &[f32], candidate: &mut Candidate) {
    let around = tokens(&format!("{} {}", candidate.title, candidate.passage.heading));
    let each: Vec<Vec<f32>> = candidate.sentences.iter().map(|s| matches(question, s.tokens.iter())).collect();
    let title = matches(question, around.iter());
    let most = |rows: &[Vec<f32>]| -> Vec<f32> {
        (0..weights.len()).map(|t| rows.iter().map(|row| row[t]).fold(title[t], f32::max)).collect()
    };
    candidate.cover = weighed(weights, &most(&each));
    for i in 0..each.len() {
        let near = &each[i.saturating_sub(1)..(i + 2).min(each.len())];
        let fits = span::fits(question, candidate.text(i), &candidate.sentences[i].tokens);
        let own = weighed(weights, &each[i]);
        let neighbourhood = weighed(weights, &most(near));
        let sentence = &mut candidate.sentences[i];
        sentence.cover = own;
        let fits = if fits { 1.0 } else { 0.0 };
        let parts = [own, neighbourhood, candidate.cover, candidate.relevance, fits];
        let by_model = turn_of(&candidate.turns, sentence.at.start).is_some_and(|turn| turn.by_model);
        sentence.score = parts.iter().zip(SCORE).map(|(part, weight)| part * weight).sum::<f32>();
        sentence.score -= if by_model { BY_MODEL } else { 0.0 };
    }
}

/// How much worse the best sentence of an excerpt may be than that of the first, for the excerpt to be worth reading.
const WORSE: f32 = 0.6;

/// How many of the first excerpts may hold the answer, as far as scores tell.
pub fn promising(gathered: &Gathered, excerpts: &[Excerpt]) -> usize {
    let score = |e: &Excerpt| gathered.candidates[e.candidate].sentences[e.best].score;
    excerpts.iter().take_while(|e| score(&excerpts[0]) - score(e) <= WORSE).count()
}

/// Chooses the sentences of the prompt: the best ones with what stands around them, the more the better they are, until
/// `budget` tokens (four bytes each) are spent. Excerpts come best first, one for each passage.
pub fn choose(gathered: &Gathered, budget: usize) -> Vec<Excerpt> {
    let mut chosen = Chosen { gathered, excerpts: Vec::new(), left: budget };
    for (c, s) in ordered(gathered) {
        if chosen.excerpts.len() == EXCERPTS || !chosen.open(c, s) {
            break;
        }
    }
    chosen.excerpts
}

struct Chosen<'a> {
    gathered: &'a Gathered,
    excerpts: Vec<Excerpt>,
    left: usize,
}

impl Chosen<'_> {
    /// Takes a sentence and its surroundings, unless its passage was opened before. Whether there is room for more.
    fn open(&mut self, candidate: usize, best: usize) -> bool {
        let known = self.excerpts.iter().any(|e| e.candidate == candidate);
        if known || self.repeats(candidate, best) {
            return true;
        }
        let source = &self.gathered.candidates[candidate];
        let cost = |s: usize| source.sentences[s].at.len().div_ceil(4);
        let mut spent = cost(best) + LABEL;
        if spent > self.left && !self.excerpts.is_empty() {
            return false;
        }
        let room = ROOM[self.excerpts.len()].min(self.left);
        let (mut first, mut last) = (best, best);
        loop {
            let after = (last + 1 < source.sentences.len()).then_some(last + 1);
            let before = first.checked_sub(1);
            // What follows explains more often than what comes before.
            let sides = if last - best <= best - first { [after, before] } else { [before, after] };
            let Some(next) = sides.into_iter().flatten().find(|&s| spent + cost(s) <= room) else { break };
            spent += cost(next);
            (first, last) = (first.min(next), last.max(next));
        }
        self.left = self.left.saturating_sub(spent);
        self.excerpts.push(Excerpt { candidate, sentences: (first..=last).collect(), best });
        true
    }

    /// Whether the same words were taken from another place already (copies of a file, quoted mails).
    fn repeats(&self, candidate: usize, sentence: usize) -> bool {
        let text = self.gathered.candidates[candidate].text(sentence);
        self.excerpts.iter().any(|e| e.sentences.iter().any(|&s| self.gathered.candidates[e.candidate].text(s) == text))
    }
}
