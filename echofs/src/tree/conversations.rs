//! `conversations/`: what was said, by date; `archive/` has old months in short, `inbox/` takes turns, `import/` takes files.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::conversations::import::Report;

use super::stored::stored;
use super::{Context, render};
use crate::append::Target;
use crate::error::Error;
use crate::node::{CHANGING, Caller, Content, Directory, File, Id, LIVE, Listing, Node, Ttl, Upload};

fn place() -> Id {
    Id::ROOT.child("conversations")
}

/// The directory `conversations` and those of its years and months, by their path below it.
pub struct Dated(String);

impl Dated {
    /// The directory `conversations`.
    pub fn top() -> Dated {
        Dated(String::new())
    }

    fn path_of(&self, name: &str) -> String {
        if self.0.is_empty() { name.to_owned() } else { format!("{}/{name}", self.0) }
    }

    /// Years at the top, months in years, conversations in months.
    fn node(&self, cx: &Context, name: &str) -> Option<Node> {
        let path = self.path_of(name);
        if self.0.len() < "2026/03".len() {
            let below = Dated(path);
            let there = is_number(name) && turns_dir(cx, &below.0).is_dir();
            return there.then(|| Node::Dir(Arc::new(below)));
        }
        let (stem, extension) = path.rsplit_once('.')?;
        let conversations = cx.index.conversations();
        if conversations.is_hidden(stem).unwrap_or(true) {
            return None;
        }
        let file = match extension {
            "md" => conversations.page(stem),
            "jsonl" => conversations.turns_file(stem),
            _ => return None,
        };
        stored(self.id().child(name), &file)
    }
}

