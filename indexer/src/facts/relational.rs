//! Nouns that say how one thing is related to another: "the mother of X", "CEO of X".

use super::sentence::{Run, Sentence};

/// Kinship.
const KIN: &[&str] = &[
    "father",
    "mother",
    "parent",
    "son",
    "daughter",
    "child",
    "brother",
    "sister",
    "sibling",
    "wife",
    "husband",
    "spouse",
    "uncle",
    "aunt",
    "nephew",
    "niece",
    "cousin",
    "grandfather",
    "grandmother",
    "grandson",
    "granddaughter",
    "partner",
    "friend",
    "fiancé",
    "fiancée",
    "twin",
    "widow",
    "boyfriend",
    "girlfriend",
    "stepfather",
    "stepmother",
    "godfather",
];
/// Offices and memberships.
const OFFICE: &[&str] = &[
    "ceo",
    "cto",
    "cfo",
    "coo",
    "president",
    "chairman",
    "chairwoman",
    "chair",
    "chairperson",
    "director",
    "founder",
    "co-founder",
    "cofounder",
    "head",
    "leader",
    "manager",
    "member",
    "partner",
    "owner",
    "secretary",
    "professor",
    "minister",
    "mayor",
    "governor",
    "editor",
    "coach",
    "captain",
    "employee",
    "executive",
    "officer",
    "vice-president",
    "treasurer",
    "dean",
    "principal",
    "chancellor",
    "senator",
    "author",
    "creator",
    "inventor",
    "producer",
    "student",
    "graduate",
    "alumnus",
    "alumna",
    "native",
    "resident",
    "citizen",
    "boss",
    "colleague",
    "neighbour",
    "neighbor",
    "teacher",
    "doctor",
    "dentist",
    "landlord",
    "tenant",
    "maintainer",
    "lead",
    "supervisor",
    "assistant",
    "fellow",
];
/// Parts, kinds and places.
const PART: &[&str] = &[
    "part",
    "subsidiary",
    "division",
    "unit",
    "branch",
    "capital",
    "member",
    "headquarters",
    "headquarter",
    "seat",
    "successor",
    "predecessor",
    "supplier",
    "customer",
    "competitor",
    "birthplace",
    "site",
    "home",
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

/// Takes "the CEO of X" apart into "CEO of" and X, where the head is relational; "one of the founders of X" too.
pub fn split(s: &Sentence, object: &Run) -> Option<(String, Run)> {
    let links = |at: &usize| matches!(s.lower(*at).as_str(), "of" | "at" | "for") && s.is_noun(at + 1);
    let heads = (object.start..object.end.max(object.start + 1)).step_by(2);
    let head = heads.into_iter().find(|at| is_relational_phrase(s, *at) && links(&(at + 1)))?;
    let of = head + 2..s.full(head + 2).end;
    Some((s.words(&(object.start..head + 2)), of))
}

/// Whether a noun phrase ends in a relational noun: "CEO", "parent company".
fn is_relational_phrase(s: &Sentence, at: usize) -> bool {
    let parent = || s.lower(at).contains("parent ");
    is_relational(s.head(at)) || parent()
}

/// "founder and CEO of X": each of these with what it is of. What the last one is of, those before it are of as well.
pub fn split_list(s: &Sentence, items: &[Run]) -> Vec<Option<(String, Run)>> {
    let mut parts: Vec<Option<(String, Run)>> = items.iter().map(|item| split(s, item)).collect();
    let shared = parts.last().cloned().flatten().map(|(relation, of)| {
        let preposition = relation.rsplit(' ').next().unwrap_or("of").to_owned();
        (preposition, of)
    });
    // "founder and architect of X"
    let of = items.last().filter(|run| run.len() > 2).map(|run| ("of".to_owned(), run.start + 2..run.end));
    let shared = shared.or(of);
    if let Some((preposition, of)) = shared {
        for (part, item) in parts.iter_mut().zip(items).filter(|(part, item)| part.is_none() && item.len() == 1) {
            if is_relational_phrase(s, item.start) && super::noun::possessor(s, item.start).is_none() {
                *part = Some((format!("{} {preposition}", s.words(item)), of.clone()));
            }
        }
    }
    parts
}

/// The same for a subject, also in the form "X's CEO": "CEO of" and X.
pub fn subject(s: &Sentence, run: &Run) -> Option<(String, String)> {
    if let Some((relation, of)) = split(s, run) {
        return Some((relation, s.words(&of)));
    }
    let (owner, relation) = super::noun::possessor(s, run.start).filter(|_| is_relational(s.head(run.start)))?;
    Some((format!("{relation} of"), owner))
}
