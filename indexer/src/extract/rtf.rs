//! RTF: groups on a stack of our own, code pages of fonts, Unicode escapes, tables row by row.

use std::collections::HashMap;

use encoding_rs::Encoding;

use super::render::Rendering;
use super::{ExtractError, Parsed, Result, dates};

/// Groups are nested no deeper than this.
const MAX_DEPTH: usize = 10_000;

/// An RTF file.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let mut reader = Reader::new(bytes);
    while let Some(token) = reader.token() {
        reader.apply(token);
        if reader.groups.len() > MAX_DEPTH {
            return Err(ExtractError::failed("RTF nested too deeply"));
        }
        if reader.out.full() {
            break;
        }
    }
    reader.paragraph();
    let parsed = reader.out.parsed();
    Ok(Parsed { text: parsed.text, blocks: parsed.blocks, ..reader.meta })
}

/// Where text goes.
#[derive(Clone, Copy, PartialEq)]
enum Destination {
    Body,
    Nowhere,
    Fonts,
    Title,
    Author,
    Created,
    Keywords,
}

#[derive(Clone, Copy)]
struct Group {
    destination: Destination,
    /// Bytes that follow a Unicode escape for readers that cannot read it.
    fallback: usize,
    encoding: &'static Encoding,
}

enum Token<'a> {
    Open,
    Close,
    Word(&'a str, Option<i32>),
    Symbol(u8),
    Byte(u8),
}

struct Reader<'a> {
    rest: &'a [u8],
    groups: Vec<Group>,
    out: Rendering,
    meta: Parsed,
    line: String,
    /// Bytes not decoded yet, in the encoding of the group they stand in.
    bytes: Vec<u8>,
    /// Characters still to be left out after a Unicode escape.
    skip: usize,
    high: Option<u16>,
    row: bool,
    font: i32,
    fonts: HashMap<i32, &'static Encoding>,
    page: &'static Encoding,
    star: bool,
    created: [i32; 3],
}

