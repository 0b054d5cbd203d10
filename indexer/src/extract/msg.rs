//! Outlook messages (.msg): the properties of [MS-OXMSG], written like any mail.

use super::ole::{Streams, filetime, u16_at, u32_at, u64_at, utf16};
use super::render::Rendering;
use super::{Parsed, Result, decode, html, mail, rtf};

/// One message.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let mut file = Streams::open(bytes)?;
    let title = text(&mut file, "", "0037");
    let name = text(&mut file, "", "0C1A");
    let address = text(&mut file, "", "5D01").or_else(|| text(&mut file, "", "0C1F"));
    let author = match (name, address) {
        (Some(name), Some(address)) if name != address => Some(format!("{name} <{address}>")),
        (name, address) => name.or(address),
    };
    let date = submitted(&mut file);
    let mut out = Rendering::default();
    out.heading(1, title.as_deref().unwrap_or("(no subject)"));
    let recipients = [
        ("To", text(&mut file, "", "0E04")),
        ("Cc", text(&mut file, "", "0E03")),
        ("Bcc", text(&mut file, "", "0E02")),
    ];
    for (label, value) in [("From", author.clone())].into_iter().chain(recipients).chain([("Date", date.clone())]) {
        if let Some(value) = value {
            out.line(&format!("{label}: {value}"));
        }
    }
    out.gap();
    body(&mut file, title.as_deref().is_some_and(mail::is_reply), &mut out)?;
    for storage in file.storages() {
        if storage.starts_with("__attach") {
            let folder = format!("{storage}/");
            let name = text(&mut file, &folder, "3707").or_else(|| text(&mut file, &folder, "3704"));
            if let Some(name) = name {
                out.gap();
                out.line(&format!("Attachment: {name}"));
                let bytes = file.read(&format!("{folder}__substg1.0_37010102")).unwrap_or_default();
                mail::attached(&name, &bytes, &mut out);
            }
        }
    }
    Ok(Parsed { title, author, date, ..out.parsed() })
}

fn body(file: &mut Streams<'_>, reply: bool, out: &mut Rendering) -> Result<()> {
    if let Some(text) = text(file, "", "1000") {
        mail::write_body(&text.replace("\r\n", "\n"), reply, out);
    } else if let Some(bytes) = file.read("__substg1.0_10130102") {
        html::render_mail(&decode::html(&bytes), out);
    } else if let Some(html) = text(file, "", "1013") {
        html::render_mail(&html, out);
    } else if let Some(rtf) = file.read("__substg1.0_10090102").and_then(|bytes| unpacked(&bytes)) {
        mail::write_body(&rtf::parse(&rtf)?.text, reply, out);
    }
    Ok(())
}

/// A string property, as UTF-16 or in a legacy encoding.
fn text(file: &mut Streams<'_>, folder: &str, tag: &str) -> Option<String> {
    let wide = file.read(&format!("{folder}__substg1.0_{tag}001F")).map(|bytes| utf16(&bytes));
    let text = wide.or_else(|| {
        let bytes = file.read(&format!("{folder}__substg1.0_{tag}001E"))?;
        Some(decode::legacy(&bytes).into_owned())
    })?;
    let text = text.trim_matches(['\0', ' ', '\r', '\n']);
    (!text.is_empty()).then(|| text.to_owned())
}

/// When the message was sent, else delivered.
fn submitted(file: &mut Streams<'_>) -> Option<String> {
    let bytes = file.read("__properties_version1.0")?;
    let entries = bytes.get(32..)?.chunks_exact(16);
    let find =
        |tag: u32| entries.clone().find(|entry| u32_at(entry, 0) == Some(tag)).and_then(|entry| u64_at(entry, 8));
    find(0x0039_0040).or_else(|| find(0x0E06_0040)).and_then(filetime)
}

/// Compressed RTF ([MS-OXRTFCP]): runs from a dictionary of 4,096 bytes that starts with common RTF.
fn unpacked(bytes: &[u8]) -> Option<Vec<u8>> {
    const START: &[u8] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
    let size = (u32_at(bytes, 4)? as usize).min(super::MAX_TEXT);
    if u32_at(bytes, 8)? == 0x414C_454D {
        return bytes.get(16..).map(<[u8]>::to_vec);
    }
    let mut dictionary = [b' '; 4096];
    dictionary[..START.len()].copy_from_slice(START);
    let mut at = START.len();
    let mut out = Vec::new();
    let mut rest = bytes.get(16..)?;
    while let Some((flags, tail)) = rest.split_first() {
        rest = tail;
        for bit in 0..8 {
            if out.len() >= size {
                return Some(out);
            }
            let (from, count) = if flags >> bit & 1 == 0 {
                let Some((literal, tail)) = rest.split_first() else { return Some(out) };
                rest = tail;
                dictionary[at] = *literal;
                (at, 1)
            } else {
                let Some(run) = u16_at(rest, 0).map(u16::swap_bytes) else { return Some(out) };
                rest = rest.get(2..)?;
                let from = usize::from(run >> 4);
                if from == at {
                    return Some(out);
                }
                (from, usize::from(run & 0xF) + 2)
            };
            for step in 0..count {
                let byte = dictionary[(from + step) % 4096];
                dictionary[at] = byte;
                at = (at + 1) % 4096;
                out.push(byte);
            }
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_rtf() {
        // The example of [MS-OXRTFCP] 3.1.1.
        let packed = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0, 0x0a, 0, 0x72, 0x63,
            0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0, 0x20, 0x62, 0x77,
            0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        assert_eq!(unpacked(&packed).as_deref(), Some(b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n".as_slice()));
    }
}
