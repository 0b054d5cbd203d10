//! Source code: functions and types open sections named after them; the text stays as it is.
//!
//! No language is parsed. A line that looks like a definition, at the left margin or one step in, is one.

use std::ops::Range;

use super::detect::Language;
use super::{Parsed, plain};
use crate::chunk::{Block, Role};

/// A file of source code.
pub fn parse(text: String, language: Language) -> Parsed {
    let lines: Vec<Range<usize>> = plain::lines(&text, 0..text.len()).collect();
    let mut blocks: Vec<Block> = Vec::new();
    let mut from = 0;
    for (at, line) in lines.iter().enumerate() {
        let Some((level, name)) = definition(&text[line.clone()], language) else { continue };
        let first = leading_comment(&text, &lines, at, from);
        body(&text, &lines[from.min(first)..first], &mut blocks);
        let start = lines[first].start;
        blocks.push(Block { range: start..line.end, role: Role::Heading(level, name), page: None });
        from = at + 1;
    }
    body(&text, &lines[from.min(lines.len())..], &mut blocks);
    Parsed { text, blocks, ..Parsed::default() }
}

/// Lines up to the next definition: paragraphs, so that long functions are cut at empty lines.
fn body(text: &str, lines: &[Range<usize>], blocks: &mut Vec<Block>) {
    if let (Some(first), Some(last)) = (lines.first(), lines.last()) {
        blocks.extend(plain::paragraphs(text, first.start..last.end).map(Block::body));
    }
}

/// The first line of the comments, attributes and decorators that stand directly above a definition.
fn leading_comment(text: &str, lines: &[Range<usize>], at: usize, from: usize) -> usize {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(&text[lines[at].clone()]);
    let mut first = at;
    while first > from {
        let line = &text[lines[first - 1].clone()];
        let start = line.trim_start();
        let above = ["//", "#[", "@", "/*", "*", "--", ";;", "\"\"\""].iter().any(|mark| start.starts_with(mark))
            || (start.starts_with('#') && !start.starts_with("#include") && !start.starts_with("#define"));
        if !above || indent(line).abs_diff(own) > 1 {
            break;
        }
        first -= 1;
    }
    first
}

/// The level and name of the definition a line begins.
fn definition(line: &str, language: Language) -> Option<(u8, String)> {
    let start = line.trim_start();
    let indent = line[..line.len() - start.len()].chars().map(|c| if c == '\t' { 4 } else { 1 }).sum::<usize>();
    if start.is_empty() || indent > 4 || start.len() > 400 {
        return None;
    }
    let name = match language {
        Language::Keyword => keyword(start),
        Language::CLike => keyword(start).or_else(|| c_like(start, indent)),
        Language::Indented => indented(start),
        Language::Shell => shell(start),
        Language::Lisp => lisp(start),
        Language::Sql => sql(start),
        Language::Other => None,
    }?;
    Some((if indent == 0 { 1 } else { 2 }, name))
}

const MODIFIERS: [&str; 31] = [
    "pub",
    "export",
    "default",
    "async",
    "public",
    "private",
    "protected",
    "internal",
    "static",
    "final",
    "abstract",
    "sealed",
    "open",
    "override",
    "virtual",
    "const",
    "unsafe",
    "extern",
    "inline",
    "data",
    "case",
    "partial",
    "suspend",
    "declare",
    "fileprivate",
    "readonly",
    "local",
    "mutating",
    "implicit",
    "lazy",
    "template",
];

const KEYWORDS: [&str; 25] = [
    "fn",
    "func",
    "function",
    "fun",
    "def",
    "sub",
    "class",
    "struct",
    "enum",
    "trait",
    "impl",
    "interface",
    "type",
    "mod",
    "module",
    "namespace",
    "object",
    "protocol",
    "extension",
    "record",
    "union",
    "message",
    "service",
    "resource",
    "macro_rules!",
];

fn keyword(start: &str) -> Option<String> {
    let mut words = start.split_whitespace().peekable();
    let bare = |word: &str| word.split('(').next().unwrap_or_default().to_owned();
    while words.next_if(|word| MODIFIERS.contains(&bare(word).as_str())).is_some() {}
    let word = words.next()?;
    let word = word.split('<').next().unwrap_or_default();
    if !KEYWORDS.contains(&word.trim_end_matches('*')) {
        return arrow(start);
    }
    let rest = start.split_once(word)?.1.trim_start_matches(['*', ' ']);
    if word == "impl" {
        let rest = rest.strip_prefix('<').and_then(|r| r.split_once('>')).map_or(rest, |(_, r)| r);
        return Some(rest.trim_end_matches(['{', ' ']).trim().to_owned()).filter(|name| !name.is_empty());
    }
    if let Some(receiver) = rest.strip_prefix('(').filter(|_| word == "func") {
        return identifier(receiver.split_once(')')?.1.trim_start());
    }
    identifier(rest)
}

/// `const name = (...) =>` and `name = function`.
fn arrow(start: &str) -> Option<String> {
    let (left, right) = start.split_once('=')?;
    let is_function =
        right.contains("=>") || right.trim_start().starts_with("function") || right.trim_start().starts_with("async ");
    let name = left.trim().strip_prefix("export ").unwrap_or(left.trim());
    let name = ["const ", "let ", "var "].iter().find_map(|word| name.strip_prefix(word))?;
    is_function.then(|| identifier(name)).flatten()
}

