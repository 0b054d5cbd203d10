//! Jupyter notebooks: Markdown cells with their headings, code cells, text outputs.

use serde_json::Value;

use super::render::Rendering;
use super::{ExtractError, Parsed, Result, markdown};
use crate::chunk::Role;

/// A notebook. Lines count in the text made here: cells in order, an empty line between.
pub fn parse(text: String) -> Result<Parsed> {
    let notebook: Value =
        serde_json::from_str(&text).map_err(|e| ExtractError::failed(format!("damaged notebook: {e}")))?;
    let sheets = notebook.pointer("/worksheets/0/cells");
    let cells = notebook.get("cells").or(sheets).and_then(Value::as_array);
    let Some(cells) = cells else { return Err(ExtractError::failed("no cells: not a notebook")) };
    let mut out = Rendering::default();
    let (mut title, mut tags) = (None, Vec::new());
    for cell in cells {
        let source = joined(cell.get("source").or_else(|| cell.get("input")));
        match cell.get("cell_type").and_then(Value::as_str) {
            Some("markdown" | "heading") => {
                let parsed = markdown::parse(super::decode::clean(&source).into_owned());
                title = title.or(parsed.title.clone());
                tags.extend(parsed.tags.clone());
                cell_blocks(&parsed, &mut out);
            }
            _ => out.paragraph(&source),
        }
        for output in cell.get("outputs").and_then(Value::as_array).into_iter().flatten() {
            out.paragraph(&output_text(output));
        }
    }
    let author = notebook.pointer("/metadata/authors/0/name").and_then(Value::as_str).map(str::to_owned);
    Ok(Parsed { title, author, tags, ..out.parsed() })
}

fn cell_blocks(parsed: &Parsed, out: &mut Rendering) {
    for block in &parsed.blocks {
        let text = &parsed.text[block.range.clone()];
        if let Role::Heading(level, title) = &block.role {
            out.section(*level, title);
        }
        out.paragraph(text);
    }
}

fn output_text(output: &Value) -> String {
    let data = output.get("data").unwrap_or(output);
    let text = joined(data.get("text/plain").or_else(|| output.get("text")));
    let error = joined(output.get("evalue"));
    let text = if error.is_empty() { text } else { error };
    text[..text.floor_char_boundary(20_000)].to_owned()
}

/// Notebook text is a string or an array of lines.
fn joined(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_in_order() {
        let text = r##"{"cells":[{"cell_type":"markdown","source":["# Head\n","words"]},
            {"cell_type":"code","source":"print(1)","outputs":[{"output_type":"stream","text":["1\n"]}]}]}"##;
        let parsed = parse(text.to_owned()).expect("a notebook");
        assert_eq!(parsed.title.as_deref(), Some("Head"));
        assert_eq!(parsed.text, "# Head\n\nwords\n\nprint(1)\n\n1");
        assert!(parse("{}".to_owned()).is_err() && parse("[".repeat(100_000)).is_err());
    }
}
