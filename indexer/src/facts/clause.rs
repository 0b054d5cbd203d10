//! Verbs and their subjects: who does it.

use super::Triple;
use super::arguments::arguments;
use super::brackets::{before_bracket, enclosing, opening};
use super::morphology;
use super::phrase::{Form, Kind};
use super::reported::{inverted, reported, tells};
use super::sentence::{Run, Sentence};
use super::statements::state;
use super::subject::{antecedent, chain, nearest, over_list, over_relative, whole_chain};
use super::{certainty, dates, fronted, occupation, relational};

/// A verb with its subject.
pub struct Clause {
    /// Who does it, or what it is done to.
    pub subject: Run,
    /// The verb group.
    pub verb: usize,
    /// What kind of predicate it is here.
    pub form: Form,
    /// For a relative clause, what an object that is not there would be.
    pub antecedent: Option<Run>,
}

/// The facts that the verbs of a sentence state.
pub fn triples(sentence: &Sentence) -> Vec<Triple> {
    let mut last: Option<(Run, Form)> = None;
    // The objects of the last copula, which are the same thing as its subject.
    let mut same: Option<(Run, Vec<Run>)> = None;
    // The first subject, for which pronouns stand later.
    let mut topic: Option<Run> = None;
    let mut front = fronted::time(sentence);
    let mut setting = fronted::setting(sentence);
    let mut triples = fronted::roles(sentence);
    for at in 0..sentence.phrases.len() {
        let Some(Kind::Verb(form)) = sentence.kind(at) else { continue };
        let Some(mut clause) = clause(sentence, at, form, last.as_ref()) else { continue };
        if let Some((subject, _)) =
            same.as_ref().filter(|(_, objects)| objects.iter().any(|object| object.start == clause.subject.start))
        {
            clause.subject = subject.clone();
        }
        if let Some(topic) = topic.as_ref().filter(|topic| refers(sentence, &clause, topic)) {
            clause.subject = topic.clone();
        }
        if topic.is_none() && !sentence.is_pronoun(clause.subject.start) {
            topic = Some(clause.subject.clone());
        }
        let first = last.is_none() && clause.form == Form::Past && clause.subject.start < at;
        if !matches!(clause.form, Form::Gerund | Form::Infinitive) && (first || !is_reduced(sentence, &clause)) {
            last = Some((clause.subject.clone(), clause.form));
        }
        let mut found = arguments(sentence, &clause);
        let main = !is_reduced(sentence, &clause);
        found.fronted =
            front.take_if(|_| main).or_else(|| setting.take().filter(|_| main && clause.form == Form::Passive));
        if clause.form == Form::Copula && !found.objects.is_empty() {
            same = Some((clause.subject.clone(), found.objects.clone()));
        }
        if certainty::agrees(sentence, &clause) {
            state(sentence, &clause, &found, &mut triples);
        }
    }
    triples
}

/// Whether the subject is a pronoun that stands for the first subject of the sentence. In what somebody says or
/// thinks it may be anybody.
fn refers(s: &Sentence, clause: &Clause, topic: &Run) -> bool {
    if !s.is_pronoun(clause.subject.start) || clause.subject.len() > 1 || clause.subject.start <= topic.end {
        return false;
    }
    // "it must be difficult to find": nothing that was named before.
    if s.lower(clause.subject.start) == "it" && s.lower(clause.verb).contains(" to ") {
        return false;
    }
    let reported = (topic.end..clause.subject.start).any(|at| s.is_verb(at) && tells(s, at));
    let word = s.lower(clause.subject.start);
    let plural = s.words(topic).contains(" and ") || s.head(topic.start).ends_with('s');
    let fits = match word.as_str() {
        "he" | "she" => s.is_name(topic.start) && !plural,
        "it" => !plural && !is_somebody(s.head(s.full(topic.start).start)),
        "they" => plural,
        _ => false,
    };
    fits && !reported
}

/// A noun for a person.
fn is_somebody(word: &str) -> bool {
    relational::is_kin(word) || occupation::is_person(word)
}

/// A participle behind its noun, or any clause that is about an object: the subject of the sentence stays what it was.
fn is_reduced(sentence: &Sentence, clause: &Clause) -> bool {
    clause.form == Form::Past || clause.antecedent.is_some() || relative_before(sentence, clause.verb).is_some()
}

