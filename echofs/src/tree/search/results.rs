//! What a query directory lists: excerpts, lines, an explanation, and links to the originals.

use std::sync::Arc;
use std::time::SystemTime;

use echofs_indexer::Results;
use echofs_query_lang::Parsed;

use crate::error::Error;
use crate::node::{CHANGING, Caller, Directory, File, Id, LIVE, Link, Listing, Node, Ttl};
use crate::tree::{Context, explain, lines, render};

/// The entries of the directory `id` of a query that was `asked`.
pub fn entries(id: Id, asked: &str, parsed: &Parsed, results: &Results, made: SystemTime) -> Vec<(String, Node)> {
    let mut entries = Vec::with_capacity(results.hits.len() + 4);
    let mut links = Vec::with_capacity(results.hits.len());
    let files = id.child("files");
    for hit in &results.hits {
        let name = render::hit_name(hit, results.hits.len());
        let mut file = File::settled(id.child(&name), render::hit(hit).into_bytes(), render::modified(hit), CHANGING);
        file.xattrs = render::hit_xattrs(hit);
        entries.push((name, Node::File(Arc::new(file))));
        let name = render::link_name(hit, results.hits.len());
        let target = hit.document.path.clone();
        let link = Link {
            id: files.child(&name).version(target.as_os_str().as_encoded_bytes()),
            target,
            modified: render::modified(hit),
        };
        links.push((name, Node::Link(Arc::new(link))));
    }
    let mut add = |name: &str, text: String| {
        entries.push((
            name.to_owned(),
            Node::File(Arc::new(File::settled(id.child(name), text.into_bytes(), made, CHANGING))),
        ));
    };
    add("explain.md", explain::explain(asked, parsed, results));
    add("results.jsonl", render::results_jsonl(results));
    add("results.txt", lines::lines(results));
    let files = Files { id: files, made, listing: Arc::new(Listing::new(links)) };
    entries.push(("files".into(), Node::Dir(Arc::new(files))));
    entries
}

/// `files/`: links to the originals, as they were when the results were made.
struct Files {
    id: Id,
    made: SystemTime,
    listing: Arc<Listing>,
}

impl Directory for Files {
    fn id(&self) -> Id {
        self.id
    }

    fn modified(&self, _cx: &Context) -> SystemTime {
        self.made
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn lookup(&self, _cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        self.listing.get(name).cloned().ok_or(Error::NotFound)
    }

    fn list(&self, _cx: &Context) -> Result<Arc<Listing>, Error> {
        Ok(Arc::clone(&self.listing))
    }
}
