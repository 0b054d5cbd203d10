//! `explain.md`: how a query was read, what each side gave, and how that became an order.

use std::fmt::Write;
use std::time::Duration;

use echofs_indexer::{Explain, Hit, Kind, Results, WordUse};
use echofs_query_lang::{Parsed, Sort};

use super::render::plain;

/// Forms of a corrected word that are named at the top.
const FORMS: usize = 5;

/// The whole file.
pub fn explain(asked: &str, parsed: &Parsed, results: &Results) -> String {
    let parts = [
        reading(asked, parsed, results),
        found(parsed, results),
        filters(&results.explain),
        words(&results.explain),
        meaning(&results.explain),
        reranking(&results.explain),
        hits(results),
        times(&results.explain),
    ];
    parts.iter().filter(|part| !part.is_empty()).map(String::as_str).collect::<Vec<_>>().join("\n")
}

fn reading(asked: &str, parsed: &Parsed, results: &Results) -> String {
    let read = parsed.query.to_string();
    let read = if read.is_empty() { "everything".into() } else { format!("`{read}`") };
    let mut out = format!("# {}\n\nRead as: {read}\n", plain(asked).replace('\n', " "));
    let place = |at: usize| asked[..asked.floor_char_boundary(at)].chars().count() + 1;
    let said = parsed.diagnostics.iter().map(|d| format!("at character {}: {d}", place(d.span.start)));
    let ignored = results.explain.ignored.iter().map(|part| format!("not used: {part}"));
    let corrected = results.explain.words.iter().filter(|word| word.corrected).map(correction);
    let notes: Vec<String> = said.chain(ignored).chain(corrected).collect();
    if !notes.is_empty() {
        out.push('\n');
    }
    for note in notes {
        let _ = writeln!(out, "- {}", plain(&note));
    }
    out
}

fn correction(word: &WordUse) -> String {
    let forms: Vec<&str> = forms(word).take(FORMS).collect();
    format!("nothing holds `{}`: documents are ranked by words like it ({})", word.word, forms.join(", "))
}

/// What a word was looked up as, without parts of words.
fn forms(word: &WordUse) -> impl Iterator<Item = &str> {
    word.forms.iter().map(String::as_str).filter(|form| form.starts_with(char::is_alphanumeric))
}

fn found(parsed: &Parsed, results: &Results) -> String {
    let e = &results.explain;
    let mut out = match results.hits.len() {
        0 => "Nothing was found".to_owned(),
        1 => "1 document is listed".to_owned(),
        n => format!("{n} documents are listed"),
    };
    let _ = match e.passed {
        Some(passed) => write!(
            out,
            ": {passed} of {} pass the filters, {} do not.",
            e.documents,
            e.documents.saturating_sub(passed)
        ),
        None => write!(out, " of {}; nothing is filtered out.", e.documents),
    };
    if e.folded > 0 {
        let _ = write!(out, " {} more say the same as one of these and are named with it.", e.folded);
    }
    let limit = parsed.query.limit.unwrap_or(echofs_query_lang::DEFAULT_LIMIT);
    out.push('\n');
    if !results.hits.is_empty() {
        let _ = write!(out, "At most {limit} are listed; {}. ", order(parsed, e));
    }
    let _ = writeln!(out, "This is state {} of the index.", results.epoch);
    if results.hits.iter().any(|hit| hit.document.kind == Kind::Fact) {
        let order = if parsed.query.sort.is_best_first() { "; those with more of them come first" } else { "" };
        let _ = writeln!(out, "Each shows the fact that holds most of the words in place of a passage{order}.");
    }
    out
}

/// The order of what is listed. Where bare words rank, any other than by score is one of the best.
fn order(parsed: &Parsed, e: &Explain) -> &'static str {
    let ranks = !e.lexical.method.is_empty() || !e.semantic.method.is_empty();
    let all = !ranks || !parsed.query.has_bare_words() && e.passed.is_some();
    match (parsed.query.sort, all) {
        (Sort::Score | Sort::Rerank, _) if !ranks => "nothing ranks, so the newest come first",
        (Sort::Score | Sort::Rerank, _) => "the best come first",
        (Sort::Date, true) => "the newest come first",
        (Sort::Date, false) => "of the best the newest come first",
        (Sort::Path, true) => "they are in the order of their paths",
        (Sort::Path, false) => "the best are in the order of their paths",
        (Sort::Size, true) => "the largest come first",
        (Sort::Size, false) => "of the best the largest come first",
    }
}