fn clause(s: &Sentence, at: usize, form: Form, last: Option<&(Run, Form)>) -> Option<Clause> {
    if let Some(clause) = inverted(s, at).or_else(|| reported(s, at)) {
        return Some(clause);
    }
    let before = skip_adverbs(s, at);
    // "there is a key in the drawer": the key is there.
    let subject = s.full(at + 1);
    if form == Form::Copula
        && s.lower(at).starts_with("there ")
        && s.is_noun(at + 1)
        && !s.is_pronoun(at + 1)
        && is_where(s, subject.end)
    {
        return Some(Clause { subject, verb: at, form, antecedent: None });
    }
    // "there are": nobody does it.
    if s.lower(at).starts_with("there ") || before.map_or(0, |n| n + 1) < at && s.lower(at - 1) == "there" {
        return None;
    }
    let new = |subject: Run, form: Form| Some(Clause { subject, verb: at, form, antecedent: None });
    let shared = || last.map(|(subject, _)| subject.clone());
    // "X (born in Oslo, died in Bergen)"
    let apart = before.is_some_and(|n| matches!(s.kind(n), Some(Kind::Comma | Kind::Sign | Kind::And)));
    if let Some(noun) = enclosing(s, at).filter(|_| apart).and_then(|open| before_bracket(s, open)) {
        return new(chain(s, noun), form);
    }
    match before.and_then(|before| s.kind(before).map(|kind| (before, kind))) {
        None => initial(s, at, form),
        Some((before, Kind::Relative)) => new(antecedent(s, before)?, finite(form)),
        // "Founded in 1946 and based in Oslo, Acme makes"
        Some((_, Kind::And)) if last.is_none() => initial(s, at, form),
        Some((_, Kind::And)) => {
            let passive = form == Form::Past && last.is_some_and(|(_, form)| *form == Form::Passive);
            new(shared()?, if passive { Form::Passive } else { finite(form) })
        }
        Some((before, Kind::Comma)) => behind_comma(s, at, before, form, last),
        Some((before, Kind::Open)) => new(chain(s, before_bracket(s, before)?), form),
        Some((before, Kind::Close)) => behind_bracket(s, at, before, form),
        Some((before, Kind::Noun)) => behind_noun(s, at, before, form, last),
        Some((before, Kind::Preposition))
            if before > 1 && matches!(s.lower(before).as_str(), "of" | "for" | "from" | "to") =>
        {
            None
        }
        Some((_, Kind::Preposition | Kind::Subordinator)) if last.is_none() => initial(s, at, form),
        Some((_, Kind::Preposition | Kind::Subordinator)) => new(shared()?, form),
        Some((_, Kind::Sign | Kind::Verb(_) | Kind::Adjective | Kind::Adverb)) => new(shared()?, form),
    }
}

/// A preposition that tells a place.
fn is_where(s: &Sentence, at: usize) -> bool {
    const WHERE: &[&str] = &[
        "in", "on", "at", "under", "behind", "near", "above", "below", "between", "inside", "outside", "over",
        "within", "beside",
    ];
    s.kind(at) == Some(Kind::Preposition) && WHERE.contains(&s.lower(at).as_str())
}

/// A lone past that turned out to be the predicate.
fn finite(form: Form) -> Form {
    if form == Form::Past { Form::Active } else { form }
}

fn skip_adverbs(s: &Sentence, at: usize) -> Option<usize> {
    (0..at).rev().find(|n| s.kind(*n) != Some(Kind::Adverb))
}

/// "Founded in 1990, Acme makes pumps."
fn initial(s: &Sentence, at: usize, form: Form) -> Option<Clause> {
    if !matches!(form, Form::Past | Form::Gerund) {
        return None;
    }
    // "Having a mill means work": the clause is the subject.
    let comma = (at..s.phrases.len()).find(|n| s.kind(*n) == Some(Kind::Comma)).unwrap_or(s.phrases.len());
    if form == Form::Gerund && at == 0 && s.has_finite(at + 1..comma) {
        return None;
    }
    let mut commas = (at..s.phrases.len()).filter(|n| s.kind(*n) == Some(Kind::Comma));
    let behind = |comma: usize| {
        (comma + 1..s.phrases.len()).find(|n| s.kind(*n) != Some(Kind::Adverb)).filter(|n| s.is_noun(*n))
    };
    let nouns: Vec<usize> = commas.by_ref().filter_map(behind).collect();
    let main = nouns.iter().find(|n| s.begins_clause(**n) || s.is_verb(s.full(**n).end));
    let noun = *main.or(nouns.first())?;
    Some(Clause { subject: s.full(noun), verb: at, form, antecedent: None })
}

