//! One entry of the relationship log: what programs append and what is kept.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::observe::Activity;
use crate::conversations::one_line;

/// Longest text, in bytes.
const MAX_TEXT: usize = 64 << 10;
/// A clock may be ahead by so much.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What an entry tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something was asked or done.
    Interaction,
    /// Something was noticed.
    Observation,
    /// The owner likes or wants something.
    Preference,
    /// Evidence for or against a belief about a subject.
    Opinion,
    /// A regularity that a program found.
    Pattern,
    /// The owner puts something right.
    Correction,
    /// Something was reached.
    Milestone,
}

/// Which way an opinion's evidence goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stance {
    /// It speaks for the belief.
    For,
    /// It speaks against it.
    Against,
}

/// Where something stands.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Evidence {
    /// Absolute path.
    pub path: String,
    /// Line, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

/// One line of the log. The fields come in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counted from 1.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What it tells.
    pub kind: Kind,
    /// In words.
    pub text: String,
    /// What it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// What bears it out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Evidence>,
    /// How sure it is, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Of an opinion: whether it speaks for or against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stance: Option<Stance>,
    /// Of a correction: the entry it corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<u64>,
    /// Of a correction: what it corrects is not to be shown at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retract: bool,
    /// Of an entry that was forgotten, and says nothing any more: BLAKE3 of the line that it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forgotten: Option<String>,
    /// BLAKE3 of the line before, in hex; empty in the first.
    pub prev: String,
}

impl Entry {
    /// The entry that a program wrote, without its number and the line before. `at` is `now` where it is left out.
    ///
    /// # Errors
    /// In words, why this is none.
    pub fn parse(line: &str, now: Timestamp) -> Result<Entry, String> {
        let value: Value = serde_json::from_str(line).map_err(|e| format!("this is no JSON: {e}"))?;
        let object = value.as_object().ok_or("an entry is a JSON object")?;
        if let Some(filled) = ["seq", "prev", "forgotten"].iter().find(|key| object.contains_key(**key)) {
            return Err(format!("`{filled}` is filled in here"));
        }
        let field = |key: &str| object.get(key).filter(|value| !value.is_null());
        let kind = field("kind").ok_or("an entry has a `kind`")?;
        let kind: Kind = serde_json::from_value(kind.clone()).map_err(|_| {
            format!("{kind}: a kind is interaction, observation, preference, opinion, pattern, correction or milestone")
        })?;
        let text = field("text").and_then(Value::as_str).ok_or("an entry has a `text`")?.trim();
        if text.is_empty() || text.len() > MAX_TEXT {
            return Err("the text is empty or longer than 64 KiB".into());
        }
        let wrong = |key: &str, e: serde_json::Error| format!("`{key}`: {e}");
        let at: Timestamp = match field("at") {
            Some(at) => serde_json::from_value(at.clone()).map_err(|e| wrong("at", e))?,
            None => now,
        };
        if at > now + AHEAD {
            return Err(format!("{at} has not come yet"));
        }
        let confidence = field("confidence").map(|c| c.as_f64().filter(|c| (0.0..=1.0).contains(c)));
        if confidence == Some(None) {
            return Err("the confidence is a number from 0 to 1".into());
        }
        let read = |key: &str| field(key).cloned().unwrap_or(Value::Null);
        let entry = Entry {
            seq: 0,
            at,
            kind,
            text: text.to_owned(),
            subject: field("subject").and_then(Value::as_str).and_then(one_line),
            evidence: serde_json::from_value::<Option<_>>(read("evidence"))
                .map_err(|e| wrong("evidence", e))?
                .unwrap_or_default(),
            confidence: confidence.flatten(),
            stance: serde_json::from_value(read("stance")).map_err(|e| wrong("stance", e))?,
            of: serde_json::from_value(read("of")).map_err(|e| wrong("of", e))?,
            retract: serde_json::from_value::<Option<_>>(read("retract"))
                .map_err(|e| wrong("retract", e))?
                .unwrap_or_default(),
            forgotten: None,
            prev: String::new(),
        };
        match entry.kind {
            Kind::Opinion | Kind::Preference if entry.subject.is_none() => Err("it has a `subject`".into()),
            Kind::Correction if entry.of.is_none() && entry.subject.is_none() => {
                Err("a correction says what it corrects: `of`, the number of an entry, or a `subject`".into())
            }
            _ => Ok(entry),
        }
    }

    /// An entry of this program's own.
    pub fn new(kind: Kind, text: &str, at: Timestamp) -> Entry {
        let (subject, evidence, confidence, stance, of, forgotten) = Default::default();
        let (text, prev) = (text.to_owned(), String::new());
        Entry { seq: 0, at, kind, text, subject, evidence, confidence, stance, of, retract: false, forgotten, prev }
    }

    /// What is left of it when it is forgotten: that there was one, at that place of the log.
    pub fn emptied(&self, digest: String) -> Entry {
        let epoch = Timestamp::UNIX_EPOCH;
        let (seq, prev) = (self.seq, self.prev.clone());
        Entry { seq, prev, forgotten: Some(digest), ..Entry::new(self.kind, "", epoch) }
    }

    /// Whether a document at or below `path` bears it out.
    pub fn rests_on(&self, path: &Path) -> bool {
        self.evidence.iter().any(|evidence| Path::new(&evidence.path).starts_with(path))
    }

    /// What it speaks of. Of something that was asked here, evidence without a line bears nothing out: it says where the asking
    /// is kept and what was looked at in vain, so that this is forgotten with it.
    pub fn borne_out_by(&self) -> impl Iterator<Item = &Evidence> {
        let is_asked = matches!(Activity::of(self), Some(Activity::Questions | Activity::Chats));
        self.evidence.iter().filter(move |evidence| !is_asked || evidence.line.is_some())
    }

    /// Whether an opinion's evidence speaks for the belief.
    pub fn speaks_for(&self) -> bool {
        self.stance.unwrap_or(Stance::For) == Stance::For
    }

    /// What an opinion's evidence weighs: its confidence, 1 where it states none.
    pub fn weight(&self) -> f64 {
        self.confidence.unwrap_or(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_filled_in_or_refused() {
        let now: Timestamp = "2026-11-22T08:00:00Z".parse().unwrap();
        let entry = Entry::parse(r#"{"kind":"preference","text":" short answers ","subject":"style"}"#, now).unwrap();
        assert_eq!((entry.text.as_str(), entry.at), ("short answers", now));
        let check = |line: &str, why: &str| {
            let error = Entry::parse(line, now).unwrap_err();
            assert!(error.contains(why), "{line}: {error}");
        };
        check("x", "no JSON");
        check("[]", "object");
        check(r#"{"text":"x"}"#, "`kind`");
        check(r#"{"kind":"guess","text":"x"}"#, "interaction, observation");
        check(r#"{"kind":"observation","text":" "}"#, "empty");
        check(r#"{"kind":"observation","text":"x","seq":4}"#, "filled in");
        check(r#"{"kind":"observation","text":"x","forgotten":"00"}"#, "filled in");
        check(r#"{"kind":"observation","text":"x","confidence":2}"#, "0 to 1");
        check(r#"{"kind":"observation","text":"x","at":"2027-01-01T00:00:00Z"}"#, "not come");
        check(r#"{"kind":"observation","text":"x","evidence":[{"line":1}]}"#, "evidence");
        check(r#"{"kind":"opinion","text":"x"}"#, "subject");
        check(r#"{"kind":"correction","text":"x"}"#, "what it corrects");
    }
}