fn filters(e: &Explain) -> String {
    if e.filters.is_empty() {
        return String::new();
    }
    let mut out =
        String::from("## Filters\n\nAll of these have to hold.\n\n| filter | documents it lets through |\n|---|---|\n");
    for (part, documents) in &e.filters {
        let _ = writeln!(out, "| {} | {documents} |", cell(part));
    }
    out
}

fn words(e: &Explain) -> String {
    if e.words.is_empty() {
        return String::new();
    }
    let found = e.lexical.candidates;
    let rare = if e.words.iter().any(|word| word.put_off) { "rarer " } else { "" };
    let mut out = format!("## Words\n\n{found} documents hold at least one of the {rare}words that rank.\n\n");
    out.push_str("| word | looked up as | documents |\n|---|---|---|\n");
    for word in &e.words {
        let note = if word.corrected { " (nothing holds the word itself)" } else { "" };
        let forms = forms(word).collect::<Vec<_>>().join(", ");
        let about = if word.estimated { "about " } else { "" };
        let _ = writeln!(out, "| {} | {}{note} | {about}{} |", cell(&word.word), cell(&forms), word.documents);
    }
    if !rare.is_empty() {
        let put_off = e.words.iter().filter(|word| word.put_off).map(|word| cell(&word.word));
        let put_off = put_off.collect::<Vec<_>>().join(", ");
        let _ = writeln!(out, "\nCommon, and looked for only where it could change the best: {put_off}.");
    }
    out
}

fn meaning(e: &Explain) -> String {
    let mut out = String::new();
    if !e.semantic.method.is_empty() {
        let _ = match e.meaning.as_str() {
            "" => writeln!(out, "## Meaning\n\nCompared with: the document\n"),
            text => writeln!(out, "## Meaning\n\nCompared with: {}\n", plain(text).replace('\n', " ")),
        };
        let (documents, method) = (e.semantic.candidates, e.semantic.method);
        let _ = writeln!(out, "{documents} documents were compared by {method}.");
    }
    if let Some(error) = &e.semantic_error {
        let _ = writeln!(out, "Meaning was not used: {error}.");
    }
    if e.pending_semantic > 0 {
        let _ = writeln!(out, "{} documents are not yet searchable by meaning; by words they are.", e.pending_semantic);
    }
    out
}

fn reranking(e: &Explain) -> String {
    let Some(told) = &e.reranked else { return String::new() };
    let name = plain(&told.model);
    let mut out = match told.passages {
        0 => format!("## Reranking\n\n{name} gave no order; this is that of words and meaning.\n"),
        n => format!(
            "## Reranking\n\n{name} has read the query with {n} of the {} best passages and put these in its order.\n",
            told.of
        ),
    };
    if let Some(error) = &told.error {
        let _ = writeln!(out, "It has not read all: {}.", plain(error));
    }
    out
}

fn hits(results: &Results) -> String {
    let e = &results.explain;
    if results.hits.is_empty() || e.lexical.method.is_empty() && e.semantic.method.is_empty() {
        return String::new();
    }
    let mut out = String::from("## Scores\n\n");
    if !e.lexical.method.is_empty() && !e.semantic.method.is_empty() {
        let (words, meaning) = (e.lexical_weight, 1.0 - e.lexical_weight);
        let _ = writeln!(
            out,
            "A score is {words:.2} times what the words are worth beside the best, and {meaning:.2} times what the \
             meaning is; a document with all the words gets some more, and one where they stand together.\n"
        );
    }
    let (head, rule) = if e.reranked.is_some() { (" reranked |", "---|") } else { ("", "") };
    let _ = writeln!(
        out,
        "| # |{head} score | words | meaning | all words | together | rank by words | rank by meaning | holds | document |"
    );
    let _ = writeln!(out, "|---|{rule}---|---|---|---|---|---|---|---|---|");
    results.hits.iter().for_each(|hit| out.push_str(&row(hit, e.reranked.is_some())));
    out
}

