//! What `path:` matches.
//!
//! A pattern with `*` or `?` is a glob: `*` stays within a name, `**` does not. Any other is a part of the path
//! between separators. Both look at the path from the source's own name on, or at all of it when the pattern
//! begins with `/` or `~/`. Letter case and accents do not count. Brackets are a class of characters or stand for themselves,
//! since names have them too.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use crate::words::{MAX_BYTES, fold};
use crate::{Source, groups};

/// A pattern, ready to be compared with many paths.
pub struct Pattern {
    kind: Compared,
    whole: bool,
    words: Vec<String>,
    /// For each source, the deepest first, its path and where its own name begins.
    roots: Vec<(Vec<u8>, usize)>,
}

enum Compared {
    Globs(Vec<GlobMatcher>),
    Names(Vec<String>),
}

impl Pattern {
    /// In a pattern that is no valid glob, all but `*` and `?` stands for itself.
    pub fn new(text: &str, sources: &[Source]) -> Self {
        let text = &*from_home(text);
        let whole = text.starts_with('/');
        let kind = if text.contains(['*', '?']) {
            Compared::Globs(globs(&if whole { text.to_owned() } else { format!("**/{text}") }))
        } else {
            Compared::Names(names(text).map(|name| fold(name).into_owned()).collect())
        };
        let above = |word: &str| sources.iter().any(|source| words_of(&source.root).any(|known| known == word));
        let words = whole_words(text).filter(|word| !whole || !above(word)).collect();
        let mut roots: Vec<(Vec<u8>, usize)> = sources.iter().map(|source| cut(&source.root)).collect();
        roots.sort_by_key(|(root, _)| std::cmp::Reverse(root.len()));
        Self { kind, whole, words, roots }
    }

    /// Whether an absolute path matches.
    pub fn matches(&self, path: &Path) -> bool {
        let path = path.as_os_str().as_bytes();
        let seen = if self.whole { path } else { self.below_source(path) };
        match &self.kind {
            Compared::Globs(globs) => {
                let seen = folded(seen);
                globs.iter().any(|glob| glob.is_match(&*seen))
            }
            Compared::Names(wanted) => self.holds(&String::from_utf8_lossy(seen), wanted),
        }
    }

    /// Words that the indexed path of every file has that matches; none that may stand above its source.
    pub fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn below_source<'a>(&self, path: &'a [u8]) -> &'a [u8] {
        let inside =
            |root: &[u8]| path.strip_prefix(root).is_some_and(|rest| matches!(rest.first(), None | Some(b'/')));
        let root = self.roots.iter().find(|(root, _)| inside(root));
        root.map_or(path, |(_, name)| &path[*name..])
    }

    /// Whether the wanted names follow each other in the path; at its beginning for a pattern that begins with `/`.
    fn holds(&self, path: &str, wanted: &[String]) -> bool {
        let here: Vec<&str> = names(path).collect();
        let same = |window: &[&str]| window.iter().zip(wanted).all(|(a, b)| is_same(a, b));
        match self.whole {
            true => here.len() >= wanted.len() && same(&here),
            false => !wanted.is_empty() && here.windows(wanted.len()).any(same),
        }
    }
}

/// A pattern that begins with `~/`, with the home directory in its place.
pub fn from_home(text: &str) -> Cow<'_, str> {
    let below = text.strip_prefix("~/").and_then(|rest| Some(std::env::home_dir()?.join(rest)));
    below.map_or(Cow::Borrowed(text), |path| Cow::Owned(path.to_string_lossy().into_owned()))
}

/// The readings of a glob: with brackets as a class of characters and as themselves.
fn globs(pattern: &str) -> Vec<GlobMatcher> {
    let pattern = fold(pattern);
    let build = |text: &str| GlobBuilder::new(text).literal_separator(true).case_insensitive(true).build().ok();
    let literally = |marks: &[char]| -> String {
        pattern.chars().flat_map(|c| marks.contains(&c).then_some('\\').into_iter().chain([c])).collect()
    };
    let brackets = pattern.contains('[').then(|| build(&literally(&['[', ']'])));
    let found: Vec<_> = [build(&pattern), brackets.flatten()].into_iter().flatten().collect();
    let found = if found.is_empty() { Vec::from_iter(build(&literally(&['[', ']', '{', '}', '\\']))) } else { found };
    found.iter().map(|glob| glob.compile_matcher()).collect()
}

/// A path as patterns are compared with it.
fn folded(path: &[u8]) -> Cow<'_, Path> {
    match std::str::from_utf8(path) {
        Ok(text) if !text.is_ascii() => Cow::Owned(fold(text).into_owned().into()),
        _ => Cow::Borrowed(Path::new(OsStr::from_bytes(path))),
    }
}

/// The words of a pattern that no wildcard touches, as they are indexed, up to the first of several alternatives. Letters other
/// than those of ASCII are left alone: they have more than one form.
pub fn whole_words(pattern: &str) -> impl Iterator<Item = String> + '_ {
    let part = |c: char| c.is_ascii_alphanumeric() || !c.is_ascii() || "'*?[]{}\\!^+#".contains(c);
    let required = pattern.split_inclusive(['{', '[']).next().unwrap_or_default();
    let runs = required.split(move |c| !part(c));
    let plain =
        |run: &&str| (2..=MAX_BYTES).contains(&run.len()) && run.bytes().all(|byte| byte.is_ascii_alphanumeric());
    runs.filter(plain).map(str::to_ascii_lowercase)
}