fn is_number(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

fn turns_dir(cx: &Context, path: &str) -> PathBuf {
    cx.index.conversations().turns_dir().join(path)
}

impl Directory for Dated {
    fn id(&self) -> Id {
        self.0.split('/').filter(|part| !part.is_empty()).fold(place(), Id::child)
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        fs::metadata(turns_dir(cx, &self.0)).and_then(|meta| meta.modified()).unwrap_or(cx.started)
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        match name {
            "archive" if self.0.is_empty() => Ok(Node::Dir(Arc::new(Archive))),
            "inbox" if self.0.is_empty() => Ok(Node::Dir(Arc::new(Inbox))),
            "import" if self.0.is_empty() => Ok(Node::Dir(Arc::new(Import))),
            _ => self.node(cx, name).ok_or(Error::NotFound),
        }
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let dir = turns_dir(cx, &self.0);
        let entries = fs::read_dir(&dir).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let pages = names.iter().filter_map(|name| Some(format!("{}.md", name.strip_suffix(".jsonl")?)));
        let mut names: Vec<String> = pages.chain(names.iter().cloned()).collect();
        names.sort();
        let listed = names.into_iter().filter_map(|name| Some((name.clone(), self.node(cx, &name)?)));
        let mut all: Vec<(String, Node)> = listed.collect();
        if self.0.is_empty() {
            all.push(("archive".into(), Node::Dir(Arc::new(Archive))));
            all.push(("import".into(), Node::Dir(Arc::new(Import))));
            all.push(("inbox".into(), Node::Dir(Arc::new(Inbox))));
        }
        Ok(Arc::new(Listing::new(all)))
    }
}

/// `conversations/archive`: a page for each old month, and one about them.
struct Archive;

impl Directory for Archive {
    fn id(&self) -> Id {
        place().child("archive")
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        let meta = fs::metadata(cx.index.conversations().archive());
        meta.and_then(|meta| meta.modified()).unwrap_or(cx.started)
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        let page = Some(name).filter(|name| name.ends_with(".md") && !name.starts_with('.'));
        let path = cx.index.conversations().archive().join(page.ok_or(Error::NotFound)?);
        stored(self.id().child(name), &path).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let entries = fs::read_dir(cx.index.conversations().archive()).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        let node = |name: String| Some((name.clone(), self.lookup(cx, &name, Caller::default()).ok()?));
        Ok(Arc::new(Listing::new(names.into_iter().filter_map(node).collect())))
    }
}

/// `conversations/inbox`: a file for each session, which takes turns at its end.
struct Inbox;

impl Inbox {
    fn file(&self, name: &str, session: &str) -> Node {
        let content = Content::Lines(Target::Session(session.to_owned()));
        let modified = SystemTime::now();
        Node::File(Arc::new(File { id: self.id().child(name), content, modified, ttl: LIVE, xattrs: Vec::new() }))
    }
}

/// The session of a name like `<session>.jsonl`.
fn session(name: &str) -> Option<&str> {
    name.strip_suffix(".jsonl").filter(|stem| !stem.trim().is_empty() && !stem.starts_with('.'))
}

impl Directory for Inbox {
    fn id(&self) -> Id {
        place().child("inbox")
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.started
    }

    fn is_slow(&self, cx: &Context) -> bool {
        !cx.index.conversations().is_known()
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        let session = session(name).ok_or(Error::NotFound)?;
        let known = cx.index.conversations().session(session)?;
        known.map(|_| self.file(name, session)).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let live = cx.index.conversations().live();
        let shown = live.iter().filter(|s| !s.contains('/') && !s.starts_with('.') && s.len() < 240);
        let entry = |session: &String| {
            let name = format!("{session}.jsonl");
            (name.clone(), self.file(&name, session))
        };
        Ok(Arc::new(Listing::new(shown.map(entry).collect())))
    }

    fn create(&self, _cx: &Context, name: &str) -> Result<Node, Error> {
        let session = session(name).ok_or(Error::NotPermitted("a session is called <name>.jsonl"))?;
        Ok(self.file(name, session))
    }
}

/// `conversations/import`: a file that is copied here is read when it is closed; the reports say what came of it.
struct Import;

impl Directory for Import {
    fn id(&self) -> Id {
        place().child("import")
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.index.conversations().imports.reports().last().map_or(cx.started, |report| report.at.into())
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        let reports = || cx.index.conversations().imports.reports();
        let text = match name {
            "report.md" => markdown(&reports()),
            "report.jsonl" => render::jsonl(reports()),
            _ => return Err(Error::NotFound),
        };
        let file = File::settled(self.id().child(name), text.into_bytes(), self.modified(cx), CHANGING);
        Ok(Node::File(Arc::new(file)))
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let entry = |name: &str| Ok((name.to_owned(), self.lookup(cx, name, Caller::default())?));
        Ok(Arc::new(Listing::new(["report.jsonl", "report.md"].map(entry).into_iter().collect::<Result<_, Error>>()?)))
    }

    fn create(&self, cx: &Context, name: &str) -> Result<Node, Error> {
        if name.starts_with('.') {
            return Err(Error::NotPermitted("hidden files are not imported"));
        }
        let (number, path, _) = cx.index.conversations().imports.begin(name)?;
        let id = self.id().child(name).version(&number.to_le_bytes());
        let content = Content::Upload(Upload { number, path, name: name.to_owned() });
        let modified = SystemTime::now();
        Ok(Node::File(Arc::new(File { id, content, modified, ttl: LIVE, xattrs: Vec::new() })))
    }
}

/// The reports for people, the newest first.
fn markdown(reports: &[Report]) -> String {
    let mut out = String::from("# Imports\n");
    if reports.is_empty() {
        out.push_str(
            "\nCopy an export of ChatGPT or Claude, JSON lines of turns or a transcript into this directory.\n",
        );
    }
    for report in reports.iter().rev() {
        out.push_str(&format!("\n## {}, {}\n\n{report}\n", report.file, report.at));
        for (place, why) in &report.refused {
            out.push_str(&format!("- {place}: {why}\n"));
        }
    }
    out.chars().filter(|c| !c.is_control() || *c == '\n').collect()
}
