//! The lines of a passage: prose, and what says things by its form (check-boxes, `key: value`, tables).

use std::ops::Range;

use jiff::civil::Date;

use super::dates;
use super::fact::Category;

/// Keys of front matter that say something of the file and not of the world.
const OF_THE_FILE: &[&str] = &[
    "title",
    "date",
    "tags",
    "tag",
    "lang",
    "language",
    "created",
    "updated",
    "modified",
    "id",
    "aliases",
    "alias",
    "layout",
    "draft",
    "slug",
    "permalink",
    "categories",
    "type",
    "cssclass",
    "published",
];
/// Keys of a letter or a contact that say whose it is. They tell who is who, and nobody reads them as facts.
const OF_THE_LETTER: &[&str] =
    &["from", "to", "cc", "bcc", "reply-to", "sender", "subject", "date", "message-id", "name"];
/// What begins a remark or a reference, and is no key.
const REMARKS: &[&str] = &[
    "note",
    "notes",
    "nb",
    "n.b",
    "tip",
    "hint",
    "warning",
    "caution",
    "important",
    "source",
    "sources",
    "see",
    "see also",
    "example",
    "for example",
    "e.g",
    "i.e",
    "edit",
    "update",
    "ps",
    "p.s",
    "result",
    "output",
    "usage",
    "caveat",
    "aside",
    "via",
    "ref",
    "refs",
    "reference",
    "references",
    "related",
    "here",
    "this",
    "that",
    "and",
    "but",
    "so",
    "or",
    "then",
    "solution",
    "question",
    "answer",
    "q",
    "a",
];
/// What a value ends in that goes on in the next line.
const UNFINISHED: &[&str] =
    &["and", "or", "as", "the", "a", "an", "of", "to", "in", "for", "with", "by", "from", "that"];
/// Longest key of `key: value`, in words and in bytes.
const MAX_KEY: (usize, usize) = (4, 40);
/// Longest value, in bytes.
const MAX_VALUE: usize = 160;

/// A part of a passage.
#[derive(Debug, PartialEq)]
pub enum Block {
    /// Sentences; bytes of the passage.
    Prose(Range<usize>),
    /// A statement by form.
    Statement(Statement),
}

/// What a line states by its form.
#[derive(Debug, PartialEq)]
pub struct Statement {
    /// What it is about, where it is not the topic of the passage.
    pub subject: Option<String>,
    /// The key, or what kind of entry it is.
    pub predicate: String,
    /// The value.
    pub object: String,
    /// What kind of statement it is.
    pub category: Category,
    /// From 0 to 1.
    pub confidence: f32,
    /// Since when.
    pub from: Option<Date>,
    /// Until when.
    pub until: Option<Date>,
    /// Bytes of the passage.
    pub range: Range<usize>,
}

/// The blocks of a passage. `fenced` tells whether it begins inside a block of code, and then whether it ends in one.
pub fn blocks(text: &str, fenced: &mut bool) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut columns: Option<Vec<String>> = None;
    let mut front = text.starts_with("---\n");
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.trim_end().len();
        at += line.len();
        let body = line.trim();
        if body.starts_with("```") || body.starts_with("~~~") {
            *fenced = !*fenced;
        } else if *fenced
            || line.starts_with("    ") && !begins_item(body)
            || body.starts_with('#') && !body.starts_with("#tag")
        {
            blocks.push(Block::Prose(range.start..range.start));
        } else if body.starts_with('|') {
            table(body, range, &mut columns, &mut blocks);
            continue;
        } else if body == "---" {
            front &= range.start == 0;
        } else {
            blocks.extend(Some(self::line(text, range, body)).filter(|block| !(front && is_of_the_file(block))));
        }
        columns = None;
    }
    joined(blocks)
}

fn is_of_the_file(block: &Block) -> bool {
    match block {
        Block::Prose(_) => true,
        Block::Statement(statement) => OF_THE_FILE.contains(&statement.predicate.to_lowercase().as_str()),
    }
}

