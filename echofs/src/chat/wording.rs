//! The text of a reply: the best passage at once, the answer, and what else it rests on.
//!
//! It is the Markdown form of an answer without the passages that were looked at in vain, since a chat is read as a whole.

use std::collections::HashMap;

use crate::answer::{Answer, Citation, NOT_FOUND, evidence};

/// What is added where the evidence had to answer alone.
const FAILED: &str = "(The language model failed; this is what the notes say themselves.)";

/// The first passage of the Markdown form of an answer, with its place, once it is there.
pub fn opening(markdown: &str) -> &str {
    let place = if markdown.starts_with('>') { markdown.find("\n[1] ") } else { None };
    let end = place.and_then(|at| Some(at + 1 + markdown[at + 1..].find('\n')?));
    end.map_or("", |end| &markdown[..end])
}

/// The reply that goes on from this opening.
pub fn reply(opening: &str, answer: &Answer, model_failed: bool) -> String {
    let shown = usize::from(!opening.is_empty());
    let is_new = |citation: &&Citation| if shown == 0 { true } else { answer.answerable && citation.n != 1 };
    let new: Vec<&Citation> = answer.citations.iter().filter(is_new).collect();
    let numbers = (1..=shown).map(|n| (n, n)).chain(new.iter().map(|citation| citation.n).zip(shown + 1..)).collect();
    let further: Vec<Citation> = new.iter().zip(shown + 1..).map(|(&new, n)| Citation { n, ..new.clone() }).collect();
    let failed = if model_failed { FAILED } else { "" };
    let parts = [opening, &renumbered(&answer.answer, &numbers), &evidence(&further), failed];
    let parts = parts.iter().map(|part| part.trim()).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("\n\n")
}

/// The words of what a reply says, without passages, places and numbers; none where it says that there is no answer.
pub fn said(reply: &str) -> String {
    let is_said = |line: &&str| !line.starts_with(['>', '[', '(']) && *line != NOT_FOUND;
    let lines: Vec<&str> = reply.lines().filter(is_said).collect();
    renumbered(&lines.join(" "), &HashMap::new()).trim().to_owned()
}

/// Text with each `[n]` as `numbers` says, and without those that it does not know.
fn renumbered(text: &str, numbers: &HashMap<usize, usize>) -> String {
    let mut pieces = text.split('[');
    let mut out = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        let number = piece.split_once(']').and_then(|(n, rest)| Some((n.parse::<usize>().ok()?, rest)));
        match number.map(|(n, rest)| (numbers.get(&n), rest)) {
            Some((Some(n), rest)) => out.push_str(&format!("[{n}]{rest}")),
            Some((None, rest)) => out.push_str(rest),
            None => out.extend(["[", piece]),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::{Timings, TokenCounts};

    const MARKDOWN: &str =
        "> The ferry leaves.\n\n[1] /n/ferry.md:3\n\n> It is late.\n\n[2] /n/b.md:1\n\nAt 7:45 [3].\n";

    fn answer(text: &str, cited: &[usize]) -> Answer {
        let citation = |n: &usize| {
            let (path, quote) = (format!("/n/{n}.md"), format!("Quote {n}."));
            Citation { n: *n, path, line: 1, end_line: 1, page: None, quote, by_model: false }
        };
        Answer {
            question: "q".into(),
            answerable: text != NOT_FOUND,
            answer: text.into(),
            short_answer: String::new(),
            citations: cited.iter().map(citation).collect(),
            model: None,
            epoch: 1,
            generated_at: jiff::Timestamp::UNIX_EPOCH,
            timings_ms: Timings::default(),
            tokens: TokenCounts::default(),
            reranked: Vec::new(),
        }
    }

    #[test]
    fn the_opening_is_there_when_it_is_whole() {
        let whole = "> The ferry leaves.\n\n[1] /n/ferry.md:3";
        for end in 0..MARKDOWN.len() {
            let want = if end > whole.len() { whole } else { "" };
            assert_eq!(opening(&MARKDOWN[..end]), want);
        }
        assert_eq!(opening("Not found in your notes.\n\n[1] /n/a.md:1\n"), "");
    }

    #[test]
    fn a_reply_shows_what_it_rests_on() {
        let opening = opening(MARKDOWN);
        let check = |text, cited: &[usize], want: &str| {
            let reply = reply(opening, &answer(text, cited), false);
            assert_eq!(reply.strip_prefix(opening), Some(want), "{reply}");
        };
        check("At 7:45 [1].", &[1], "\n\nAt 7:45 [1].");
        check("At 7:45 [3]. [x] [7", &[3], "\n\nAt 7:45 [2]. [x] [7\n\n> Quote 3.\n\n[2] /n/3.md:1");
        assert_eq!(said(&reply(opening, &answer("Tait, on site [3]", &[3]), false)), "Tait, on site");
        assert_eq!(said(&reply(opening, &answer(NOT_FOUND, &[1]), false)), "");
        check(NOT_FOUND, &[1, 2], "\n\nNot found in your notes.");
        assert_eq!(
            reply("", &answer("So [2].", &[2]), true),
            format!("So [1].\n\n> Quote 2.\n\n[1] /n/2.md:1\n\n{FAILED}")
        );
    }
}
