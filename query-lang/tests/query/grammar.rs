//! What texts mean. Trees are written as nested calls, so that nothing hides behind the printer.

use echofs_query_lang::{Field, Node, Sort, TextField};

use crate::read;

fn show(node: &Node) -> String {
    let all = |name: &str, children: &[Node]| {
        let children: Vec<String> = children.iter().map(show).collect();
        format!("{name}({})", children.join(", "))
    };
    match node {
        Node::Words(words) => format!("[{}]", words.join(" ")),
        Node::Word(word) => word.clone(),
        Node::Phrase { words, slop } => format!("<{}>{slop}", words.join(" ")),
        Node::Prefix(stem) => format!("prefix({stem})"),
        Node::Field(field) => show_field(field),
        Node::And(children) => all("and", children),
        Node::Or(children) => all("or", children),
        Node::Not(inner) => format!("not({})", show(inner)),
        Node::Lex(inner) => format!("lex({})", show(inner)),
        Node::Sem(text) => format!("sem({text})"),
        Node::Like(path) => format!("like({path})"),
    }
}

fn show_field(field: &Field) -> String {
    fn ends<T: std::fmt::Debug>(from: &Option<T>, to: &Option<T>) -> String {
        let end = |end: &Option<T>| end.as_ref().map_or(String::new(), |end| format!("{end:?}"));
        format!("{}..{}", end(from), end(to))
    }
    match field {
        Field::Text { name, value } => format!("{name:?}={value}"),
        Field::Path(path) => format!("Path={path}"),
        Field::In(value) => format!("In={value}"),
        Field::Is(value) => format!("Is={value}"),
        Field::Has(value) => format!("Has={value}"),
        Field::Size { from, to } => format!("Size={}", ends(from, to)),
        Field::Lines { from, to } => format!("Lines={}", ends(from, to)),
        Field::Date { text, .. } => format!("Date={text}"),
    }
}

fn tree(text: &str) -> String {
    read(text).query.root.as_ref().map_or("nothing".to_owned(), show)
}

fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(tree(text), *expected, "{text}");
    }
}

#[test]
fn sentences_are_words() {
    let same = [
        "rust async",
        "what's the wi-fi password?",
        "C++ templates",
        "e-mail from O'Brien",
        "10:30 meeting",
        "http://x.y/z",
        "see https://example.org/a?b=c#d for more",
        "not sure: why",
        "salt and pepper or not",
        "Re: title: a new beginning",
        "std::vec::Vec in rust:1.92",
        "how do I use --verbose?",
        "naïve café 東京タワー Привет",
        "3.5% of $100",
        "foo.bar@example.org",
        "don't",
        "/etc/hosts",
        "#tag @name",
        "🎉",
        "a.b* c",
    ];
    for text in &same[..same.len() - 1] {
        assert_eq!(tree(text), format!("[{text}]"));
    }
    check(&[
        ("foo (bar) baz", "[foo bar baz]"),
        ("gross domestic product(GDP) is (DENV-1)", "[gross domestic product GDP is DENV-1]"),
        ("call main() twice", "[call main twice]"),
        ("kettle - the blue one", "[kettle the blue one]"),
        ("well :) thanks", "[well thanks]"),
        ("a 5\" pipe and a 3\" valve", "[a 5 pipe and a 3 valve]"),
        ("**bold** words", "[**bold** words]"),
        ("  white \t\n space ", "[white space]"),
        ("", "nothing"),
        (" ... ? ", "nothing"),
    ]);
}

#[test]
fn words_rank_and_operands_filter() {
    check(&[
        ("rust -java", "and([rust], not(java))"),
        ("-java rust", "and([rust], not(java))"),
        ("rust type:md async", "and([rust async], Type=md)"),
        ("+rust async", "and([async], rust)"),
        ("+rust", "rust"),
        ("a AND b", "and(a, b)"),
        ("a AND b c", "and([c], a, b)"),
        ("a b AND c d", "and([a d], b, c)"),
        ("a OR b", "or(a, b)"),
        ("wifi password ext:md OR ext:txt", "and([wifi password], or(Ext=md, Ext=txt))"),
        ("NOT a", "not(a)"),
        ("x NOT a", "and([x], not(a))"),
        ("NOT NOT a", "a"),
        ("-(-a)", "a"),
        ("a OR b AND c", "or(a, and(b, c))"),
        ("a AND b OR c AND d", "or(and(a, b), and(c, d))"),
        ("NOT a AND b", "and(not(a), b)"),
        ("NOT a OR b", "or(not(a), b)"),
        ("a AND NOT b", "and(a, not(b))"),
        ("a OR b OR c", "or(a, b, c)"),
        ("(a OR b) OR c", "or(a, b, c)"),
        ("(a b) OR c", "or(and(a, b), c)"),
        ("(a OR b) AND c", "and(or(a, b), c)"),
        ("-(a b)", "not(and(a, b))"),
        ("-(a OR b)", "not(or(a, b))"),
        ("+(a b) c", "and([c], a, b)"),
        ("(a type:md) b", "and([a b], Type=md)"),
        ("(a type:md) OR b", "or(and(a, Type=md), b)"),
        ("NOT(a)b", "and([b], not(a))"),
        ("a - b", "[a b]"),
        ("a-b", "[a-b]"),
        ("(a)-b", "[a b]"),
    ]);
}