fn line(text: &str, range: Range<usize>, body: &str) -> Block {
    let start = range.start + (text[range.clone()].len() - text[range.clone()].trim_start().len());
    let item = begins_item(body);
    let content = if item { after_marker(body) } else { body };
    let quoted = dates::untimed(content.trim_start_matches(['>', ' ']));
    let from = start + body.len() - quoted.len();
    let range = from..range.end.max(from);
    if let Some(task) = task(quoted, range.clone()) {
        return Block::Statement(task);
    }
    if let Some(pair) = pair(quoted, range.clone()) {
        return Block::Statement(pair);
    }
    Block::Prose(range)
}

fn begins_item(body: &str) -> bool {
    after_marker(body).len() < body.len()
}

/// What stands behind the mark of a list item.
fn after_marker(body: &str) -> &str {
    if let Some(rest) = body.strip_prefix("- ").or_else(|| body.strip_prefix("* ")).or_else(|| body.strip_prefix("+ "))
    {
        return rest.trim_start();
    }
    let digits = body.len() - body.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let rest = &body[digits..];
    match rest.strip_prefix(". ").or_else(|| rest.strip_prefix(") ")) {
        Some(rest) if (1..=3).contains(&digits) => rest.trim_start(),
        _ => body,
    }
}

/// Prose lines that follow each other are one block, unless an item begins or a line is empty.
fn joined(blocks: Vec<Block>) -> Vec<Block> {
    let mut out: Vec<Block> = Vec::new();
    for block in blocks {
        match (out.last_mut(), block) {
            (Some(Block::Prose(last)), Block::Prose(next))
                if last.start < last.end && next.start < next.end && next.start == last.end + 1 =>
            {
                last.end = next.end;
            }
            (_, block) => out.push(block),
        }
    }
    out.retain(|block| !matches!(block, Block::Prose(range) if range.is_empty()));
    out
}

/// "[ ] text", "[x] text", "TODO: text", with a date by which it is due.
fn task(body: &str, range: Range<usize>) -> Option<Statement> {
    let (done, text) = match body.get(..3) {
        Some("[ ]") => (false, &body[3..]),
        Some("[x]" | "[X]") => (true, &body[3..]),
        _ => (false, body.strip_prefix("TODO:").or_else(|| body.strip_prefix("TODO "))?),
    };
    let text = text.trim();
    let due = dates::find_iso(text).map(|(date, _)| date);
    (!text.is_empty()).then(|| Statement {
        subject: None,
        predicate: if done { "done" } else { "to do" }.into(),
        object: plain(text),
        category: Category::Task,
        confidence: 0.95,
        from: None,
        until: due,
        range,
    })
}

/// "key: value".
fn pair(body: &str, range: Range<usize>) -> Option<Statement> {
    let (key, value) = body.split_once(": ").or_else(|| body.split_once(":** ")).or_else(|| body.split_once(" = "))?;
    let (key, value) = (plain(key), plain(uncommented(value)));
    let sensible = (1..=MAX_KEY.0).contains(&key.split_whitespace().count())
        && key.len() <= MAX_KEY.1
        && key.starts_with(|c: char| c.is_alphabetic())
        && key.chars().all(|c| c.is_alphanumeric() || " _-'/.()".contains(c));
    let last = value.rsplit(' ').next().unwrap_or_default().to_lowercase();
    let remark = REMARKS.contains(&key.to_lowercase().trim_end_matches('.')) || UNFINISHED.contains(&last.as_str());
    if !sensible || remark || value.is_empty() || value.len() > MAX_VALUE || is_sentence(&value) {
        return None;
    }
    let category = key_category(&key.to_lowercase(), &value);
    let from = (category == Category::Event).then(|| dates::parse(&value)).flatten();
    let until = (category == Category::Task).then(|| dates::parse(&value)).flatten();
    let confidence = if OF_THE_LETTER.contains(&key.to_lowercase().as_str()) { 0.5 } else { 0.85 };
    Some(Statement { subject: None, predicate: key, object: value, category, confidence, from, until, range })
}

/// The value of a setting without the remark behind it, and without quotation marks around it.
fn uncommented(value: &str) -> &str {
    let value = value.split_once("  #").map_or(value, |(value, _)| value).trim();
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(value)
}

fn is_sentence(value: &str) -> bool {
    value.ends_with(['.', '!', '?', ':']) && value.split_whitespace().count() > 6
}

