//! From a verb, its subject and its arguments to statements.

use jiff::civil::Date;

use super::arguments::Arguments;
use super::clause::Clause;
use super::phrase::Form;
use super::sentence::{Run, Sentence};
use super::{Triple, noun, relational};

/// Adds what a clause states.
pub fn state(s: &Sentence, clause: &Clause, found: &Arguments, out: &mut Vec<Triple>) {
    let (subject, verb) = (s.words(&clause.subject), s.words(&(clause.verb..clause.verb + 1)));
    let mut statements = Statements { s, clause, found, subject, verb, times: found.times(s), out };
    match clause.form {
        Form::Copula => statements.copula(),
        Form::Passive => statements.passive("passive"),
        Form::Past => {
            statements.verb.insert_str(0, "was ");
            statements.passive("reduced");
        }
        Form::Active => statements.active("active", "active-prep"),
        Form::Gerund => statements.active("gerund", "gerund"),
        Form::Infinitive => statements.active("infinitive", "infinitive"),
    }
}

struct Statements<'a, 'b> {
    s: &'a Sentence<'b>,
    clause: &'a Clause,
    found: &'a Arguments,
    subject: String,
    verb: String,
    times: (Option<Date>, Option<Date>),
    out: &'a mut Vec<Triple>,
}

impl Statements<'_, '_> {
    fn add(&mut self, predicate: String, object: &Run, rule: &'static str) {
        let object = self.s.words(object);
        self.add_words(self.subject.clone(), predicate, object, rule);
    }

    fn add_words(&mut self, subject: String, predicate: String, object: String, rule: &'static str) {
        let (from, until) = self.times;
        self.out.push(Triple { subject, predicate, object, from, until, rule });
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
                (None, Some((relation, of))) => self.add(format!("{} {relation}", self.verb), &of, "is-of"),
                (None, None) => self.add(self.verb.clone(), &found.extended(object), "is"),
            }
            self.places_of_work(object);
        }
        match &found.adjective {
            Some(adjective) if found.prepositions.is_empty() => self.add(self.verb.clone(), adjective, "is-adj"),
            Some(adjective) => {
                let verb = format!("{} {}", self.verb, self.s.words(adjective));
                self.prepositional(&verb, "is-adj-prep");
            }
            None if found.objects.is_empty() => self.prepositional(&self.verb.clone(), "is-prep"),
            None => {}
        }
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
        if let Some((helper, state)) = state.filter(|_| found.is_empty() && rule == "passive") {
            self.add_words(self.subject.clone(), helper, state, "is-adj");
        }
    }

    fn active(&mut self, rule: &'static str, prepositional: &'static str) {
        let found = self.found;
        let becomes = self.is_becoming();
        for (object, split) in found.objects.iter().zip(relational::split_list(self.s, &found.objects)) {
            match split.filter(|_| becomes) {
                Some((relation, of)) => self.add(format!("{} {relation}", self.verb), &of, "becomes"),
                None if self.s.is_name(object.end - 1) => self.add(self.verb.clone(), object, rule),
                None => self.add(self.verb.clone(), &found.extended(object), rule),
            }
        }
        match &found.objects[..] {
            [] => {
                if let Some(object) = &self.clause.antecedent {
                    self.add(self.verb.clone(), object, "antecedent");
                }
                self.prepositional(&self.verb.clone(), prepositional);
            }
            // With a name the phrase tells of the verb, with a common noun more often of the noun.
            [object] if self.s.is_name(object.end - 1) => {
                let verb = format!("{} {}", self.verb, self.s.words(object));
                self.prepositional(&verb, "active-obj-prep");
            }
            _ => {}
        }
        if let Some(complement) = &found.complement {
            self.add(format!("{} that", self.verb), complement, "that");
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
            let word = preposition.map(|at| self.s.lower(at));
            if word.as_deref() == Some("including") {
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
                    None => self.add(predicate.clone(), run, rule),
                }
            }
        }
    }

    /// "a teacher at X", "Director of Engineering at X": where somebody is that.
    fn places_of_work(&mut self, object: &Run) {
        if !noun::is_person(self.s.head(object.start)) {
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