#[test]
fn phrases_and_prefixes() {
    check(&[
        ("\"exact phrase\"", "<exact phrase>0"),
        ("\"a b\"~3", "<a b>3"),
        ("\"a b\"~3 c", "and([c], <a b>3)"),
        ("\"a b\"~x", "and([~x], <a b>0)"),
        ("\"a b\"c", "and([c], <a b>0)"),
        ("-\"a b\"", "not(<a b>0)"),
        ("+\"a b\"", "<a b>0"),
        ("“smart quotes” too", "and([too], <smart quotes>0)"),
        ("\"AND (x\" y", "and([y], <AND (x>0)"),
        ("word*", "prefix(word)"),
        ("a word* b", "and([a b], prefix(word))"),
        ("-word*", "not(prefix(word))"),
        ("2 * 3", "[2 3]"),
        ("a*b", "[a*b]"),
    ]);
}

#[test]
fn fields_filter() {
    check(&[
        ("title:rust", "Title=rust"),
        ("Title:Rust", "Title=rust"),
        ("title:\"two words\"", "Title=two words"),
        ("title:(a OR b)", "or(Title=a, Title=b)"),
        ("title:(a b)", "and(Title=a, Title=b)"),
        ("title:(a -\"b c\")", "and(Title=a, not(Title=b c))"),
        ("title:((a OR b) c)", "and(or(Title=a, Title=b), Title=c)"),
        ("-title:(a OR b)", "not(or(Title=a, Title=b))"),
        ("entity:(http://x OR type:md)", "or(Entity=http://x, Entity=type:md)"),
        ("from:bob author:\"Ann Lee\"", "and(Author=bob, Author=ann lee)"),
        ("subject:trip", "Title=trip"),
        ("ext:.MD", "Ext=md"),
        ("tag:#home", "Tag=home"),
        ("where is it type:pdf?", "and([where is it], Type=pdf)"),
        ("in:notes is:unread has:link", "and(In=notes, Is=unread, Has=link)"),
        ("lang:de topic:garden", "and(Lang=de, Topic=garden)"),
        ("foo:bar", "[foo:bar]"),
        ("foo:\"a b\"", "and([foo:], <a b>0)"),
        ("size:>10k", "Size=10241.."),
        ("size:1k..2m", "Size=1024..2097152"),
        ("size:1k..", "Size=1024.."),
        ("size:>10 MB report", "and([report], Size=10485761..)"),
        ("size:\"1 .. 2 KB\"", "Size=1..2048"),
        ("size:10 m", "and([m], Size=10..10)"),
        ("lines:..50", "Lines=..50"),
        ("size:big", "[size=big]"),
    ]);
    let value = |text| match read(text).query.root {
        Some(Node::Field(Field::Text { name, value })) => Some((name, value)),
        _ => None,
    };
    assert_eq!(value("lang:De"), Some((TextField::Lang, "de".to_owned())));
}

#[test]
fn paths_are_safe_in_names() {
    check(&[
        ("path:notes/**", "Path=notes/**"),
        ("path:notes%2F*.md", "Path=notes/*.md"),
        ("path:notes%2f2026", "Path=notes/2026"),
        ("path:notes:2026", "Path=notes/2026"),
        ("path:notes\u{2215}2026", "Path=notes/2026"),
        ("path:*.md", "Path=*.md"),
        ("path:\"My Notes/10:30.md\"", "Path=My Notes/10:30.md"),
        ("path:copy(1).md", "Path=copy(1).md"),
        ("(path:a)", "Path=a"),
        ("path:(a/** OR b:c)", "or(Path=a/**, Path=b/c)"),
        ("like:\"notes/plan.md\"", "like(notes/plan.md)"),
        ("like:notes%2Fplan.md x", "and([x], like(notes/plan.md))"),
    ]);
}

