//! `.echo/`: the state of the system for programs, and the files that take orders.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::{Coverage, Index};
use jiff::Timestamp;
use serde::Serialize;

use super::cached::Cached;
use super::{Context, engine, forget, now, observe, render, status};
use crate::error::Error;
use crate::node::{self, CHANGING, Caller, Content, Directory, File, Id, LIVE, Listing, Node, Ttl};

/// The directory `.echo`.
pub struct Control;

/// Files of `.echo` that are long to write, and what they were last told.
#[derive(Default)]
pub struct Files {
    coverage: Cached<(Arc<[u8]>, SystemTime)>,
    pub(super) last: forget::Last,
}

const NAMES: [&str; 11] = [
    "status.json",
    "coverage.jsonl",
    "metrics",
    "config.toml",
    "observe",
    "forget",
    "reindex",
    "now",
    "model",
    "lora",
    "models",
];

const REINDEX: &str = "\
Write the absolute path of a file or directory to this file, a line each, or `all`, and it is read again.
";

fn place() -> Id {
    Id::ROOT.child(".echo")
}

impl Directory for Control {
    fn id(&self) -> Id {
        place()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.started
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn is_slow(&self, cx: &Context) -> bool {
        !cx.control.coverage.has(cx.index.epoch())
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        let file = match name {
            "status.json" => return Ok(Node::File(cx.live.file(place().child(name), || status::status_json(cx)))),
            "metrics" => return Ok(Node::File(cx.live.file(place().child(name), || status::metrics(cx)))),
            "config.toml" => File::settled(place().child(name), cx.settings.clone().into_bytes(), cx.started, CHANGING),
            "events" => File {
                id: place().child(name),
                content: Content::Events,
                modified: cx.started,
                ttl: CHANGING,
                xattrs: Vec::new(),
            },
            "coverage.jsonl" => coverage(cx),
            "forget" => forget::file(place().child(name), cx),
            "reindex" => order(place().child(name), node::Control::Reindex, REINDEX, cx),
            "now" => now::file(place().child(name), cx),
            "observe" => observe::file(place().child(name), cx),
            "model" => engine::model(place().child(name), cx),
            "lora" => engine::lora(place().child(name), cx),
            "models" => return Ok(Node::Dir(Arc::new(engine::Models))),
            _ => return Err(Error::NotFound),
        };
        Ok(Node::File(Arc::new(file)))
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let entry = |name: &&str| Ok((name.to_string(), self.lookup(cx, name, Caller::default())?));
        Ok(Arc::new(Listing::new(NAMES.iter().map(entry).collect::<Result<_, Error>>()?)))
    }
}

/// A file that takes orders.
pub fn order(id: Id, order: node::Control, text: &str, cx: &Context) -> File {
    let content = Content::Control { order, text: text.as_bytes().into() };
    File { id, content, modified: cx.started, ttl: CHANGING, xattrs: Vec::new() }
}

fn coverage(cx: &Context) -> File {
    let made = cx.control.coverage.get(cx.index.epoch(), || (lines(&cx.index).into_bytes().into(), SystemTime::now()));
    let (bytes, at) = &*made;
    File::settled(place().child("coverage.jsonl"), Arc::clone(bytes), *at, CHANGING)
}

/// One line of `coverage.jsonl`.
#[derive(Serialize)]
struct Line<'a> {
    path: std::borrow::Cow<'a, str>,
    state: &'a echofs_indexer::State,
    reason: &'a str,
    passages: u32,
    modified: String,
    indexed_at: Option<String>,
}

fn lines(index: &Index) -> String {
    let time = |seconds: i64| Timestamp::from_second(seconds).unwrap_or_default().to_string();
    render::jsonl(index.coverage().iter().map(|seen: &Coverage| Line {
        path: seen.path.to_string_lossy(),
        state: &seen.state,
        reason: &seen.reason,
        passages: seen.passages,
        modified: time(seen.modified),
        indexed_at: (seen.indexed_at > 0).then(|| time(seen.indexed_at)),
    }))
}

/// Does what a line written to a control file says.
pub fn obey(cx: &Context, order: node::Control, line: &str) -> Result<(), Error> {
    match order {
        node::Control::Reindex if line == "all" => {
            cx.index.reindex(None);
            Ok(())
        }
        node::Control::Reindex => {
            cx.index.reindex(Some(&absolute(line)?));
            Ok(())
        }
        node::Control::Forget => forget::obey(cx, line),
        node::Control::Facts => super::facts::correct(cx, line),
        node::Control::Model => engine::use_model(cx, line),
        node::Control::Lora => engine::use_lora(cx, line),
        node::Control::Observe => observe::obey(cx, line),
        node::Control::Now => now::obey(cx, line),
        node::Control::Remember => {
            let note = crate::remember(&cx.notes.path()?, line, &jiff::Zoned::now())?;
            cx.index.touched(&note);
            Ok(())
        }
    }
}

fn absolute(line: &str) -> Result<PathBuf, Error> {
    let path = Path::new(line);
    if path.is_absolute() { Ok(path.to_owned()) } else { Err(Error::Invalid(format!("{line}: not an absolute path"))) }
}
