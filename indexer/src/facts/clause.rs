//! Verbs and what stands around them: who does what to whom, where and when.

use jiff::civil::Date;

use super::Triple;
use super::dates;
use super::morphology;
use super::noun;
use super::phrase::{Form, Kind};
use super::relational;
use super::sentence::{Run, Sentence};

/// A verb with its subject.
struct Clause {
    subject: Run,
    /// The verb group.
    verb: usize,
    form: Form,
    /// For a relative clause, what an object that is not there would be.
    antecedent: Option<Run>,
}

/// What stands behind a verb.
#[derive(Default)]
struct Arguments {
    objects: Vec<Run>,
    adjective: Option<Run>,
    /// A preposition, or none for a bare time, and what it leads to.
    prepositions: Vec<(Option<usize>, Vec<Run>)>,
    complement: Option<Run>,
}

/// The facts that the verbs of a sentence state.
pub fn triples(sentence: &Sentence) -> Vec<Triple> {
    let mut last: Option<(Run, Form)> = None;
    // The object of the last copula, which is the same thing as its subject.
    let mut same: Option<(Run, Run)> = None;
    // The first subject, for which pronouns stand later.
    let mut topic: Option<Run> = None;
    let mut triples = Vec::new();
    for at in 0..sentence.phrases.len() {
        let Some(Kind::Verb(form)) = sentence.kind(at) else { continue };
        let Some(mut clause) = clause(sentence, at, form, last.as_ref()) else { continue };
        if let Some((subject, object)) = same.as_ref().filter(|(_, object)| object.contains(&clause.subject.start)) {
            clause.subject = if clause.subject.start == object.start { subject.clone() } else { clause.subject };
        }
        if let Some(topic) = topic.as_ref().filter(|topic| refers(sentence, &clause, topic)) {
            clause.subject = topic.clone();
        }
        if topic.is_none() && !sentence.is_pronoun(clause.subject.start) {
            topic = Some(clause.subject.clone());
        }
        if !matches!(clause.form, Form::Gerund | Form::Infinitive) && !is_reduced(sentence, &clause) {
            last = Some((clause.subject.clone(), clause.form));
        }
        let found = arguments(sentence, &clause);
        if let (Form::Copula, [object]) = (clause.form, &found.objects[..]) {
            same = Some((clause.subject.clone(), object.clone()));
        }
        emit(sentence, &clause, &found, &mut triples);
    }
    triples
}

/// Whether the subject is a pronoun that stands for the first subject of the sentence. In what somebody says or
/// thinks it may be anybody.
fn refers(s: &Sentence, clause: &Clause, topic: &Run) -> bool {
    if !s.is_pronoun(clause.subject.start) || clause.subject.len() > 1 || clause.subject.start <= topic.end {
        return false;
    }
    let reported = (topic.end..clause.subject.start).any(|at| s.is_verb(at) && tells(s, at));
    let word = s.lower(clause.subject.start);
    let plural = s.words(topic).contains(" and ") || s.head(topic.start).ends_with('s');
    let fits = match word.as_str() {
        "he" | "she" => s.is_name(topic.start) && !plural,
        "it" => !plural,
        "they" => plural,
        _ => false,
    };
    fits && !reported
}

/// A participle behind its noun, or any clause that is about an object: the subject of the sentence stays what it was.
fn is_reduced(sentence: &Sentence, clause: &Clause) -> bool {
    clause.form == Form::Past || clause.antecedent.is_some() || relative_before(sentence, clause.verb).is_some()
}

/// Verbs that a clause without "that" may follow.
fn tells(s: &Sentence, verb: usize) -> bool {
    const TELLS: &[&str] = &[
        "say", "think", "believ", "hop", "know", "claim", "add", "feel", "expect", "suggest", "report", "argu", "find",
        "fear", "mean",
    ];
    s.phrases.get(verb).is_some_and(|p| TELLS.contains(&morphology::base(&s.tokens[p.span.end - 1].lower).as_str()))
}

