//! `preferences.md` and `opinions/`: what the relationship log has, with what the owner states in files, notes and conversations.

use super::Moment;
use crate::relationship::{self, View};

/// The page of preferences, if any is known.
pub fn preferences(moment: &Moment) -> Option<String> {
    relationship::preferences(&view(moment), moment.now.time_zone())
}

/// The pages of opinions: their names below `relationship/` and their texts.
pub fn opinions(moment: &Moment) -> Vec<(String, String)> {
    relationship::opinion_pages(&view(moment), moment.now.timestamp(), moment.now.time_zone())
}

fn view(moment: &Moment) -> View {
    let mut view = moment.log.clone();
    view.entries.extend(relationship::stated(moment.facts, &|origin| moment.is_owners(origin)));
    view
}
