//! From a verb, its subject and its arguments to statements.

use jiff::civil::Date;

use super::arguments::Arguments;
use super::clause::{Clause, lets};
use super::phrase::{Form, Kind};
use super::sentence::{Run, Sentence};
use super::subject::antecedent;
use super::{Triple, affiliation, certainty, context, dates, liking, morphology, occupation, relational};

/// The most phrases that set a thing apart.
const DEFINING: usize = 8;

/// Adds what a clause states.
pub fn state(s: &Sentence, clause: &Clause, found: &Arguments, out: &mut Vec<Triple>) {
    // "Kari, whose mill stands still"
    let whose = clause.subject.start.checked_sub(1).filter(|n| s.lower(*n) == "whose").and_then(|n| antecedent(s, n));
    let owner = whose.map(|owner| format!("{}'s ", s.words(&owner))).unwrap_or_default();
    let subjects = s.parts(&clause.subject).iter().map(|part| format!("{owner}{}", s.words(part))).collect();
    let verb = s.words(&(clause.verb..clause.verb + 1));
    let there = verb.get(..6).filter(|there| there.eq_ignore_ascii_case("there "));
    let verb = &verb[there.map_or(0, str::len)..];
    let verb = liking::as_one_verb(verb).unwrap_or(verb).to_owned();
    let mut statements =
        Statements { s, clause, found, subjects, verb, times: found.times(s), doubt: certainty::doubt(s, clause), out };
    statements.fronted();
    match clause.form {
        Form::Copula => statements.copula(),
        Form::Passive => statements.passive("passive"),
        Form::Past if is_intransitive(&statements.verb) => statements.active("reduced", "reduced"),
        Form::Past => {
            let many = context::is_plural(s.head(clause.subject.start)) && clause.subject.start < clause.verb;
            statements.verb.insert_str(0, if many { "were " } else { "was " });
            statements.passive("reduced");
        }
        Form::Active => statements.active("active", "active-prep"),
        Form::Gerund => statements.active("gerund", "gerund"),
        Form::Infinitive => statements.active("infinitive", "infinitive"),
    }
}

/// Verbs that nothing is done by: "X, died 1852" is no passive.
fn is_intransitive(verb: &str) -> bool {
    const ALONE: &[&str] = &[
        "died",
        "lived",
        "worked",
        "served",
        "graduated",
        "retired",
        "arrived",
        "came",
        "became",
        "went",
        "stayed",
        "fell",
        "rose",
        "competed",
        "played",
        "resided",
        "studied",
        "attended",
        "joined",
        "ranged",
        "lasted",
        "appeared",
        "disappeared",
        "emerged",
        "happened",
        "occurred",
        "existed",
        "remained",
        "consisted",
        "belonged",
        "depended",
        "originated",
        "participated",
    ];
    verb.rsplit(' ').next().is_some_and(|last| ALONE.contains(&last.to_lowercase().as_str()))
}

struct Statements<'a, 'b> {
    s: &'a Sentence<'b>,
    clause: &'a Clause,
    found: &'a Arguments,
    /// Who does it: each of those that "and" joins.
    subjects: Vec<String>,
    verb: String,
    times: (Option<Date>, Option<Date>),
    doubt: f32,
    out: &'a mut Vec<Triple>,
}

impl Statements<'_, '_> {
    fn add(&mut self, predicate: String, object: &Run, rule: &'static str) {
        let object = self.s.words(object);
        for subject in self.subjects.clone() {
            self.add_words(subject, predicate.clone(), object.clone(), rule);
        }
    }

    fn add_words(&mut self, subject: String, predicate: String, object: String, rule: &'static str) {
        let (from, until) = self.times;
        self.out.push(Triple { subject, predicate, object, from, until, rule, doubt: self.doubt });
    }