/// A verb behind a comma: of the subject before an insertion, or of the subject that has a verb already.
fn behind_comma(s: &Sentence, at: usize, comma: usize, form: Form, last: Option<&(Run, Form)>) -> Option<Clause> {
    let bracketed =
        comma.checked_sub(1).filter(|n| s.kind(*n) == Some(Kind::Close)).and_then(|n| before_bracket(s, n + 1));
    // "grows well and, apart from that, can be used": the verb shares the subject.
    let joined = (0..comma).rev().find(|n| s.kind(*n) == Some(Kind::Comma)).filter(|open| {
        s.kind(open + 1) == Some(Kind::Preposition) && open.checked_sub(1).is_some_and(|n| s.kind(n) == Some(Kind::And))
    });
    if let (Some(_), Some((subject, _))) = (joined, last) {
        return Some(Clause { subject: subject.clone(), verb: at, form: finite(form), antecedent: None });
    }
    let before = insertion(s, comma)
        .or(bracketed)
        .or_else(|| comma.checked_sub(1).filter(|n| s.is_noun(*n) && !s.has_finite(0..*n)));
    let has_verb = last.is_some() && !s.has_finite(comma + 1..at);
    let new = |subject, form| Some(Clause { subject, verb: at, form, antecedent: None });
    let lone = matches!(form, Form::Past | Form::Gerund) && !(form == Form::Past && tells(s, at));
    match (before, last) {
        (Some(noun), _) if !lone || !has_verb && !s.has_finite(at + 1..s.phrases.len()) => {
            new(chain(s, noun), finite(form))
        }
        (Some(noun), None) => {
            let participle = s.kind(at + 1) == Some(Kind::Preposition) && s.has_finite(at + 1..s.phrases.len());
            new(chain(s, noun), if participle { form } else { finite(form) })
        }
        // "is a shop in Oslo, founded in 1963"
        (_, Some((subject, Form::Copula))) if form == Form::Past => new(subject.clone(), form),
        // "built sheds, bought old tools, and sold"
        (_, Some((subject, Form::Active | Form::Past))) if form == Form::Past && s.is_noun(at + 1) && !names(s, at) => {
            new(subject.clone(), finite(form))
        }
        (_, Some((subject, _))) if lone => {
            // A past participle tells of the noun before it, a form in -ing of the subject.
            let noun = comma
                .checked_sub(1)
                .filter(|n| s.is_noun(*n) && form == Form::Past && s.kind(at + 1) == Some(Kind::Preposition));
            new(noun.map_or_else(|| subject.clone(), |n| chain(s, n)), form)
        }
        (None, Some((subject, _))) => new(subject.clone(), form),
        _ => None,
    }
}

/// The noun phrase before "X, ..., |" when a pair of commas encloses something about it.
fn insertion(s: &Sentence, comma: usize) -> Option<usize> {
    let open = (0..comma).rev().find(|n| s.kind(*n) == Some(Kind::Comma))?;
    let noun = open.checked_sub(1).filter(|n| s.is_noun(*n))?;
    let first = s.kind(open + 1)?;
    let starts =
        matches!(first, Kind::Noun | Kind::Relative | Kind::Preposition | Kind::Verb(Form::Past | Form::Gerund));
    (starts || comma - open <= 2).then_some(noun)
}

fn behind_bracket(s: &Sentence, at: usize, close: usize, form: Form) -> Option<Clause> {
    let noun = before_bracket(s, opening(s, close)?)?;
    Some(Clause { subject: chain(s, noun), verb: at, form: finite(form), antecedent: None })
}