impl<'a> Reader<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let page = encoding_rs::WINDOWS_1252;
        Self {
            rest: bytes,
            groups: vec![Group { destination: Destination::Body, fallback: 1, encoding: page }],
            out: Rendering::default(),
            meta: Parsed::default(),
            line: String::new(),
            bytes: Vec::new(),
            skip: 0,
            high: None,
            row: false,
            font: 0,
            fonts: HashMap::new(),
            page,
            star: false,
            created: [0; 3],
        }
    }

    fn token(&mut self) -> Option<Token<'a>> {
        loop {
            let (first, rest) = self.rest.split_first()?;
            self.rest = rest;
            return Some(match first {
                b'{' => Token::Open,
                b'}' => Token::Close,
                b'\r' | b'\n' | 0 => continue,
                b'\\' => self.control()?,
                byte => Token::Byte(*byte),
            });
        }
    }

    fn control(&mut self) -> Option<Token<'a>> {
        let letters = self.rest.iter().take(40).take_while(|b| b.is_ascii_alphabetic()).count();
        if letters == 0 {
            let (symbol, rest) = self.rest.split_first()?;
            self.rest = rest;
            if *symbol == b'\'' {
                let hex = self.rest.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
                let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                self.rest = self.rest.get(2..).unwrap_or_default();
                return Some(Token::Byte(byte.unwrap_or(b'?')));
            }
            return Some(Token::Symbol(*symbol));
        }
        let word = std::str::from_utf8(&self.rest[..letters]).unwrap_or_default();
        self.rest = &self.rest[letters..];
        let digits = self
            .rest
            .iter()
            .take(12)
            .enumerate()
            .take_while(|(at, b)| b.is_ascii_digit() || (*at == 0 && **b == b'-'))
            .count();
        let number = std::str::from_utf8(&self.rest[..digits]).ok().and_then(|digits| digits.parse().ok());
        self.rest = &self.rest[digits..];
        self.rest = self.rest.strip_prefix(b" ").unwrap_or(self.rest);
        Some(Token::Word(word, number))
    }

    fn group(&mut self) -> &mut Group {
        if self.groups.is_empty() {
            self.groups.push(Group { destination: Destination::Body, fallback: 1, encoding: self.page });
        }
        let last = self.groups.len() - 1;
        &mut self.groups[last]
    }

    fn apply(&mut self, token: Token<'_>) {
        let star = std::mem::take(&mut self.star);
        match token {
            Token::Byte(_) if self.skip > 0 => self.skip -= 1,
            Token::Byte(byte) => self.bytes.push(byte),
            Token::Open => {
                self.decode();
                self.skip = 0;
                let group = *self.group();
                self.groups.push(group);
            }
            Token::Close => {
                self.decode();
                self.skip = 0;
                if self.group().destination == Destination::Created {
                    let [year, month, day] = self.created;
                    self.meta.date = dates::iso(&format!("{year:04}-{month:02}-{day:02}"));
                }
                self.groups.pop();
            }
            Token::Symbol(symbol) => {
                self.decode();
                match symbol {
                    b'*' => self.star = true,
                    b'~' => self.push(" "),
                    b'_' => self.push("-"),
                    b'\n' | b'\r' => self.paragraph(),
                    b'\\' | b'{' | b'}' => self.push(char::from(symbol).encode_utf8(&mut [0; 4])),
                    _ => {}
                }
            }
            Token::Word(word, number) => {
                self.decode();
                self.word(word, number, star);
            }
        }
    }

    fn word(&mut self, word: &str, number: Option<i32>, star: bool) {
        let value = number.unwrap_or(0);
        match word {
            "par" | "sect" | "page" => self.paragraph(),
            "line" | "softline" => self.push("\n"),
            "tab" => self.push("\t"),
            "cell" | "nestcell" => self.push(" | "),
            "row" | "nestrow" => self.end_row(),
            "trowd" => self.row = true,
            "pard" => {}
            "emdash" => self.push("\u{2014}"),
            "endash" => self.push("\u{2013}"),
            "lquote" => self.push("\u{2018}"),
            "rquote" => self.push("\u{2019}"),
            "ldblquote" => self.push("\u{201C}"),
            "rdblquote" => self.push("\u{201D}"),
            "bullet" => self.push("\u{2022}"),
            "emspace" | "enspace" | "qmspace" => self.push(" "),
            "u" => self.unicode(value),
            "uc" => self.group().fallback = usize::try_from(value).unwrap_or(1).min(20),
            "ansicpg" => {
                self.page = code_page(value);
                self.group().encoding = self.page;
            }
            "f" if self.group().destination == Destination::Fonts => self.font = value,
            "f" => self.group().encoding = self.fonts.get(&value).copied().unwrap_or(self.page),
            "plain" => self.group().encoding = self.page,
            "fcharset" => {
                if let Some(encoding) = charset(value) {
                    self.fonts.insert(self.font, encoding);
                }
            }
            "yr" => self.created[0] = value,
            "mo" => self.created[1] = value,
            "dy" => self.created[2] = value,
            "bin" => self.rest = self.rest.get(usize::try_from(value).unwrap_or(0)..).unwrap_or_default(),
            _ => self.destination(word, star),
        }
    }

    fn destination(&mut self, word: &str, star: bool) {
        let hidden = self.group().destination == Destination::Nowhere;
        let destination = match word {
            "fonttbl" => Destination::Fonts,
            "title" => Destination::Title,
            "author" => Destination::Author,
            "creatim" => Destination::Created,
            "keywords" => Destination::Keywords,
            "info" | "colortbl" | "stylesheet" | "pict" | "fldinst" | "listtable" | "listoverridetable" | "revtbl"
            | "filetbl" | "themedata" | "colorschememapping" | "datastore" | "latentstyles" | "xmlnstbl"
            | "rsidtbl" | "generator" | "objdata" | "subject" | "operator" | "company" | "manager" | "category"
            | "doccomm" | "hlinkbase" | "nonesttables" => Destination::Nowhere,
            "shptxt" | "footnote" | "annotation" | "header" | "footer" | "shprslt" | "fldrslt" if !hidden => {
                Destination::Body
            }
            _ if star => Destination::Nowhere,
            _ => return,
        };
        self.group().destination = destination;
    }

    /// A character given by its number; two of them make one beyond U+FFFF.
    fn unicode(&mut self, value: i32) {
        // RTF writes numbers beyond 32,767 as negative ones.
        let unit = value as u16;
        let text = match (self.high.take(), unit) {
            (_, 0xD800..=0xDBFF) => {
                self.high = Some(unit);
                String::new()
            }
            (Some(high), 0xDC00..=0xDFFF) => String::from_utf16_lossy(&[high, unit]),
            (_, unit) => String::from_utf16_lossy(&[unit]),
        };
        self.push(&text);
        self.skip = self.group().fallback;
    }

    fn decode(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let text = self.group().encoding.decode_without_bom_handling(&bytes).0.into_owned();
        self.push(&text);
    }

    fn push(&mut self, text: &str) {
        let add = |field: &mut Option<String>| field.get_or_insert_default().push_str(text);
        match self.group().destination {
            Destination::Body => self.line.push_str(text),
            Destination::Title => add(&mut self.meta.title),
            Destination::Author => add(&mut self.meta.author),
            Destination::Keywords => self.meta.tags.extend(text.split([',', ';']).map(|tag| tag.trim().to_owned())),
            Destination::Nowhere | Destination::Fonts | Destination::Created => {}
        }
    }

    fn paragraph(&mut self) {
        self.decode();
        if self.group().destination != Destination::Body {
            return;
        }
        if self.row && self.line.contains(" | ") {
            self.line.push(' ');
        } else {
            let line = std::mem::take(&mut self.line);
            self.out.paragraph(line.trim());
        }
    }

    fn end_row(&mut self) {
        self.row = false;
        let line = std::mem::take(&mut self.line);
        self.out.line(line.trim().trim_end_matches([' ', '|']));
    }
}

fn code_page(number: i32) -> &'static Encoding {
    let label = match number {
        932 => "shift_jis".to_owned(),
        936 => "gbk".to_owned(),
        949 => "euc-kr".to_owned(),
        950 => "big5".to_owned(),
        10000 => "macintosh".to_owned(),
        65001 => "utf-8".to_owned(),
        866 => "ibm866".to_owned(),
        number => format!("windows-{number}"),
    };
    Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::WINDOWS_1252)
}

/// The encoding of a font's character set.
fn charset(number: i32) -> Option<&'static Encoding> {
    let page = match number {
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    };
    Some(code_page(page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_encodings_and_tables() {
        let parsed = parse(
            br"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset204 Times;}}{\info{\title Plan}{\author Ann}}
{\*\generator x}Gr\'fc\'dfe \u8364?uro\par {\f1 \'cf\'f0\'e8}\par
\trowd\intbl a\cell b\cell\row after}",
        )
        .expect("RTF");
        assert_eq!((parsed.title.as_deref(), parsed.author.as_deref()), (Some("Plan"), Some("Ann")));
        assert_eq!(parsed.text, "Grüße €uro\n\nПри\na | b\nafter".replace("\nafter", "\n\nafter"));
    }

    #[test]
    fn deep_nesting_and_stray_braces() {
        assert!(parse(&[b"{\\rtf1 ".as_slice(), &b"{".repeat(1_000_000)].concat()).is_err());
        assert_eq!(parse(b"{\\rtf1 a}}}} b\\'z").expect("RTF").text, "a b?");
    }
}
