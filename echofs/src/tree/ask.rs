//! `ask/`: finished answers are listed; any other name that is a question is answered when it is read.

use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

use echofs_query_lang::path;

use super::{Context, names};
use crate::answer::{Form, Settled};
use crate::error::Error;
use crate::node::{CHANGING, Caller, Content, Directory, File, Id, LIVE, Listing, Node, Ttl};

/// The directory `ask`.
pub struct Ask;

fn place() -> Id {
    Id::ROOT.child("ask")
}

impl Directory for Ask {
    fn id(&self) -> Id {
        place()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.answers.settled().first().map_or(cx.started, |newest| newest.generated_at.into())
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn is_slow(&self, cx: &Context) -> bool {
        !cx.answers.is_checked()
    }

    fn lookup(&self, cx: &Context, name: &str, caller: Caller) -> Result<Node, Error> {
        lookup(cx, "", name, caller)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(Arc::new(listing(cx)))
    }

    fn unlink(&self, cx: &Context, name: &str, _caller: Caller) -> Result<(), Error> {
        let Some(Node::File(file)) = listing(cx).get(name).cloned() else { return Err(Error::NotFound) };
        let question = file.xattrs.iter().find(|(name, _)| *name == "question").map(|(_, text)| text);
        let discarded = question.is_some_and(|question| cx.answers.discard(question));
        if discarded { Ok(()) } else { Err(Error::NotFound) }
    }
}

/// The first part of a question that was typed with real slashes: `ask/is tcp` of `ask/is tcp/ip reliable?`.
struct Prefix {
    id: Id,
    text: String,
}

impl Directory for Prefix {
    fn id(&self) -> Id {
        self.id
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.started
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn lookup(&self, cx: &Context, name: &str, caller: Caller) -> Result<Node, Error> {
        lookup(cx, &self.text, name, caller)
    }

    fn list(&self, _cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(Arc::default())
    }
}

fn lookup(cx: &Context, prefix: &str, name: &str, caller: Caller) -> Result<Node, Error> {
    if name.starts_with('.') {
        return Err(Error::NotFound);
    }
    let (stem, form) = form_of(name);
    let question = format!("{prefix}{}", path::decode(stem));
    if !is_question(&question) {
        return Err(Error::NotFound);
    }
    if let Some(settled) = cx.answers.get(&question) {
        return Ok(Node::File(Arc::new(settled_file(cx, &settled, form))));
    }
    // The listed name of a long question is cut and no longer holds all of it.
    if name.contains(names::CUT)
        && let Some(listed) = listing(cx).get(name)
    {
        return Ok(listed.clone());
    }
    if goes_on(name, caller) {
        let text = format!("{question}/");
        return Ok(Node::Dir(Arc::new(Prefix { id: place().child(&text), text })));
    }
    let id = place().child(&question).version(&[form as u8]);
    let content = Content::Question { text: question, form };
    Ok(Node::File(Arc::new(File { id, content, modified: SystemTime::now(), ttl: LIVE, xattrs: Vec::new() })))
}

fn listing(cx: &Context) -> Listing {
    let forms = [(".md", Form::Markdown), (".json", Form::Json)];
    let each = |answer: &Arc<Settled>| {
        let name = path::encode(&answer.question);
        forms.map(|(extension, form)| {
            (names::bounded(&name, extension), Node::File(Arc::new(settled_file(cx, answer, form))))
        })
    };
    Listing::new(cx.answers.settled().iter().flat_map(each).collect())
}

fn settled_file(cx: &Context, settled: &Settled, form: Form) -> File {
    // An answer that is made anew has another time, and so another inode.
    let made = settled.generated_at.as_nanosecond().to_le_bytes();
    let xattrs = vec![
        ("question", settled.question.clone()),
        ("model", settled.model.clone().unwrap_or_default()),
        ("generated-at", settled.generated_at.to_string()),
        ("epoch", settled.epoch.to_string()),
        ("citations", settled.citations.to_string()),
        // Reading it compares it with the notes, and makes it anew where it does not hold any more.
        ("stale", if cx.answers.is_fresh(settled) { "no" } else { "maybe" }.to_owned()),
    ];
    File {
        id: place().child(&settled.question).version(&[form as u8]).version(&made),
        content: Content::Settled(Arc::clone(settled.bytes(form))),
        modified: settled.generated_at.into(),
        ttl: CHANGING,
        xattrs,
    }
}

fn form_of(name: &str) -> (&str, Form) {
    if let Some(stem) = name.strip_suffix(".json") {
        (stem, Form::Json)
    } else {
        (name.strip_suffix(".md").unwrap_or(name), Form::Markdown)
    }
}

/// Whether text is a question: it has white space in it or ends in a question mark.
fn is_question(text: &str) -> bool {
    let text = text.trim();
    text.contains(char::is_whitespace) || text.chars().count() > 1 && text.ends_with(['?', '\u{ff1f}', '\u{61f}'])
}

/// Whether the caller's command line shows that the path goes on behind `name`. The kernel does not say so,
/// and a file in the middle of a path is an error, so this is the only way to let people type a slash.
fn goes_on(name: &str, caller: Caller) -> bool {
    if caller.pid == 0 || name.ends_with(".md") || name.ends_with(".json") {
        return false;
    }
    let Ok(line) = fs::read(format!("/proc/{}/cmdline", caller.pid)) else { return false };
    let needle = format!("/{name}/");
    line.windows(needle.len()).any(|part| part == needle.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_have_a_blank_or_a_question_mark() {
        let check = |text: &str, want| assert_eq!(is_question(text), want, "{text}");
        check("which database did we choose", true);
        check("why?", true);
        check("何ですか？", true);
        check("لماذا؟", true);
        check("HEAD", false);
        check("package.json", false);
        check("?", false);
        check(" HEAD ", false);
        check("", false);
    }

    #[test]
    fn form_of_a_name() {
        assert!(matches!(form_of("a b.json"), ("a b", Form::Json)));
        assert!(matches!(form_of("a b.md"), ("a b", Form::Markdown)));
        assert!(matches!(form_of("a b?"), ("a b?", Form::Markdown)));
    }
}