#[test]
fn dates_in_many_forms() {
    check(&[
        ("date:2026-03", "Date=date:2026-03"),
        ("date:2026-01..2026-03-15 x", "and([x], Date=date:2026-01..2026-03-15)"),
        ("after:yesterday", "Date=after:yesterday"),
        ("before:2026?", "Date=before:2026"),
        ("newer:7d", "Date=newer:7d"),
        ("newer_than:7d", "Date=newer:7d"),
        ("older:2w", "Date=older:2w"),
        ("date:\"Last Week\"", "Date=date:last week"),
        ("date:last week notes", "and([notes], Date=date:last week)"),
        ("date:last-month", "Date=date:last-month"),
        ("after:3 days ago plan", "and([plan], Date=after:3 days ago)"),
        ("date:march plan", "and([plan], Date=date:march)"),
        ("date:5 march 2026", "Date=date:5 march 2026"),
        ("date:last week..today plan", "and([plan], Date=date:last week..today)"),
        ("date:5 march..march 10, 2027 plan", "and([plan], Date=date:5 march..march 10, 2027)"),
        ("date:2026-01.. march plan", "and([march plan], Date=date:2026-01..)"),
        ("date:march plan..budget", "and([plan..budget], Date=date:march)"),
        ("(date:march) 2026", "and([2026], Date=date:march)"),
        ("date:(2024 OR 2025)", "or(Date=date:2024, Date=date:2025)"),
        ("date:soon", "[date=soon]"),
        ("date:\"very soon\"", "and([date:], <very soon>0)"),
        ("date:2026-03..2026-01", "[date=2026-03..2026-01]"),
    ]);
}

#[test]
fn words_only_and_meaning_only() {
    check(&[
        ("lex:foo", "lex(foo)"),
        ("lex:(a b)", "lex(and(a, b))"),
        ("lex:(a OR b)", "lex(or(a, b))"),
        ("lex:(a \"b c\" -d)", "lex(and(a, <b c>0, not(d)))"),
        ("lex:\"b c\"~2", "lex(<b c>2)"),
        ("lex:foo*", "lex(prefix(foo))"),
        ("lex:(lex:(a))", "lex(a)"),
        ("x lex:(a) y", "and([x y], lex(a))"),
        ("-lex:(a b)", "not(lex(and(a, b)))"),
        ("sem:foo", "sem(foo)"),
        ("sem:\"how to (rest\"", "sem(how to rest)"),
        ("sem:(a OR \"b\" -c: type:md (d) )", "sem(a OR \"b\" -c: type:md (d))"),
        ("sem:(how to relax) type:md", "and(sem(how to relax), Type=md)"),
        ("sem:(a) OR lex:(b)", "or(sem(a), lex(b))"),
        ("lex:type:md", "[lex=type:md]"),
    ]);
}

#[test]
fn order_and_number_of_hits() {
    let check = |text: &str, tree_: &str, sort, limit| {
        let query = read(text).query;
        assert_eq!((tree(text).as_str(), query.sort, query.limit), (tree_, sort, limit), "{text}");
    };
    check("rust sort:date limit:100", "[rust]", Sort::Date, Some(100));
    check("limit:5 a OR sort:newest b", "or(a, b)", Sort::Date, Some(5));
    check("sort:size", "nothing", Sort::Size, None);
    check("rust sort:rerank async", "[rust async]", Sort::Rerank, None);
    check("limit:1 limit:2", "nothing", Sort::Score, Some(2));
    check("limit:999999999999999999999999", "nothing", Sort::Score, Some(10_000));
    check("limit:0 sort:(date)", "[limit=0 sort: date]", Sort::Score, None);
    check("a -limit:5 b", "[a b]", Sort::Score, Some(5));
    check("sem:(limit:5)", "sem(limit:5)", Sort::Score, None);
}

#[test]
fn mistakes_are_words() {
    check(&[
        ("OR x", "[or x]"),
        ("x AND", "[x and]"),
        ("NOT", "[not]"),
        ("a OR OR b", "or(a, b)"),
        ("(a OR) b", "[a or b]"),
        ("a OR ()", "[a or]"),
        ("-() a", "[a]"),
        ("title:(OR a)", "Title=a"),
        ("title:()", "nothing"),
        ("title: a", "[title: a]"),
        ("title:\"a b", "[title: a b]"),
        ("\"a b", "[a b]"),
        ("-\"a b", "[a b]"),
        ("\"\" a", "[a]"),
        ("-\"\" a", "[a]"),
        ("(a (b", "[a b]"),
        ("a) b", "[a b]"),
        ("((((\"kettle field: OR", "[kettle field: or]"),
        ("sem:(a (b", "sem(a b)"),
        ("-sem:a b", "[b]"),
        ("a AND -sem:b", "a"),
        ("\"a b\"~99999999999", "<a b>1000"),
    ]);
}
