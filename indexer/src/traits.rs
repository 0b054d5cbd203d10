//! What can be told of a text at a glance, for `has:`.

use crate::Extracted;

/// Properties of a document's text, one bit each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Trait {
    /// It links to something.
    Link = 1,
    /// It has a task that is not done.
    Task = 2,
    /// It is code or quotes some.
    Code = 4,
    /// It is a table or has one.
    Table = 8,
    /// It shows an image.
    Image = 16,
    /// It has pages, slides or sheets.
    Page = 32,
}

impl Trait {
    /// The property that people call so, in the singular.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "link" | "url" => Self::Link,
            "task" | "todo" => Self::Task,
            "code" => Self::Code,
            "table" => Self::Table,
            "image" | "picture" => Self::Image,
            "page" | "slide" => Self::Page,
            _ => return None,
        })
    }
}

/// The properties of a text, as the sum of their bits.
pub fn traits(extracted: &Extracted) -> u8 {
    let Extracted { text, media, passages, .. } = extracted;
    let lines = || text.lines().map(str::trim_start);
    let is_rule = |line: &str| line.starts_with("|-") || line.starts_with("| -") || line.starts_with("|:");
    let is_task = |line: &str| {
        let item = line.trim_start_matches(['-', '*', '+', ' ']);
        item.len() < line.len() && (item.starts_with("[ ]") || item.starts_with("TODO "))
    };
    let holds = [
        (Trait::Link, ["http://", "https://", "](", "[["].iter().any(|mark| text.contains(mark))),
        (Trait::Task, lines().any(is_task)),
        (
            Trait::Code,
            media == "code" || lines().any(|line| line.starts_with("```") || line.starts_with("#+begin_src")),
        ),
        (Trait::Table, matches!(media.as_str(), "table" | "sheet") || lines().any(is_rule)),
        (Trait::Image, text.contains("![")),
        (Trait::Page, passages.iter().any(|passage| passage.page.is_some())),
    ];
    holds.iter().filter(|(_, holds)| *holds).map(|(property, _)| *property as u8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_seen() {
        let check = |text: &str, want: &[Trait]| {
            let extracted = Extracted { text: text.into(), media: "markdown".into(), ..Extracted::default() };
            assert_eq!(traits(&extracted), want.iter().map(|t| *t as u8).sum::<u8>(), "{text}");
        };
        check("plain [x] text | with - marks", &[]);
        check("see https://example.org", &[Trait::Link]);
        check("[[other note]]", &[Trait::Link]);
        check("- [x] done\n  - [ ] open", &[Trait::Task]);
        check("** TODO call the vet", &[Trait::Task]);
        check("TODO is a word", &[]);
        check("```sh\nls\n```", &[Trait::Code]);
        check("| a | b |\n|---|---|\n| 1 | 2 |", &[Trait::Table]);
        check("![the garden](g.png)", &[Trait::Link, Trait::Image]);
    }
}