fn row(hit: &Hit, reranked: bool) -> String {
    let why = &hit.why;
    let side = |rank: Option<usize>, score: Option<f32>| match (rank, score) {
        (Some(rank), Some(score)) => format!("#{rank} ({score:.2})"),
        (None, Some(score)) => format!("({score:.2})"),
        _ => "-".into(),
    };
    let part = |part: f32| if part == 0.0 { "-".into() } else { format!("{part:.3}") };
    let rerank = match why.rerank {
        Some(score) => format!(" {score:.3} |"),
        None if reranked => " - |".into(),
        None => String::new(),
    };
    format!(
        "| {} |{rerank} {:.3} | {} | {} | {} | {} | {} | {} | {} | {}:{} |\n",
        hit.rank,
        hit.score,
        part(why.parts.words),
        part(why.parts.meaning),
        part(why.parts.all_words),
        part(why.parts.near),
        side(why.lexical_rank, why.lexical),
        side(why.semantic_rank, why.semantic),
        cell(&why.words.join(" ")),
        cell(&hit.document.path.to_string_lossy()),
        hit.passage.line
    )
}

fn times(e: &Explain) -> String {
    let mut out = String::from("## Time\n\n| step | ms |\n|---|---|\n");
    let mut steps = vec![
        ("filters", ms(e.filter_time)),
        ("words", ms(e.lexical.time)),
        ("meaning", ms(e.semantic.time)),
        ("order, passages", ms(e.fuse_time)),
    ];
    steps.extend(e.reranked.as_ref().map(|told| ("reranking", told.ms)));
    steps.push(("all", ms(e.total_time)));
    for (step, time) in steps {
        let _ = writeln!(out, "| {step} | {time:.2} |");
    }
    out
}

/// Text that stays within a cell of a table.
fn cell(text: &str) -> String {
    plain(text).replace('|', "\\|").replace('\n', " ")
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use echofs_indexer::Stage;
    use echofs_query_lang::parse;

    use super::*;

    fn explained(query: &str, explain: Explain) -> String {
        let parsed = parse(query, &jiff::Zoned::now());
        super::explain(query, &parsed, &Results { hits: Vec::new(), epoch: 3, explain })
    }

    #[test]
    fn a_corrected_word_is_told_of_at_the_top() {
        let word = |word: &str, forms: &[&str], corrected| WordUse {
            word: word.to_owned(),
            forms: forms.iter().map(ToString::to_string).collect(),
            documents: 1,
            corrected,
            estimated: false,
            put_off: false,
        };
        let words = vec![word("ketle", &["kettle", "kettles", "+kettl"], true), word("blue", &["blue"], false)];
        let text = explained("blue ketle", Explain { documents: 4, words, ..Explain::default() });
        let head = "Read as: `blue ketle`\n\n- nothing holds `ketle`: documents are ranked by words like it (kettle, kettles)\n";
        assert!(text.contains(head), "{text}");
        assert!(!text.contains("nothing holds `blue`"), "{text}");
    }

    #[test]
    fn the_order_is_that_of_the_listing() {
        let check = |query: &str, ranks: bool, passed: Option<usize>, want: &str| {
            let lexical = Stage { method: if ranks { "bm25" } else { "" }, ..Stage::default() };
            let parsed = parse(query, &jiff::Zoned::now());
            assert_eq!(order(&parsed, &Explain { lexical, passed, ..Explain::default() }), want, "{query}");
        };
        check("kettle", true, None, "the best come first");
        check("-kettle", false, Some(3), "nothing ranks, so the newest come first");
        check("kettle sort:date", true, None, "of the best the newest come first");
        check("kettle ext:md sort:size", true, Some(3), "of the best the largest come first");
        check("+kettle sort:date", true, Some(3), "the newest come first");
        check("ext:md sort:path", false, Some(3), "they are in the order of their paths");
    }
}
