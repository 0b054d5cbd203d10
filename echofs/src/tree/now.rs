//! `.echo/now`: has the language model do now what it does otherwise while nobody needs it.

use std::fmt::Write;

use super::Context;
use crate::error::Error;
use crate::leisure::Doing;
use crate::node::{Content, Control, File, Id, LIVE};

const ORDERS: &str = "\
Write `topics` to this file, and the language model names the topics that it has not named yet as soon as everything is indexed,
without waiting until nobody needs it. `facts` has it read the documents that it has not read yet. Questions still go first.
";

/// `.echo/now`.
pub fn file(id: Id, cx: &Context) -> File {
    let mut text = String::new();
    for (name, doing, left) in tasks(cx) {
        let state = doing.now().unwrap_or("is off (config.toml)");
        let _ = writeln!(text, "{name:<8} {left} to go: {state}");
    }
    let text = format!("{text}\n{ORDERS}").into_bytes().into();
    File {
        id,
        content: Content::Control { order: Control::Now, text },
        modified: cx.started,
        ttl: LIVE,
        xattrs: vec![],
    }
}

/// Obeys a line that was written to it.
pub fn obey(cx: &Context, line: &str) -> Result<(), Error> {
    let found = tasks(cx).into_iter().find(|(name, ..)| *name == line);
    let (_, doing, _) = found.ok_or_else(|| Error::Invalid(format!("{line}: write `topics` or `facts`")))?;
    if doing.now().is_none() {
        return Err(Error::Invalid(format!("`{line}_by_model` in config.toml says that the model does not do this")));
    }
    doing.want();
    Ok(())
}

fn tasks(cx: &Context) -> [(&'static str, &Doing, usize); 2] {
    let counts = cx.index.counts();
    [("topics", &cx.naming, counts.pending_labels), ("facts", &cx.reading, counts.pending_model)]
}
