//! Calendars (.ics) and contacts (.vcf): each event and each person becomes a few readable lines.

use super::render::Rendering;
use super::{Parsed, decode};

/// A calendar or address book.
pub fn parse(text: &str) -> Parsed {
    let mut out = Rendering::default();
    let mut names: Vec<String> = Vec::new();
    let mut title = None;
    let mut card: Vec<Property> = Vec::new();
    for line in unfold(text) {
        let Some(property) = Property::parse(&line) else { continue };
        match property.name.as_str() {
            "BEGIN" => names.push(property.value.to_uppercase()),
            "END" => {
                if names.pop().is_some_and(|name| name != "VCALENDAR" && name != "VTIMEZONE") {
                    entry(&mut card, &mut out);
                }
            }
            "X-WR-CALNAME" => title = Some(property.value),
            _ if names.iter().any(|name| name == "VTIMEZONE") => {}
            _ => card.push(property),
        }
    }
    entry(&mut card, &mut out);
    Parsed { title, ..out.parsed() }
}

/// A name, whether its value is quoted-printable, and the value.
struct Property {
    name: String,
    value: String,
}

impl Property {
    fn parse(line: &str) -> Option<Self> {
        let (head, value) = split_outside_quotes(line)?;
        let mut parts = head.split(';');
        let name = parts.next()?.rsplit('.').next()?.to_uppercase();
        let parameters = parts.collect::<Vec<_>>().join(";").to_uppercase();
        let value = if parameters.contains("QUOTED-PRINTABLE") { quoted_printable(value) } else { value.to_owned() };
        let binary = parameters.contains("ENCODING=B") || parameters.contains("BASE64") || value.starts_with("data:");
        (!binary).then(|| Self { name, value: unescape(&value) })
    }
}

/// Splits at the first colon that is not in a quoted parameter.
fn split_outside_quotes(line: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let at = line.char_indices().find_map(|(at, c)| match c {
        '"' => {
            quoted = !quoted;
            None
        }
        ':' if !quoted => Some(at),
        _ => None,
    })?;
    Some((&line[..at], &line[at + 1..]))
}

/// Logical lines: folded ones joined.
fn unfold(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            (_, Some(last)) if last.ends_with('=') && last.to_uppercase().contains("QUOTED-PRINTABLE") => {
                last.pop();
                last.push_str(line);
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

fn quoted_printable(value: &str) -> String {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let hex = (*first == b'=').then(|| tail.get(..2)).flatten();
        let byte = hex.and_then(|hex| std::str::from_utf8(hex).ok()).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { &tail[2..] } else { tail };
    }
    decode::legacy(&bytes).into_owned()
}

fn unescape(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n' | 'N') => out.push('\n'),
                Some(other) => out.push(other),
                None => {}
            },
            c => out.push(c),
        }
    }
    out
}

/// Writes one event, task or person, and empties it.
fn entry(card: &mut Vec<Property>, out: &mut Rendering) {
    let first = |names: &[&str]| {
        names.iter().find_map(|name| card.iter().find(|p| p.name == *name && !p.value.trim().is_empty()))
    };
    if let Some(head) = first(&["SUMMARY", "FN"]) {
        out.heading(1, &head.value);
    }
    for property in card.iter() {
        if let Some(label) = label(&property.name) {
            let value = readable(property);
            if !value.is_empty() {
                out.line(&format!("{label}: {value}"));
            }
        }
    }
    out.gap();
    card.clear();
}

/// The word for a property; `None` for what says nothing to a person, or is the heading.
fn label(name: &str) -> Option<&'static str> {
    Some(match name {
        "DTSTART" => "Start",
        "DTEND" => "End",
        "DUE" => "Due",
        "COMPLETED" => "Completed",
        "DURATION" => "Duration",
        "LOCATION" => "Location",
        "DESCRIPTION" => "Description",
        "COMMENT" => "Comment",
        "ORGANIZER" => "Organizer",
        "ATTENDEE" => "Attendee",
        "CATEGORIES" => "Categories",
        "STATUS" => "Status",
        "RRULE" => "Repeats",
        "URL" => "URL",
        "N" => "Name",
        "NICKNAME" => "Nickname",
        "ORG" => "Organisation",
        "TITLE" => "Job title",
        "ROLE" => "Role",
        "TEL" => "Phone",
        "EMAIL" => "Email",
        "ADR" => "Address",
        "BDAY" => "Birthday",
        "ANNIVERSARY" => "Anniversary",
        "NOTE" => "Note",
        "X-JABBER" | "IMPP" => "Chat",
        _ => return None,
    })
}

fn readable(property: &Property) -> String {
    let value = property.value.trim();
    match property.name.as_str() {
        "DTSTART" | "DTEND" | "DUE" | "COMPLETED" | "BDAY" | "ANNIVERSARY" => moment(value),
        "N" | "ADR" | "ORG" => {
            let parts: Vec<&str> = value.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
            parts.join(if property.name == "N" { " " } else { ", " })
        }
        "ORGANIZER" | "ATTENDEE" => value.trim_start_matches("mailto:").trim_start_matches("MAILTO:").to_owned(),
        _ => value.to_owned(),
    }
}

/// `20240301T093000Z` as `2024-03-01 09:30`; anything else as it is.
fn moment(value: &str) -> String {
    let part = |from: usize, to: usize| value.get(from..to).filter(|part| part.bytes().all(|b| b.is_ascii_digit()));
    let (Some(year), Some(month), Some(day)) = (part(0, 4), part(4, 6), part(6, 8)) else { return value.to_owned() };
    let zone = if value.ends_with('Z') { " UTC" } else { "" };
    match (value.get(8..9), part(9, 11), part(11, 13)) {
        (Some("T"), Some(hour), Some(minute)) => format!("{year}-{month}-{day} {hour}:{minute}{zone}"),
        _ => format!("{year}-{month}-{day}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event() {
        let parsed = parse(
            "BEGIN:VCALENDAR\nX-WR-CALNAME:Home\nBEGIN:VTIMEZONE\nTZID:X\nEND:VTIMEZONE\nBEGIN:VEVENT\nSUMMARY:Dentist\n\
             DTSTART;TZID=\"A:B\":20240301T093000\nDESCRIPTION:Bring the ca\n rd\\, please\nEND:VEVENT\nEND:VCALENDAR\n",
        );
        assert_eq!(parsed.title.as_deref(), Some("Home"));
        assert_eq!(parsed.text, "Dentist\nStart: 2024-03-01 09:30\nDescription: Bring the card, please");
    }

    #[test]
    fn a_person() {
        let parsed = parse(
            "BEGIN:VCARD\nVERSION:3.0\nFN:Ann Lee\nN:Lee;Ann;;;\nitem1.TEL;TYPE=cell:+1 555\nPHOTO;ENCODING=b:AAAA\n\
             NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Gr=C3=BC=\n=C3=9Fe\nEND:VCARD\n",
        );
        assert_eq!(parsed.text, "Ann Lee\nName: Lee Ann\nPhone: +1 555\nNote: Grüße");
    }
}
