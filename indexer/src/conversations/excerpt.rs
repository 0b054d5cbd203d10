//! What is shown of a conversation that was found: the best passage with the turns around it, since a turn says little
//! without those it replies to.

use super::render::is_turn_line;
use crate::Passage;
use crate::chunk::{MAX_BYTES, MAX_WORDS};

/// The passage `best` and neighbours of it, the better one first by `score`, up to the size of a long passage.
///
/// `text` of the result stands in the page as it is, in lines `line..=end_line`; its `ordinal` is that of the best one.
pub fn around(passages: &[Passage], best: usize, score: impl Fn(usize) -> f32) -> Passage {
    let (mut first, mut last) = (best, best);
    let (mut words, mut bytes) = size(&passages[best]);
    loop {
        let before = first.checked_sub(1).filter(|n| adjoin(&passages[*n], &passages[first]));
        let after = Some(last + 1).filter(|n| passages.get(*n).is_some_and(|next| adjoin(&passages[last], next)));
        let fits = |n: &usize| {
            let (more_words, more_bytes) = size(&passages[*n]);
            words + more_words <= MAX_WORDS && bytes + GAP.len() + more_bytes <= MAX_BYTES
        };
        let sides = [before, after].into_iter().flatten().filter(fits);
        let Some(next) = sides.max_by(|a, b| score(*a).total_cmp(&score(*b))) else { break };
        let (more_words, more_bytes) = size(&passages[next]);
        (words, bytes) = (words + more_words, bytes + GAP.len() + more_bytes);
        (first, last) = (first.min(next), last.max(next));
    }
    let texts: Vec<&str> = passages[first..=last].iter().map(|passage| passage.text.as_str()).collect();
    let (line, end_line) = (passages[first].line, passages[last].end_line);
    Passage { text: texts.join(GAP), line, end_line, ..passages[best].clone() }
}

/// What stands between two turns.
const GAP: &str = "\n\n";

/// Whether a turn begins with `b`, right after `a`. Pieces of one long turn have other things between them.
fn adjoin(a: &Passage, b: &Passage) -> bool {
    b.line == a.end_line + 2 && b.text.lines().next().is_some_and(is_turn_line)
}

fn size(passage: &Passage) -> (usize, usize) {
    (passage.text.split_whitespace().count(), passage.text.len())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::conversations::{Role, Turn, render};

    fn passages(contents: &[String]) -> (String, Vec<Passage>) {
        let turn = |content: &String| Turn {
            role: Role::User,
            content: content.clone(),
            at: Timestamp::UNIX_EPOCH,
            session: "s".into(),
            speaker: None,
            title: None,
        };
        let page = render::page(&contents.iter().map(turn).collect::<Vec<_>>());
        let extracted = crate::extract::extract("page.md".as_ref(), page.as_bytes()).unwrap();
        let passage = |(ordinal, span): (usize, &crate::Span)| Passage {
            ordinal: ordinal as u32,
            text: extracted.text[span.start as usize..span.end as usize].to_owned(),
            line: span.line,
            end_line: span.end_line,
            ..Passage::default()
        };
        (page, extracted.passages.iter().enumerate().map(passage).collect())
    }

    #[test]
    fn neighbours_come_in_by_their_scores() {
        let contents: Vec<String> = (0..6).map(|n| format!("turn {n} {}", "word ".repeat(80))).collect();
        let (_, passages) = passages(&contents);
        assert_eq!(passages.len(), 6);
        let shown = |scores: [f32; 6]| {
            let text = around(&passages, 3, |n| scores[n]).text;
            (0..6).filter(|n| text.contains(&format!("turn {n} "))).collect::<Vec<usize>>()
        };
        assert_eq!(shown([0.0, 0.0, 0.5, 1.0, 0.4, 0.0]), [2, 3]);
        assert_eq!(shown([0.0, 0.9, 0.3, 1.0, 0.4, 0.8]), [3, 4]);
    }

    proptest! {
        #[test]
        fn an_excerpt_stands_in_its_lines(
            contents in prop::collection::vec("[a-d .\n\t\r]{1,60}|([a-z]{3,9}[ .]){50,400}", 1..12),
            best in 0..100usize,
            scores in prop::collection::vec(0.0..1.0f32, 100),
        ) {
            let (page, passages) = passages(&contents);
            prop_assume!(!passages.is_empty());
            let best = best % passages.len();
            let excerpt = around(&passages, best, |n| scores[n % 100]);
            let lines: Vec<&str> = page.lines().collect();
            let shown = lines[excerpt.line as usize - 1..excerpt.end_line as usize].join("\n");
            prop_assert!(shown.contains(&excerpt.text), "{shown:?}\n{:?}", excerpt.text);
            prop_assert!(excerpt.text.contains(&passages[best].text));
            prop_assert!(excerpt.text.len() <= MAX_BYTES);
        }
    }
}
