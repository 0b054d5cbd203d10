//! From bytes to clean text: byte order marks, UTF-16 and UTF-32, legacy encodings, control characters.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// How much of a file is looked at to tell text from binary and to guess its encoding.
const SAMPLE: usize = 64 << 10;

/// The text of a file with LF line ends and no control characters; `None` when it is binary.
pub fn text(bytes: &[u8]) -> Option<String> {
    decode(bytes).map(|text| match clean(&text) {
        Cow::Borrowed(_) => text.into_owned(),
        Cow::Owned(clean) => clean,
    })
}

/// The text of a file as it is decoded, control characters and all; `None` when it is binary.
pub fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    if let Some(text) = by_mark(bytes).or_else(|| wide(bytes)) {
        return text;
    }
    if controls(bytes) {
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(Cow::Borrowed(text)),
        Err(_) => Some(legacy(bytes)),
    }
}

/// Text in bytes of no stated encoding: UTF-8, or the legacy encoding it looks like.
pub fn legacy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(SAMPLE)], true);
    let guess = detector.guess(None, Utf8Detection::Allow);
    guess.decode_without_bom_handling(bytes).0
}

/// The text of an HTML file: a mark, else valid UTF-8, else what its `meta` says, else a guess.
pub fn html(bytes: &[u8]) -> String {
    if let Some(Some(text)) = by_mark(bytes) {
        return text.into_owned();
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return text.to_owned();
    }
    match stated_charset(&bytes[..bytes.len().min(4096)]) {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        None => decode(bytes).unwrap_or_else(|| legacy(bytes)).into_owned(),
    }
}

fn stated_charset(head: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let (_, rest) = head.split_once("charset=").or_else(|| head.split_once("encoding="))?;
    let label: String = rest
        .trim_start_matches(['"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_:".contains(*c))
        .collect();
    Encoding::for_label(label.as_bytes())
}

/// Decodes by a byte order mark: `None` when there is none, `Some(None)` when what follows is no text.
fn by_mark(bytes: &[u8]) -> Option<Option<Cow<'_, str>>> {
    if bytes.starts_with(&[0xFF, 0xFE, 0, 0]) {
        return Some(utf32(&bytes[4..], u32::from_le_bytes).map(Cow::Owned));
    }
    if bytes.starts_with(&[0, 0, 0xFE, 0xFF]) {
        return Some(utf32(&bytes[4..], u32::from_be_bytes).map(Cow::Owned));
    }
    let (encoding, mark) = Encoding::for_bom(bytes)?;
    let (text, bad) = encoding.decode_without_bom_handling(&bytes[mark..]);
    let damage = text.chars().take(SAMPLE).filter(|c| *c == '\u{FFFD}' || *c == '\0').count();
    Some((!bad || damage * 20 < text.len()).then_some(text))
}

/// UTF-16 and UTF-32 without a mark: where the zero bytes are gives them away.
fn wide(bytes: &[u8]) -> Option<Option<Cow<'_, str>>> {
    let sample = &bytes[..bytes.len().min(4096) & !3];
    if sample.len() < 4 || !sample.contains(&0) {
        return None;
    }
    let zeros = |lane: usize, of: usize| {
        let lane = sample.iter().skip(lane).step_by(of);
        lane.clone().filter(|b| **b == 0).count() * 100 / lane.len().max(1)
    };
    let decoded = if zeros(1, 4) > 95 && zeros(2, 4) > 95 && zeros(3, 4) > 95 {
        utf32(bytes, u32::from_le_bytes)
    } else if zeros(0, 4) > 95 && zeros(1, 4) > 95 && zeros(2, 4) > 95 {
        utf32(bytes, u32::from_be_bytes)
    } else if zeros(1, 2) > 40 && zeros(0, 2) < 3 {
        utf16(bytes, encoding_rs::UTF_16LE)
    } else if zeros(0, 2) > 40 && zeros(1, 2) < 3 {
        utf16(bytes, encoding_rs::UTF_16BE)
    } else {
        return None;
    };
    Some(decoded.filter(|text| !controls(text.as_bytes())).map(Cow::Owned))
}

fn utf16(bytes: &[u8], encoding: &'static Encoding) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(Cow::into_owned)
}

fn utf32(bytes: &[u8], value: fn([u8; 4]) -> u32) -> Option<String> {
    let (chars, _) = bytes.as_chunks::<4>();
    chars.iter().map(|four| char::from_u32(value(*four))).collect()
}

