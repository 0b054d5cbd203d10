//! Spreadsheets (.xlsx, .xlsb, .xls, .ods): a row is a line, its sheet and the column names are the heading.

use std::io::Cursor;

use calamine::{Data, DataRef, Ods, Reader, Sheets, Xls, Xlsb, Xlsx};

use super::render::Rendering;
use super::{ExtractError, Parsed, Result, detect, odf, ole, ooxml, zip};

/// A row with more cells than this is cut, a sheet with more rows too.
const MAX_COLUMNS: usize = 2_000;
const MAX_ROWS: usize = 1_000_000;

type Book<'a> = Sheets<Cursor<&'a [u8]>>;

/// A workbook.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let (mut book, meta) = open(bytes)?;
    let mut out = Rendering::default();
    for (number, name) in (1..).zip(book.sheet_names()) {
        out.page(number);
        let mut sheet = Sheet { out: &mut out, name: &name, row: None, started: false };
        read(&mut book, &name, &mut sheet)?;
        sheet.end();
    }
    let parsed = out.parsed();
    Ok(Parsed { text: parsed.text, blocks: parsed.blocks, ..meta })
}

fn open(bytes: &[u8]) -> Result<(Book<'_>, Parsed)> {
    let content = Cursor::new(bytes);
    if !detect::is_zip(bytes) {
        let book = Xls::new(content).map_err(|e| refused(e.into()))?;
        return Ok((Sheets::Xls(book), ole::Streams::open(bytes)?.summary()));
    }
    let mut archive = zip::Archive::open(bytes)?;
    if archive.text("META-INF/manifest.xml")?.contains("encryption-data") {
        return Err(ExtractError::skipped("encrypted spreadsheet"));
    }
    archive.check()?;
    let book = if archive.has("xl/workbook.bin") {
        Xlsb::new(content).map(Sheets::Xlsb).map_err(calamine::Error::from)
    } else if archive.names().any(|name| name.starts_with("xl/")) {
        Xlsx::new(content).map(Sheets::Xlsx).map_err(calamine::Error::from)
    } else {
        let book = Ods::new(content).map_err(|e| refused(e.into()))?;
        return Ok((Sheets::Ods(book), odf::meta(&archive.text("meta.xml")?)));
    };
    Ok((book.map_err(refused)?, ooxml::properties(&mut archive)?))
}

fn refused(error: calamine::Error) -> ExtractError {
    let reason = error.to_string();
    if reason.to_lowercase().contains("password") {
        ExtractError::skipped("encrypted spreadsheet")
    } else {
        ExtractError::failed(format!("damaged spreadsheet: {reason}"))
    }
}

/// Reads a sheet cell by cell where the format allows: a range over a few far cells would fill the memory.
fn read(book: &mut Book<'_>, name: &str, sheet: &mut Sheet<'_>) -> Result<()> {
    match book {
        Sheets::Xlsx(book) => {
            let Ok(mut cells) = book.worksheet_cells_reader(name) else { return Ok(()) };
            while let Ok(Some(cell)) = cells.next_cell() {
                if !sheet.cell(cell.get_position(), &reference(cell.get_value())) {
                    break;
                }
            }
        }
        Sheets::Xlsb(book) => {
            let Ok(mut cells) = book.worksheet_cells_reader(name) else { return Ok(()) };
            while let Ok(Some(cell)) = cells.next_cell() {
                if !sheet.cell(cell.get_position(), &reference(cell.get_value())) {
                    break;
                }
            }
        }
        other => {
            let range = other.worksheet_range(name).map_err(refused)?;
            for (row, column, value) in range.used_cells() {
                let position = (u32::try_from(row).unwrap_or(u32::MAX), u32::try_from(column).unwrap_or(u32::MAX));
                if !sheet.cell(position, &value_text(value)) {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn reference(value: &DataRef<'_>) -> String {
    match value {
        DataRef::SharedString(text) => (*text).to_owned(),
        other => value_text(&Data::from(other.clone())),
    }
}

fn value_text(value: &Data) -> String {
    match value {
        Data::DateTime(at) if at.is_datetime() => {
            let (year, month, day, hour, minute, ..) = at.to_ymd_hms_milli();
            let date = format!("{year:04}-{month:02}-{day:02}");
            if at.as_f64().fract() == 0.0 { date } else { format!("{date} {hour:02}:{minute:02}") }
        }
        Data::Error(_) => String::new(),
        other => other.to_string(),
    }
}

/// A sheet being written, row by row.
struct Sheet<'a> {
    out: &'a mut Rendering,
    name: &'a str,
    row: Option<(u32, Vec<String>)>,
    started: bool,
}

impl Sheet<'_> {
    /// Takes the next cell; false when there is enough.
    fn cell(&mut self, (row, _): (u32, u32), text: &str) -> bool {
        if self.row.as_ref().is_some_and(|(current, _)| *current != row) {
            self.end_row();
        }
        let (_, cells) = self.row.get_or_insert_with(|| (row, Vec::new()));
        let text = text.trim().replace('\n', " ");
        if !text.is_empty() && cells.len() < MAX_COLUMNS {
            cells.push(text);
        }
        !self.out.full() && (row as usize) < MAX_ROWS
    }

    fn end_row(&mut self) {
        let Some((_, cells)) = self.row.take().filter(|(_, cells)| !cells.is_empty()) else { return };
        if !std::mem::replace(&mut self.started, true) {
            self.out.gap();
            self.out.heading(1, self.name);
            let names = cells.len() > 1 && cells.iter().all(|cell| cell.len() <= 60 && cell.parse::<f64>().is_err());
            if names {
                let mut title = cells.join(", ");
                title.truncate(title.floor_char_boundary(200));
                self.out.section(2, &title);
            }
        }
        self.out.line(&cells.join(" | "));
    }

    fn end(&mut self) {
        self.end_row();
        self.out.gap();
    }
}
