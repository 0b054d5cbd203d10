//! HTML as readable text, from the tokens, without a tree: deep nesting and wild markup cost nothing.
//!
//! Everything a reader could see is kept, in the order of the file; scripts and styles are not. Each block
//! element is a block, headings open sections, table rows are lines, list items begin with `- `.

use html5gum::emitters::default::DefaultEmitter;
use html5gum::{StartTag, Token, Tokenizer};

use super::render::Rendering;
use super::{Parsed, dates};

/// An HTML document.
pub fn parse(html: &str) -> Parsed {
    let mut out = Rendering::default();
    let meta = render(html, &mut out);
    Parsed { title: meta.title, author: meta.author, date: meta.date, tags: meta.tags, ..out.parsed() }
}

/// What an HTML document says about itself.
#[derive(Debug, Default)]
pub struct Meta {
    /// Its `title` element, else its first `h1`.
    pub title: Option<String>,
    /// Its author.
    pub author: Option<String>,
    /// When it was published.
    pub date: Option<String>,
    /// Its key words.
    pub tags: Vec<String>,
}

/// Adds the text of an HTML document or a piece of one.
pub fn render(html: &str, out: &mut Rendering) -> Meta {
    write(html, out, false)
}

/// Adds the text of a mail's body; what it quotes is in no passage.
pub fn render_mail(html: &str, out: &mut Rendering) -> Meta {
    write(html, out, true)
}

fn write(html: &str, out: &mut Rendering, mail: bool) -> Meta {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let state = State { mail, ..State::default() };
    let mut writer = Writer { out, inline: String::new(), state, meta: Meta::default() };
    for token in Tokenizer::new_with_emitter(html, emitter) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => writer.start(&String::from_utf8_lossy(&tag.name), &tag),
            Token::EndTag(tag) => writer.end(&String::from_utf8_lossy(&tag.name)),
            Token::String(text) => writer.text(&String::from_utf8_lossy(&text)),
            _ => {}
        }
        if writer.out.full() {
            break;
        }
    }
    writer.flush();
    let heading = writer.state.first_heading.take();
    let mut meta = writer.meta;
    meta.title = meta.title.filter(|title| !title.trim().is_empty()).or(heading);
    meta
}

#[derive(Default)]
struct State {
    /// The element whose text is not shown, until its end.
    hidden: Option<String>,
    heading: Option<u8>,
    first_heading: Option<String>,
    pre: usize,
    row: bool,
    item: bool,
    mail: bool,
    /// In a quotation of another mail, how deep.
    quoted: usize,
    path: Vec<(u8, String)>,
    /// The headings above each `nav`, `aside` and `footer` that is open.
    outside: Vec<Vec<(u8, String)>>,
}

struct Writer<'a> {
    out: &'a mut Rendering,
    inline: String,
    state: State,
    meta: Meta,
}

