//! Constrained output.

use echofs_inference::{Error, Format, Generator, Request};
use serde_json::{Value, json};

use crate::common::{Fixture, ask};

fn formatted(question: &str, tokens: usize, format: Format) -> Request {
    Request { format: Some(format), ..ask(question, tokens) }
}

#[test]
fn the_text_fits_the_schema() {
    let service = Fixture::new();
    let schema = json!({
        "type": "object",
        "properties": {
            "animals": {"type": "array", "items": {"type": "string", "maxLength": 12}, "minItems": 2, "maxItems": 3},
            "mood": {"enum": ["calm", "wild"]},
            "count": {"type": "integer"},
            "note": {"anyOf": [{"type": "null"}, {"type": "boolean"}]},
        },
        "required": ["animals", "mood", "count", "note"],
    });
    for question in ["Describe a zoo.", "Antworte auf Deutsch: \"quoted\" {braces}"] {
        let text = service.text(&formatted(question, 200, Format::Schema(schema.clone())));
        let value: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        let animals = value["animals"].as_array().expect("a list");
        assert!((2..=3).contains(&animals.len()) && animals.iter().all(Value::is_string), "{value}");
        assert!(value["mood"] == "calm" || value["mood"] == "wild");
        assert!(value["count"].is_i64() && (value["note"].is_null() || value["note"].is_boolean()), "{value}");
        assert_eq!(value.as_object().map(|map| map.len()), Some(4));
    }
}

#[test]
fn a_grammar_is_followed_token_by_token() {
    let service = Fixture::new();
    let grammar = r#"root ::= ("ab" | "cd"){3} "!" [0-9]{2}"#;
    let text = service.text(&formatted("Say something.", 40, Format::Grammar(grammar.into())));
    assert!(text.len() == 9 && text.as_bytes()[..6].chunks(2).all(|pair| pair == b"ab" || pair == b"cd"), "{text}");
    assert!(text[6..7] == *"!" && text[7..].bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    let json = service.text(&formatted("Give me JSON.", 300, Format::Json));
    assert!(json.starts_with('{'), "{json}");
    let plain = ask("Say something.", 8);
    assert_eq!(service.text(&plain), Fixture::new().text(&plain), "a grammar leaves nothing behind");
}

#[test]
fn a_bad_grammar_is_refused_and_the_service_lives() {
    let service = Fixture::new();
    assert!(service.say(&ask("Hi", 1)).is_ok());
    let pid = service.pid();
    let nested = format!("root ::= {}\"a\"{}", "(".repeat(30), ")".repeat(30));
    let bad = [
        "root ::= <<<",
        "root ::= \"open",
        "root ::= missing",
        "root ::= root \"a\"",
        "root ::= a\na ::= b\nb ::= a \"x\"",
        "root ::= [a-",
        "root ::= \"a\"{2000000000}",
        "root ::= \"a\"{3,1}",
        "root ::= )",
        "root ::= \"\\u12\"",
        "root ::=",
        "toor ::= \"a\"",
        "root ::= \"a\" \"b\" |\n\n::=",
        "root ::= \"a\"* * * *",
        &nested,
    ];
    for grammar in bad {
        let result = service.say(&formatted("Hi", 4, Format::Grammar(grammar.into())));
        assert!(matches!(result, Ok(_) | Err(Error::Refused(_))), "{grammar}: {result:?}");
    }
    let schema = service.say(&formatted("Hi", 4, Format::Schema(json!({"type": "string", "pattern": "a"}))));
    assert!(matches!(&schema, Err(Error::Refused(why)) if why.contains("pattern")), "{schema:?}");
    let left = service.say(&formatted("Hi", 4, Format::Grammar("root ::= root \"a\"".into())));
    assert!(matches!(&left, Err(Error::Refused(why)) if why.contains("grammar")), "{left:?}");
    assert_eq!((service.pid(), service.client.status().restarts), (pid, 0));
}