/// `"..." said X`: the subject stands behind the verb.
fn inverted(s: &Sentence, at: usize) -> Option<Clause> {
    let before = at.checked_sub(1)?;
    let quoted = matches!(s.lower(before).as_str(), "\"" | "''" | "”" | ",");
    let behind = s.full(at + 1).end;
    let closes = s.kind(behind).is_none_or(|kind| matches!(kind, Kind::Comma | Kind::Sign | Kind::Preposition));
    if !quoted
        || !tells(s, at)
        || !s.is_noun(at + 1)
        || !closes
        || s.has_finite(behind..s.phrases.len().min(behind + 2))
    {
        return None;
    }
    let quote = 0..(0..at).rev().find(|n| !matches!(s.kind(*n), Some(Kind::Comma | Kind::Sign)))? + 1;
    Some(Clause { subject: s.full(at + 1), verb: at, form: Form::Active, antecedent: Some(quote) })
}

fn clause(s: &Sentence, at: usize, form: Form, last: Option<&(Run, Form)>) -> Option<Clause> {
    if let Some(clause) = inverted(s, at) {
        return Some(clause);
    }
    let before = skip_adverbs(s, at);
    let new = |subject: Run, form: Form| Some(Clause { subject, verb: at, form, antecedent: None });
    let shared = || last.map(|(subject, _)| subject.clone());
    match before.and_then(|before| s.kind(before).map(|kind| (before, kind))) {
        None => initial(s, at, form),
        Some((before, Kind::Relative)) => new(antecedent(s, before)?, finite(form)),
        Some((_, Kind::And)) => {
            let passive = form == Form::Past && last.is_some_and(|(_, form)| *form == Form::Passive);
            new(shared()?, if passive { Form::Passive } else { finite(form) })
        }
        Some((before, Kind::Comma)) => behind_comma(s, at, before, form, last),
        Some((before, Kind::Open)) => {
            new(before.checked_sub(1).filter(|n| s.is_noun(*n)).map(|n| chain(s, n))?, participle(form))
        }
        Some((before, Kind::Close)) => behind_bracket(s, at, before, form),
        Some((before, Kind::Noun)) => behind_noun(s, at, before, form, last),
        Some((before, Kind::Preposition))
            if before > 1 && matches!(s.lower(before).as_str(), "of" | "for" | "from" | "to") =>
        {
            None
        }
        Some((_, Kind::Preposition | Kind::Subordinator)) if last.is_none() => initial(s, at, form),
        Some((_, Kind::Preposition | Kind::Subordinator)) => new(shared()?, participle(form)),
        Some((_, Kind::Sign | Kind::Verb(_) | Kind::Adjective | Kind::Adverb)) => new(shared()?, form),
    }
}

/// A lone past that turned out to be the predicate.
fn finite(form: Form) -> Form {
    if form == Form::Past { Form::Active } else { form }
}

/// A lone past that turned out to be a participle stays `Past`.
fn participle(form: Form) -> Form {
    form
}

fn skip_adverbs(s: &Sentence, at: usize) -> Option<usize> {
    (0..at).rev().find(|n| s.kind(*n) != Some(Kind::Adverb))
}

/// "Founded in 1990, Acme makes pumps."
fn initial(s: &Sentence, at: usize, form: Form) -> Option<Clause> {
    if !matches!(form, Form::Past | Form::Gerund) {
        return None;
    }
    let comma = (at..s.phrases.len()).find(|n| s.kind(*n) == Some(Kind::Comma))?;
    let noun = (comma + 1..s.phrases.len()).find(|n| s.kind(*n) != Some(Kind::Adverb)).filter(|n| s.is_noun(*n))?;
    Some(Clause { subject: s.full(noun), verb: at, form, antecedent: None })
}

/// The noun phrase that a relative pronoun stands for.
fn antecedent(s: &Sentence, relative: usize) -> Option<Run> {
    let mut at = relative.checked_sub(1)?;
    while matches!(s.kind(at), Some(Kind::Comma | Kind::Preposition | Kind::Close | Kind::Sign)) {
        at = at.checked_sub(1)?;
    }
    if !s.is_noun(at) {
        return None;
    }
    Some(if s.lower(relative).starts_with("who") { at..at + 1 } else { of_chain(s, at) })
}

/// "A of B" for a B.
fn of_chain(s: &Sentence, at: usize) -> Run {
    let mut start = at;
    while start >= 2 && s.lower(start - 1) == "of" && s.is_noun(start - 2) {
        start -= 2;
    }
    start..at + 1
}

/// The noun phrase that a participle behind it tells of; not a time, but what happened then.
fn nearest(s: &Sentence, at: usize) -> Run {
    if dates::is_time(&s.words(&(at..at + 1))) { chain(s, at) } else { of_chain(s, at) }
}

