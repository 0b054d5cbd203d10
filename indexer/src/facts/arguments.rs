//! What stands behind a verb: objects, a predicative adjective, prepositional phrases, a clause.

use jiff::civil::Date;

use super::clause::Clause;
use super::dates;
use super::fronted::Time;
use super::morphology;
use super::phrase::{Form, Kind};
use super::reported::tells;
use super::sentence::{ORGANISATIONS, Run, Sentence};

/// What stands behind a verb.
#[derive(Default)]
pub struct Arguments {
    /// Objects; several where they are listed.
    pub objects: Vec<Run>,
    /// "is allergic".
    pub adjective: Option<Run>,
    /// A preposition, or none for a bare time, and what it leads to.
    pub prepositions: Vec<(Option<usize>, Vec<Run>)>,
    /// The time that the sentence begins with.
    pub fronted: Option<Time>,
    /// What is said or thought.
    pub complement: Option<Run>,
}

impl Arguments {
    /// Whether nothing stands there.
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty() && self.prepositions.is_empty() && self.adjective.is_none() && self.complement.is_none()
    }

    /// An object with the prepositional phrases behind it.
    pub fn extended(&self, object: &Run) -> Run {
        let mut end = object.end;
        for (preposition, runs) in &self.prepositions {
            if *preposition == Some(end) {
                end = runs.last().map_or(end, |run| run.end);
            }
        }
        object.start..end
    }

    /// Since when and until when a clause says that it is true.
    pub fn times(&self, s: &Sentence) -> (Option<Date>, Option<Date>) {
        let (mut from, mut until) = (None, None);
        let behind = self.prepositions.iter().map(|(preposition, runs)| (preposition, runs.first()));
        let before = self.fronted.iter().map(|(preposition, run)| (preposition, Some(run)));
        for (preposition, run) in behind.chain(before) {
            let date = run.and_then(|run| dates::parse(&s.words(run)));
            match preposition.map(|at| s.lower(at)).as_deref() {
                Some("until" | "till" | "to") => until = until.or(date),
                _ => from = from.or(date),
            }
        }
        (from, until)
    }
}

/// The arguments of a clause's verb.
pub fn arguments(s: &Sentence, clause: &Clause) -> Arguments {
    let mut found = Arguments::default();
    let mut at = clause.verb + 1;
    if clause.form == Form::Copula && clause.subject.start == at {
        at = clause.subject.end;
    }
    if clause.subject.start >= at && clause.antecedent.is_some() {
        return found;
    }
    while let Some(kind) = s.kind(at) {
        let empty = found.objects.is_empty() && found.prepositions.is_empty() && found.adjective.is_none();
        at = match kind {
            Kind::Noun if empty && tells(s, clause.verb) && s.begins_clause(at) => {
                found.complement = Some(at..sentence_end(s, at));
                break;
            }
            Kind::Noun if empty && !is_lone_time(s, clause, at) => {
                let (items, end) = s.list(at);
                found.objects = items;
                end
            }
            Kind::Noun if dates::is_time(&s.words(&(at..at + 1))) => {
                found.prepositions.push((None, vec![s.full(at)]));
                s.full(at).end
            }
            Kind::Adjective if empty => {
                let end = adjectives(s, at);
                found.adjective = Some(at..end);
                end
            }
            Kind::Preposition if s.is_noun(at + 1) => {
                // "in charge of the mill"
                let bridge = s.full(at + 1).len() > 2 && BRIDGES.contains(&s.lower(at + 1).as_str());
                let (items, end) = s.list(if bridge { at + 3 } else { at + 1 });
                found.prepositions.push((Some(at), items));
                end
            }
            // "for almost a month"
            Kind::Preposition if s.kind(at + 1) == Some(Kind::Adverb) && s.is_noun(over_adverbs(s, at + 1)) => {
                let (mut items, end) = s.list(over_adverbs(s, at + 1));
                items[0].start = at + 1;
                found.prepositions.push((Some(at), items));
                end
            }
            // "as early as the spring", "by less than two percent"
            Kind::Preposition if is_measure(s, at) => {
                let (items, end) = s.list(at + 3);
                found.prepositions.push((Some(at), items));
                end
            }
            // "by changing that system"
            Kind::Preposition if s.kind(at + 1) == Some(Kind::Verb(Form::Gerund)) && s.is_noun(at + 2) => {
                let phrase = at + 1..s.full(at + 2).end;
                let end = phrase.end;
                found.prepositions.push((Some(at), vec![phrase]));
                end
            }
            // "considerably larger"
            Kind::Adverb if empty && grades(s, at) => {
                let end = adjectives(s, at + 1);
                found.adjective = Some(at..end);
                end
            }
            // "admits, "they are ...""
            Kind::Sign if empty && tells(s, clause.verb) && opens_quotation(s, at) => {
                let end = sentence_end(s, at);
                let closed = matches!(s.lower(end).as_str(), "\"" | "''" | "”");
                found.complement = Some(at..end + usize::from(closed));
                break;
            }
            Kind::Comma if empty && tells(s, clause.verb) && opens_quotation(s, at + 1) => at + 1,
            Kind::Adverb => at + 1,
            Kind::Comma if !found.prepositions.is_empty() => match place(s, at, &mut found) {
                Some(end) => end,
                None => break,
            },
            Kind::And if s.kind(at + 1) == Some(Kind::Preposition) && s.is_noun(at + 2) => at + 1,
            // "is that": what follows is what it is.
            Kind::Relative
                if empty
                    && clause.form == Form::Copula
                    && s.lower(at) == "that"
                    && s.has_finite(at..s.phrases.len()) =>
            {
                found.complement = Some(at + 1..sentence_end(s, at));
                break;
            }
            // "designed and built the mill"
            Kind::And if empty && shares_object(s, clause, at + 1) => at + 2,
            // "means that they ..."
            Kind::Relative
                if empty
                    && tells(s, clause.verb)
                    && s.lower(at) == "that"
                    && s.is_noun(at + 1)
                    && s.begins_clause(at + 1) =>
            {
                found.complement = Some(at + 1..sentence_end(s, at));
                break;
            }
            // "lives and works in Oslo"
            Kind::And if empty && s.is_verb(at + 1) && s.kind(at + 2) == Some(Kind::Preposition) => at + 2,
            Kind::Subordinator
                if (empty || found.objects.is_empty() && tells(s, clause.verb)) && s.lower(at) == "that" =>
            {
                found.complement = Some(at + 1..sentence_end(s, at));
                break;
            }
            _ => break,
        };
    }
    attach(s, &mut found);
    found
}

