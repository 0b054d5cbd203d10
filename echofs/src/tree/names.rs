//! Names of listed files: safe, short enough, and the same while what they name is the same.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::node::{Id, Link, Node};

/// Longest listed name, in bytes.
pub const MAX: usize = 255;
/// What stands in a name between the part that was kept and the mark of all of it.
pub const CUT: &str = "...~";

/// `text` as a part of a name: no separators or control characters, single blanks, at most `max` bytes.
pub fn clean(text: &str, max: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max));
    for c in text.chars() {
        let c = if c == '/' || c.is_control() || c.is_whitespace() { ' ' } else { c };
        if c == ' ' && (out.is_empty() || out.ends_with(' ')) {
            continue;
        }
        if out.len() + c.len_utf8() > max {
            break;
        }
        out.push(c);
    }
    out.truncate(out.trim_end().len());
    out
}

/// `stem` and `extension` as a name of at most [`MAX`] bytes. A stem that has to be cut gets a mark of all of it.
pub fn bounded(stem: &str, extension: &str) -> String {
    if stem.len() + extension.len() <= MAX {
        return format!("{stem}{extension}");
    }
    let mark = mark(stem.as_bytes());
    let mut end = MAX - extension.len() - mark.len() - CUT.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{CUT}{mark}{extension}", &stem[..end])
}

/// Six letters that stand for `bytes`.
pub fn mark(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex()[..6].to_string()
}

/// A name for each path, in order: the file name, or `stem~mark.ext` where an earlier one has that already.
#[derive(Default)]
pub struct Unique(HashMap<String, ()>);

impl Unique {
    /// The name for the next path.
    pub fn name(&mut self, path: &Path) -> String {
        let name = path.file_name().map_or_else(|| "root".into(), |name| name.to_string_lossy().into_owned());
        let name = if name.len() > MAX || name.contains('\u{fffd}') { self.marked(path) } else { name };
        if self.0.insert(name.clone(), ()).is_none() {
            return name;
        }
        let name = self.marked(path);
        self.0.insert(name.clone(), ());
        name
    }

    /// Keeps a name from being given to a path.
    pub fn reserve(&mut self, name: &str) {
        self.0.insert(name.to_owned(), ());
    }

    fn marked(&self, path: &Path) -> String {
        let part = |part: Option<&std::ffi::OsStr>| {
            part.map(|part| part.to_string_lossy().replace('\u{fffd}', "_")).unwrap_or_default()
        };
        let extension = match part(path.extension()) {
            extension if extension.is_empty() => extension,
            extension => format!(".{extension}"),
        };
        bounded(&format!("{}~{}", part(path.file_stem()), mark(path.as_os_str().as_encoded_bytes())), &extension)
    }
}

/// Links to these paths in the directory `id`, each with the time of its target.
pub fn links<'a>(
    id: Id,
    targets: impl Iterator<Item = (&'a Path, SystemTime)>,
    mut names: Unique,
) -> Vec<(String, Node)> {
    let link = |(target, modified): (&Path, SystemTime)| {
        let name = names.name(target);
        let id = id.child(&name).version(target.as_os_str().as_encoded_bytes());
        (name, Node::Link(Arc::new(Link { id, target: target.to_owned(), modified })))
    };
    targets.map(link).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clean_gives_one_line_without_separators() {
        let check = |text: &str, max, want: &str| assert_eq!(clean(text, max), want);
        check("a/b\n\tc  d ", 99, "a b c d");
        check("", 99, "");
        check("äöü", 3, "ä");
        check("one two three", 8, "one two");
    }

    #[test]
    fn bounded_cuts_at_a_character_and_keeps_names_apart() {
        let (a, b) = ("ö".repeat(200) + "a", "ö".repeat(200) + "b");
        let (a, b) = (bounded(&a, ".md"), bounded(&b, ".md"));
        assert!(a.len() <= MAX && b.len() <= MAX && a != b && a.ends_with(".md"), "{a} {b}");
        assert_eq!(bounded("short", ".md"), "short.md");
    }

    #[test]
    fn unique_names_do_not_depend_on_what_comes_later() {
        let mut names = Unique::default();
        assert_eq!(names.name(Path::new("/a/x.md")), "x.md");
        let second = names.name(Path::new("/b/x.md"));
        assert!(second.starts_with("x~") && second.ends_with(".md"), "{second}");
        assert_eq!(Unique::default().name(Path::new("/b/x.md")), "x.md");
    }
}