fn behind_noun(s: &Sentence, at: usize, noun: usize, form: Form, last: Option<&(Run, Form)>) -> Option<Clause> {
    let new = |subject, form, antecedent| Some(Clause { subject, verb: at, form, antecedent });
    // "Acme this year adds"
    let named = |n: &usize| s.is_name(*n) && !dates::is_time(&s.words(&(*n..n + 1)));
    let before = noun.checked_sub(1).filter(named);
    let noun = before.filter(|_| dates::is_time(&s.words(&(noun..noun + 1)))).unwrap_or(noun);
    let start = chain(s, noun).start;
    let free = start.checked_sub(1).is_none_or(|n| !s.is_verb(n) && s.kind(n) != Some(Kind::Preposition));
    match form {
        Form::Past if !s.is_pronoun(noun) && is_reduced_relative(s, at, free, last) => {
            new(nearest(s, noun), form, None)
        }
        Form::Gerund => new(nearest(s, noun), form, None),
        Form::Infinitive => {
            let doer = doer(s, at, noun);
            new(if let Some(doer) = doer { doer } else { last.map(|(run, _)| run.clone())? }, form, None)
        }
        _ => {
            // "who in the spring sold"
            let early = (0..noun).rev().take_while(|n| !s.is_verb(*n)).find(|n| s.kind(*n) == Some(Kind::Relative));
            let early =
                early.filter(|n| s.kind(n + 1) == Some(Kind::Preposition) && s.kind(*n) != Some(Kind::Subordinator));
            if let Some(whose) = early.filter(|n| s.lower(*n).starts_with("wh")).and_then(|n| antecedent(s, n)) {
                return new(whose, finite(form), None);
            }
            let subject = over_relative(s, at, noun).or_else(|| over_list(s, at, noun));
            let subject = subject.unwrap_or_else(|| whole_chain(s, noun));
            let relative = subject.start.checked_sub(1).filter(|n| s.kind(*n) == Some(Kind::Relative));
            let antecedent = relative.and_then(|n| antecedent(s, n));
            if subject.start > 0 && s.kind(subject.start - 1) == Some(Kind::Preposition) && subject.start == 1 {
                return None;
            }
            new(subject, finite(form), antecedent)
        }
    }
}

/// Who does what an infinitive behind a noun says, where it is not the subject: "asked Kari to come", "a call for Kari to
/// come", "a field to be completed".
fn doer(s: &Sentence, at: usize, noun: usize) -> Option<Run> {
    let whole = nearest(s, noun);
    let before = whole.start.checked_sub(1)?;
    let asked = s.is_verb(before) && lets(s, before);
    let wished = s.lower(before) == "for";
    let passive = s.lower(at).starts_with("to be ") && s.span(&(at..at + 1)).len() > 2;
    (asked || wished || passive).then_some(whole)
}

/// Verbs whose object does what an infinitive behind it says.
pub fn lets(s: &Sentence, verb: usize) -> bool {
    const LETS: &[&str] = &[
        "allow", "enabl", "ask", "forc", "help", "urg", "persuad", "order", "tell", "want", "permit", "requir",
        "invit", "encourag", "lead", "caus", "get", "teach", "advis", "expect", "inspir", "instruct", "convinc",
        "prompt", "compel", "authoriz", "authoris", "forbid",
    ];
    s.phrases.get(verb).is_some_and(|p| LETS.contains(&morphology::base(&s.tokens[p.span.end - 1].lower).as_str()))
}

/// "a company called Acme": the participle brings the name.
fn names(s: &Sentence, at: usize) -> bool {
    const NAMES: &[&str] = &["called", "named", "titled", "entitled", "dubbed", "renamed", "nicknamed"];
    NAMES.contains(&s.lower(at).as_str()) && s.is_noun(at + 1)
}

/// "stopped by the mill": nobody did it to them.
fn passes(s: &Sentence, at: usize) -> bool {
    const PASSES: &[&str] = &["passed", "stopped", "walked", "dropped", "stood", "swung", "lived", "rose", "fell"];
    PASSES.contains(&s.lower(at).rsplit(' ').next().unwrap_or_default())
}

/// "the company founded by X makes", "a house built in 1900": the noun has another verb, or is an object.
fn is_reduced_relative(s: &Sentence, at: usize, free: bool, last: Option<&(Run, Form)>) -> bool {
    // "a bid launched last week by Kari"
    let time = usize::from(s.is_noun(at + 1) && dates::is_time(&s.words(&(at + 1..at + 2))));
    let preposition = s.kind(at + 1 + time) == Some(Kind::Preposition);
    let clause_end = (at + 1..s.phrases.len())
        .find(|n| {
            matches!(s.kind(*n), Some(Kind::Comma | Kind::And | Kind::Relative | Kind::Subordinator | Kind::Sign))
        })
        .unwrap_or(s.phrases.len());
    let later = s.has_finite(at + 1..clause_end);
    let done_by = s.lower(at + 1) == "by" && !passes(s, at);
    (preposition || names(s, at)) && (later || !free && last.is_some() || done_by)
}

/// A relative pronoun directly before the verb.
fn relative_before(s: &Sentence, at: usize) -> Option<usize> {
    skip_adverbs(s, at).filter(|n| s.kind(*n) == Some(Kind::Relative))
}