/// The head of "A in B on C" for a C: A with what `of` adds to it.
fn chain(s: &Sentence, at: usize) -> Run {
    let mut start = at;
    while start >= 2 && s.kind(start - 1) == Some(Kind::Preposition) && s.is_noun(start - 2) {
        start -= 2;
    }
    let joined = start >= 2 && s.kind(start - 1) == Some(Kind::And) && s.is_noun(start - 2);
    let free =
        |n: usize| n.checked_sub(1).is_none_or(|n| !matches!(s.kind(n), Some(Kind::Verb(_) | Kind::Preposition)));
    if joined && free(start - 2) {
        return start - 2..s.full(start).end;
    }
    s.full(start)
}

/// The same for the subject of a finite verb: also over "A built in B", "A to do B", where no other verb has a claim on B.
fn whole_chain(s: &Sentence, at: usize) -> Run {
    let mut run = chain(s, at);
    while let Some(verb) = run.start.checked_sub(1) {
        let verb = if s.kind(verb) == Some(Kind::Preposition) { verb.saturating_sub(1) } else { verb };
        let lone = matches!(s.kind(verb), Some(Kind::Verb(Form::Past | Form::Gerund | Form::Infinitive)));
        let boundary = (0..verb).rev().find(|n| {
            matches!(s.kind(*n), Some(Kind::Comma | Kind::And | Kind::Relative | Kind::Subordinator | Kind::Sign))
        });
        let before = verb.checked_sub(1).filter(|n| s.is_noun(*n) && lone && !s.has_finite(boundary.unwrap_or(0)..*n));
        match before {
            Some(noun) => run = chain(s, noun),
            None => break,
        }
    }
    run
}