/// What kind of statement a key makes.
fn key_category(key: &str, value: &str) -> Category {
    let is = |words: &[&str]| key.split([' ', '-', '_']).any(|word| words.contains(&word));
    match () {
        () if is(&[
            "phone",
            "email",
            "mail",
            "tel",
            "mobile",
            "birthday",
            "nickname",
            "role",
            "job",
            "organisation",
        ]) =>
        {
            Category::Person
        }
        () if is(&["due", "deadline", "todo", "task", "action", "next"]) => Category::Task,
        () if is(&["decision", "decided", "chosen", "verdict", "outcome"]) => Category::Decision,
        () if is(&["start", "end", "date", "when", "time", "meeting", "appointment"]) => Category::Event,
        () if is(&["where", "location", "address", "place", "venue", "city"]) => Category::Location,
        () if is(&["likes", "dislikes", "prefers", "favourite", "favorite", "preference"]) => Category::Preference,
        () if value.starts_with(|c: char| c.is_ascii_digit() || "€$£~±".contains(c)) => Category::Quantity,
        () => Category::Definition,
    }
}

/// A row of a table: its first cell is what the others are about, the head names them.
fn table(body: &str, range: Range<usize>, columns: &mut Option<Vec<String>>, blocks: &mut Vec<Block>) {
    let cells: Vec<String> = body.trim_matches('|').split('|').map(plain).collect();
    let Some(head) = columns else {
        *columns = Some(cells);
        return;
    };
    let rule = cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':' | ' ')));
    let Some((subject, values)) = cells.split_first().filter(|(subject, _)| !rule && !subject.is_empty()) else {
        return;
    };
    for (key, value) in head.iter().skip(1).zip(values).filter(|(key, value)| !key.is_empty() && !value.is_empty()) {
        blocks.push(Block::Statement(Statement {
            subject: Some(subject.clone()),
            predicate: key.clone(),
            object: value.clone(),
            category: key_category(&key.to_lowercase(), value),
            confidence: 0.8,
            from: None,
            until: None,
            range: range.clone(),
        }));
    }
}

/// Without marks of emphasis, code and links.
fn plain(text: &str) -> String {
    let text = text.trim().replace("**", "").replace(['`', '*'], "");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, link)) = rest.split_once("](") {
        out.push_str(&before.replacen('[', "", 1));
        rest = link.split_once(')').map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    out.trim().trim_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, want: &[&str]) {
        let shown = |block: &Block| match block {
            Block::Prose(range) => text[range.clone()].to_owned(),
            Block::Statement(s) => {
                let subject = s.subject.as_deref().unwrap_or("_");
                let until = s.until.map(|d| format!(" until {d}")).unwrap_or_default();
                format!("{subject} | {} | {} ({}){until}", s.predicate, s.object, s.category.name())
            }
        };
        let got: Vec<String> = blocks(text, &mut false).iter().map(shown).collect();
        assert_eq!(got, want, "{text}");
    }

    #[test]
    fn prose_is_joined_and_items_are_apart() {
        check(
            "One line\nand its end.\n\n- item one\n- item two\n",
            &["One line\nand its end.", "item one", "item two"],
        );
        check("# Heading\ntext\n```\ncode: x\n```\n> quoted text\n", &["text", "quoted text"]);
    }

    #[test]
    fn forms_state_things() {
        check(
            "- [ ] order the pen by 2026-12-01\n",
            &["_ | to do | order the pen by 2026-12-01 (task) until 2026-12-01"],
        );
        check("- [x] call Oda\n", &["_ | done | call Oda (task)"]);
        check("**Phone:** 0123 456\n", &["_ | Phone | 0123 456 (person)"]);
        check("Due: 2026-03-01\n", &["_ | Due | 2026-03-01 (task) until 2026-03-01"]);
        check("---\ntitle: A\nstatus: final\n---\ntext\n", &["_ | status | final (definition)", "text"]);
        check(
            "- 2026-11-22 09:30: Oda left.\n- 2026-11-22 09:31: port: 80\n",
            &["Oda left.", "_ | port | 80 (quantity)"],
        );
        check("Width: 40 cm\n", &["_ | Width | 40 cm (quantity)"]);
        check("| pump | power |\n|---|---|\n| old | 3 kW |\n", &["old | power | 3 kW (quantity)"]);
        check(
            "He said: this is a whole sentence that goes on and on.\n",
            &["He said: this is a whole sentence that goes on and on."],
        );
    }
}
