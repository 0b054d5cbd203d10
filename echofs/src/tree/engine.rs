//! `.echo/model`, `.echo/lora` and `.echo/models/`: what words the answers, to be read and to be changed.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use echofs_inference::Choices;

use super::Context;
use crate::error::Error;
use crate::node::{CHANGING, Caller, Content, Control, Directory, File, Id, LIVE, Listing, Node, Ttl};

const MODEL: &str = "\
Write the name of a model (see .echo/models), the path of a GGUF file, or `none`, and it is used from the next question on.
";
const LORA: &str = "\
Write the name of an adapter and how strongly it is applied (`my-style 0.8`), the path of a GGUF file, or `off`,
and it is used from the next question on.
";

/// `.echo/model`.
pub fn model(id: Id, cx: &Context) -> File {
    let choices = cx.generator.choices();
    let mut text = format!("{}\n", choices.model.as_deref().unwrap_or("none"));
    push_refusal(&mut text, &choices);
    text.push('\n');
    text.push_str(MODEL);
    file(id, Control::Model, text, choices.changed.unwrap_or(cx.started))
}

/// `.echo/lora`.
pub fn lora(id: Id, cx: &Context) -> File {
    let choices = cx.generator.choices();
    let mut text = match &choices.adapter {
        Some((name, scale)) => format!("{name} {scale}\n"),
        None => "off\n".to_owned(),
    };
    push_refusal(&mut text, &choices);
    for (name, _) in &choices.adapters {
        let _ = writeln!(text, "there is: {name}");
    }
    text.push('\n');
    text.push_str(LORA);
    file(id, Control::Lora, text, choices.changed.unwrap_or(cx.started))
}

/// Why the last order was refused, for who gave it and got an errno.
fn push_refusal(text: &mut String, choices: &Choices) {
    if let Some(why) = &choices.refused {
        let _ = writeln!(text, "refused: {}", why.replace(|c: char| c.is_control(), " "));
    }
}

fn file(id: Id, order: Control, text: String, modified: SystemTime) -> File {
    let content = Content::Control { order, text: text.into_bytes().into() };
    File { id, content, modified, ttl: LIVE, xattrs: Vec::new() }
}

/// Obeys a line that was written to `.echo/model`.
pub fn use_model(cx: &Context, line: &str) -> Result<(), Error> {
    cx.generator.use_model(line).map_err(|error| Error::Invalid(error.to_string()))?;
    [&cx.reading, &cx.naming].into_iter().for_each(|task| task.stir());
    Ok(())
}

/// Obeys a line that was written to `.echo/lora`.
pub fn use_lora(cx: &Context, line: &str) -> Result<(), Error> {
    cx.generator.use_adapter(adapter(line)).map_err(|error| Error::Invalid(error.to_string()))
}

/// An adapter and its scale; a number at the end is the scale.
fn adapter(line: &str) -> Option<(&str, f32)> {
    match line.rsplit_once(char::is_whitespace).map(|(name, scale)| (name.trim_end(), scale.parse())) {
        _ if line == "off" || line == "none" => None,
        Some((name, Ok(scale))) => Some((name, scale)),
        _ => Some((line, 1.0)),
    }
}

/// `.echo/models`: what is known of each model on this machine. Not links to their files: programs that follow those would read
/// gigabytes.
pub struct Models;

impl Models {
    fn place() -> Id {
        Id::ROOT.child(".echo").child("models")
    }

    fn file(name: &str, path: &Path) -> (String, Node) {
        let (size, modified) = match path.metadata() {
            Ok(metadata) => (metadata.len(), metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH)),
            Err(_) => (0, SystemTime::UNIX_EPOCH),
        };
        let file = format!("{}.json", name.replace(['/', '\0'], "_"));
        let text = format!("{}\n", serde_json::json!({"name": name, "path": path.to_string_lossy(), "size": size}));
        let id = Models::place().child(&file);
        (file, Node::File(Arc::new(File::settled(id, text.into_bytes(), modified, CHANGING))))
    }
}

impl Directory for Models {
    fn id(&self) -> Id {
        Models::place()
    }

    fn modified(&self, cx: &Context) -> SystemTime {
        cx.started
    }

    fn ttl(&self) -> Ttl {
        CHANGING
    }

    fn is_slow(&self, _cx: &Context) -> bool {
        true
    }

    fn lookup(&self, cx: &Context, name: &str, _caller: Caller) -> Result<Node, Error> {
        self.list(cx)?.get(name).cloned().ok_or(Error::NotFound)
    }

    fn list(&self, cx: &Context) -> Result<Arc<Listing>, Error> {
        let models = cx.generator.models();
        Ok(Arc::new(Listing::new(models.iter().map(|(name, path)| Models::file(name, path)).collect())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_at_the_end_is_the_scale() {
        let check = |line, expected| assert_eq!(adapter(line), expected);
        check("off", None);
        check("style", Some(("style", 1.0)));
        check("my style 0.5", Some(("my style", 0.5)));
        check("my style", Some(("my style", 1.0)));
        check("style -1", Some(("style", -1.0)));
        check("/a b/c.gguf", Some(("/a b/c.gguf", 1.0)));
    }
}
