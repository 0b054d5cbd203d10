//! What this program said itself in a conversation: its answers repeat what is written elsewhere, and prove nothing.

use crate::Passage;

use super::render::is_turn_line;

/// Who answers, in conversations.
pub const OWN: &str = "EchoFS";

/// The passages of a page, in order, without what this program said. Lines keep their numbers.
pub fn without_own<'a>(passages: impl Iterator<Item = &'a Passage>) -> Vec<Passage> {
    let mut kept = Vec::new();
    let mut own = false;
    for passage in passages {
        let mut open: Option<Passage> = None;
        for (line, number) in passage.text.split_inclusive('\n').zip(passage.line..) {
            if is_turn_line(line.trim_end()) {
                own = line.trim_start_matches("## ").rsplit_once(", ").is_some_and(|(speaker, _)| speaker == OWN);
            }
            if own {
                kept.extend(open.take());
                continue;
            }
            let empty = || Passage { text: String::new(), line: number, ..passage.clone() };
            let part = open.get_or_insert_with(empty);
            part.text.push_str(line);
            part.end_line = number;
        }
        kept.extend(open);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_is_left_out_wherever_a_passage_is_cut() {
        let passage = |text: &str, line: u32| {
            let end_line = line + text.matches('\n').count() as u32;
            Passage { text: text.into(), line, end_line, heading: "Questions".into(), ..Passage::default() }
        };
        let page = [
            passage("## user, 2026-03-14 09:00\n\nWho is Oda?\n\n## EchoFS, 2026-03-14 09:00\n\nOda bakes.\n", 10),
            passage("Oda has an oven.\n\n## user, 2026-03-14 09:02\n\nOda is my aunt.", 17),
        ];
        let kept = without_own(page.iter());
        let texts: Vec<(u32, &str)> = kept.iter().map(|p| (p.line, p.text.as_str())).collect();
        assert_eq!(
            texts,
            [
                (10, "## user, 2026-03-14 09:00\n\nWho is Oda?\n\n"),
                (19, "## user, 2026-03-14 09:02\n\nOda is my aunt.")
            ]
        );
    }
}
