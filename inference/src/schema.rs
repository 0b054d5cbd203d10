//! From a format to a grammar in llama.cpp's notation (GBNF).
//!
//! Of JSON Schema these are understood: `type` (one or several), `properties` and `required`, `items` with `minItems` and `maxItems`,
//! `minLength` and `maxLength`, `enum`, `const`, `anyOf` and `oneOf`. Objects get the required members first, in the order
//! of `required`, then the others by name, and no members that are not named. What only describes is passed over;
//! anything else that would restrict is refused, since it could not be kept.

use serde_json::{Map, Value};

use crate::Format;

const LONGEST: usize = 64 << 10;
const DEEPEST: usize = 32;
const MOST_RULES: usize = 2000;
/// llama.cpp knows no larger repetitions.
const MOST_TIMES: u64 = 1000;

const DESCRIBING: [&str; 9] =
    ["$schema", "$id", "title", "description", "default", "examples", "additionalProperties", "format", "$comment"];

/// What every grammar of JSON is made from. White space is one blank at most, or a model may write nothing else.
const JSON: &str = r#"ws ::= " "?
value ::= object | array | string | number | boolean | null
object ::= "{" ws (member ("," ws member)*)? "}"
member ::= string ":" ws value
array ::= "[" ws (value ("," ws value)*)? "]"
string ::= "\"" char* "\""
char ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\bfnrt/] | "u" [0-9a-fA-F]{4})
number ::= integer ("." [0-9]{1,16})? ([eE] [-+]? [0-9]{1,3})?
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
boolean ::= "true" | "false"
null ::= "null"
"#;

/// The grammar of a format; its first rule is `root`.
///
/// # Errors
/// Why there is none, for people.
pub fn grammar(format: &Format) -> Result<String, String> {
    match format {
        Format::Json => Ok(format!("root ::= object\n{JSON}")),
        Format::Schema(schema) => {
            let mut rules = Rules { text: String::new(), count: 0 };
            let root = rules.of(schema, 0)?;
            bounded(format!("root ::= {root}\n{}{JSON}", rules.text))
        }
        Format::Grammar(text) => checked(text),
    }
}

fn bounded(grammar: String) -> Result<String, String> {
    match grammar.len() > LONGEST {
        true => Err(format!("the grammar is longer than {LONGEST} bytes")),
        false => Ok(grammar),
    }
}

/// A grammar as it came. llama.cpp reports its mistakes, but for those that exhaust its stack or the memory.
fn checked(text: &str) -> Result<String, String> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => depth += 1,
            b')' => depth = depth.saturating_sub(1),
            b'{' => repetition(&text[at + 1..])?,
            0 => return Err("the grammar has a zero byte".into()),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(format!("the grammar has more than {DEEPEST} brackets in each other"));
        }
    }
    match text
        .lines()
        .any(|line| line.trim_start().strip_prefix("root").is_some_and(|rest| rest.trim_start().starts_with("::=")))
    {
        true => bounded(text.into()),
        false => Err("the grammar has no rule `root`".into()),
    }
}

/// llama.cpp counts from the most to the least times, whichever is larger. Braces in strings are looked at too: nothing that
/// is written there looks like this by accident.
fn repetition(text: &str) -> Result<(), String> {
    let inside = text.split('}').next().unwrap_or_default();
    let Some((least, most)) = inside.split_once(',') else { return Ok(()) };
    match (least.trim().parse::<u64>(), most.trim().parse::<u64>()) {
        (Ok(least), Ok(most)) if least > most => Err(format!("the grammar wants {{{inside}}}, more than it allows")),
        _ => Ok(()),
    }
}

struct Rules {
    text: String,
    count: usize,
}

impl Rules {
    /// Adds a rule and returns its name.
    fn add(&mut self, body: &str) -> Result<String, String> {
        self.count += 1;
        if self.count > MOST_RULES || self.text.len() > LONGEST {
            return Err("the schema is too large".into());
        }
        let name = format!("r{}", self.count);
        self.text += &format!("{name} ::= {body}\n");
        Ok(name)
    }

