//! From messages to token text: the chat template's own text and this program's text may hold special tokens, stored
//! text may not. The two are told apart by rendering the template around place-holders, so that stored text never
//! passes through it.

use crate::{Message, Part, Role};

/// Text to be tokenised on its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The text.
    pub text: String,
    /// Whether special tokens are parsed in it.
    pub special: bool,
}

/// The name chat templates know a role by.
pub fn role_name(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

/// The stand-in for the content of message `index`; private-use characters, which no template contains.
fn place_holder(index: usize) -> String {
    format!("\u{f8f0}{index}\u{f8f1}")
}

/// Lays the messages out as the model's chat template has it.
///
/// `render` gets (role, content) pairs and returns the template's text, ending with the start of a reply. A last message of
/// the assistant is that reply's beginning and follows it. Neighbours of one kind come out as one segment.
///
/// # Errors
/// What `render` returned, or a message if the template left one of the contents out.
pub fn segments(
    messages: &[Message],
    render: impl FnOnce(&[(&'static str, String)]) -> Result<String, String>,
) -> Result<Vec<Segment>, String> {
    lay_out(messages, usize::MAX, render)
}

/// The same, of the messages at the beginning that hold no stored text (instructions, examples), and of what the template puts
/// after them: other prompts of the same kind begin alike.
///
/// # Errors
/// Those of [`segments`].
pub fn opening(
    messages: &[Message],
    render: impl FnOnce(&[(&'static str, String)]) -> Result<String, String>,
) -> Result<Vec<Segment>, String> {
    let own = |message: &&Message| message.parts.iter().all(|part| matches!(part, Part::Text(_)));
    let common = messages.iter().take_while(|message| message.role == Role::System || own(message)).count();
    match common.min(messages.len().saturating_sub(1)) {
        0 => Ok(Vec::new()),
        common => lay_out(messages, common, render),
    }
}

/// Lays out what stands before the content of message `end`.
fn lay_out(
    messages: &[Message],
    end: usize,
    render: impl FnOnce(&[(&'static str, String)]) -> Result<String, String>,
) -> Result<Vec<Segment>, String> {
    let (turns, reply) = match messages.split_last() {
        Some((last, before)) if last.role == Role::Assistant => (before, Some(last)),
        _ => (messages, None),
    };
    let holders: Vec<_> =
        turns.iter().enumerate().map(|(index, message)| (role_name(message.role), place_holder(index))).collect();
    let rendered = render(&holders)?;
    let mut out = Vec::new();
    let mut rest = rendered.as_str();
    for (index, (turn, (role, holder))) in turns.iter().zip(&holders).enumerate() {
        let (before, after) =
            rest.split_once(holder.as_str()).ok_or_else(|| format!("the chat template drops a {role} message"))?;
        push(&mut out, before, true);
        if index == end {
            return Ok(out);
        }
        push_parts(&mut out, turn);
        rest = after;
    }
    push(&mut out, rest, true);
    if let Some(reply) = reply {
        push_parts(&mut out, reply);
    }
    Ok(out)
}

fn push_parts(out: &mut Vec<Segment>, message: &Message) {
    for part in &message.parts {
        push(out, part.as_str(), matches!(part, Part::Text(_)));
    }
}

/// Adds text. Blanks between our text and stored text go with the stored text, where the model's vocabulary has them
/// (`" word"` is one token, `" "` and `"word"` are two and read worse).
fn push(out: &mut Vec<Segment>, text: &str, special: bool) {
    if text.is_empty() {
        return;
    }
    let Some(last) = out.last_mut() else {
        return out.push(Segment { text: text.into(), special });
    };
    if last.special == special {
        return last.text.push_str(text);
    }
    let kept = last.text.trim_end_matches(' ').len();
    let moved = if last.special { last.text.split_off(kept) } else { String::new() };
    let empty = last.text.is_empty();
    if empty {
        out.pop();
    }
    out.push(Segment { text: moved + text, special });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chatml(turns: &[(&'static str, String)]) -> Result<String, String> {
        let turns: String =
            turns.iter().map(|(role, text)| format!("<|im_start|>{role}\n{text}<|im_end|>\n")).collect();
        Ok(turns + "<|im_start|>assistant\n")
    }

    fn message(role: Role, parts: Vec<Part>) -> Message {
        Message { role, parts }
    }

    fn laid_out(messages: &[Message]) -> Vec<(String, bool)> {
        let segments = segments(messages, chatml).unwrap_or_default();
        segments.into_iter().map(|segment| (segment.text, segment.special)).collect()
    }

    #[test]
    fn stored_text_is_a_segment_of_its_own() {
        let messages = [
            message(Role::System, vec![Part::Text("Be brief.".into())]),
            message(
                Role::User,
                vec![Part::Text("[1] ".into()), Part::Data("<|im_end|>".into()), Part::Text("?".into())],
            ),
        ];
        let expected = [
            ("<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n[1]", true),
            (" <|im_end|>", false),
            ("?<|im_end|>\n<|im_start|>assistant\n", true),
        ];
        assert_eq!(laid_out(&messages), expected.map(|(text, special)| (text.to_string(), special)));
    }

    #[test]
    fn the_opening_ends_where_prompts_begin_to_differ() {
        let system = message(Role::System, vec![Part::Text("Be brief.".into())]);
        let opening = |messages: &[Message]| opening(messages, chatml).unwrap_or_default();
        let user = |text: &str| message(Role::User, vec![Part::Data(text.into())]);
        let expected = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\n";
        let found = opening(&[system.clone(), user("one"), user("two")]);
        assert_eq!(found, [Segment { text: expected.into(), special: true }]);
        assert_eq!(found, opening(&[system.clone(), user("three")]));
        assert_eq!(opening(&[user("one")]), []);
        let own = |role, text: &str| message(role, vec![Part::Text(text.into())]);
        let example = [own(Role::User, "1 + 1?"), own(Role::Assistant, "2")];
        let expected = expected.to_owned() + "1 + 1?<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n<|im_start|>user\n";
        let found = opening(&[vec![system], example.to_vec(), vec![user("2 + 2?")]].concat());
        assert_eq!(found, [Segment { text: expected, special: true }], "examples are part of it");
        assert_eq!(opening(&[own(Role::User, "one")]), [], "not all of a prompt is its opening");
    }

    #[test]
    fn a_last_message_of_the_assistant_starts_the_reply() {
        let messages = [
            message(Role::User, vec![Part::Data("hi".into())]),
            message(Role::Assistant, vec![Part::Text("Sure:".into())]),
        ];
        let last = laid_out(&messages).pop();
        assert_eq!(last, Some(("<|im_end|>\n<|im_start|>assistant\nSure:".to_string(), true)));
    }

    #[test]
    fn stored_text_that_looks_like_a_place_holder_stays_where_it_is() {
        let messages = [
            message(Role::System, vec![Part::Data(place_holder(1))]),
            message(Role::User, vec![Part::Data("q".into())]),
        ];
        let data: Vec<_> = laid_out(&messages).into_iter().filter(|(_, special)| !special).collect();
        assert_eq!(data, [(place_holder(1), false), ("q".to_string(), false)]);
    }

    #[test]
    fn a_template_that_loses_a_message_is_refused() {
        let messages = [message(Role::System, vec![Part::Text("x".into())])];
        let refused = segments(&messages, |_| Ok("nothing".into()));
        assert!(refused.is_err_and(|why| why.contains("system")));
    }
}
