//! Mail (.eml, .mbox): subject, sender, recipients, date and body; quoted text and signatures are in no passage.

use std::path::Path;

use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

use super::detect::{Format, detect};
use super::render::Rendering;
use super::{ExtractError, Parsed, Result, decode, html};

/// Messages inside messages are read this deep.
const MAX_DEPTH: usize = 3;
/// No more messages of a mailbox are read.
const MAX_MESSAGES: usize = 50_000;

/// One message.
pub fn parse(bytes: &[u8]) -> Result<Parsed> {
    let bytes = narrow(bytes);
    let message = MessageParser::default().parse(&*bytes).ok_or_else(|| ExtractError::failed("not a mail"))?;
    let mut out = Rendering::default();
    let title = write(&message, &mut out, 0);
    let date = message.date().filter(|date| date.is_valid()).and_then(|date| super::dates::iso(&date.to_rfc3339()));
    Ok(Parsed { title, author: message.from().and_then(first), date, ..out.parsed() })
}

/// A mailbox of many messages.
pub fn parse_mailbox(bytes: &[u8]) -> Result<Parsed> {
    let mut out = Rendering::default();
    for raw in messages(bytes).take(MAX_MESSAGES) {
        if let Some(message) = MessageParser::default().parse(&raw) {
            write(&message, &mut out, 0);
            out.gap();
        }
        if out.full() {
            break;
        }
    }
    Ok(out.parsed())
}

/// A message saved as UTF-16 as UTF-8, all others as they are.
fn narrow(bytes: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let wide =
        bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) || bytes.iter().take(40).any(|b| *b == 0);
    match decode::decode(bytes).filter(|_| wide) {
        Some(text) => text.into_owned().into_bytes().into(),
        None => bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).into(),
    }
}

/// The messages of a mailbox: each begins with a `From ` line after an empty line; `>From ` is unquoted.
fn messages(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut lines = bytes.split_inclusive(|b| *b == b'\n').skip_while(|line| !line.starts_with(b"From ")).peekable();
    std::iter::from_fn(move || {
        lines.next()?;
        let mut message = Vec::new();
        let mut empty = false;
        while let Some(line) = lines.next_if(|line| !(empty && line.starts_with(b"From "))) {
            empty = line.iter().all(u8::is_ascii_whitespace);
            let quoted = line.starts_with(b">")
                && line.trim_ascii_start().iter().skip_while(|b| **b == b'>').take(5).eq(b"From ");
            message.extend_from_slice(if quoted { &line[1..] } else { line });
        }
        Some(message)
    })
}

/// Writes a message; gives its subject.
fn write(message: &Message<'_>, out: &mut Rendering, depth: usize) -> Option<String> {
    let subject = message.subject().map(str::trim).filter(|subject| !subject.is_empty()).map(str::to_owned);
    out.heading(1, subject.as_deref().unwrap_or("(no subject)"));
    for (label, list) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc()), ("Bcc", message.bcc())]
    {
        if let Some(people) = list.map(people).filter(|people| !people.is_empty()) {
            out.line(&format!("{label}: {people}"));
        }
    }
    if let Some(date) = message.date().filter(|date| date.is_valid()) {
        out.line(&format!("Date: {}", date.to_rfc3339().replace('T', " ")));
    }
    out.gap();
    let reply = subject.as_deref().is_some_and(is_reply);
    for part in message.text_body.iter().filter_map(|id| message.part(*id)) {
        body(part, reply, out);
    }
    let more = message.attachments.iter().filter_map(|id| message.part(*id));
    for part in more {
        attachment(part, out, depth);
    }
    subject
}

/// Whether a subject is that of an answer (and not of a forwarded mail).
pub fn is_reply(subject: &str) -> bool {
    let start = subject.trim_start().split(':').next().unwrap_or_default().to_lowercase();
    ["re", "aw", "antw", "sv", "odp", "rif", "res"].contains(&start.split('[').next().unwrap_or_default())
}

fn body(part: &MessagePart<'_>, reply: bool, out: &mut Rendering) {
    match &part.body {
        PartType::Text(text) => write_body(text, reply, out),
        PartType::Html(text) => {
            html::render_mail(text, out);
        }
        _ => {}
    }
}

