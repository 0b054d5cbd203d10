//! `.echo/observe`: what is noted of what the owner does, in plain words, and how to have less of it.

use std::fmt::Write;

use echofs_indexer::relationship::{Activity, Order, Pause};
use jiff::{Timestamp, Zoned};
use serde::Serialize;

use super::Context;
use crate::error::Error;
use crate::node::{Content, Control, File, Id, LIVE};

const ORDERS: &str = "\
Write a line to this file to change that, for good:

    pause 1h       nothing is noted for an hour (30m, 2 days ...)
    pause          nothing is noted until you write: resume
    resume         ends a pause
    off opens      this kind is not noted any more; `off` alone: none is
    on opens       it is noted again; `on` alone: all are

`observe = false` in config.toml forbids all of it. What was noted of a document or a chat goes when that is forgotten
(`echofs forget PATH`). Questions and chats themselves are kept as conversations; `keep_questions = false` and
`keep_chats = false` in config.toml end that, each for its own.
";

/// What is noted, for programs.
#[derive(Serialize)]
pub struct Observation {
    /// `on`, `paused` or `off`.
    state: &'static str,
    /// The end of a pause; `null` where there is none, or no end.
    until: Option<Timestamp>,
    questions: bool,
    chats: bool,
    opens: bool,
    changes: bool,
}

impl Observation {
    /// As it is now.
    pub fn now(cx: &Context) -> Observation {
        let observe = cx.index.relationship().observe();
        let pause = observe.paused(Timestamp::now());
        let none = Activity::ALL.iter().all(|activity| !observe.is_on(*activity));
        Observation {
            state: match pause {
                _ if observe.is_forbidden() || none => "off",
                Some(_) => "paused",
                None => "on",
            },
            until: match pause {
                Some(Pause::Until(end)) => Some(end),
                Some(Pause::UntilResumed) | None => None,
            },
            questions: observe.is_on(Activity::Questions),
            chats: observe.is_on(Activity::Chats),
            opens: observe.is_on(Activity::Opens),
            changes: observe.is_on(Activity::Changes),
        }
    }

    fn is_on(&self, activity: Activity) -> bool {
        match activity {
            Activity::Questions => self.questions,
            Activity::Chats => self.chats,
            Activity::Opens => self.opens,
            Activity::Changes => self.changes,
        }
    }

    /// In a few words, for `status`.
    pub fn words(&self) -> String {
        let names = Activity::ALL.iter().filter(|activity| self.is_on(**activity)).map(|activity| activity.name());
        match (self.state, self.until) {
            ("off", _) => "nothing".to_owned(),
            ("paused", Some(end)) => format!("nothing until {}", local(end)),
            ("paused", None) => "nothing until you write `resume`".to_owned(),
            _ => names.collect::<Vec<_>>().join(", "),
        }
    }
}

fn local(at: Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%F %H:%M").to_string()
}

/// `.echo/observe`.
pub fn file(id: Id, cx: &Context) -> File {
    let content = Content::Control { order: Control::Observe, text: text(cx).into_bytes().into() };
    File { id, content, modified: cx.started, ttl: LIVE, xattrs: Vec::new() }
}

fn text(cx: &Context) -> String {
    let (relationship, now) = (cx.index.relationship(), Observation::now(cx));
    let mut out = match (now.state, now.until) {
        _ if relationship.observe().is_forbidden() => {
            "Nothing is noted: config.toml says `observe = false`.\n".to_owned()
        }
        ("on", _) => "What you do is noted:\n".to_owned(),
        ("paused", Some(end)) => format!("Nothing is noted until {}; after that:\n", local(end)),
        ("paused", None) => "Nothing is noted until you write `resume` here; after that:\n".to_owned(),
        _ => "Nothing is noted.\n".to_owned(),
    };
    out.push('\n');
    for activity in Activity::ALL {
        let (on, entries) = (if now.is_on(activity) { "on" } else { "off" }, relationship.noted(activity));
        let _ = writeln!(out, "{:<10} {on:<4} {entries:>6} entries   {}", activity.name(), what(activity));
    }
    let _ = write!(
        out,
        "\nIt stands in relationship/log.jsonl ({}), on this machine alone.\n\
         Nothing of what stands in a document is noted. Documents that are opened or changed by the dozen within seconds are left out.\n\
         Questions with their answers, and chats, are besides kept as conversations, whatever is chosen here, unless config.toml says\n\
         `keep_questions = false` or `keep_chats = false`.\n\n{ORDERS}",
        relationship.file().display()
    );
    out
}

fn what(activity: Activity) -> &'static str {
    match activity {
        Activity::Questions => "the question that was asked, when, and the places that answered it",
        Activity::Chats => {
            "that something was said in a chat, when; of a question also its text and the places that answered it"
        }
        Activity::Opens => "the path of a document that was opened in this tree, and when; once an hour at most",
        Activity::Changes => "the path of a file that changed, and when; once an hour at most",
    }
}

/// Obeys a line that was written to it.
pub fn obey(cx: &Context, line: &str) -> Result<(), Error> {
    let order = Order::parse(line, &Zoned::now()).map_err(Error::Invalid)?;
    let observe = cx.index.relationship().observe();
    if observe.is_forbidden() && matches!(order, Order::On(_) | Order::Resume) {
        return Err(Error::Invalid("config.toml says `observe = false`".into()));
    }
    Ok(observe.obey(&order)?)
}