/// A verb behind a comma: of the subject before an insertion, or of the subject that has a verb already.
fn behind_comma(s: &Sentence, at: usize, comma: usize, form: Form, last: Option<&(Run, Form)>) -> Option<Clause> {
    let before = insertion(s, comma).or_else(|| comma.checked_sub(1).filter(|n| s.is_noun(*n) && !s.has_finite(0..*n)));
    let has_verb = last.is_some() && !s.has_finite(comma + 1..at);
    let new = |subject, form| Some(Clause { subject, verb: at, form, antecedent: None });
    let lone = matches!(form, Form::Past | Form::Gerund);
    match (before, last) {
        (Some(noun), _) if !lone || !has_verb && !s.has_finite(at + 1..s.phrases.len()) => {
            new(chain(s, noun), finite(form))
        }
        (Some(noun), None) => {
            let participle = s.kind(at + 1) == Some(Kind::Preposition) && s.has_finite(at + 1..s.phrases.len());
            new(chain(s, noun), if participle { form } else { finite(form) })
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
    starts.then_some(noun)
}

fn behind_bracket(s: &Sentence, at: usize, close: usize, form: Form) -> Option<Clause> {
    let open = (0..close).rev().find(|n| s.kind(*n) == Some(Kind::Open))?;
    let noun = open.checked_sub(1).filter(|n| s.is_noun(*n))?;
    Some(Clause { subject: chain(s, noun), verb: at, form: finite(form), antecedent: None })
}

fn behind_noun(s: &Sentence, at: usize, noun: usize, form: Form, last: Option<&(Run, Form)>) -> Option<Clause> {
    let new = |subject, form, antecedent| Some(Clause { subject, verb: at, form, antecedent });
    let start = chain(s, noun).start;
    let free = start.checked_sub(1).is_none_or(|n| !s.is_verb(n) && s.kind(n) != Some(Kind::Preposition));
    match form {
        Form::Past if !s.is_pronoun(noun) && is_reduced_relative(s, at, free, last) => {
            new(nearest(s, noun), form, None)
        }
        Form::Gerund => new(nearest(s, noun), form, None),
        Form::Infinitive => {
            let object = noun.checked_sub(1).is_some_and(|n| s.is_verb(n)) && (s.is_name(noun) || s.is_pronoun(noun));
            new(if object { noun..noun + 1 } else { last.map(|(run, _)| run.clone())? }, form, None)
        }
        _ => {
            let subject = whole_chain(s, noun);
            let relative = subject.start.checked_sub(1).filter(|n| s.kind(*n) == Some(Kind::Relative));
            let antecedent = relative.and_then(|n| antecedent(s, n));
            if subject.start > 0 && s.kind(subject.start - 1) == Some(Kind::Preposition) && subject.start == 1 {
                return None;
            }
            new(subject, finite(form), antecedent)
        }
    }
}

/// "the company founded by X makes", "a house built in 1900": the noun has another verb, or is an object.
fn is_reduced_relative(s: &Sentence, at: usize, free: bool, last: Option<&(Run, Form)>) -> bool {
    let preposition = s.kind(at + 1) == Some(Kind::Preposition);
    let clause_end = (at + 1..s.phrases.len())
        .find(|n| {
            matches!(s.kind(*n), Some(Kind::Comma | Kind::And | Kind::Relative | Kind::Subordinator | Kind::Sign))
        })
        .unwrap_or(s.phrases.len());
    let later = s.has_finite(at + 1..clause_end);
    preposition && (later || !free && last.is_some())
}

/// A relative pronoun directly before the verb.
fn relative_before(s: &Sentence, at: usize) -> Option<usize> {
    skip_adverbs(s, at).filter(|n| s.kind(*n) == Some(Kind::Relative))
}

fn arguments(s: &Sentence, clause: &Clause) -> Arguments {
    let mut found = Arguments::default();
    let mut at = clause.verb + 1;
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
            Kind::Noun if empty => {
                let (items, end) = s.list(at);
                found.objects = items;
                end
            }
            Kind::Noun if dates::is_time(&s.words(&(at..at + 1))) => {
                found.prepositions.push((None, vec![s.full(at)]));
                s.full(at).end
            }
            Kind::Adjective if empty => {
                found.adjective = Some(at..at + 1);
                at + 1
            }
            Kind::Preposition if s.is_noun(at + 1) => {
                let (items, end) = s.list(at + 1);
                found.prepositions.push((Some(at), items));
                end
            }
            Kind::Adverb => at + 1,
            Kind::Comma if !found.prepositions.is_empty() => match place(s, at, &mut found) {
                Some(end) => end,
                None => break,
            },
            Kind::And if s.kind(at + 1) == Some(Kind::Preposition) && s.is_noun(at + 2) => at + 1,
            // "lives and works in Oslo"
            Kind::And if empty && s.is_verb(at + 1) => at + 2,
            Kind::Subordinator if empty && s.lower(at) == "that" => {
                found.complement = Some(at + 1..sentence_end(s, at));
                break;
            }
            _ => break,
        };
    }
    found
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

fn emit(s: &Sentence, clause: &Clause, found: &Arguments, out: &mut Vec<Triple>) {
    let subject = s.words(&clause.subject);
    let verb = s.words(&(clause.verb..clause.verb + 1));
    let (from, until) = times(s, found);
    let add = |out: &mut Vec<Triple>, predicate: String, object: &Run, rule: &'static str| {
        out.push(Triple { subject: subject.clone(), predicate, object: s.words(object), from, until, rule });
    };
    match clause.form {
        Form::Copula => {
            for (object, split) in found.objects.iter().zip(relational::split_list(s, &found.objects)) {
                if let Some((relation, of)) =
                    relational::subject(s, &clause.subject).filter(|_| s.is_name(object.start))
                {
                    let predicate = format!("{verb} {relation}");
                    out.push(Triple { subject: s.words(object), predicate, object: of, from, until, rule: "role" });
                    continue;
                }
                match split {
                    Some((relation, of)) => add(out, format!("{verb} {relation}"), &of, "is-of"),
                    None => add(out, verb.clone(), &extended(object, found), "is"),
                }
                places_of_work(s, object, found, &mut |p, o| add(out, format!("{verb} {p}"), o, "is-at"));
            }
            match (&found.adjective, found.prepositions.is_empty()) {
                (Some(adjective), true) => add(out, verb.clone(), adjective, "is-adj"),
                (Some(adjective), false) => {
                    let verb = format!("{verb} {}", s.words(adjective));
                    prepositional(s, &verb, found, "is-adj-prep", &mut |p, o, r| add(out, p, o, r));
                }
                (None, _) => {}
            }
            if found.objects.is_empty() && found.adjective.is_none() {
                prepositional(s, &verb, found, "is-prep", &mut |p, o, r| add(out, p, o, r));
            }
        }
        Form::Passive | Form::Past => {
            let verb = if clause.form == Form::Past { format!("was {verb}") } else { verb };
            for (object, split) in found.objects.iter().zip(relational::split_list(s, &found.objects)) {
                match split {
                    Some((relation, of)) => add(out, format!("{verb} {relation}"), &of, "passive-of"),
                    None => add(out, verb.clone(), object, "passive-obj"),
                }
            }
            prepositional(
                s,
                &verb,
                found,
                if clause.form == Form::Past { "reduced" } else { "passive" },
                &mut |p, o, r| add(out, p, o, r),
            );
        }
        Form::Active | Form::Gerund | Form::Infinitive => {
            let rule = match clause.form {
                Form::Gerund => "gerund",
                Form::Infinitive => "infinitive",
                _ => "active",
            };
            let becomes = is_becoming(s, clause.verb);
            for (object, split) in found.objects.iter().zip(relational::split_list(s, &found.objects)) {
                if let Some((relation, of)) = split.filter(|_| becomes) {
                    add(out, format!("{verb} {relation}"), &of, "becomes");
                    continue;
                }
                add(
                    out,
                    verb.clone(),
                    &if s.is_name(object.end - 1) { object.clone() } else { extended(object, found) },
                    rule,
                );
            }
            if let Some(object) = clause.antecedent.as_ref().filter(|_| found.objects.is_empty()) {
                add(out, verb.clone(), object, "antecedent");
            }
            if found.objects.is_empty() {
                prepositional(s, &verb, found, if rule == "active" { "active-prep" } else { rule }, &mut |p, o, r| {
                    add(out, p, o, r)
                });
            } else if let [object] = &found.objects[..]
                && s.is_name(object.end - 1)
            {
                let verb = format!("{verb} {}", s.words(object));
                prepositional(s, &verb, found, "active-obj-prep", &mut |p, o, r| add(out, p, o, r));
            }
            if let Some(complement) = &found.complement {
                add(out, format!("{verb} that"), complement, "that");
            }
        }
    }
}

