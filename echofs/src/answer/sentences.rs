//! Sentences of a passage, each a verbatim range of its text.
//!
//! Markdown is honoured as far as it decides where a sentence can run: blank lines, headings, list items, table
//! rows and code lines end one, and so does a line that was ended early, as in a list without marks; hard-wrapped lines of
//! a paragraph do not. Of front matter, what repeats the title and the
//! date of the document is left out.

use std::ops::Range;

/// A sentence longer than this many bytes is cut at a word.
const LONGEST: usize = 480;

/// The sentences of `text` in order, as byte ranges without white space at their ends.
/// Headings, rules and fences are not sentences.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    blocks(text).into_iter().flat_map(|block| within(text, block)).collect()
}

/// Runs of lines in which a sentence may go on from line to line.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut out: Vec<Range<usize>> = Vec::new();
    let (mut open, mut code) = (false, false);
    let (mut at, mut width) = (0, 0);
    let front = front_matter(text);
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at += line.len();
        let trimmed = line.trim();
        if range.end <= front {
            if !is_rule(trimmed) && !known_otherwise(trimmed) {
                out.push(range);
            }
        } else if trimmed.starts_with("```") || trimmed.starts_with("~~~") {
            code = !code;
            open = false;
        } else if trimmed.is_empty() || is_heading(trimmed) || is_rule(trimmed) {
            open = false;
        } else if open && !code && !starts_block(trimmed) {
            match out.last_mut().filter(|last| !ended_early(&text[(**last).clone()], trimmed, width)) {
                Some(last) => last.end = range.end,
                None => out.push(range),
            }
        } else {
            width = paragraph(&text[range.start..]).map(|line| line.chars().count()).max().unwrap_or(0);
            out.push(range);
            open = !code && !trimmed.starts_with('|');
        }
    }
    out
}

/// The lines from here to the end of the paragraph.
fn paragraph(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).take_while(|line| !line.is_empty())
}

/// Whether the last line of `before` was ended though the first word of the next one had room, in a paragraph whose widest
/// line has `width` characters. Who wraps by hand leaves some room.
fn ended_early(before: &str, next: &str, width: usize) -> bool {
    let last = before.trim_end().rsplit('\n').next().unwrap_or("").trim();
    let word = next.split_whitespace().next().unwrap_or("");
    (last.chars().count() + 1 + word.chars().count()) * 8 <= width * 7
}

/// Where the lines between two rules at the very beginning end; 0 when there are none.
fn front_matter(text: &str) -> usize {
    let inside = text.strip_prefix("---\n");
    inside.and_then(|inside| inside.find("\n---")).map_or(0, |end| text.len().min(4 + end + 5))
}

/// A line of front matter that says what the document's title, date and kind are.
fn known_otherwise(line: &str) -> bool {
    const KEYS: [&str; 8] = ["title", "date", "tags", "lang", "created", "modified", "updated", "aliases"];
    line.split_once(':').is_some_and(|(key, _)| KEYS.contains(&key.trim()))
}

fn is_heading(line: &str) -> bool {
    let hashes = line.bytes().take_while(|&b| b == b'#').count();
    (1..=6).contains(&hashes) && line[hashes..].starts_with([' ', '\t'])
}

fn is_rule(line: &str) -> bool {
    line.len() >= 3 && line.chars().all(|c| matches!(c, '-' | '=' | '*' | '_' | '|' | ':' | ' ' | '+'))
}

/// A list item, a table row or a quotation.
fn starts_block(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    let numbered =
        (1..=3).contains(&digits) && line[digits..].starts_with([')', '.']) && line[digits + 1..].starts_with(' ');
    ["- ", "* ", "+ ", "• ", "|", ">"].iter().any(|mark| line.starts_with(mark)) || numbered
}

/// Byte length of list and quotation marks at the start of a line.
fn mark(line: &str) -> usize {
    let body = line.trim_start();
    let indent = line.len() - body.len();
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let width = if ["- ", "* ", "+ ", "> "].iter().any(|m| body.starts_with(m)) {
        2
    } else if body.starts_with("• ") {
        '•'.len_utf8() + 1
    } else if starts_block(body) && digits > 0 {
        digits + 2
    } else {
        0
    };
    let rest = &body[width..];
    let checkbox = if ["[ ] ", "[x] ", "[X] "].iter().any(|m| rest.starts_with(m)) { 4 } else { 0 };
    indent + width + checkbox
}

fn within(text: &str, block: Range<usize>) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = block.start + mark(&text[block.clone()]);
    for (i, c) in text[start..block.end].char_indices().map(|(i, c)| (start + i, c)).collect::<Vec<_>>() {
        let end = i + c.len_utf8();
        let over = end - start >= LONGEST && c == ' ';
        if end > start && (ends_sentence(text, start, i, c, block.end) || over) {
            let end = closing(text, end, block.end);
            push(text, &mut out, start..end);
            start = end;
        }
    }
    push(text, &mut out, start..block.end);
    out
}

