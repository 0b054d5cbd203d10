//! One turn of a conversation, as a line of JSON: what programs write and what is kept.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lines::sum;

/// No turn has more bytes of text.
pub const MAX_CONTENT: usize = 8 << 20;
/// Longest name of a session or a speaker, in bytes.
const MAX_NAME: usize = 200;

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The owner.
    User,
    /// A program that answers.
    Assistant,
    /// Whoever set the program up.
    System,
}

impl Role {
    /// The role that a program means by `name`.
    pub fn named(name: &str) -> Option<Role> {
        Some(match name.trim().to_lowercase().as_str() {
            "user" | "human" | "you" | "me" | "prompter" => Role::User,
            "assistant" | "ai" | "bot" | "model" | "chatgpt" | "claude" | "gemini" | "copilot" | "gpt" => {
                Role::Assistant
            }
            "system" | "developer" => Role::System,
            _ => return None,
        })
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::System => "system",
        })
    }
}

/// What one speaker said at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// What was said.
    pub content: String,
    /// When.
    pub at: Timestamp,
    /// The conversation it belongs to.
    pub session: String,
    /// The speaker's name, where it is known and is not the role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub speaker: Option<String>,
    /// The conversation's title, where its source states one; that of the last turn that has one counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    #[serde(flatten)]
    turn: Turn,
    sum: String,
}

impl Turn {
    /// Who speaks, in a word.
    pub fn who(&self) -> String {
        self.speaker.clone().unwrap_or_else(|| self.role.to_string())
    }

    /// What makes two turns the same, whenever and wherever they were taken down.
    pub fn key(&self) -> u64 {
        let mut hash = blake3::Hasher::new();
        hash.update(&[self.role as u8]).update(self.content.trim().as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.finalize().as_bytes()[..8]);
        u64::from_le_bytes(first)
    }

    /// The line that is kept, with its sum and its end.
    pub fn to_line(&self) -> String {
        let sum = self.sum();
        // A turn is strings and a time: there is nothing in it that JSON cannot hold.
        let mut line = serde_json::to_string(&Line { turn: self.clone(), sum }).unwrap_or_default();
        line.push('\n');
        line
    }

    /// The turn of a kept line, if the line is whole.
    pub fn from_line(line: &str) -> Option<Turn> {
        let Line { turn, sum } = serde_json::from_str(line).ok()?;
        (turn.sum() == sum).then_some(turn)
    }

    fn sum(&self) -> String {
        sum(&serde_json::to_string(self).unwrap_or_default())
    }

    /// The turn that a program wrote. What it leaves out is filled in: the session, and the time `now`.
    ///
    /// # Errors
    /// In words, why this is no turn.
    pub fn parse(line: &str, session: &str, now: Timestamp) -> Result<Turn, String> {
        let value: Value = serde_json::from_str(line).map_err(|e| format!("this is no JSON: {e}"))?;
        Turn::from_value(&value, session, now)
    }

    /// The same of JSON that is read already.
    ///
    /// # Errors
    /// As [`parse`](Turn::parse).
    pub fn from_value(value: &Value, session: &str, now: Timestamp) -> Result<Turn, String> {
        let object = value.as_object().ok_or("a turn is a JSON object")?;
        let role =
            object.get("role").and_then(Value::as_str).ok_or("a turn has a `role`: user, assistant or system")?;
        let role = Role::named(role).ok_or_else(|| format!("{}: a role is user, assistant or system", short(role)))?;
        let content = object.get("content").and_then(text_of).ok_or("a turn has a `content` that is text")?;
        if content.trim().is_empty() {
            return Err("the content is empty".into());
        }
        if content.len() > MAX_CONTENT {
            return Err(format!("the content is longer than {} MiB", MAX_CONTENT >> 20));
        }
        let at = match object.get("at").or_else(|| object.get("timestamp")) {
            None | Some(Value::Null) => now,
            Some(at) => time_of(at).ok_or_else(|| format!("{}: no time; ISO 8601, please", short(&at.to_string())))?,
        };
        let name = |key: &str| object.get(key).and_then(Value::as_str).and_then(one_line);
        let session = name("session").unwrap_or_else(|| session.to_owned());
        let speaker = name("speaker").or_else(|| name("name")).filter(|s| Role::named(s) != Some(role));
        Ok(Turn { role, content, at, session, speaker, title: name("title") })
    }
}