    /// "In 1982 she died": the time before, where nothing stands behind.
    fn fronted(&mut self) {
        let found = self.found;
        let alone = found.objects.is_empty() && found.prepositions.is_empty() && found.adjective.is_none();
        if let Some((preposition, run)) = found.fronted.as_ref().filter(|_| alone && found.complement.is_none()) {
            let word = preposition.map(|at| format!(" {}", self.s.lower(at))).unwrap_or_default();
            self.add(format!("{}{word}", self.verb), run, "fronted");
        }
    }

    fn copula(&mut self) {
        let found = self.found;
        for (object, split) in found.objects.iter().zip(relational::split_list(self.s, &found.objects)) {
            let role = relational::subject(self.s, &self.clause.subject).filter(|_| self.s.is_name(object.start));
            match (role, split) {
                (Some((relation, of)), _) => {
                    let predicate = format!("{} {relation}", self.verb);
                    self.add_words(self.s.words(object), predicate, of, "role");
                    continue;
                }
                (None, Some((relation, of))) => {
                    let joined = object.end == of.end && relational::is_kin(self.s.head(object.start));
                    let all = if joined { self.s.list(of.start).0 } else { vec![of] };
                    for of in all {
                        self.add(format!("{} {relation}", self.verb), &of, "is-of");
                    }
                }
                (None, None) => self.add(self.verb.clone(), &self.defined(object), "is"),
            }
            self.places_of_work(object);
            for subject in &self.subjects {
                self.out.extend(affiliation::complement(self.s, subject, object));
            }
        }
        match &found.adjective {
            Some(adjective) if found.prepositions.is_empty() => self.add(self.verb.clone(), adjective, "is-adj"),
            Some(adjective) => {
                let verb = format!("{} {}", self.verb, self.s.words(adjective));
                self.prepositional(&verb, "is-adj-prep");
            }
            None if found.complement.is_some() => self.complement(),
            None if found.objects.is_empty() => self.prepositional(&self.verb.clone(), "is-prep"),
            None => {}
        }
    }

    /// "a tool that finds files": what a thing is, with what sets it apart.
    fn defined(&self, object: &Run) -> Run {
        let run = self.found.extended(object);
        let s = self.s;
        let defines = match s.kind(run.end) {
            Some(Kind::Relative) => matches!(s.lower(run.end).as_str(), "that" | "which"),
            Some(Kind::Verb(form)) => matches!(form, Form::Infinitive | Form::Gerund),
            _ => false,
        };
        let alone = self.found.objects.len() == 1 && !occupation::is_person(s.head(object.start));
        if !defines || !alone {
            return run;
        }
        let ends = |at: &usize| {
            matches!(s.kind(*at), Some(Kind::Comma | Kind::Sign | Kind::Subordinator | Kind::Open))
                || at - run.end > DEFINING
        };
        let end = (run.end..s.phrases.len()).find(ends).unwrap_or(s.phrases.len());
        run.start..end
    }

    /// "the boards needed for such a roof": a common noun with what tells which one it is.
    fn restricted(&self, run: &Run) -> Run {
        let s = self.s;
        let tells = match s.kind(run.end) {
            Some(Kind::Verb(Form::Past)) => s.kind(run.end + 1) == Some(Kind::Preposition),
            Some(Kind::Verb(Form::Gerund)) => true,
            // "asked the miller to mend the wheel"
            Some(Kind::Verb(Form::Infinitive)) => lets(s, self.clause.verb),
            _ => false,
        };
        let led = s.kind(run.end) == Some(Kind::Verb(Form::Infinitive));
        if !tells || s.is_name(run.end - 1) && !led || s.is_pronoun(run.end - 1) {
            return run.clone();
        }
        let ends = |at: &usize| match s.kind(*at) {
            Some(Kind::Comma | Kind::Sign | Kind::Subordinator | Kind::Open | Kind::Close) => true,
            Some(Kind::And) => s.is_verb(at + 1) || s.begins_clause(at + 1),
            _ => at - run.end > DEFINING,
        };
        let end = (run.end..s.phrases.len()).find(ends).unwrap_or(s.phrases.len());
        let last = s.kind(end - 1) == Some(Kind::Verb(Form::Infinitive)) && s.kind(end) != Some(Kind::Subordinator);
        let whole = last || matches!(s.kind(end - 1), Some(Kind::Noun | Kind::Adjective));
        if whole { run.start..end } else { run.clone() }
    }