fn words_of(path: &Path) -> impl Iterator<Item = String> + '_ {
    path.iter().flat_map(|name| groups::units(&name.to_string_lossy()))
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|name| !name.is_empty())
}

/// Whether a name is the one that is wanted, which is folded.
fn is_same(name: &str, wanted: &str) -> bool {
    name.eq_ignore_ascii_case(wanted) || !name.is_ascii() && fold(name) == wanted
}

fn cut(root: &Path) -> (Vec<u8>, usize) {
    let root = root.as_os_str().as_bytes().to_vec();
    let name = root.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    // The root of the system has no name of its own.
    if root == b"/" { (Vec::new(), 1) } else { (root, name) }
}

/// The path from its source's own name on; all of it when it is below none.
pub fn below_source(path: &Path, sources: &[Source]) -> String {
    let roots = sources.iter().map(|s| &s.root).filter(|root| path.starts_with(root));
    let above = roots.max_by_key(|root| root.components().count()).and_then(|root| root.parent());
    let below = above.and_then(|above| path.strip_prefix(above).ok());
    below.unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn matches(pattern: &str, path: &str) -> bool {
        let source = |root: &str| Source {
            name: "notes".into(),
            root: root.into(),
            kind: Kind::File,
            watch: "inotify".into(),
            available: true,
        };
        Pattern::new(pattern, &[source("/home/me/notes"), source("/home/me/notes/sub")]).matches(Path::new(path))
    }

    #[test]
    fn globs_stay_within_names() {
        assert!(matches("*.md", "/home/me/notes/a/b.md"));
        assert!(matches("notes/**", "/home/me/notes/a/b.md"));
        assert!(matches("notes/*/b.md", "/home/me/notes/a/b.md"));
        assert!(!matches("notes/*.md", "/home/me/notes/a/b.md"));
        assert!(matches("/home/*/notes/**", "/home/me/notes/a/b.md"));
        assert!(!matches("me/**", "/home/me/notes/a/b.md"));
        assert!(matches("A/?.MD", "/home/me/notes/a/b.md"));
        assert!(matches("notes2", "/home/me/notes2/x") && !matches("me", "/home/me/notes/x"));
    }

    #[test]
    fn accents_and_case_do_not_count() {
        for pattern in ["café", "Cafe", "CAF\u{c9}", "caf\u{65}\u{301}/*.md", "*/CAFE/?.md"] {
            assert!(matches(pattern, "/home/me/notes/Café/a.md"), "{pattern}");
            assert!(matches(pattern, "/home/me/notes/cafe\u{301}/a.md"), "{pattern}");
        }
        assert!(matches("caf*", "/home/me/notes/Cafe\u{301}") && !matches("cafes", "/home/me/notes/Café/a.md"));
    }

    #[test]
    fn brackets_are_classes_and_parts_of_names() {
        assert!(matches("*.[ch]", "/home/me/notes/a.c") && !matches("*.[ch]", "/home/me/notes/a.rs"));
        assert!(matches("[draft]*.md", "/home/me/notes/[draft] plan.md"));
        assert!(
            matches("copy[1].md", "/home/me/notes/copy[1].md") && !matches("copy[1].md", "/home/me/notes/copy1.md")
        );
        assert!(matches("*[1*", "/home/me/notes/copy[1].md") && matches("*{1*", "/home/me/notes/copy{1.md"));
        assert!(!matches("*{1*", "/home/me/notes/copy1.md"));
    }

    #[test]
    fn a_tilde_is_the_home_directory() {
        let home = std::env::home_dir().unwrap().join("letters/a.md");
        assert!(matches("~/letters/*", &home.to_string_lossy()) && matches("~/letters", &home.to_string_lossy()));
        assert!(!matches("~/other", &home.to_string_lossy()) && matches("*~", "/home/me/notes/a.md~"));
    }

    #[test]
    fn only_words_that_every_match_has_are_required() {
        let check = |pattern: &str, want: &[&str]| {
            assert_eq!(whole_words(pattern).collect::<Vec<_>>(), want, "{pattern}");
        };
        check("Notes/*.md", &["notes", "md"]);
        check("boat*/old-?x/c", &["old"]);
        check("notes/*.{md,txt,org}", &["notes"]);
        check("no{a,b}/[a-bc-de]/md", &[]);
        assert!(matches("*.{md,txt,org}", "/home/me/notes/b.org") && matches("*.{md,txt,org}", "/home/me/notes/b.txt"));
    }

    #[test]
    fn other_patterns_are_whole_names() {
        assert!(matches("a", "/home/me/notes/a/b.md"));
        assert!(matches("a/b.md", "/home/me/notes/a/b.md"));
        assert!(matches("notes", "/home/me/notes/a/b.md"));
        assert!(!matches("b", "/home/me/notes/a/b.md"));
        assert!(!matches("home", "/home/me/notes/a/b.md"));
        assert!(matches("/home/me", "/home/me/notes/a/b.md"));
        assert!(matches("sub", "/home/me/notes/sub/x"));
    }
}
