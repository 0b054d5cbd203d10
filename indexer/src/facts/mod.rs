//! Facts: what the documents state.

mod clause;
mod dates;
mod morphology;
mod noun;
mod phrase;
mod relational;
mod sentence;
mod tag;
mod token;

/// Something a sentence states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Triple {
    /// What it is about.
    pub subject: String,
    /// How the two are related.
    pub predicate: String,
    /// The other thing.
    pub object: String,
    /// The rule that found it.
    pub rule: &'static str,
}

/// For trying rules out.
pub fn try_out(text: &str) -> Vec<(Triple, String)> {
    let tokens = token::tokens(text, 0..text.len());
    let mut out = Vec::new();
    for range in token::sentences(&tokens) {
        let part = &tokens[range];
        let quote = text[part[0].span.start..part[part.len() - 1].span.end].to_owned();
        let s = sentence::Sentence::new(text, part);
        if std::env::var("PHRASES").is_ok() {
            for p in &s.phrases { eprintln!("{:?} {:?} {:?}", p.kind, token::join(text, &part[p.span.clone()]), &s.tags[p.span.clone()]); }
        }
        for t in clause::triples(&s).into_iter().chain(noun::triples(&s)) { out.push((t, quote.clone())); }
    }
    out
}