    fn passive(&mut self, rule: &'static str) {
        let found = self.found;
        for (object, split) in found.objects.iter().zip(relational::split_list(self.s, &found.objects)) {
            match split {
                Some((relation, of)) => self.add(format!("{} {relation}", self.verb), &of, "passive-of"),
                None => self.add(self.verb.clone(), object, "passive-obj"),
            }
        }
        self.prepositional(&self.verb.clone(), rule);
        // "is closed"
        let state = self.verb.rsplit_once(' ').map(|(helper, state)| (helper.to_owned(), state.to_owned()));
        if let Some((helper, state)) =
            state.filter(|_| found.is_empty() && found.fronted.is_none() && rule == "passive" && self.is_closed())
        {
            for subject in self.subjects.clone() {
                self.add_words(subject, helper.clone(), state.clone(), "is-adj");
            }
        }
    }

    /// "allows me to see", "gives me the details": with the pronoun alone it says nothing.
    fn is_unfinished(&self) -> bool {
        let s = self.s;
        let goes_on = |at: usize| matches!(s.kind(at), Some(Kind::Noun | Kind::Verb(_)));
        matches!(&self.found.objects[..], [object] if s.is_pronoun(object.start) && goes_on(object.end))
    }

    /// Whether the clause says as it is that something was done, and says all of it: neither "would be done" nor "was dealt with".
    fn is_closed(&self) -> bool {
        let behind = self.clause.verb + 1;
        self.doubt == 0.0 && !matches!(self.s.kind(behind), Some(Kind::Preposition | Kind::Verb(_)))
    }

    fn active(&mut self, rule: &'static str, prepositional: &'static str) {
        let found = self.found;
        let becomes = self.is_becoming();
        if self.is_unfinished() {
            return;
        }
        if let [object] = &found.objects[..]
            && self.belongs_to_verb(&self.s.words(object))
        {
            let verb = format!("{} {}", self.verb, self.s.words(object));
            return self.prepositional(&verb, prepositional);
        }
        for (object, split) in found.objects.iter().zip(relational::split_list(self.s, &found.objects)) {
            match split.filter(|_| becomes) {
                Some((relation, of)) => self.add(format!("{} {relation}", self.verb), &of, "becomes"),
                None if self.s.is_name(object.end - 1) => self.add(self.verb.clone(), &self.restricted(object), rule),
                None => self.add(self.verb.clone(), &self.restricted(&found.extended(object)), rule),
            }
        }
        match &found.objects[..] {
            [] => {
                if let Some(object) = &self.clause.antecedent {
                    self.add(self.verb.clone(), object, "antecedent");
                }
                match &found.adjective {
                    // "remained faithful to"
                    Some(adjective) if found.prepositions.is_empty() => {
                        self.add(self.verb.clone(), adjective, "is-adj")
                    }
                    Some(adjective) => {
                        let verb = format!("{} {}", self.verb, self.s.words(adjective));
                        self.prepositional(&verb, "is-adj-prep");
                    }
                    None => self.prepositional(&self.verb.clone(), prepositional),
                }
            }
            // With a name the phrase tells of the verb, with a common noun more often of the noun.
            [object] if self.s.is_name(object.end - 1) => {
                let verb = format!("{} {}", self.verb, self.s.words(object));
                self.circumstances(&verb);
                self.founded(object);
            }
            _ => {}
        }
        self.complement();
    }

    fn complement(&mut self) {
        if let Some(complement) = &self.found.complement {
            self.add(format!("{} that", self.verb), complement, "that");
        }
    }

