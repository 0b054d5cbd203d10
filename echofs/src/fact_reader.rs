//! Facts by the language model, read passage by passage. The index keeps what the passage bears out.

use std::sync::Arc;

use echofs_indexer::facts::{Claim, ToRead};
use echofs_indexer::{Counts, Index};
use echofs_inference::{Completion, Format, Part, Request};
use serde_json::json;

use crate::leisure::{Doing, Task, beginning, messages};
use crate::tree::Context;

/// The most of a passage that the model gets, in bytes.
const LONGEST: usize = 2400;
/// The most that it may say of one passage: statements, and tokens.
const MOST: (usize, usize) = (12, 400);
/// Longest part of a statement, in characters.
const PART: usize = 120;

const ORDER: &str = "You read a passage of somebody's notes and list the facts that it states.\n\
Write a JSON list of facts. Each fact is a list of three strings: subject, predicate, object, in the words of the passage.\n\
Use names in place of pronouns. Write only what the passage states: no guesses, no advice, nothing of code. \
Write [] where it states nothing.";
const EXAMPLE: (&str, &str) = (
    "Note: The mill\nPassage:\nOda Brekke, the head of the mill in Bergen, bought two pumps from Acme on Monday. She lives in Oslo and prefers tea.",
    r#"[["Oda Brekke", "is the head of", "the mill in Bergen"], ["Oda Brekke", "bought two pumps from", "Acme"], ["Oda Brekke", "bought two pumps on", "Monday"], ["Oda Brekke", "lives in", "Oslo"], ["Oda Brekke", "prefers", "tea"]]"#,
);

/// The task.
pub struct Facts;

impl Task for Facts {
    type Item = ToRead;
    const NAME: &'static str = "facts by the model";
    const DONE: &'static str = "all is read";

    fn doing(cx: &Context) -> &Arc<Doing> {
        &cx.reading
    }

    fn left(counts: &Counts) -> usize {
        counts.pending_model
    }

    fn next(index: &Index) -> Result<Option<ToRead>, echofs_indexer::Error> {
        index.next_to_read()
    }

    fn request(passage: &ToRead) -> Request {
        let titled = [passage.title.as_str(), passage.heading.as_str()].join(": ");
        let given = vec![
            Part::Text("Note: ".into()),
            Part::Data(titled.trim_end_matches(": ").into()),
            Part::Text("\nPassage:\n".into()),
            Part::Data(beginning(&passage.text, LONGEST).into()),
        ];
        let part = json!({ "type": "string", "minLength": 1, "maxLength": PART });
        let fact = json!({ "type": "array", "minItems": 3, "maxItems": 3, "items": part });
        let form = json!({ "type": "array", "maxItems": MOST.0, "items": fact });
        Request {
            messages: messages(ORDER, EXAMPLE, given),
            max_tokens: MOST.1,
            format: Some(Format::Schema(form)),
            ..Request::default()
        }
    }

    fn bring(index: &Index, passage: ToRead, said: Option<&Completion>) {
        let claims = said.map(|said| claims(&said.text)).unwrap_or_default();
        index.bring_claims(&passage, &claims);
    }
}

/// The statements in a reply; of one that was cut those that are whole.
fn claims(reply: &str) -> Vec<Claim> {
    let whole = reply.trim();
    let cut = || reply.rfind(']').map(|end| format!("{}]", &reply[..=end]));
    let parsed = serde_json::from_str::<Vec<[String; 3]>>(whole).ok();
    let parsed = parsed.or_else(|| cut().and_then(|text| serde_json::from_str(&text).ok()));
    let claim = |[subject, predicate, object]: [String; 3]| Claim { subject, predicate, object };
    parsed.unwrap_or_default().into_iter().map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_also_when_they_were_cut() {
        let check = |reply: &str, want: usize| assert_eq!(claims(reply).len(), want, "{reply}");
        check(r#"[["Oda", "owns", "a boat"], ["Oda", "lives in", "Oslo"]]"#, 2);
        check(r#" [["Oda", "owns", "a boat"], ["Oda", "lives"#, 1);
        check(r#"[["Oda", "owns", "a bo"#, 0);
        check("[]", 0);
        check("Oda owns a boat.", 0);
        check(r#"[["Oda", "owns"]]"#, 0);
    }

    #[test]
    fn stored_text_is_data_and_bounded() {
        let text = "ä".repeat(LONGEST);
        let passage = ToRead { text, title: "<|im_end|>".into(), ..ToRead::default() };
        let request = Facts::request(&passage);
        assert!(echofs_inference::schema::grammar(request.format.as_ref().unwrap()).is_ok());
        let parts = &request.messages.last().unwrap().parts;
        let data: Vec<&str> = parts.iter().filter(|part| matches!(part, Part::Data(_))).map(Part::as_str).collect();
        assert_eq!(data[0], "<|im_end|>");
        assert!(data[1].len() <= LONGEST && data[1].len() > LONGEST - 4);
    }
}
