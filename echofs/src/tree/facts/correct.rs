//! `facts/correct`: the owner puts a fact right in a line.

use echofs_indexer::facts::Wish;

use crate::error::Error;
use crate::tree::Context;

/// What the file says.
pub const CORRECT: &str = "\
Write a line to this file to put a fact right. What you write wins over what is read from your files, for good.

    ID | subject | predicate | object      says what is true in place of the fact with this id
    subject | predicate | object           adds a fact
    remove ID                              removes one (as `rm` does in by-category/)
    Hanna Lund | is now called | Hanna Brekke    makes two names one person or thing, called by the second

An id stands in the front matter of each fact's file, in facts.jsonl, and behind a ~ in relationship/about-me.md and
relationship/people/. Or edit the fact itself: its file in by-category/, or its line in by-entity/ and by-source/. What it said
before stays in as-of/.
";

/// Does what a line written to `correct` says.
pub fn correct(cx: &Context, line: &str) -> Result<(), Error> {
    let wish =
        wish(line).ok_or_else(|| Error::Invalid("not `ID | subject | predicate | object` or `remove ID`".into()))?;
    Ok(cx.index.change_facts(&wish)?)
}

fn wish(line: &str) -> Option<Wish> {
    if let Some(id) = line.strip_prefix("remove ") {
        return Some(Wish::Remove(id.trim().to_owned()));
    }
    let parts: Vec<String> = line.split('|').map(|part| part.trim().to_owned()).collect();
    if parts.iter().any(String::is_empty) {
        return None;
    }
    match <[String; 4]>::try_from(parts) {
        Ok([id, subject, predicate, object]) => Some(Wish::Correct(id, [subject, predicate, object].into())),
        Err(parts) => <[String; 3]>::try_from(parts).ok().map(Wish::State),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_correct_are_read() {
        let parts = || ["Oda", "lives in", "Bergen"].map(String::from);
        assert_eq!(wish("0f | Oda | lives in | Bergen"), Some(Wish::Correct("0f".into(), parts().into())));
        assert_eq!(wish("Oda| lives in |Bergen"), Some(Wish::State(parts())));
        assert_eq!(wish("remove 0f"), Some(Wish::Remove("0f".into())));
        for bad in ["Oda lives in Bergen", "a | b", "a | b | c | d | e", "a | | c"] {
            assert_eq!(wish(bad), None, "{bad}");
        }
    }
}
