//! From token bytes to text: whole UTF-8 characters only, and nothing at or after a stop string.

/// Collects the bytes of tokens and hands out what is sure to be part of the answer.
#[derive(Debug)]
pub struct Output {
    stops: Vec<String>,
    bytes: Vec<u8>,
    text: String,
    given: usize,
    stopped: bool,
}

impl Output {
    /// An empty output that ends before any of `stops`; empty stop strings are ignored.
    pub fn new(stops: &[String]) -> Self {
        let stops = stops.iter().filter(|stop| !stop.is_empty()).cloned().collect();
        Self { stops, bytes: Vec::new(), text: String::new(), given: 0, stopped: false }
    }

    /// Takes the bytes of one token and returns the text that may be shown now, possibly none.
    pub fn push(&mut self, bytes: &[u8]) -> &str {
        if self.stopped {
            return "";
        }
        self.bytes.extend_from_slice(bytes);
        self.take_characters();
        self.cut_at_stop();
        let safe = self.text.len() - self.held_back();
        self.give(safe)
    }

    /// Whether a stop string was met.
    pub fn stopped(&self) -> bool {
        self.stopped
    }

    /// What was held back for a stop string that did not come; half a character is dropped.
    pub fn finish(&mut self) -> &str {
        self.bytes.clear();
        self.give(self.text.len())
    }

    /// All of the text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn give(&mut self, to: usize) -> &str {
        let from = self.given;
        self.given = to.max(from);
        &self.text[from..self.given]
    }

    /// Moves whole characters from the bytes to the text; a byte that can start none becomes U+FFFD.
    fn take_characters(&mut self) {
        let mut taken = 0;
        for chunk in self.bytes.utf8_chunks() {
            self.text.push_str(chunk.valid());
            taken += chunk.valid().len();
            let bad = chunk.invalid();
            let at_end = taken + bad.len() == self.bytes.len();
            if bad.is_empty() || (at_end && may_grow(bad)) {
                break;
            }
            self.text.push(char::REPLACEMENT_CHARACTER);
            taken += bad.len();
        }
        self.bytes.drain(..taken);
    }

    fn cut_at_stop(&mut self) {
        let first = self.stops.iter().filter_map(|stop| self.text.find(stop.as_str())).min();
        if let Some(at) = first {
            self.text.truncate(at.max(self.given));
            self.stopped = true;
        }
    }

    /// Bytes at the end of the text that could be the start of a stop string.
    fn held_back(&self) -> usize {
        if self.stopped {
            return 0;
        }
        self.stops.iter().map(|stop| overlap(&self.text, stop)).max().unwrap_or(0)
    }
}

/// Length of the longest end of `text` that `stop` starts with.
fn overlap(text: &str, stop: &str) -> usize {
    let starts = stop.char_indices().map(|(at, _)| at).skip(1);
    starts.filter(|&len| text.ends_with(&stop[..len])).max().unwrap_or(0)
}

/// Whether these bytes are the start of a character that more bytes can complete.
fn may_grow(bytes: &[u8]) -> bool {
    matches!(std::str::from_utf8(bytes), Err(error) if error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stops: &[&str], tokens: &[&[u8]]) -> (Vec<String>, String, bool) {
        let stops: Vec<String> = stops.iter().map(|s| s.to_string()).collect();
        let mut output = Output::new(&stops);
        let mut pieces = Vec::new();
        for token in tokens {
            pieces.push(output.push(token).to_string());
            if output.stopped() {
                break;
            }
        }
        pieces.push(output.finish().to_string());
        pieces.retain(|piece| !piece.is_empty());
        (pieces, output.text().to_string(), output.stopped())
    }

    #[test]
    fn characters_are_never_split() {
        let euro = "€".as_bytes();
        let (pieces, text, _) = run(&[], &[b"a", &euro[..1], &euro[1..2], &euro[2..], b"b"]);
        assert_eq!(pieces, ["a", "€", "b"]);
        assert_eq!(text, "a€b");
    }

    #[test]
    fn every_split_of_a_text_gives_the_text() {
        let whole = "naïve 日本 🦀 end";
        for cut in 0..whole.len() {
            let (_, text, _) = run(&["STOP"], &[&whole.as_bytes()[..cut], &whole.as_bytes()[cut..]]);
            assert_eq!(text, whole);
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_and_half_a_character_is_dropped() {
        assert_eq!(run(&[], &[b"a\xffb", b"c"]).1, "a\u{fffd}bc");
        assert_eq!(run(&[], &[b"a", b"\xe2\x82"]).1, "a");
    }

    #[test]
    fn a_stop_string_spread_over_tokens_is_never_shown() {
        let (pieces, text, stopped) = run(&["\nUser:"], &[b"Yes.", b"\n", b"Us", b"er", b": no"]);
        assert_eq!((pieces.concat().as_str(), text.as_str(), stopped), ("Yes.", "Yes.", true));
    }

    #[test]
    fn what_only_looks_like_a_stop_string_is_shown_in_the_end() {
        let (pieces, text, stopped) = run(&["\nUser:"], &[b"Yes.\nU", b"pstairs", b"\nUse"]);
        assert_eq!(pieces, ["Yes.", "\nUpstairs", "\nUse"]);
        assert_eq!((text.as_str(), stopped), ("Yes.\nUpstairs\nUse", false));
    }

    #[test]
    fn the_earliest_of_several_stop_strings_counts() {
        assert_eq!(run(&["zz", "b"], &[b"abzz"]).1, "a");
        assert_eq!(run(&[""], &[b"abc"]).1, "abc");
    }
}
