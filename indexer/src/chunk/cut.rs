//! Cutting a text that is too long: at ends of sentences, else where it hurts least.

use std::ops::Range;

/// A part of a passage. Shorter ones are found better by what they mean, but there are more of them to be embedded.
const PART: Length = Length { about: Size { words: 110, bytes: 750 }, most: Size { words: 140, bytes: 1000 } };

/// How much text a range holds.
#[derive(Clone, Copy, Default)]
pub(super) struct Size {
    pub words: usize,
    pub bytes: usize,
}

impl Size {
    pub fn of(text: &str) -> Self {
        Self { words: text.split_whitespace().count(), bytes: text.len() }
    }

    pub fn fits(self, words: usize, bytes: usize) -> bool {
        self.words <= words && self.bytes <= bytes
    }
}

/// How long the pieces of a text are.
pub(super) struct Length {
    /// About so long where a text has to be cut.
    pub about: Size,
    /// Not longer.
    pub most: Size,
}

/// A range on character borders without the white space at its ends, but with the indentation of its first
/// line; `None` when empty.
pub(super) fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let end = text.floor_char_boundary(range.end);
    let start = text.ceil_char_boundary(range.start.min(end));
    let part = text.get(start..end)?;
    let body = part.trim_end();
    let space = body.len() - body.trim_start().len();
    let at_line_start = start == 0 || text.as_bytes()[start - 1] == b'\n';
    let lead = match body[..space].rfind('\n') {
        Some(at) => at + 1,
        None if at_line_start => 0,
        None => space,
    };
    (!body.trim_start().is_empty()).then(|| start + lead..start + body.len())
}

/// The parts of a passage that are compared with a query one by one; the whole of it when it is short.
pub fn parts(text: &str) -> Vec<Range<usize>> {
    pieces(text, 0..text.len(), &PART)
}

/// A range cut into pieces that are each short enough, of about the same size.
pub(super) fn pieces(text: &str, range: Range<usize>, length: &Length) -> Vec<Range<usize>> {
    let most = length.most;
    let mut out = Vec::new();
    let mut rest = range;
    loop {
        let part = &text[rest.clone()];
        let window = &part[..part.floor_char_boundary(64 * most.bytes)];
        let size = Size::of(window);
        if part.len() == window.len() && size.fits(most.words, most.bytes) {
            out.push(rest);
            return out;
        }
        let cut = rest.start + cut(window, size, length);
        out.extend(trimmed(text, rest.start..cut));
        match trimmed(text, cut..rest.end) {
            Some(left) => rest = left,
            None => return out,
        }
    }
}

/// Where to cut the first piece off a text that is too long: the best border near the ideal length.
fn cut(part: &str, size: Size, Length { about, most }: &Length) -> usize {
    let count = size.words.div_ceil(about.words).max(size.bytes.div_ceil(about.bytes)).max(2);
    let (words, bytes) = (size.words.div_ceil(count), size.bytes.div_ceil(count));
    let most = limit(part, most.words, most.bytes);
    let ideal = limit(part, words, bytes).min(most);
    let least = ideal / 2;
    [sentence_or_line as fn(&str) -> Borders<'_>, sentence_ends, word_ends, marks]
        .into_iter()
        .find_map(|borders| borders(&part[..most]).filter(|at| *at > least).min_by_key(|at| at.abs_diff(ideal)))
        .unwrap_or_else(|| part.floor_char_boundary(ideal.max(4)).max(first_char(part)))
}

type Borders<'a> = Box<dyn Iterator<Item = usize> + 'a>;

/// Ends of lines that end a sentence or stand before an empty line.
fn sentence_or_line(text: &str) -> Borders<'_> {
    Box::new(
        text.match_indices('\n').map(|(at, _)| at + 1).filter(|at| {
            text[..*at].trim_end().ends_with(SENTENCE_END) || text[*at..].starts_with(['\n', '}', '-', '*'])
        }),
    )
}

const SENTENCE_END: [char; 12] = ['.', '!', '?', ';', ':', '"', '”', '。', '！', '？', '।', '}'];

/// Ends of sentences inside a line, and ends of lines.
fn sentence_ends(text: &str) -> Borders<'_> {
    Box::new(text.char_indices().filter_map(|(at, c)| {
        let next = at + c.len_utf8();
        let follows = text[next..].chars().next();
        match c {
            '\n' | '。' | '！' | '？' => Some(next),
            '.' | '!' | '?' if follows.is_some_and(char::is_whitespace) => Some(next),
            _ => None,
        }
    }))
}

/// Ends of words.
fn word_ends(text: &str) -> Borders<'_> {
    Box::new(text.char_indices().filter(|(_, c)| c.is_whitespace()).map(|(at, _)| at))
}

/// Places behind a mark: what has no spaces (rows of numbers, long links) is not cut inside a word.
fn marks(text: &str) -> Borders<'_> {
    Box::new(text.char_indices().filter(|(_, c)| !c.is_alphanumeric()).map(|(at, c)| at + c.len_utf8()))
}

/// The longest start of `text` with at most so many words and bytes, on a character border.
fn limit(text: &str, words: usize, bytes: usize) -> usize {
    let most = text.floor_char_boundary(bytes);
    let (mut count, mut inside) = (0, false);
    for (at, c) in text[..most].char_indices() {
        if c.is_whitespace() {
            inside = false;
        } else if !inside {
            inside = true;
            count += 1;
            if count > words {
                return at;
            }
        }
    }
    most
}

fn first_char(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn a_long_passage_has_parts_that_end_with_sentences() {
        let sentences =
            |count| "One two three four five six seven eight nine ten. ".repeat(count).trim_end().to_owned();
        let part = |text: &str| parts(text).into_iter().map(|part| text[part].to_owned()).collect::<Vec<_>>();
        assert_eq!(part(&sentences(14)), [sentences(14)], "a short one is whole");
        assert_eq!(part(&sentences(18)), [sentences(9), sentences(9)]);
        assert_eq!(part(""), [""]);
    }
}
