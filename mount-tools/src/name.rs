//! Questions and queries as names in the tree.

use crate::failure::{Exit, Failure, Outcome};

/// Longest name the tree takes, in bytes.
pub const LIMIT: usize = 1024;

/// One path component that stands for this text: escaped, control characters as blanks.
pub fn component(text: &str, suffix: &str) -> Outcome<String> {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut name = echofs_query_lang::path::encode(text.trim());
    if name.is_empty() {
        return Err(Failure::new(Exit::Usage, "there is nothing to look for", "give a question or a query"));
    }
    name.push_str(suffix);
    if name.len() > LIMIT {
        let cause = format!("{} bytes are too long", name.len());
        return Err(Failure::new(Exit::Usage, cause, format!("use at most {LIMIT} bytes")));
    }
    Ok(name)
}

/// The same for a question: what does not look like one to the tree gets its question mark.
pub fn question(text: &str, suffix: &str) -> Outcome<String> {
    let text = text.trim();
    let is_question = text.contains(char::is_whitespace) || text.ends_with(['?', '\u{ff1f}', '\u{61f}']);
    component(&if is_question { text.to_owned() } else { format!("{text}?") }, suffix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_and_percent_signs_are_escaped() {
        let check = |text, expected| assert_eq!(component(text, "").expect("a name"), expected);
        check("is tcp/ip 100% safe?", "is tcp%2Fip 100%25 safe?");
        check(" a\nb\t", "a b");
    }

    #[test]
    fn one_word_becomes_a_question() {
        assert_eq!(question("why", ".md").expect("a name"), "why?.md");
        assert_eq!(question("why not", ".md").expect("a name"), "why not.md");
    }

    #[test]
    fn nothing_and_too_much_are_usage_errors() {
        for text in ["", " \n", &"x".repeat(2000)] {
            assert_eq!(component(text, "").expect_err("refused").exit, Exit::Usage);
        }
    }
}