fn push(text: &str, out: &mut Vec<Range<usize>>, range: Range<usize>) {
    if range.start >= range.end {
        return;
    }
    let piece = &text[range.clone()];
    let start = range.start + (piece.len() - piece.trim_start().len());
    let end = start + piece.trim().len();
    if text[start..end].chars().any(char::is_alphanumeric) {
        out.push(start..end);
    }
}

/// Includes quotation marks and brackets that close right after the end mark.
fn closing(text: &str, end: usize, limit: usize) -> usize {
    let rest = &text[end..limit];
    let len: usize =
        rest.chars().take_while(|c| matches!(c, '"' | '\'' | ')' | ']' | '”' | '’' | '»')).map(char::len_utf8).sum();
    end + len
}

fn ends_sentence(text: &str, start: usize, i: usize, c: char, limit: usize) -> bool {
    let after = &text[closing(text, i + c.len_utf8(), limit)..limit];
    match c {
        '。' | '！' | '？' => true,
        '!' | '?' => after.is_empty() || after.starts_with(char::is_whitespace),
        '.' => {
            let follows = after.trim_start_matches(['*', '_', '[', '(', '"', '“', '‘', '\'']).trim_start();
            let spaced = after.is_empty() || after.starts_with(char::is_whitespace);
            let goes_on = follows.starts_with(char::is_lowercase);
            spaced && !goes_on && !abbreviates(&text[start..i])
        }
        _ => false,
    }
}

/// Whether the point after `before` belongs to an abbreviation or an initial.
fn abbreviates(before: &str) -> bool {
    let word = before.rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '“')).next().unwrap_or("");
    const SHORT: [&str; 39] = [
        "mr", "mrs", "ms", "dr", "prof", "st", "sr", "jr", "no", "nos", "vs", "fig", "figs", "vol", "ed", "eds", "rev",
        "gen", "col", "lt", "sgt", "capt", "hon", "gov", "sen", "rep", "approx", "ca", "cf", "e.g", "i.e", "al", "art",
        "mt", "ft", "op", "inc", "dept", "pp",
    ];
    let lower = word.to_lowercase();
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let dotted = word.contains('.') && word.split('.').all(|part| part.chars().count() <= 1);
    initial || dotted || SHORT.contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::sentences;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = sentences(text).into_iter().map(|range| &text[range]).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn prose() {
        check("One. Two! Three?", &["One.", "Two!", "Three?"]);
        check(
            "Dr. Smith of the U.S. Navy met J. R. Hale. He left.",
            &["Dr. Smith of the U.S. Navy met J. R. Hale.", "He left."],
        );
        check(
            "It cost 3.50 euros, e.g. for milk. \"Too much.\" He paid.",
            &["It cost 3.50 euros, e.g. for milk.", "\"Too much.\"", "He paid."],
        );
        check("see example.com for more. Done", &["see example.com for more.", "Done"]);
        check("これは文です。次の文。", &["これは文です。", "次の文。"]);
    }

    #[test]
    fn front_matter_without_what_is_known_otherwise() {
        check("---\ntitle: A\nattendees: [B, C]\n---\n\nD.\n---\nE.", &["attendees: [B, C]", "D.", "E."]);
        check("---\nno end\ntitle: A", &["no end\ntitle: A"]);
    }

    #[test]
    fn markdown() {
        check(
            "# Title\n\nFirst line\ngoes on. Next.\n\n- item one\n- [x] item two\n",
            &["First line\ngoes on.", "Next.", "item one", "item two"],
        );
        check("| a | b |\n|---|---|\n| 1 | 2 |\n", &["| a | b |", "| 1 | 2 |"]);
        check("```\nlet x = 1;\nlet y = 2;\n```\nAfter.", &["let x = 1;", "let y = 2;", "After."]);
        check("1. One thing\n2. Two things", &["One thing", "Two things"]);
        check(
            "Quotation 226\nOne pump, monobloc, seven kilowatts\nPrice: 10,480 pounds, without any tax on\nmaterials",
            &[
                "Quotation 226",
                "One pump, monobloc, seven kilowatts\nPrice: 10,480 pounds, without any tax on\nmaterials",
            ],
        );
        check("", &[]);
        check(" \n***\n", &[]);
    }

    #[test]
    fn long_lines_are_cut_at_a_word() {
        let text = "word ".repeat(400);
        let found = sentences(&text);
        assert!(found.len() > 3 && found.iter().all(|r| r.len() < 600 && text[r.clone()].ends_with("word")));
    }
}
