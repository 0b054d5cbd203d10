//! A sentence with its phrases, and the questions that rules ask of it.

use std::ops::Range;

use super::phrase::{Form, Kind, Phrase, phrases};
use super::tag::{Tag, tags};
use super::token::{Token, join};

/// A sentence that was taken apart.
pub struct Sentence<'a> {
    /// The text it stands in.
    pub text: &'a str,
    /// Its tokens.
    pub tokens: &'a [Token<'a>],
    /// What each of them is.
    pub tags: Vec<Tag>,
    /// Its phrases.
    pub phrases: Vec<Phrase>,
}

/// Last words of names of organisations.
pub const ORGANISATIONS: &[&str] = &[
    "academy",
    "agency",
    "association",
    "bank",
    "board",
    "bureau",
    "center",
    "centre",
    "church",
    "churches",
    "club",
    "co",
    "co.",
    "college",
    "commission",
    "committee",
    "company",
    "conservatory",
    "corp",
    "corp.",
    "corporation",
    "council",
    "department",
    "division",
    "faculty",
    "federation",
    "foundation",
    "fund",
    "group",
    "hospital",
    "inc",
    "inc.",
    "institute",
    "laboratory",
    "league",
    "ltd",
    "ltd.",
    "ministry",
    "museum",
    "office",
    "organisation",
    "organization",
    "partners",
    "press",
    "railroad",
    "railway",
    "railways",
    "school",
    "services",
    "society",
    "sons",
    "trust",
    "union",
    "university",
];

/// A run of phrases.
pub type Run = Range<usize>;

impl<'a> Sentence<'a> {
    /// Takes tokens of `text` apart.
    pub fn new(text: &'a str, tokens: &'a [Token<'a>]) -> Self {
        let tags = tags(tokens);
        let phrases = phrases(tokens, &tags);
        Self { text, tokens, tags, phrases }
    }

    /// The kind of a phrase; `None` behind the last one.
    pub fn kind(&self, at: usize) -> Option<Kind> {
        self.phrases.get(at).map(|p| p.kind)
    }

    /// Whether this is a noun phrase.
    pub fn is_noun(&self, at: usize) -> bool {
        self.kind(at) == Some(Kind::Noun)
    }

    /// Whether this is a verb group.
    pub fn is_verb(&self, at: usize) -> bool {
        matches!(self.kind(at), Some(Kind::Verb(_)))
    }

    /// The tokens of a run of phrases.
    pub fn span(&self, run: &Run) -> &'a [Token<'a>] {
        match (self.phrases.get(run.start), run.end.checked_sub(1).and_then(|last| self.phrases.get(last))) {
            (Some(first), Some(last)) if run.start < run.end => &self.tokens[first.span.start..last.span.end],
            _ => &[],
        }
    }

    /// A run of phrases as text.
    pub fn words(&self, run: &Run) -> String {
        join(self.text, self.span(run))
    }

    /// A phrase in lower case.
    pub fn lower(&self, at: usize) -> String {
        self.phrases.get(at).map(|_| self.words(&(at..at + 1)).to_lowercase()).unwrap_or_default()
    }

    /// The last word of a noun phrase, in lower case.
    pub fn head(&self, at: usize) -> &str {
        self.phrases.get(at).map_or("", |p| self.tokens[p.span.end - 1].lower.as_str())
    }

    /// The tag of the last word of a phrase.
    pub fn head_tag(&self, at: usize) -> Option<Tag> {
        self.phrases.get(at).map(|p| self.tags[p.span.end - 1])
    }

    /// Whether a noun phrase is a name.
    pub fn is_name(&self, at: usize) -> bool {
        self.is_noun(at) && self.head_tag(at) == Some(Tag::Proper)
    }

    /// Whether a noun phrase is one pronoun.
    pub fn is_pronoun(&self, at: usize) -> bool {
        self.is_noun(at) && self.head_tag(at) == Some(Tag::Pronoun)
    }

    /// A noun phrase with everything that `of` adds to it.
    pub fn full(&self, at: usize) -> Run {
        let mut end = at + 1;
        while self.kind(end) == Some(Kind::Preposition) && self.lower(end) == "of" && self.is_noun(end + 1) {
            end += 2;
        }
        at..end
    }

    /// Whether "A and B" is one name: "the London and North Railway", "the Institute of Music and Art".
    fn is_joint_name(&self, first: &Run, second: &Run) -> bool {
        let (a, b) = (self.span(first), self.span(second));
        let (Some(begin), Some(last)) = (a.first(), b.last()) else { return false };
        let names = self.is_name(first.end - 1) && self.is_name(second.end - 1) && b[0].is_capital();
        let organisation = b.len() > 1 && ORGANISATIONS.contains(&last.lower.as_str());
        // "Institute of Music", "Department of Health": a field and no place.
        let field = first.len() > 1
            && self.is_name(first.start)
            && ORGANISATIONS.contains(&self.head(first.start))
            && self.span(&(first.end - 1..first.end)).len() == 1;
        names && (begin.lower == "the" && organisation || field && b.len() <= 2)
    }

