//! Sizes, counts and their ranges, both ends inclusive.

/// `from` and `to`, both inclusive.
pub(crate) type Bounds = (Option<u64>, Option<u64>);

/// The units of [`size`], binary, largest first.
const UNITS: [(&str, u64); 4] = [("t", 1 << 40), ("g", 1 << 30), ("m", 1 << 20), ("k", 1 << 10)];

/// Reads `5`, `>5`, `>=5`, `<5`, `<=5`, `5..9`, `5..`, `..9`; `None` for anything else and for an empty range.
pub(crate) fn bounds(text: &str, number: fn(&str) -> Option<u64>) -> Option<Bounds> {
    let (from, to) = if let Some((from, to)) = text.split_once("..") {
        range(from, to, number)?
    } else if let Some(least) = text.strip_prefix(">=") {
        (Some(number(least)?), None)
    } else if let Some(most) = text.strip_prefix("<=") {
        (None, Some(number(most)?))
    } else if let Some(below) = text.strip_prefix('>') {
        (Some(number(below)?.checked_add(1)?), None)
    } else if let Some(above) = text.strip_prefix('<') {
        (None, Some(number(above)?.checked_sub(1)?))
    } else {
        let exact = number(text)?;
        (Some(exact), Some(exact))
    };
    let empty = matches!((from, to), (Some(from), Some(to)) if from > to);
    (!empty).then_some((from, to))
}

fn range(from: &str, to: &str, number: fn(&str) -> Option<u64>) -> Option<Bounds> {
    let end = |text: &str| if text.is_empty() { Some(None) } else { number(text).map(Some) };
    let bounds = (end(from)?, end(to)?);
    (bounds != (None, None)).then_some(bounds)
}

/// `10k`, `1.5m`, `2GB`, `300`; the units are binary.
pub(crate) fn size(text: &str) -> Option<u64> {
    let digits = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    let (number, unit) = text.split_at(digits);
    let unit = unit.to_ascii_lowercase();
    let unit = unit.strip_suffix("ib").or(unit.strip_suffix('b')).unwrap_or(&unit);
    let factor = if unit.is_empty() { 1 } else { UNITS.iter().find(|(name, _)| *name == unit)?.1 };
    match number.split_once('.') {
        None => count(number)?.checked_mul(factor),
        Some((whole, part)) => count(whole)?.checked_mul(factor)?.checked_add(fraction(part, factor)?),
    }
}

/// `0.part * factor`, rounded down.
fn fraction(part: &str, factor: u64) -> Option<u64> {
    let places = u32::try_from(part.len()).ok().filter(|places| *places <= 6)?;
    Some(count(part)? * factor / 10_u64.pow(places))
}

/// A plain number.
pub(crate) fn count(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// A size in the largest unit that needs no fraction.
pub(crate) fn print_size(bytes: u64) -> String {
    match UNITS.iter().find(|(_, factor)| bytes > 0 && bytes.is_multiple_of(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => bytes.to_string(),
    }
}

/// The shortest text that [`bounds`] reads as these bounds.
pub(crate) fn print(bounds: Bounds, number: fn(u64) -> String) -> String {
    match bounds {
        (Some(from), Some(to)) if from == to => number(from),
        (Some(from), Some(to)) => format!("{}..{}", number(from), number(to)),
        (Some(from), None) if from > 0 && number(from - 1).len() < number(from).len() => {
            format!(">{}", number(from - 1))
        }
        (Some(from), None) => format!(">={}", number(from)),
        (None, Some(to)) if to < u64::MAX && number(to + 1).len() < number(to).len() => {
            format!("<{}", number(to + 1))
        }
        (None, Some(to)) => format!("<={}", number(to)),
        (None, None) => ">=0".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{bounds, count, print, print_size, size};
    use proptest::prelude::*;

    #[test]
    fn sizes_and_ranges() {
        let cases = [
            ("300", Some((Some(300), Some(300)))),
            ("10k", Some((Some(10_240), Some(10_240)))),
            ("1.5M", Some((Some(1_572_864), Some(1_572_864)))),
            ("2GiB", Some((Some(2 << 30), Some(2 << 30)))),
            (">10k", Some((Some(10_241), None))),
            (">=10kb", Some((Some(10_240), None))),
            ("<1k", Some((None, Some(1_023)))),
            ("<=1k", Some((None, Some(1_024)))),
            ("1k..2m", Some((Some(1_024), Some(2 << 20)))),
            ("..50", Some((None, Some(50)))),
            ("50..", Some((Some(50), None))),
            ("..", None),
            ("9..5", None),
            ("<0", None),
            ("big", None),
            ("k", None),
            ("1.k", None),
            ("1.2.3k", None),
            ("99999999999999t", None),
            (">18446744073709551615", None),
        ];
        for (text, expected) in cases {
            assert_eq!(bounds(text, size), expected, "{text}");
        }
        assert_eq!(bounds("10k", count), None);
    }

    #[test]
    fn prints_as_a_person_would() {
        for text in [">10k", "<1k", "1k..2m", ">=300", "10k", "<=7"] {
            let read = bounds(text, size).expect("a size");
            assert_eq!(print(read, print_size), text);
        }
    }

    proptest! {
        #[test]
        fn printed_bounds_are_read_back(from: Option<u64>, to: Option<u64>) {
            prop_assume!(from.is_some() || to.is_some());
            prop_assume!(from.is_none_or(|from| to.is_none_or(|to| from <= to)));
            let text = print((from, to), print_size);
            prop_assert_eq!(bounds(&text, size), Some((from, to)), "{}", text);
        }
    }
}