    /// An expression for the values of this schema.
    fn of(&mut self, schema: &Value, depth: usize) -> Result<String, String> {
        let map = match schema {
            Value::Bool(true) => return Ok("value".into()),
            Value::Object(map) if depth <= DEEPEST => map,
            Value::Object(_) => return Err("the schema is nested too deeply".into()),
            _ => return Err(format!("a schema is an object, not {schema}")),
        };
        if let Some(value) = map.get("const") {
            return Ok(literal(&value.to_string()));
        }
        if let Some(values) = map.get("enum") {
            let values = array(values, "enum")?;
            return self.add(&values.iter().map(|value| literal(&value.to_string())).collect::<Vec<_>>().join(" | "));
        }
        if let Some(schemas) = map.get("anyOf").or_else(|| map.get("oneOf")) {
            return self.any(array(schemas, "anyOf")?, depth);
        }
        match map.get("type") {
            Some(Value::Array(types)) => {
                let one = |kind: &Value| {
                    let mut map = map.clone();
                    map.insert("type".into(), kind.clone());
                    Value::Object(map)
                };
                self.any(&types.iter().map(one).collect::<Vec<_>>(), depth)
            }
            Some(Value::String(kind)) => self.typed(kind, map, depth),
            None if map.contains_key("properties") => self.typed("object", map, depth),
            None => self.plain("value", map, &[]),
            Some(other) => Err(format!("{other} is no type")),
        }
    }

    fn any(&mut self, schemas: &[Value], depth: usize) -> Result<String, String> {
        let parts: Result<Vec<String>, String> = schemas.iter().map(|schema| self.of(schema, depth + 1)).collect();
        self.add(&parts?.join(" | "))
    }