fn is_organisation(s: &Sentence, name: &Run) -> bool {
    let words = s.span(name);
    s.is_name(name.end - 1)
        && words.iter().any(|word| word.is_capital() && ORGANISATIONS.contains(&word.lower.as_str()))
}

/// Prepositions that tell of the noun before them more often than of the verb.
const OF_NOUN: &[&str] = &["between", "for", "about", "against", "among", "concerning", "regarding", "than"];

/// Nouns that "in" tells of.
const IN_NOUNS: &[&str] = &[
    "advances",
    "belief",
    "change",
    "changes",
    "confidence",
    "decline",
    "decrease",
    "difference",
    "differences",
    "drop",
    "experience",
    "expertise",
    "growth",
    "improvement",
    "improvements",
    "increase",
    "interest",
    "investment",
    "involvement",
    "participation",
    "reduction",
    "rise",
    "role",
    "success",
];

/// Nouns that only lead from one preposition to the next.
const BRIDGES: &[&str] = &[
    "accordance",
    "addition",
    "association",
    "behalf",
    "charge",
    "collaboration",
    "command",
    "comparison",
    "conjunction",
    "connection",
    "contact",
    "contrast",
    "cooperation",
    "favor",
    "favour",
    "front",
    "honor",
    "honour",
    "league",
    "line",
    "memory",
    "need",
    "opposition",
    "preparation",
    "reference",
    "regard",
    "relation",
    "respect",
    "response",
    "search",
    "support",
    "terms",
    "touch",
];

/// "a replacement for the old pump": what tells of a common noun becomes a part of it.
fn attach(s: &Sentence, found: &mut Arguments) {
    let mut kept: Vec<(Option<usize>, Vec<Run>)> = Vec::new();
    for (preposition, runs) in std::mem::take(&mut found.prepositions) {
        let between = preposition.is_some_and(|at| s.lower(at) == "between") && runs.len() > 1;
        let of_noun = preposition.is_some_and(|at| OF_NOUN.contains(&s.lower(at).as_str()))
            && (between || !s.is_name(runs[0].end - 1))
            && !dates::is_time(&s.words(&runs[0]));
        let kept_last = kept.last().and_then(|(preposition, _)| *preposition);
        let before = kept.last_mut().map_or(&mut found.objects, |(_, runs)| runs);
        // "at the University of Bergen in Norway": where that is, and not where it was done.
        if let ([name], Some(at)) = (&before[..], preposition)
            && at == name.end
            && is_organisation(s, name)
            && s.lower(at) == "in"
            && s.is_name(runs[0].end - 1)
            && !dates::is_time(&s.words(&runs[0]))
        {
            continue;
        }
        // "led to an interest in mills"
        let within = preposition.is_some_and(|at| s.lower(at) == "in")
            && matches!(&before[..], [noun] if IN_NOUNS.contains(&s.head(noun.end - 1)))
            && !dates::is_time(&s.words(&runs[0]));
        let of_noun = of_noun || within;
        // "in relation to mills"
        let bridge = |noun: &Run| noun.len() == 1 && BRIDGES.contains(&s.lower(noun.start).as_str());
        if let ([noun], Some(first)) = (&before[..], kept_last)
            && preposition == Some(noun.end)
            && bridge(noun)
        {
            kept.pop();
            kept.push((Some(first), runs));
            continue;
        }
        match &mut before[..] {
            [noun]
                if of_noun
                    && preposition == Some(noun.end)
                    && !s.is_name(noun.end - 1)
                    && !s.is_pronoun(noun.start) =>
            {
                noun.end = runs.last().map_or(noun.end, |run| run.end);
            }
            _ => kept.push((preposition, runs)),
        }
    }
    found.prepositions = kept;
}

