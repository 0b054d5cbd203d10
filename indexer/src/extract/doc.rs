//! Old Word documents (.doc): the text by the piece table, as [MS-DOC] 2.4.1 has it; older ones in one run.

use super::ole::{Streams, u16_at, u32_at, utf16};
use super::render::Rendering;
use super::{ExtractError, Parsed, Result};

/// A Word 6 to Word 2003 document.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let mut file = Streams::open(bytes)?;
    let main = file.read("WordDocument").ok_or_else(|| ExtractError::failed("no document in it"))?;
    let flags = u16_at(&main, 0x0A).unwrap_or(0);
    if flags & 0x0100 != 0 {
        return Err(ExtractError::skipped("encrypted document"));
    }
    let version = u16_at(&main, 2).unwrap_or(0);
    let text = if version >= 0x00C1 {
        let table = file.read(if flags & 0x0200 != 0 { "1Table" } else { "0Table" }).unwrap_or_default();
        pieces(&main, &table)
    } else {
        one_run(&main)
    };
    let text = text.ok_or_else(|| ExtractError::failed("damaged document"))?;
    let mut out = Rendering::default();
    write(&text, &mut out);
    let parsed = out.parsed();
    Ok(Parsed { text: parsed.text, blocks: parsed.blocks, ..file.summary() })
}

/// The text put together from the pieces the table lists.
fn pieces(main: &[u8], table: &[u8]) -> Option<String> {
    let start = u32_at(main, 0x01A2)? as usize;
    let length = u32_at(main, 0x01A6)? as usize;
    let mut clx = table.get(start..start.checked_add(length)?)?;
    while clx.first() == Some(&1) {
        clx = clx.get(3 + usize::from(u16_at(clx, 1)?)..)?;
    }
    let list = clx.get(5..).filter(|_| clx.first() == Some(&2))?;
    let list = list.get(..u32_at(clx, 1)? as usize).unwrap_or(list);
    let count = list.len().checked_sub(4)? / 12;
    let mut text = String::new();
    for at in 0..count {
        let chars = u32_at(list, at * 4 + 4)?.checked_sub(u32_at(list, at * 4)?)? as usize;
        let place = u32_at(list, (count + 1) * 4 + at * 8 + 2)?;
        let offset = (place & 0x3FFF_FFFF) as usize;
        let piece = if place & 0x4000_0000 != 0 {
            let bytes = main.get(offset / 2..(offset / 2).checked_add(chars)?)?;
            encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned()
        } else {
            utf16(main.get(offset..offset.checked_add(chars.checked_mul(2)?)?)?)
        };
        text.push_str(&piece);
    }
    Some(text)
}

/// Word 6 and 95 keep their text in one place.
fn one_run(main: &[u8]) -> Option<String> {
    let (from, to) = (u32_at(main, 0x18)? as usize, u32_at(main, 0x1C)? as usize);
    let bytes = main.get(from..to.min(main.len()))?;
    Some(super::decode::legacy(bytes).into_owned())
}

/// Paragraphs, table rows and fields by their marks.
fn write(text: &str, out: &mut Rendering) {
    let mut line = String::new();
    let mut instructions = 0usize;
    let mut cells = 0usize;
    for c in text.chars() {
        match c {
            '\x13' => instructions += 1,
            '\x14' | '\x15' if instructions > 0 => instructions -= 1,
            '\x14' | '\x15' => {}
            _ if instructions > 0 => {}
            '\r' | '\x0c' if cells > 0 => line.push(' '),
            '\r' | '\x0c' => out.paragraph(std::mem::take(&mut line).trim()),
            '\x07' if line.ends_with(" | ") || (cells > 0 && line.is_empty()) => {
                // The second mark in a row ends the row.
                out.line(line.trim_end_matches([' ', '|']));
                line.clear();
                cells = 0;
            }
            '\x07' => {
                cells += 1;
                line.push_str(" | ");
            }
            '\x0b' => line.push('\n'),
            '\x1e' => line.push('-'),
            '\u{1}'..='\u{8}' | '\x1f' => {}
            c => line.push(c),
        }
    }
    out.paragraph(line.trim());
}
