//! Two names of one person or thing, where the owner says so: `Hanna Lund | is now called | Hanna Brekke`.
//!
//! Nobody else is believed: to take two people for one spoils what is known of both.

use super::entity::form;
use super::fact::{Fact, Found, Method};

/// What stands between a former name and the one that counts, ...
const NOW: &[&str] = &["is now called", "is the same as", "is the same person as"];
/// ... and the other way round.
const ALSO: &[&str] = &["is also called", "is also known as", "was called", "was formerly called"];

/// The other name and the one that counts, if a statement is about two names.
pub fn renamed(found: &Found) -> Option<(String, String)> {
    if found.method != Method::User {
        return None;
    }
    let (other, name) = match found.predicate.to_lowercase().as_str() {
        predicate if NOW.contains(&predicate) => (&found.subject, &found.object),
        predicate if ALSO.contains(&predicate) => (&found.object, &found.subject),
        _ => return None,
    };
    let (other, name) = (form(other)?, form(name)?);
    let is_owner = [&other, &name].into_iter().any(|name| name == "me");
    (other.to_lowercase() != name.to_lowercase() && !is_owner).then_some((other, name))
}

/// Whether a fact may be about two names.
pub fn may_rename(fact: &Fact) -> bool {
    let predicate = fact.predicate.to_lowercase();
    fact.method == Method::User && NOW.iter().chain(ALSO).any(|known| *known == predicate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::entity::tests::found;

    #[test]
    fn only_the_owner_says_that_two_names_are_one() {
        let check = |subject: &str, predicate: &str, object: &str, want: Option<(&str, &str)>| {
            let said = found(subject, predicate, object);
            assert_eq!(renamed(&said), None, "a document says so");
            let names = renamed(&Found { method: Method::User, ..said });
            let want = want.map(|(other, name)| (other.to_owned(), name.to_owned()));
            assert_eq!(names, want, "{subject} {predicate} {object}");
        };
        check("Hanna Lund", "is now called", "Hanna Brekke", Some(("Hanna Lund", "Hanna Brekke")));
        check("Robert Smith", "is also known as", "Bob", Some(("Bob", "Robert Smith")));
        check("Bob", "Is the same as", "Dr Robert Smith", Some(("Bob", "Robert Smith")));
        check("Bob", "is the same as", "bob", None);
        check("I", "is also called", "Bob", None);
        check("Bob", "is", "a smith", None);
        check("Bob", "is now", "Director", None);
        check("the boat", "is now called", "a wreck", None);
    }
}