/// Whether the verb at `at`, behind "and", has an object that the verb of the clause has as well.
fn shares_object(s: &Sentence, clause: &Clause, at: usize) -> bool {
    const ALONE: &[&str] = &[
        "arriv", "came", "com", "di", "fell", "fall", "go", "join", "laugh", "leav", "liv", "loo", "pass", "resign",
        "retir", "retur", "ris", "run", "sit", "sleep", "smil", "stand", "stay", "stop", "swim", "tri", "wait", "walk",
        "work", "look", "return",
    ];
    let simple = |at: usize| matches!(s.kind(at), Some(Kind::Verb(Form::Active | Form::Past)));
    let last = |at: usize| morphology::base(&s.tokens[s.phrases[at].span.end - 1].lower);
    clause.form == Form::Active
        && simple(at)
        && s.is_noun(at + 1)
        && !s.begins_clause(at + 1)
        && !ALONE.contains(&last(clause.verb).as_str())
        && morphology::is_past(s.head(clause.verb)) == morphology::is_past(s.head(at))
}

fn over_adverbs(s: &Sentence, at: usize) -> usize {
    (at..s.phrases.len()).find(|n| s.kind(*n) != Some(Kind::Adverb)).unwrap_or(at)
}

/// "as early as", "by less than" before a noun.
fn is_measure(s: &Sentence, at: usize) -> bool {
    matches!(s.kind(at + 1), Some(Kind::Adverb | Kind::Adjective))
        && s.kind(at + 2) == Some(Kind::Preposition)
        && matches!(s.lower(at + 2).as_str(), "as" | "than")
        && s.is_noun(at + 3)
}

/// Whether a quotation with a verb of its own begins here.
fn opens_quotation(s: &Sentence, at: usize) -> bool {
    matches!(s.lower(at).as_str(), "\"" | "``" | "“") && s.has_finite(at..s.phrases.len())
}

/// Whether an adverb says how much of it the adjective behind it says.
fn grades(s: &Sentence, at: usize) -> bool {
    let word = s.lower(at);
    let fits =
        word.ends_with("ly") || matches!(word.as_str(), "more" | "most" | "less" | "very" | "too" | "so" | "well");
    fits && s.kind(at + 1) == Some(Kind::Adjective)
}

/// "larger and tougher": where the adjectives end.
fn adjectives(s: &Sentence, at: usize) -> usize {
    let mut end = at + 1;
    while s.kind(end) == Some(Kind::And) && s.kind(end + 1) == Some(Kind::Adjective) {
        end += 2;
    }
    end
}

/// "was born April 16, 1932, in Oslo": a time where an object could stand, and more behind it.
fn is_lone_time(s: &Sentence, clause: &Clause, at: usize) -> bool {
    let date = || super::dates::parse(&s.words(&(at..at + 1))).is_some();
    matches!(clause.form, Form::Passive | Form::Past) && date()
}

/// "in Paris, France" and "in Paris, in 1950": goes on behind the comma.
fn place(s: &Sentence, comma: usize, found: &mut Arguments) -> Option<usize> {
    let next = comma + 1;
    if s.kind(next) == Some(Kind::Preposition)
        && s.is_noun(next + 1)
        && !s.has_finite(next..(next + 4).min(s.phrases.len()))
    {
        return Some(next);
    }
    let last = found.prepositions.last_mut()?.1.last_mut()?;
    let behind = s.kind(next + 1);
    let closes = matches!(behind, None | Some(Kind::Comma | Kind::Sign | Kind::Preposition | Kind::Close | Kind::And));
    let name = s.is_name(next) && s.is_name(last.end - 1) && last.end == comma && s.span(&(next..next + 1)).len() <= 3;
    (name && closes).then(|| {
        *last = last.start..next + 1;
        next + 1
    })
}

fn sentence_end(s: &Sentence, at: usize) -> usize {
    let end = s.phrases.len();
    let signs = (at..end).rev().take_while(|n| s.kind(*n) == Some(Kind::Sign)).count();
    end - signs
}