fn prepositional(
    s: &Sentence,
    verb: &str,
    found: &Arguments,
    rule: &'static str,
    add: &mut impl FnMut(String, &Run, &'static str),
) {
    for (preposition, runs) in &found.prepositions {
        if preposition.is_some_and(|at| s.lower(at) == "including") {
            continue;
        }
        let predicate = preposition.map_or_else(|| verb.to_owned(), |at| format!("{verb} {}", s.lower(at)));
        if !predicate.ends_with(" as") {
            runs.iter().for_each(|run| add(predicate.clone(), run, rule));
            continue;
        }
        for (run, split) in runs.iter().zip(relational::split_list(s, runs)) {
            match split {
                Some((relation, of)) => add(format!("{predicate} {relation}"), &of, "as-of"),
                None => add(predicate.clone(), run, rule),
            }
        }
    }
}

/// An object with the prepositional phrases behind it.
fn extended(object: &Run, found: &Arguments) -> Run {
    let mut end = object.end;
    for (preposition, runs) in &found.prepositions {
        if *preposition == Some(end) && runs.len() == 1 {
            end = runs[0].end;
        }
    }
    object.start..end
}

/// Since when and until when a clause says that it is true.
fn times(s: &Sentence, found: &Arguments) -> (Option<Date>, Option<Date>) {
    let (mut from, mut until) = (None, None);
    for (preposition, runs) in &found.prepositions {
        let date = runs.first().and_then(|run| dates::parse(&s.words(run)));
        match preposition.map(|at| s.lower(at)).as_deref() {
            Some("until" | "till" | "to") => until = until.or(date),
            _ => from = from.or(date),
        }
    }
    (from, until)
}

/// "became", "remained": what stands behind is what the subject is.
fn is_becoming(s: &Sentence, verb: usize) -> bool {
    s.phrases.get(verb).is_some_and(|p| {
        matches!(
            s.tokens[p.span.end - 1].lower.as_str(),
            "become" | "became" | "becomes" | "becoming" | "remained" | "remains"
        )
    })
}

/// "a teacher at X", "Director of Engineering at X": where somebody is that.
fn places_of_work(s: &Sentence, object: &Run, found: &Arguments, add: &mut impl FnMut(String, &Run)) {
    if !noun::is_person(s.head(object.start)) {
        return;
    }
    for (preposition, runs) in &found.prepositions {
        let Some(at) = preposition.filter(|at| matches!(s.lower(*at).as_str(), "at" | "for" | "with")) else {
            continue;
        };
        runs.iter().filter(|run| s.is_name(run.end - 1)).for_each(|run| add(s.words(&(object.start..at + 1)), run));
    }
}
