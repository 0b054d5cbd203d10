//! Nouns that say how one thing is related to another: "the mother of X", "CEO of X".

use super::phrase::Kind;
use super::sentence::{Run, Sentence};

/// Kinship.
const KIN: &[&str] = &[
    "father", "mother", "parent", "son", "daughter", "child", "brother", "sister", "sibling", "wife", "husband", "spouse",
    "uncle", "aunt", "nephew", "niece", "cousin", "grandfather", "grandmother", "grandson", "granddaughter", "partner",
    "friend", "fiancé", "fiancée", "twin", "widow", "boyfriend", "girlfriend", "stepfather", "stepmother", "godfather",
];
/// Offices and memberships.
const OFFICE: &[&str] = &[
    "ceo", "cto", "cfo", "coo", "president", "chairman", "chairwoman", "chair", "chairperson", "director", "founder",
    "co-founder", "cofounder", "head", "leader", "manager", "member", "partner", "owner", "secretary", "professor",
    "minister", "mayor", "governor", "editor", "coach", "captain", "employee", "executive", "officer", "vice-president",
    "treasurer", "dean", "principal", "chancellor", "senator", "author", "creator", "inventor", "producer", "student",
    "graduate", "alumnus", "alumna", "native", "resident", "citizen", "boss", "colleague", "neighbour", "neighbor",
    "teacher", "doctor", "dentist", "landlord", "tenant", "maintainer", "lead", "supervisor", "assistant", "fellow",
];
/// Parts, kinds and places.
const PART: &[&str] = &[
    "part", "subsidiary", "division", "unit", "branch", "capital", "member", "headquarters", "headquarter", "seat",
    "successor", "predecessor", "supplier", "customer", "competitor", "birthplace", "site", "home",
];

/// A noun for kinship.
pub fn is_kin(word: &str) -> bool {
    KIN.contains(&singular(word)) || word == "children"
}

/// A noun for an office, a job or a membership.
pub fn is_office(word: &str) -> bool {
    OFFICE.contains(&singular(word))
}

/// Any relational noun.
pub fn is_relational(word: &str) -> bool {
    is_kin(word) || is_office(word) || PART.contains(&singular(word)) || PART.contains(&word)
}

fn singular(word: &str) -> &str {
    word.strip_suffix('s').filter(|stem| !stem.ends_with('s')).unwrap_or(word)
}

/// Takes "the CEO of X" apart into "CEO of" and X, where the head is relational.
pub fn split(s: &Sentence, object: &Run) -> Option<(String, Run)> {
    let relational = is_relational(s.head(object.start));
    let preposition = object.start + 1;
    let behind = s.kind(preposition) == Some(Kind::Preposition) && matches!(s.lower(preposition).as_str(), "of" | "at" | "for");
    if !relational || !behind || !s.is_noun(preposition + 1) {
        return None;
    }
    let of = preposition + 1..s.full(preposition + 1).end;
    Some((s.words(&(object.start..preposition + 1)), of))
}

/// The same for a subject, also in the form "X's CEO": "CEO of" and X.
pub fn subject(s: &Sentence, run: &Run) -> Option<(String, String)> {
    if let Some((relation, of)) = split(s, run) {
        return Some((relation, s.words(&of)));
    }
    let (owner, relation) = super::noun::possessor(s, run.start).filter(|_| is_relational(s.head(run.start)))?;
    Some((format!("{relation} of"), owner))
}