/// Text, or the text parts of a list of parts.
pub fn text_of(value: &Value) -> Option<String> {
    let part = |part: &Value| match part {
        Value::String(text) => Some(text.clone()),
        Value::Object(part) => part.get("text").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    match value {
        Value::Array(parts) => {
            let texts: Vec<String> = parts.iter().filter_map(part).filter(|text| !text.trim().is_empty()).collect();
            (!texts.is_empty()).then(|| texts.join("\n\n"))
        }
        other => part(other),
    }
}

/// A time, as ISO 8601 (local where it has no offset) or as seconds or milliseconds since 1970.
pub fn time_of(value: &Value) -> Option<Timestamp> {
    match value {
        Value::Number(number) => {
            let seconds = number.as_f64()?;
            let seconds = if seconds.abs() > 1e11 { seconds / 1e3 } else { seconds };
            Timestamp::from_microsecond((seconds * 1e6) as i64).ok()
        }
        Value::String(text) => time(text),
        _ => None,
    }
}

/// A time in ISO 8601; local where it has no offset.
pub fn time(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let local = |at: DateTime| at.to_zoned(jiff::tz::TimeZone::system()).ok().map(|at| at.timestamp());
    let stamp = text.parse::<Timestamp>().ok();
    let stamp = stamp.or_else(|| text.replacen(' ', "T", 1).parse::<DateTime>().ok().and_then(local));
    stamp.or_else(|| text.parse::<Date>().ok().and_then(|date| local(date.at(0, 0, 0, 0))))
}

/// A name on one line, bounded; `None` when nothing is left.
pub fn one_line(text: &str) -> Option<String> {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut line = clean.split_whitespace().collect::<Vec<_>>().join(" ");
    line.truncate(line.floor_char_boundary(MAX_NAME));
    (!line.is_empty()).then_some(line)
}

fn short(text: &str) -> String {
    text[..text.floor_char_boundary(40)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T08:00:00Z".parse().unwrap()
    }

    fn parse(line: &str) -> Result<Turn, String> {
        Turn::parse(line, "s", now())
    }

    #[test]
    fn what_programs_write_is_a_turn() {
        let check = |line: &str, role, content: &str, at: &str| {
            let turn = parse(line).unwrap();
            assert_eq!((turn.role, turn.content.as_str(), turn.at.to_string().as_str()), (role, content, at), "{line}");
        };
        check(r#"{"role":"user","content":"Hi"}"#, Role::User, "Hi", "2026-11-22T08:00:00Z");
        check(
            r#"{"role":"Assistant","content":"Yes","at":"2026-03-14T10:00:00+01:00"}"#,
            Role::Assistant,
            "Yes",
            "2026-03-14T09:00:00Z",
        );
        check(
            r#"{"role":"human","content":"Hi","timestamp":1773482400.5}"#,
            Role::User,
            "Hi",
            "2026-03-14T10:00:00.5Z",
        );
        check(r#"{"role":"system","content":"Hi","at":1773482400000}"#, Role::System, "Hi", "2026-03-14T10:00:00Z");
        check(
            r#"{"role":"user","content":[{"type":"text","text":"a"},{"type":"image"},"b"]}"#,
            Role::User,
            "a\n\nb",
            "2026-11-22T08:00:00Z",
        );
        let named = parse(r#"{"role":"user","content":"Hi","name":"Oda","session":"x\ty"}"#).unwrap();
        assert_eq!((named.who().as_str(), named.session.as_str()), ("Oda", "x y"));
    }

    #[test]
    fn what_is_no_turn_is_refused_with_a_reason() {
        let check = |line: &str, why: &str| {
            let error = parse(line).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        };
        check("hello", "no JSON");
        check("[1]", "object");
        check(r#"{"content":"x"}"#, "`role`");
        check(r#"{"role":"cat","content":"x"}"#, "cat");
        check(r#"{"role":"user"}"#, "`content`");
        check(r#"{"role":"user","content":" \n"}"#, "empty");
        check(r#"{"role":"user","content":"x","at":"soon"}"#, "no time");
    }

    #[test]
    fn a_kept_line_shows_any_change() {
        let turn = parse(r#"{"role":"user","content":"Tür \"zu\"\n","name":"Oda","title":"T"}"#).unwrap();
        let line = turn.to_line();
        assert_eq!(Turn::from_line(line.trim_end()), Some(turn));
        assert_eq!(Turn::from_line(&line.trim_end().replace("zu", "auf")), None);
        assert_eq!(Turn::from_line(&line[..line.len() / 2]), None);
    }
}
