//! Files that have another path in the tree than in the index: notes, documents of sources, pages of conversations.

use std::path::{Path, PathBuf};

use echofs_indexer::Kind;

use super::{Context, chat};

/// The file behind a path in the tree: a page of a conversation, a note, a document of a source. `None` for other paths.
pub fn file(cx: &Context, path: &Path) -> Option<PathBuf> {
    let below = path.strip_prefix(&cx.mountpoint).ok()?;
    if let Ok(page) = below.strip_prefix("conversations") {
        let of_turns = page.extension().is_some_and(|extension| extension == "jsonl");
        let page = if of_turns { page.with_extension("md") } else { page.to_owned() };
        return Some(cx.index.conversations().pages().join(page));
    }
    let sources = cx.index.sources();
    if let Ok(note) = below.strip_prefix("knowledge/notes") {
        return sources.iter().find(|source| source.kind == Kind::Note).map(|source| source.root.join(note));
    }
    if let Ok(document) = below.strip_prefix("knowledge/sources") {
        let mut parts = document.iter();
        let name = parts.next()?.to_str()?;
        return sources.iter().find(|source| source.name == name).map(|source| source.root.join(parts.as_path()));
    }
    chat::page(cx, path)
}
