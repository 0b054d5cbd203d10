//! The one reversible rule by which any text becomes a file name: `/` is `%2F` and `%` is `%25`.
//!
//! U+2215 (division slash) is read as `/`, because file managers let people type it. To stay
//! reversible it is itself written as its three bytes.

const ESCAPES: [(&str, char); 3] = [("%25", '%'), ("%2F", '/'), ("%E2%88%95", '\u{2215}')];

/// The text as one path component.
///
/// ```
/// assert_eq!(echofs_query_lang::path::encode("tcp/ip 100%"), "tcp%2Fip 100%25");
/// ```
pub fn encode(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        match ESCAPES.iter().find(|(_, plain)| *plain == c) {
            Some((escape, _)) => name.push_str(escape),
            None => name.push(c),
        }
    }
    name
}

/// The text that a path component stands for. Hexadecimal digits may be of either case; a `%` that
/// begins none of the escapes stands for itself.
///
/// ```
/// assert_eq!(echofs_query_lang::path::decode("tcp%2fip 100%"), "tcp/ip 100%");
/// ```
pub fn decode(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    let mut rest = name;
    while let Some(c) = rest.chars().next() {
        let (plain, length) = match (c, escape(rest)) {
            (_, Some(found)) => found,
            ('\u{2215}', None) => ('/', c.len_utf8()),
            (_, None) => (c, c.len_utf8()),
        };
        text.push(plain);
        rest = &rest[length..];
    }
    text
}

/// The escape that `rest` begins with: what it stands for, and its length in bytes.
fn escape(rest: &str) -> Option<(char, usize)> {
    let begins = |escape: &str| rest.get(..escape.len()).is_some_and(|head| head.eq_ignore_ascii_case(escape));
    ESCAPES.iter().find(|(escape, _)| begins(escape)).map(|(escape, plain)| (*plain, escape.len()))
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use proptest::prelude::*;

    #[test]
    fn names_are_read_leniently() {
        let cases = [
            ("a%2Fb", "a/b"),
            ("a%2fb", "a/b"),
            ("a\u{2215}b", "a/b"),
            ("100%", "100%"),
            ("100%25", "100%"),
            ("%252F", "%2F"),
            ("50%2", "50%2"),
            ("%C3%A9", "%C3%A9"),
            ("%é", "%é"),
            ("%e2%88%95", "\u{2215}"),
            ("", ""),
        ];
        for (name, text) in cases {
            assert_eq!(decode(name), text, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in "([%/25F\u{2215}e]|\\PC){0,40}") {
            let name = encode(&text);
            prop_assert!(!name.contains('/'));
            prop_assert_eq!(decode(&name), text);
        }

        #[test]
        fn any_name_is_read(name in "([%/25Ff\u{2215}e]|\\PC){0,40}") {
            let text = decode(&name);
            prop_assert_eq!(decode(&encode(&text)), text);
        }
    }
}
