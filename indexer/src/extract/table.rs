//! CSV and TSV: the column names are the heading of every row; the text stays as it is.

use super::{Parsed, plain};
use crate::chunk::{Block, Role};

/// A table in a text file.
pub fn parse(text: String) -> Parsed {
    let mut blocks = Vec::new();
    let mut lines = plain::lines(&text, 0..text.len()).filter(|line| !text[line.clone()].trim().is_empty()).peekable();
    if let Some(header) = lines.next_if(|line| is_header(&text[line.clone()])) {
        let title = title(&text[header.clone()]);
        blocks.push(Block { range: header, role: Role::Heading(1, title), page: None });
    }
    blocks.extend(lines.map(Block::body));
    Parsed { text, blocks, ..Parsed::default() }
}

fn separator(line: &str) -> char {
    ['\t', ';', '|', ','].into_iter().find(|c| line.matches(*c).count() > 0).unwrap_or(',')
}

/// Whether a first row names columns: short words, none of them a number.
fn is_header(line: &str) -> bool {
    let mut cells = line.split(separator(line)).map(|cell| cell.trim().trim_matches('"'));
    line.contains(separator(line)) && cells.all(|cell| cell.len() <= 60 && cell.parse::<f64>().is_err())
}

fn title(line: &str) -> String {
    let cells: Vec<&str> =
        line.split(separator(line)).map(|cell| cell.trim().trim_matches('"')).filter(|cell| !cell.is_empty()).collect();
    let mut title = cells.join(", ");
    title.truncate(title.floor_char_boundary(200));
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_heading() {
        let parsed = parse("name;\"age\"\nAnn;4\nBob;5\n".to_owned());
        assert_eq!(parsed.blocks[0].role, Role::Heading(1, "name, age".to_owned()));
        assert_eq!(parsed.blocks.len(), 3);
        assert_eq!(parse("1,2\n3,4\n".to_owned()).blocks[0].role, Role::Body);
    }
}