    fn typed(&mut self, kind: &str, map: &Map<String, Value>, depth: usize) -> Result<String, String> {
        match kind {
            "object" => {
                understood(map, &["properties", "required"])?;
                match map.get("properties") {
                    Some(Value::Object(properties)) => self.object(properties, map.get("required"), depth),
                    Some(other) => Err(format!("`properties` is an object, not {other}")),
                    None => Ok("object".into()),
                }
            }
            "array" => {
                understood(map, &["items", "minItems", "maxItems"])?;
                let item = map.get("items").map_or(Ok("value".into()), |items| self.of(items, depth + 1))?;
                self.array(&item, number(map, "minItems")?.unwrap_or(0), number(map, "maxItems")?)
            }
            "string" => {
                understood(map, &["minLength", "maxLength"])?;
                match (number(map, "minLength")?, number(map, "maxLength")?) {
                    (None, None) => Ok("string".into()),
                    (least, most) => {
                        let most = most.map_or(String::new(), |most| most.to_string());
                        self.add(&format!(r#""\"" char{{{},{most}}} "\"""#, least.unwrap_or(0)))
                    }
                }
            }
            "number" | "integer" | "boolean" | "null" => self.plain(kind, map, &[]),
            other => Err(format!("`{other}` is no type")),
        }
    }

    fn plain(&self, rule: &str, map: &Map<String, Value>, known: &[&str]) -> Result<String, String> {
        understood(map, known).map(|()| rule.to_owned())
    }

    /// Members in their order. Rules are made from the last member on: `after` is what may follow when a member stands before
    /// it, `first` when none does.
    fn object(
        &mut self,
        properties: &Map<String, Value>,
        required: Option<&Value>,
        depth: usize,
    ) -> Result<String, String> {
        let required = required.map_or(Ok(&[][..]), |names| array(names, "required"))?;
        let required: Vec<&str> = required.iter().filter_map(Value::as_str).collect();
        if let Some(unknown) = required.iter().find(|name| !properties.contains_key(**name)) {
            return Err(format!("`{unknown}` is required and not described"));
        }
        let optional = properties.keys().map(String::as_str).filter(|name| !required.contains(name));
        let names: Vec<&str> = required.iter().copied().chain(optional).collect();
        let (mut first, mut after) = (r#""""#.to_owned(), r#""""#.to_owned());
        for (number, name) in names.iter().enumerate().rev() {
            let value = self.of(&properties[*name], depth + 1)?;
            let member = format!(r#"{} ":" ws {value}"#, literal(&Value::from(*name).to_string()));
            let here = self.add(&member)?;
            let must = number < required.len();
            let with = format!("{here} {after}");
            first = self.add(&if must { with.clone() } else { format!("{with} | {first}") })?;
            let follows = format!(r#""," ws {here}"#);
            after = self.add(&if must { format!("{follows} {after}") } else { format!("({follows})? {after}") })?;
        }
        Ok(format!(r#""{{" ws {first} "}}""#))
    }

    fn array(&mut self, item: &str, least: u64, most: Option<u64>) -> Result<String, String> {
        let more = |from: u64| {
            let to = most.map_or(String::new(), |most| most.saturating_sub(1).to_string());
            format!(r#"{item} ("," ws {item}){{{from},{to}}}"#)
        };
        match (least, most) {
            (_, Some(most)) if most < least => Err("`maxItems` is less than `minItems`".into()),
            (_, Some(0)) => Ok(r#""[" ws "]""#.into()),
            (0, _) => self.add(&format!(r#""[" ws ({})? "]""#, more(0))),
            (least, _) => self.add(&format!(r#""[" ws {} "]""#, more(least - 1))),
        }
    }
}

fn understood(map: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    let strange =
        map.keys().find(|key| *key != "type" && !known.contains(&key.as_str()) && !DESCRIBING.contains(&key.as_str()));
    strange.map_or(Ok(()), |key| Err(format!("`{key}` in a schema is not understood here")))
}

fn array<'a>(value: &'a Value, name: &str) -> Result<&'a [Value], String> {
    match value.as_array() {
        Some(values) if !values.is_empty() || name == "required" => Ok(values),
        _ => Err(format!("`{name}` is a list that is not empty, not {value}")),
    }
}

fn number(map: &Map<String, Value>, key: &str) -> Result<Option<u64>, String> {
    match map.get(key) {
        None => Ok(None),
        Some(value) => {
            value.as_u64().filter(|n| *n <= MOST_TIMES).map(Some).ok_or_else(|| format!("`{key}` cannot be {value}"))
        }
    }
}

/// A string of the grammar that stands for this text.
fn literal(text: &str) -> String {
    let mut out = String::from('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(schema: Value) -> String {
        let grammar = grammar(&Format::Schema(schema)).expect("understood");
        grammar.strip_suffix(JSON).expect("the common rules").to_owned()
    }

    #[test]
    fn schemas_become_rules() {
        let check = |schema: Value, expected: &str| assert_eq!(rules(schema), expected);
        check(json!({"type": "integer", "description": "how many"}), "root ::= integer\n");
        check(json!(true), "root ::= value\n");
        check(json!({"const": "a\"b"}), "root ::= \"\\\"a\\\\\\\"b\\\"\"\n");
        check(json!({"enum": ["yes", 2]}), "root ::= r1\nr1 ::= \"\\\"yes\\\"\" | \"2\"\n");
        check(json!({"type": ["null", "boolean"]}), "root ::= r1\nr1 ::= null | boolean\n");
        check(json!({"type": "string", "maxLength": 9}), "root ::= r1\nr1 ::= \"\\\"\" char{0,9} \"\\\"\"\n");
        check(
            json!({"type": "array", "items": {"type": "null"}, "minItems": 1, "maxItems": 3}),
            "root ::= r1\nr1 ::= \"[\" ws null (\",\" ws null){0,2} \"]\"\n",
        );
        check(
            json!({"properties": {"b": {"type": "null"}, "a": {"type": "number"}}, "required": ["b"]}),
            "root ::= \"{\" ws r5 \"}\"\n\
             r1 ::= \"\\\"a\\\"\" \":\" ws number\n\
             r2 ::= r1 \"\" | \"\"\n\
             r3 ::= (\",\" ws r1)? \"\"\n\
             r4 ::= \"\\\"b\\\"\" \":\" ws null\n\
             r5 ::= r4 r3\n\
             r6 ::= \",\" ws r4 r3\n",
        );
    }

    #[test]
    fn what_cannot_be_kept_is_refused_by_name() {
        let check = |format: Format, word: &str| {
            let refused = grammar(&format);
            assert!(refused.as_ref().is_err_and(|why| why.contains(word)), "{refused:?} and not {word}");
        };
        let schema = |schema: Value| Format::Schema(schema);
        check(schema(json!({"type": "string", "pattern": "a+"})), "pattern");
        check(schema(json!({"$ref": "#/x"})), "$ref");
        check(schema(json!({"type": "date"})), "date");
        check(schema(json!({"properties": {}, "required": ["a"]})), "`a`");
        check(schema(json!({"enum": []})), "enum");
        check(schema(json!(5)), "5");
        let mut deep = json!({"type": "null"});
        for _ in 0..100 {
            deep = json!({"type": "array", "items": deep});
        }
        check(schema(deep), "deep");
        let wide: Map<String, Value> = (0..5000).map(|n| (format!("name{n}"), json!({"type": "null"}))).collect();
        check(schema(json!({"properties": wide})), "large");
        check(Format::Grammar("x ::= y".into()), "root");
        check(Format::Grammar(format!("root ::= {}", "(".repeat(100_000))), "brackets");
        check(Format::Grammar(format!("root ::= \"{}\"", "a".repeat(LONGEST))), "longer");
        check(Format::Grammar("root ::= \"a\0\"".into()), "zero");
        check(Format::Grammar("root ::= \"a\"{ 3 , 1 }".into()), "more than it allows");
        assert!(grammar(&Format::Grammar("root ::= \"a\"{3,} \"{b\"{1,3}".into())).is_ok());
    }
}