/// Text attachments and forwarded messages with their text, documents too; of others the name.
fn attachment(part: &MessagePart<'_>, out: &mut Rendering, depth: usize) {
    let name = part.attachment_name().map(str::to_owned);
    if let Some(name) = &name {
        out.gap();
        out.line(&format!("Attachment: {name}"));
    }
    match &part.body {
        PartType::Text(text) => text.split("\n\n").for_each(|paragraph| out.paragraph(paragraph)),
        PartType::Html(text) => {
            html::render(text, out);
        }
        PartType::Message(message) if depth < MAX_DEPTH => {
            out.gap();
            write(message, out, depth + 1);
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            let report = part.content_type().is_some_and(|kind| kind.ctype() == "message");
            match name {
                Some(name) => attached(&name, bytes, out),
                None if report => out.paragraph(&decode::legacy(bytes)),
                None => {}
            }
        }
        _ => {}
    }
}

/// The passages of an attached document.
pub fn attached(name: &str, bytes: &[u8], out: &mut Rendering) {
    if is_mail(bytes) {
        return;
    }
    if let Ok(inner) = super::extract(Path::new(name), bytes) {
        for span in &inner.passages {
            out.paragraph(&inner.text[span.start as usize..span.end as usize]);
        }
    }
}

/// Messages are read by depth, not here: a mail in a mail in a mail must end.
fn is_mail(bytes: &[u8]) -> bool {
    matches!(detect(Path::new("mail"), bytes), Ok(Format::Mail | Format::Mailbox | Format::Msg))
}

fn people(list: &Address<'_>) -> String {
    list.iter().map(person).collect::<Vec<_>>().join(", ")
}

fn first(list: &Address<'_>) -> Option<String> {
    list.iter().next().map(person).filter(|person| !person.is_empty())
}

fn person(address: &mail_parser::Addr<'_>) -> String {
    match (address.name(), address.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (name, address) => name.or(address).unwrap_or_default().to_owned(),
    }
}

/// Writes a plain text body. Quoted lines, what announces them, and the signature are in no passage,
/// unless there is nothing else; nor, in a reply, the older mail below it.
pub fn write_body(text: &str, reply: bool, out: &mut Rendering) {
    let text = decode::plain(text);
    let quoted = quoted_lines(&text, reply);
    let all = quoted.iter().all(|quoted| *quoted);
    let mut open = String::new();
    let mut open_quoted = false;
    for (line, quoted) in text.lines().zip(quoted) {
        let quoted = quoted && !all;
        if quoted != open_quoted || line.trim().is_empty() {
            flush(&mut open, open_quoted, out);
            open_quoted = quoted;
        }
        if line.trim().is_empty() {
            out.gap();
        } else {
            open.push_str(line);
            open.push('\n');
        }
    }
    flush(&mut open, open_quoted, out);
}

fn flush(open: &mut String, quoted: bool, out: &mut Rendering) {
    let text = std::mem::take(open);
    if quoted { out.quiet(&text) } else { out.line(&text) }
}

/// For each line whether it is quoted from another mail or belongs to the signature; empty lines follow
/// the line before them.
fn quoted_lines(text: &str, reply: bool) -> Vec<bool> {
    let lines: Vec<&str> = text.lines().collect();
    let end = (0..lines.len())
        .find(|at| is_end(lines[*at]) || (reply && is_older_mail(&lines[*at..])))
        .unwrap_or(lines.len());
    let mut quoted = Vec::with_capacity(lines.len());
    for (at, line) in lines.iter().enumerate() {
        let empty = line.trim().is_empty();
        let marked = line.trim_start().starts_with('>') || at >= end || announces(&lines, at);
        quoted.push(marked || (empty && quoted.last().copied().unwrap_or(true)));
    }
    quoted
}

/// Lines after which nothing is the writer's own.
fn is_end(line: &str) -> bool {
    let line = line.trim_end_matches('\r');
    let rule = line.trim().trim_matches(['-', '_', ' ']);
    line == "-- "
        || line == "--"
        || (line.starts_with("-----")
            && ["Original Message", "Ursprüngliche Nachricht", "Message d'origine"].contains(&rule))
}

