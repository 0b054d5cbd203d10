//! Where the words of a fact stand in their document, as it is now: facts are read a while after the document, and know no pages.

use std::path::Path;

use echofs_indexer::{Index, Passage};

use super::text::line_feeds;

/// A place in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    /// Line, from 1.
    pub line: u32,
    /// Page, slide or sheet, from 1, where the format has such.
    pub page: Option<u32>,
}

/// Where a quotation stands that stood in this line when its document was read; `None` where it does not any more. What the
/// owner has stated is in no document and stays where it is.
pub fn place(index: &Index, path: &Path, line: u32, quote: &str) -> Option<Spot> {
    match index.passages(path) {
        Ok(passages) => spot(&passages, line, quote),
        Err(_) => Some(Spot { line, page: None }),
    }
}

/// The place of these words that is nearest to the line.
fn spot(passages: &[Passage], line: u32, quote: &str) -> Option<Spot> {
    let places = passages.iter().flat_map(|passage| {
        let at = passage.text.match_indices(quote).map(|(at, _)| at);
        at.map(|at| Spot { line: passage.line + line_feeds(&passage.text[..at]), page: passage.page })
    });
    places.min_by_key(|spot| spot.line.abs_diff(line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_where_they_stand_now() {
        let page = |number: u32, line: u32, text: &str| Passage {
            text: text.into(),
            line,
            page: Some(number),
            ..Passage::default()
        };
        let passages =
            [page(1, 1, "Head\nWe use SQLite."), page(2, 9, "We use SQLite.\n\nOda decided it."), page(2, 9, "")];
        let at = |line, page| Some(Spot { line, page: Some(page) });
        assert_eq!(spot(&passages, 2, "We use SQLite."), at(2, 1));
        assert_eq!(spot(&passages, 8, "We use SQLite."), at(9, 2));
        assert_eq!(spot(&passages, 40, "Oda decided it."), at(11, 2), "the lines above it went");
        assert_eq!(spot(&passages, 9, "We use Postgres."), None);
    }
}