    /// Whether "the A, B and C Railway" is one name.
    fn is_long_name(&self, items: &[Run]) -> bool {
        let [first, .., last] = items else { return false };
        let names = items.iter().all(|item| item.len() == 1 && self.is_name(item.start));
        let lower = |item: &Run| self.tokens[self.phrases[item.start].span.start].lower.as_str();
        names
            && items.len() > 2
            && lower(first) == "the"
            && items[1..].iter().all(|item| lower(item) != "the")
            && ORGANISATIONS.contains(&self.head(last.start))
    }

    /// Whether what the first item is of goes on: "a sign of age and rain".
    fn shares_of(&self, items: &[Run]) -> bool {
        let [first, others @ ..] = items else { return false };
        let determined = |at: usize| matches!(self.tags[self.phrases[at].span.start], Tag::Determiner | Tag::Pronoun);
        let name = self.is_name(first.end - 1);
        let bare = |item: &Run| item.len() == 1 && !determined(item.start) && self.is_name(item.start) == name;
        first.len() > 1
            && determined(first.start)
            && !determined(first.end - 1)
            && !super::relational::is_relational(self.head(first.start))
            && others.iter().all(bare)
    }

    /// The parts of a subject "A, B and C".
    pub fn parts(&self, run: &Run) -> Vec<Run> {
        let mut parts = Vec::new();
        let mut start = run.start;
        for at in run.clone() {
            if matches!(self.kind(at), Some(Kind::And | Kind::Comma)) {
                parts.push(start..at);
                start = at + 1;
            }
        }
        parts.push(start..run.end);
        parts.retain(|part| !part.is_empty());
        match &parts[..] {
            [first, second] if self.is_joint_name(first, second) => vec![run.clone()],
            _ => parts,
        }
    }

    /// The noun phrases "A, B and C" that begin at `at`, and the phrase behind them.
    pub fn list(&self, at: usize) -> (Vec<Run>, usize) {
        let mut items = vec![self.full(at)];
        let mut end = items[0].end;
        let mut commas = Vec::new();
        loop {
            let comma = self.kind(end) == Some(Kind::Comma);
            let and = self.kind(end) == Some(Kind::And) || comma && self.kind(end + 1) == Some(Kind::And);
            let next = end + 1 + usize::from(comma && and);
            if !(comma || and) || !self.is_noun(next) || self.begins_clause(next) {
                break;
            }
            let item = self.full(next);
            if comma && self.is_name(items[0].start) && self.is_described(next) {
                break;
            }
            end = item.end;
            if and && !comma && commas.is_empty() && self.is_joint_name(&items[0], &item) {
                items[0].end = end;
                continue;
            }
            if and {
                items.append(&mut commas);
                items.push(item);
                let one = self.is_long_name(&items) || self.shares_of(&items);
                let all = at..end;
                return (if one { vec![all] } else { items }, end);
            }
            commas.push(item);
        }
        let end = items[0].end;
        (items, end)
    }

    /// Whether a noun phrase has an article and is no name: behind a name and a comma it says what that is.
    fn is_described(&self, at: usize) -> bool {
        let first = &self.tokens[self.phrases[at].span.start];
        matches!(first.lower.as_str(), "the" | "a" | "an") && !self.is_name(at)
    }

    /// Whether the noun phrase at `at` is the subject of what follows it.
    pub fn begins_clause(&self, at: usize) -> bool {
        let mut behind = self.full(at).end;
        if self.kind(behind) == Some(Kind::Sign) && matches!(self.lower(behind).as_str(), "\"" | "``" | "“") {
            behind += 1;
        }
        match self.kind(behind) {
            Some(Kind::Verb(Form::Copula | Form::Passive | Form::Active)) => true,
            Some(Kind::Verb(Form::Past)) => self.kind(behind + 1) != Some(Kind::Preposition),
            Some(Kind::Adverb) => self.is_verb(behind + 1),
            _ => false,
        }
    }

    /// Whether the noun phrase at `at` is a name or a pronoun with a verb behind it.
    pub fn begins_main(&self, at: usize) -> bool {
        (self.is_name(at) || self.is_pronoun(at)) && (self.begins_clause(at) || self.is_verb(at + 1))
    }

    /// Whether a finite verb stands in this range of phrases.
    pub fn has_finite(&self, run: Run) -> bool {
        run.into_iter().any(|at| matches!(self.kind(at), Some(Kind::Verb(Form::Copula | Form::Passive | Form::Active))))
    }
}
