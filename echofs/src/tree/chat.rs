//! `chat/`: conversations with this program. A message is added at the end of a file; reading on gives the reply.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::Context;
use crate::error::Error;
use crate::node::{Caller, Content, Directory, File, Id, LIVE, Listing, Node, Ttl};

/// The directory `chat`.
pub struct Chat;

fn place() -> Id {
    Id::ROOT.child("chat")
}

/// The page in `conversations/` of a chat that is named by its path in the tree.
pub fn page(cx: &Context, path: &Path) -> Option<PathBuf> {
    let name = path.strip_prefix(cx.mountpoint.join("chat")).ok()?.to_str()?;
    let session = cx.chats.find(name).ok()??;
    let turns = cx.index.conversations().session(&session).ok()??;
    let below = turns.strip_prefix(cx.index.conversations().turns_dir()).ok()?;
    Some(cx.index.conversations().pages().join(below.with_extension("md")))
}

fn file(cx: &Context, session: String) -> Node {
    let (_, modified) = cx.chats.size(&session);
    let id = place().child(&session);
    Node::File(Arc::new(File { id, content: Content::Chat(session), modified, ttl: LIVE, xattrs: Vec::new() }))
}

impl Directory for Chat {
    fn id(&self) -> Id {
        place()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.chats.modified().unwrap_or(cx.started)
    }

    fn ttl(&self) -> Ttl {
        LIVE
    }

    fn is_slow(&self, cx: &Context) -> bool {
        !cx.chats.is_read()
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        cx.chats.find(name)?.map(|session| file(cx, session)).ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let all = cx.chats.all()?.into_iter();
        Ok(Arc::new(Listing::new(all.map(|(name, session)| (name, file(cx, session))).collect())))
    }

    fn mkdir(&self, _cx: &Context, _name: &str) -> Result<Node, Error> {
        Err(Error::NotPermitted("a chat is a file: add a message to it with >>"))
    }

    fn create(&self, cx: &Context, name: &str) -> Result<Node, Error> {
        Ok(file(cx, cx.chats.open(name)?))
    }

    fn unlink(&self, cx: &Context, name: &str, _caller: Caller) -> Result<(), Error> {
        cx.chats.end(name)
    }

    fn rename(&self, _cx: &Context, _from: &str, _to: &str) -> Result<(), Error> {
        Err(Error::NotPermitted("a chat keeps its name"))
    }
}
