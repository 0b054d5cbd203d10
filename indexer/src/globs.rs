//! What `path:` matches.
//!
//! A pattern with `*` or `?` is a glob: `*` stays within a name, `**` does not. Any other is a part of the path
//! between separators. Both look at the path from the source's own name on, or at all of it when the pattern
//! begins with `/`. Letter case does not count.

use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};

use crate::Source;

/// A pattern, ready to be compared.
pub struct Pattern {
    text: String,
    glob: Option<GlobMatcher>,
}

impl Pattern {
    /// A pattern that is no valid glob is taken literally.
    pub fn new(text: &str) -> Self {
        let text = text.to_lowercase();
        let is_glob = text.contains(['*', '?']);
        let glob = is_glob.then(|| {
            let anchored = if text.starts_with('/') { text.clone() } else { format!("**/{text}") };
            GlobBuilder::new(&anchored).literal_separator(true).build().ok().map(|glob| glob.compile_matcher())
        });
        Self { text, glob: glob.flatten() }
    }

    /// Whether an absolute path matches.
    pub fn matches(&self, path: &Path, sources: &[Source]) -> bool {
        let whole = path.to_string_lossy().to_lowercase();
        let from_source = below_source(path, sources).to_lowercase();
        match &self.glob {
            Some(glob) if self.text.starts_with('/') => glob.is_match(&whole),
            Some(glob) => glob.is_match(&from_source),
            None if self.text.starts_with('/') => is_part(&whole, &self.text),
            None => is_part(&format!("/{from_source}"), &self.text),
        }
    }
}

/// The path from its source's own name on; all of it when it is below none.
pub fn below_source(path: &Path, sources: &[Source]) -> String {
    let roots = sources.iter().map(|s| &s.root).filter(|root| path.starts_with(root));
    let above = roots.max_by_key(|root| root.components().count()).and_then(|root| root.parent());
    let below = above.and_then(|above| path.strip_prefix(above).ok());
    below.unwrap_or(path).to_string_lossy().into_owned()
}

/// Whether `part` stands in `path` between separators.
fn is_part(path: &str, part: &str) -> bool {
    let part = part.trim_matches('/');
    !part.is_empty() && format!("{path}/").contains(&format!("/{part}/"))
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
        Pattern::new(pattern).matches(Path::new(path), &[source("/home/me/notes"), source("/home/me/notes/sub")])
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