/// Whether bytes have more control characters than text has.
fn controls(bytes: &[u8]) -> bool {
    let sample = &bytes[..bytes.len().min(SAMPLE)];
    let odd = sample.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31 | 127)).count();
    let zeros = sample.iter().filter(|b| **b == 0).count();
    odd * 100 > sample.len() || zeros * 500 > sample.len()
}

/// Text with LF line ends and no control characters but tab and LF; terminal escapes go as a whole.
pub fn clean(text: &str) -> Cow<'_, str> {
    if is_clean(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => out.push('\n'),
            '\n' | '\t' => out.push(c),
            '\x1b' => skip_escape(&mut chars),
            '\x0b' | '\x0c' | '\u{80}'..='\u{9f}' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_clean(text: &str) -> bool {
    // C1 controls are U+0080 to U+009F: 0xC2 and a byte below 0xA0.
    let bytes = text.as_bytes();
    let c0 = |b: &u8| (*b < 0x20 && *b != b'\n' && *b != b'\t') | (*b == 0x7F);
    !bytes.iter().fold(false, |any, b| any | c0(b))
        && !bytes.windows(2).fold(false, |any, w| any | (w[0] == 0xC2 && w[1] < 0xA0))
}

/// Skips the rest of a terminal escape sequence: CSI to its final byte, OSC to its end, else one character.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
            chars.next_if(|c| matches!(c, '@'..='~'));
        }
        Some(']') => while chars.next_if(|c| !matches!(c, '\x07' | '\x1b' | '\n')).is_some() {},
        _ => {
            chars.next_if(|c| matches!(c, '@'..='_'));
        }
    }
}

/// Makes rendered text plain: besides [`clean`], ligatures are spelt out, no-break spaces become
/// spaces, soft hyphens and zero-width marks go.
pub fn plain(text: &str) -> Cow<'_, str> {
    let special =
        |c: char| matches!(c, '\u{AD}' | '\u{A0}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' | '\u{FB00}'..='\u{FB06}');
    let text = clean(text);
    if !text.contains(special) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{AD}' | '\u{200B}' | '\u{2060}' | '\u{FEFF}' => {}
            '\u{A0}' => out.push(' '),
            '\u{FB00}'..='\u{FB06}' => {
                out.push_str(["ff", "fi", "fl", "ffi", "ffl", "st", "st"][c as usize - 0xFB00]);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_come_out_the_same() {
        let want = "Grüße aus Köln\nzweite Zeile";
        let (utf16, marked): (Vec<u8>, Vec<u8>) = (
            want.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            [0xFE, 0xFF].into_iter().chain(want.encode_utf16().flat_map(u16::to_be_bytes)).collect(),
        );
        let utf32: Vec<u8> = want.chars().flat_map(|c| (c as u32).to_be_bytes()).collect();
        let windows = encoding_rs::WINDOWS_1252.encode(want).0.into_owned();
        let bom = ["\u{FEFF}", want].concat().into_bytes();
        for bytes in [want.as_bytes().to_vec(), bom, utf16, marked, utf32, windows] {
            assert_eq!(text(&bytes).as_deref(), Some(want));
        }
    }

    #[test]
    fn legacy_scripts_are_recognised() {
        let russian = "Привет, это обычный текст на русском языке, набранный в старой кодировке.";
        for encoding in [encoding_rs::WINDOWS_1251, encoding_rs::KOI8_R] {
            assert_eq!(text(&encoding.encode(russian).0).as_deref(), Some(russian));
        }
        let japanese = "これは日本語の文章です。文字コードを調べるための例です。";
        for encoding in [encoding_rs::SHIFT_JIS, encoding_rs::EUC_JP] {
            assert_eq!(text(&encoding.encode(japanese).0).as_deref(), Some(japanese));
        }
    }

    #[test]
    fn binary_is_not_text() {
        assert_eq!(text(&[0, 1, 2, 3, 0xFF, 0, 0, 9, 8, 7]), None);
        let noise: Vec<u8> = (0..2000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        assert_eq!(text(&noise), None);
    }

    #[test]
    fn control_characters_go_and_lines_stay() {
        assert_eq!(clean("a\r\nb\rc\x1b[31mred\x1b[0m\x07\u{9b}d\n"), "a\nb\ncred d\n");
        assert_eq!(plain("ﬁne co\u{AD}op\u{A0}x"), "fine coop x");
    }
}