/// `type name(...)` that is no statement.
fn c_like(start: &str, indent: usize) -> Option<String> {
    const STATEMENTS: [&str; 14] = [
        "if", "for", "while", "switch", "return", "else", "do", "case", "throw", "new", "delete", "assert", "goto",
        "catch",
    ];
    let (head, _) = start.split_once('(')?;
    let ends = start.trim_end();
    if ends.ends_with(';')
        || head.contains(['=', '"', '.', '#', '/'])
        || (indent > 0 && !ends.ends_with(['{', ')', ',']))
    {
        return None;
    }
    let words: Vec<&str> = head.split_whitespace().collect();
    let name = words.last()?.trim_start_matches(['*', '&']);
    let plain = words.len() >= 2 && !STATEMENTS.contains(words.first()?);
    (plain && !name.is_empty()).then(|| identifier(name)).flatten()
}

fn indented(start: &str) -> Option<String> {
    let start = ["async ", "private ", "local ", "cdef ", "cpdef ", "export "]
        .iter()
        .find_map(|m| start.strip_prefix(m))
        .unwrap_or(start);
    let words = ["def ", "class ", "module ", "defmodule ", "defp ", "defmacro ", "function ", "struct ", "func "];
    words
        .iter()
        .find_map(|word| start.strip_prefix(word))
        .and_then(|rest| identifier(rest.strip_prefix("self.").unwrap_or(rest)))
}

fn shell(start: &str) -> Option<String> {
    if let Some(rest) = start.strip_prefix("function ") {
        return identifier(rest);
    }
    let (name, _) = start.split_once("()")?;
    name.chars().all(|c| c.is_alphanumeric() || "_-:".contains(c)).then(|| identifier(name)).flatten()
}

fn lisp(start: &str) -> Option<String> {
    let rest = start.strip_prefix('(')?;
    let (word, rest) = rest.split_once(char::is_whitespace)?;
    let rest = rest.trim_start().trim_start_matches('(');
    let name: String = rest.chars().take_while(|c| !c.is_whitespace() && !"()".contains(*c)).take(80).collect();
    (word.starts_with("def") && !name.is_empty()).then_some(name)
}

fn sql(start: &str) -> Option<String> {
    let lower = start.to_ascii_lowercase();
    let rest = lower.strip_prefix("create ")?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let known = ["table", "view", "function", "procedure", "trigger", "index", "type"];
    let at = words.iter().position(|word| known.contains(word))?;
    let mut names = words[at + 1..].iter().filter(|word| !["if", "not", "exists"].contains(word));
    identifier(names.next()?.trim_matches(['"', '`']))
}

/// The name at the start of a text.
fn identifier(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || "_.:~$?!".contains(*c)).take(80).collect();
    let name = name.trim_end_matches([':', '.']);
    name.starts_with(|c: char| c.is_alphabetic() || "_~$".contains(c)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(language: Language, text: &str) -> Vec<String> {
        let parsed = parse(text.to_owned(), language);
        let title = |block: Block| match block.role {
            Role::Heading(_, title) => Some(title),
            Role::Body => None,
        };
        parsed.blocks.into_iter().filter_map(title).collect()
    }

    #[test]
    fn definitions_are_found() {
        let rust = "use x;\n\n/// Doc.\n#[inline]\npub(crate) async fn go<T>(t: T) {\n}\n\nimpl<T> Foo<T> for Bar {\n    fn bar(&self) {}\n}\n";
        assert_eq!(names(Language::Keyword, rust), ["go", "Foo<T> for Bar", "bar"]);
        let go = "func (s *Server) Close() error {\n\treturn nil\n}\ntype Server struct {\n}\n";
        assert_eq!(names(Language::Keyword, go), ["Close", "Server"]);
        let js = "export default class A extends B {\n}\nexport const f = async (x) => x;\nlet y = 3;\n";
        assert_eq!(names(Language::Keyword, js), ["A", "f"]);
        let c = "#include <a.h>\nstatic int *add(int a,\n   int b) {\n  if (a) {\n  }\n  call(a);\n}\nvoid proto(void);\nint main(void)\n{\n}\n";
        assert_eq!(names(Language::CLike, c), ["add", "main"]);
        let python = "@dec\ndef f(x):\n    return x\n\nclass A(B):\n    async def g(self): ...\n";
        assert_eq!(names(Language::Indented, python), ["f", "A", "g"]);
        assert_eq!(names(Language::Shell, "go() {\n}\nfunction stop {\n}\n"), ["go", "stop"]);
        assert_eq!(names(Language::Sql, "CREATE TABLE IF NOT EXISTS users (\n id int\n);\n"), ["users"]);
        assert_eq!(names(Language::Lisp, "(defun hello (x)\n x)\n"), ["hello"]);
    }

    #[test]
    fn comments_go_with_what_they_are_above() {
        let parsed = parse("use x;\n\n/// Doc.\nfn go() {\n}\n".to_owned(), Language::Keyword);
        assert_eq!(&parsed.text[parsed.blocks[1].range.clone()], "/// Doc.\nfn go() {");
    }
}