impl Writer<'_> {
    fn start(&mut self, name: &str, tag: &StartTag<()>) {
        if self.state.hidden.is_some() {
            return;
        }
        match name {
            name @ ("script" | "style" | "template" | "noscript" | "iframe" | "noframes" | "object") => {
                self.state.hidden = (!tag.self_closing).then(|| name.to_owned());
            }
            "title" if self.meta.title.is_none() => {
                self.flush();
                self.state.hidden = Some("title".to_owned());
                self.meta.title = Some(String::new());
            }
            "meta" => self.meta(tag),
            "time" if self.meta.date.is_none() => {
                self.meta.date = attribute(tag, "datetime").and_then(|date| dates::iso(&date));
            }
            "br" => self.inline.push('\n'),
            "hr" => self.flush(),
            "img" | "area" => {
                if let Some(alt) = attribute(tag, "alt").filter(|alt| !alt.trim().is_empty()) {
                    self.inline.push_str(&alt);
                }
            }
            "td" | "th" if self.state.row && !self.inline.trim().is_empty() => {
                self.inline.truncate(self.inline.trim_end().len());
                self.inline.push_str(" | ");
            }
            "tr" => {
                self.flush();
                self.state.row = true;
            }
            "li" => {
                self.flush();
                self.state.item = true;
            }
            "pre" | "textarea" | "listing" => {
                self.flush();
                self.state.pre += 1;
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.flush();
                self.state.heading = name[1..].parse().ok();
            }
            "blockquote" if self.state.mail => {
                self.flush();
                self.state.quoted += 1;
            }
            "nav" | "aside" | "footer" if self.state.outside.len() < 50 => {
                self.flush();
                let path = std::mem::take(&mut self.state.path);
                self.state.outside.push(path);
                self.out.section(1, "");
            }
            name if is_block(name) => self.block_edge(),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        if let Some(hidden) = &self.state.hidden {
            if hidden == name {
                self.state.hidden = None;
            }
            return;
        }
        match name {
            "pre" | "textarea" | "listing" => {
                self.flush();
                self.state.pre = self.state.pre.saturating_sub(1);
            }
            "tr" | "table" => {
                self.flush();
                self.state.row = false;
            }
            "blockquote" if self.state.mail => {
                self.flush();
                self.state.quoted = self.state.quoted.saturating_sub(1);
            }
            "li" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.flush(),
            "nav" | "aside" | "footer" => {
                self.flush();
                self.back_inside();
            }
            name if is_block(name) => self.block_edge(),
            _ => {}
        }
    }

    /// What comes after navigation and asides is under the headings from before them again.
    fn back_inside(&mut self) {
        let Some(path) = self.state.outside.pop() else { return };
        self.out.section(1, "");
        for (level, title) in &path {
            self.out.section(*level, title);
        }
        self.state.path = path;
    }

    /// A block inside a table cell or list item does not break its line, others do.
    fn block_edge(&mut self) {
        if self.state.row {
            self.collapsed(" ");
        } else if !(self.state.item && self.inline.trim().is_empty()) {
            self.flush();
        }
    }

    fn text(&mut self, text: &str) {
        match &self.state.hidden {
            Some(name) if name == "title" => {
                if let Some(title) = &mut self.meta.title {
                    title.push_str(text);
                }
            }
            Some(_) => {}
            None if self.state.pre > 0 => self.inline.push_str(text),
            None => self.collapsed(text),
        }
    }

    /// Adds text with each run of white space as one space.
    fn collapsed(&mut self, text: &str) {
        for c in text.chars() {
            if !c.is_ascii_whitespace() {
                self.inline.push(c);
            } else if !self.inline.ends_with([' ', '\n']) && !self.inline.is_empty() {
                self.inline.push(' ');
            }
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.inline);
        let heading = self.state.heading.take();
        let item = std::mem::take(&mut self.state.item);
        if text.trim().is_empty() {
            return;
        }
        if self.state.quoted > 0 {
            self.out.quiet(&text);
        } else if let Some(level) = heading {
            if level == 1 && self.state.first_heading.is_none() {
                self.state.first_heading = Some(text.trim().to_owned());
            }
            self.state.path.retain(|(above, _)| *above < level);
            self.state.path.push((level, text.clone()));
            self.out.heading(level, &text);
        } else if self.state.row {
            self.out.line(text.trim());
        } else if self.state.pre > 0 {
            self.out.paragraph(&text);
        } else if item {
            self.out.line(&format!("- {}", text.trim()));
        } else {
            self.out.paragraph(text.trim());
        }
    }

    fn meta(&mut self, tag: &StartTag<()>) {
        let name = attribute(tag, "name").or_else(|| attribute(tag, "property")).unwrap_or_default();
        let Some(content) = attribute(tag, "content").filter(|content| !content.trim().is_empty()) else { return };
        match name.to_ascii_lowercase().as_str() {
            "author" | "article:author" | "dc.creator" | "dcterms.creator" => self.meta.author = Some(content),
            "date" | "creationdate" | "article:published_time" | "dc.date" | "dcterms.date" | "dcterms.created" => {
                self.meta.date = dates::iso(&content);
            }
            "keywords" => self.meta.tags.extend(content.split(',').map(str::to_owned)),
            _ => {}
        }
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    let (_, value) = tag.attributes.iter().find(|(key, _)| key.as_slice() == name.as_bytes())?;
    Some(String::from_utf8_lossy(value).into_owned())
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "head"
            | "header"
            | "hgroup"
            | "html"
            | "legend"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "option"
            | "p"
            | "section"
            | "select"
            | "summary"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "ul"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_becomes_readable_text() {
        let page = parse(
            "<html><head><title>The &amp; title</title><meta name=author content='Ann'><style>p{}</style></head>\
             <body><h1>Head</h1><p>One <b>bold</b>\n word<br>next</p><ul><li>first</li><li><p>second</p></li></ul>\
             <table><tr><th>a<th>b</tr><tr><td>1</td><td><div>2</div></td></tr></table><script>var x</script>\
             <pre>a\n  b</pre>tail",
        );
        assert_eq!(page.title.as_deref(), Some("The & title"));
        assert_eq!(page.author.as_deref(), Some("Ann"));
        assert_eq!(page.text, "Head\n\nOne bold word\nnext\n- first\n- second\na | b\n1 | 2\n\na\n  b\n\ntail");
    }

    #[test]
    fn deep_nesting_is_harmless() {
        let page = parse(&format!("{}deep", "<div><b>".repeat(200_000)));
        assert_eq!(page.text, "deep");
    }
}