/// The headers above an older mail, as Outlook writes them.
fn is_older_mail(lines: &[&str]) -> bool {
    let starts = |line: &str, names: [&str; 4]| {
        names.iter().any(|name| line.trim_start().trim_start_matches('*').starts_with(name))
    };
    let next = &lines[1.min(lines.len())..lines.len().min(5)];
    starts(lines[0], ["From:", "Von:", "De :", "De:"])
        && next.iter().any(|line| starts(line, ["Sent:", "Gesendet:", "Date:", "Envoyé"]))
}

/// `On ... wrote:` right before quoted lines, on one line or two.
fn announces(lines: &[&str], at: usize) -> bool {
    let quoted_below = |from: usize| {
        lines[from..].iter().find(|line| !line.trim().is_empty()).is_some_and(|line| line.trim_start().starts_with('>'))
    };
    let ends = |line: &str| line.trim_end().ends_with(':') && line.trim().len() > 8;
    let begins =
        |line: &str| ["On ", "Am ", "Le ", "El ", "Il ", "Op ", "On\u{a0}"].iter().any(|word| line.starts_with(word));
    let one = ends(lines[at]) && quoted_below(at + 1) && (begins(lines[at]) || lines[at].contains('@'));
    let first_of_two = begins(lines[at])
        && lines.get(at + 1).is_some_and(|next| ends(next))
        && quoted_below((at + 2).min(lines.len()));
    let second_of_two = at > 0 && begins(lines[at - 1]) && ends(lines[at]) && quoted_below(at + 1);
    one || first_of_two || second_of_two
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::passages;

    fn cut(parsed: &Parsed) -> Vec<&str> {
        passages(&parsed.text, &parsed.blocks).iter().map(|s| &parsed.text[s.start as usize..s.end as usize]).collect()
    }

    #[test]
    fn quoted_text_and_signature_are_in_no_passage() {
        let mail = "From: Ann <a@x.y>\nTo: b@x.y\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nDate: Fri, 1 Mar 2024 10:00:00 +0100\n\n\
            My answer.\n\nOn Thu, Bob wrote:\n> old words\n> more\n\nMine again.\n-- \nAnn, Acme\n";
        let parsed = parse(mail.as_bytes()).expect("a mail");
        assert_eq!(parsed.title.as_deref(), Some("Grüße"));
        assert_eq!(
            (parsed.author.as_deref(), parsed.date.as_deref()),
            (Some("Ann <a@x.y>"), Some("2024-03-01T09:00:00Z"))
        );
        let all = cut(&parsed).join("\n");
        assert!(parsed.text.contains("old words") && parsed.text.contains("Acme"));
        assert!(all.contains("My answer") && all.contains("Mine again") && all.contains("From: Ann"));
        assert!(!all.contains("old words") && !all.contains("wrote:") && !all.contains("Acme"));
    }

    #[test]
    fn a_mail_of_nothing_but_quotes_keeps_them() {
        let parsed = parse(b"From: a@x.y\nSubject: s\n\n> only this\n").expect("a mail");
        assert!(cut(&parsed).join("\n").contains("only this"));
    }

    #[test]
    fn a_mailbox_has_its_messages() {
        let mailbox = "From a Thu\nFrom: a@x.y\nSubject: one\n\nfirst\n>From here\n\nFrom b Fri\nFrom: b@x.y\nSubject: two\n\nsecond\n";
        let parsed = parse_mailbox(mailbox.as_bytes()).expect("a mailbox");
        let cut = cut(&parsed);
        assert_eq!(cut.len(), 2);
        assert!(cut[0].contains("first\nFrom here") && cut[1].starts_with("two"));
    }

    #[test]
    fn html_mail_leaves_its_quotes_out() {
        let mail = "From: a@x.y\nSubject: s\nContent-Type: text/html\n\n<p>mine</p><blockquote type=cite><p>theirs</p></blockquote>";
        let parsed = parse(mail.as_bytes()).expect("a mail");
        let all = cut(&parsed).join("\n");
        assert!(all.contains("mine") && !all.contains("theirs") && parsed.text.contains("theirs"));
    }
}
