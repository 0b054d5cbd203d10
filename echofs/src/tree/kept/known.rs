//! Whether all is known that a query asks for: the meaning of new documents comes after their words, and facts and topics after that.

use echofs_indexer::Counts;
use echofs_query_lang::{Field, TextField, parse, path};

/// What is known of all documents.
#[derive(Clone, Copy)]
pub struct Known {
    pub meaning: bool,
    pub facts: bool,
    pub topics: bool,
}

impl Known {
    /// What is known by these totals.
    pub fn of(counts: &Counts) -> Known {
        Known {
            meaning: counts.pending_semantic == 0,
            facts: counts.pending_facts == 0,
            topics: counts.pending_topics == 0,
        }
    }

    /// Whether the query of this name finds all that it can find of the documents that are there.
    pub fn settles(self, name: &str) -> bool {
        let query = parse(&path::decode(name), &jiff::Zoned::now()).query;
        self.meaning && query.fields().into_iter().all(|field| self.tells(field))
    }

    fn tells(self, field: &Field) -> bool {
        match field {
            Field::In(what) | Field::Is(what) if what.trim_end_matches('s') == "fact" => self.facts,
            Field::Text { name: TextField::Entity, .. } => self.facts,
            Field::Text { name: TextField::Topic, .. } => self.topics,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_settles_with_what_it_asks_for() {
        let check = |query: &str, want: [bool; 3]| {
            let known = |facts, topics| Known { meaning: true, facts, topics };
            let got = [known(false, false), known(true, false), known(false, true)].map(|known| known.settles(query));
            assert_eq!(got, want, "{query}");
            assert!(!Known { meaning: false, facts: true, topics: true }.settles(query));
        };
        check("boat type:md in:files", [true, true, true]);
        check("boat in:facts", [false, true, false]);
        check("ext:md OR -entity:\"Oda Brekke\"", [false, true, false]);
        check("topic:git%2Frebase", [false, false, true]);
    }
}