    /// "Oda founded Acme in 1990": when Acme was founded.
    fn founded(&mut self, object: &Run) {
        const FOUND: &[&str] = &["found", "co-found", "cofound", "establish", "start", "launch", "creat", "form"];
        let last = self.verb.rsplit(' ').next().unwrap_or_default().to_lowercase();
        if !FOUND.contains(&morphology::base(&last).as_str()) {
            return;
        }
        for (preposition, runs) in &self.found.prepositions {
            let Some(at) = preposition.filter(|_| dates::is_time(&self.s.words(&runs[0]))) else { continue };
            let predicate = format!("was {last} {}", self.s.lower(at));
            self.add_words(self.s.words(object), predicate, self.s.words(&runs[0]), "founded");
        }
    }

    /// "became", "remained": what stands behind is what the subject is.
    fn is_becoming(&self) -> bool {
        let last = self.verb.rsplit(' ').next().unwrap_or_default().to_lowercase();
        matches!(last.as_str(), "become" | "became" | "becomes" | "becoming" | "remained" | "remains")
    }

    fn prepositional(&mut self, verb: &str, rule: &'static str) {
        let found = self.found;
        for (preposition, runs) in &found.prepositions {
            // "in", "in relation to"
            let word = preposition.map(|at| self.s.words(&(at..runs[0].start.max(at + 1))).to_lowercase());
            // "in order to"
            let purpose = runs.first().is_some_and(|run| run.len() == 1 && self.s.lower(run.start) == "order");
            if matches!(word.as_deref(), Some("including" | "such as")) || purpose {
                continue;
            }
            let predicate = word.as_ref().map_or_else(|| verb.to_owned(), |word| format!("{verb} {word}"));
            let roles = if word.as_deref() == Some("as") {
                relational::split_list(self.s, runs)
            } else {
                vec![None; runs.len()]
            };
            for (run, role) in runs.iter().zip(roles) {
                match role {
                    Some((relation, of)) => self.add(format!("{predicate} {relation}"), &of, "as-of"),
                    None => self.add(predicate.clone(), &self.restricted(run), rule),
                }
            }
        }
    }

    /// "takes place on Monday", "described it as a success": an object that says nothing without what is behind it.
    fn belongs_to_verb(&self, object: &str) -> bool {
        let takes = || self.verb.split(' ').any(|word| morphology::base(&word.to_lowercase()) == "tak");
        let first = self.found.prepositions.first().and_then(|(at, _)| *at);
        match object {
            "place" | "part" => takes(),
            "it" | "him" | "her" | "them" | "me" | "us" => first.is_some_and(|at| self.s.lower(at) == "as"),
            _ => false,
        }
    }

    /// "joined Acme in 1990 as a clerk": when, where and as what something was done to a named thing.
    fn circumstances(&mut self, verb: &str) {
        let s = self.s;
        for (preposition, runs) in &self.found.prepositions {
            let Some(at) = *preposition else { continue };
            let [run] = &runs[..] else { continue };
            if s.is_name(run.end - 1) || dates::is_time(&s.words(run)) || s.lower(at) == "as" {
                self.add(format!("{verb} {}", s.lower(at)), run, "active-obj-prep");
            }
        }
    }

    /// "a teacher at X", "Director of Engineering at X": where somebody is that.
    fn places_of_work(&mut self, object: &Run) {
        if !occupation::is_person(self.s.head(object.start)) {
            return;
        }
        let found = self.found;
        for (preposition, runs) in &found.prepositions {
            let fits = |at: &usize| matches!(self.s.lower(*at).as_str(), "at" | "for" | "with");
            let Some(at) = preposition.filter(fits) else { continue };
            let predicate = format!("{} {}", self.verb, self.s.words(&(object.start..at + 1)));
            for run in runs.iter().filter(|run| self.s.is_name(run.end - 1)) {
                self.add(predicate.clone(), run, "is-at");
            }
        }
    }
}
