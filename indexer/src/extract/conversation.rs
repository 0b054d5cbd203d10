//! Pages of conversations, as [`crate::conversations::render`] makes them: a block for each turn.

use super::front_matter;
use super::{Parsed, markdown};
use crate::chunk::Block;
use crate::conversations::render::{HEAD, is_turn_line};

/// Turns are put together up to about this many words: few, so that a passage is about one thing. What is shown of it is
/// more, see [`crate::conversations::excerpt`].
pub const PASSAGE_WORDS: usize = 100;

/// Whether a Markdown text is such a page.
pub fn is_page(text: &[u8]) -> bool {
    text.starts_with(HEAD.as_bytes())
}

/// A page. What stands before the first turn is known by its fields and is in no passage.
pub fn parse(text: String) -> Parsed {
    let mut parsed = Parsed { text, ..Parsed::default() };
    let front = front_matter::read(&mut parsed);
    // The line is JSON, which front matter is not read as.
    let stated = parsed.text.lines().find_map(|line| line.strip_prefix("title: "));
    parsed.title = stated.and_then(|title| serde_json::from_str(title).ok()).or(parsed.title);
    let title = parsed.title.clone().unwrap_or_default();
    parsed.blocks.push(Block::heading(0..0, 1, title));
    let mut at = front.map_or(0, |range| range.end);
    let mut start = None;
    for line in parsed.text[at..].split_inclusive('\n') {
        if is_turn_line(line.trim_end()) {
            parsed.blocks.extend(start.replace(at).map(|start| Block::body(start..at)));
        }
        at += line.len();
    }
    parsed.blocks.extend(start.map(|start| Block::body(start..at)));
    if start.is_none() { markdown::parse(parsed.text) } else { parsed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::passages_of;

    #[test]
    fn turns_stand_together_and_are_never_mixed_with_the_head() {
        let long = "some words of a long turn ".repeat(30);
        let page = format!(
            "{HEAD}\"s\"\ntitle: \"Ovens\"\ndate: 2026-03-14T09:00:00+01:00\nauthor: \"Oda, assistant\"\n---\n\n# Ovens\n\n\
             ## Oda, 2026-03-14 09:00\n\nWhich oven?\n\n## assistant, 2026-03-14 09:01\n\nThe black one.\n\n\
             ## Oda, 2026-03-14 09:02\n\n{long}\n\n## assistant, 2026-03-14 09:03\n\n{long}\n"
        );
        assert!(is_page(page.as_bytes()));
        let parsed = parse(page);
        assert_eq!((parsed.title.as_deref(), parsed.author.as_deref()), (Some("Ovens"), Some("Oda, assistant")));
        assert!(parsed.date.as_deref().is_some_and(|date| date.starts_with("2026-03-14T08:00:00")));
        let spans = passages_of(&parsed.text, &parsed.blocks, PASSAGE_WORDS);
        let texts: Vec<&str> = spans.iter().map(|s| &parsed.text[s.start as usize..s.end as usize]).collect();
        assert_eq!(texts.len(), 2, "{texts:?}");
        assert!(texts[0].starts_with("## Oda, 2026") && texts[0].contains("The black one."));
        assert!(
            texts[1].starts_with("## assistant, 2026-03-14 09:03") && spans.iter().all(|span| span.heading == "Ovens")
        );
        assert_eq!(spans[0].line, 10);
    }
}
