//! Exports of chat services, and what looks like them: one JSON value to one conversation.

use jiff::Timestamp;
use serde_json::Value;

use super::Found;
use crate::conversations::turn::{Role, Turn, one_line, text_of, time_of};

/// The conversation that a value holds; in words, why there is none.
///
/// # Errors
/// It is none of the known forms, or has no turns.
pub fn conversation(value: &Value, name: &str, now: Timestamp) -> Result<Found, String> {
    let found = if value.get("mapping").is_some_and(Value::is_object) {
        chatgpt(value, now)
    } else if value.get("chat_messages").is_some_and(Value::is_array) {
        claude(value, now)
    } else if value.get("messages").is_some_and(Value::is_array) {
        messages(value, name, now)?
    } else {
        return Err("no conversation: it has none of `messages`, `mapping`, `chat_messages`".into());
    };
    if found.turns.is_empty() { Err("it has no turns with text".into()) } else { Ok(found) }
}

/// ChatGPT: messages are a tree; the branch that was shown last is the conversation.
fn chatgpt(value: &Value, now: Timestamp) -> Found {
    let session = session("chatgpt", value, &["conversation_id", "id"]);
    let began = value.get("create_time").and_then(time_of).unwrap_or(now);
    let mut found = Found::new(session, began, value.get("title"));
    let nodes = &value["mapping"];
    let mut path = Vec::new();
    let mut at = value["current_node"].as_str().or_else(|| last_leaf(nodes));
    while let Some(node) = at.and_then(|id| nodes.get(id)).filter(|_| path.len() < 100_000) {
        path.push(node);
        at = node["parent"].as_str();
    }
    for message in path.iter().rev().map(|node| &node["message"]).filter(|message| !message.is_null()) {
        let hidden = message["metadata"]["is_visually_hidden_from_conversation"].as_bool().unwrap_or(false);
        let content = text_of(&message["content"]["parts"]).or_else(|| text_of(&message["content"]));
        let content = content.map(|text| without_marks(&text));
        let role = message["author"]["role"].as_str().and_then(Role::named).filter(|_| !hidden && !is_call(message));
        found.push(role, content, message.get("create_time").and_then(time_of));
    }
    let all = nodes.as_object().map_or(0, |nodes| nodes.values().filter(|node| has_text(node)).count());
    found.left_out += all.saturating_sub(found.turns.len() + found.left_out);
    found
}

/// Whether a message is a program's call of a tool, such as a search. A text that it writes beside the conversation is none.
fn is_call(message: &Value) -> bool {
    let to = message["recipient"].as_str().unwrap_or("all");
    message["content"]["content_type"] == "code" && to != "all" && !to.starts_with("canmore")
}

/// A text without the marks by which the service shows sources, names and links in it: `\u{e200}cite\u{e202}turn0search1\u{e201}`. Of
/// those that stand for words the words stay.
fn without_marks(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('\u{e200}') {
        out.push_str(before);
        // A mark without an end is no mark.
        let (mark, after) = behind.split_once('\u{e201}').unwrap_or(("", behind));
        out.push_str(&words_of(mark));
        rest = after;
    }
    out + rest
}

/// The words that a mark stands for.
fn words_of(mark: &str) -> String {
    let parts: Vec<&str> = mark.split('\u{e202}').collect();
    match parts[..] {
        ["entity", list, ..] => {
            let list: Vec<Value> = serde_json::from_str(list).unwrap_or_default();
            list.get(1).and_then(Value::as_str).unwrap_or_default().to_owned()
        }
        ["url", title, ..] => title.to_owned(),
        _ => String::new(),
    }
}

/// The last message without an answer, where the export does not say which one was shown.
fn last_leaf(nodes: &Value) -> Option<&str> {
    let leaf = |node: &&Value| node["children"].as_array().is_none_or(Vec::is_empty);
    let time = |node: &Value| node["message"]["create_time"].as_f64().unwrap_or(0.0);
    let leaves = nodes.as_object()?.iter().filter(|(_, node)| leaf(node));
    leaves.max_by(|(_, a), (_, b)| time(a).total_cmp(&time(b))).map(|(id, _)| id.as_str())
}

fn has_text(node: &Value) -> bool {
    text_of(&node["message"]["content"]["parts"]).is_some_and(|text| !text.trim().is_empty())
}

/// Claude: messages are a list; attached texts stand behind what was said.
fn claude(value: &Value, now: Timestamp) -> Found {
    let began = value.get("created_at").and_then(time_of).unwrap_or(now);
    let mut found = Found::new(session("claude", value, &["uuid"]), began, value.get("name"));
    for message in value["chat_messages"].as_array().into_iter().flatten() {
        let said = text_of(&message["content"]).or_else(|| text_of(&message["text"]));
        let attached = message["attachments"].as_array().into_iter().flatten().filter_map(attachment);
        let text: Vec<String> = said.into_iter().chain(attached).collect();
        let role = message["sender"].as_str().and_then(Role::named);
        let at = message.get("created_at").and_then(time_of);
        found.push(role, (!text.is_empty()).then(|| text.join("\n\n")), at);
    }
    found
}

fn attachment(attachment: &Value) -> Option<String> {
    let text = attachment["extracted_content"].as_str().filter(|text| !text.trim().is_empty())?;
    Some(format!("{}:\n\n{text}", attachment["file_name"].as_str().unwrap_or("attachment")))
}

/// `{"messages":[...]}`, with turns as programs write them.
fn messages(value: &Value, name: &str, now: Timestamp) -> Result<Found, String> {
    let began = ["created_at", "create_time", "at", "date"].iter().find_map(|key| value.get(key).and_then(time_of));
    let session = ["session", "id", "conversation_id"].iter().find_map(|key| value.get(key)?.as_str());
    let mut found = Found::new(session.and_then(one_line), began.unwrap_or(now), value.get("title"));
    for (message, number) in value["messages"].as_array().into_iter().flatten().zip(1..) {
        match Turn::from_value(message, name, began.unwrap_or(now)) {
            Ok(turn) => found.turns.push(turn),
            Err(_) if is_of_a_tool(message) => found.left_out += 1,
            Err(why) => found.refused.push((number, why)),
        }
    }
    found.finish(name);
    match found.refused.first() {
        Some((_, why)) if found.turns.is_empty() => Err(why.clone()),
        _ => Ok(found),
    }
}

/// Whether a message calls a tool, or is what one gave or a picture: it has no text, and that is no mistake.
fn is_of_a_tool(message: &Value) -> bool {
    let by_tool = message["role"].as_str().is_some_and(|role| role == "tool" || role == "function");
    let has_no_text = |content: &Value| match content {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(_) => text_of(content).is_none(),
        _ => false,
    };
    by_tool || message.get("content").is_none_or(has_no_text)
}

fn session(service: &str, value: &Value, keys: &[&str]) -> Option<String> {
    let id = keys.iter().find_map(|key| value.get(key)?.as_str())?;
    one_line(&format!("{service}-{id}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: Value) -> Result<Found, String> {
        conversation(&value, "file", Timestamp::UNIX_EPOCH)
    }

    fn said(found: &Found) -> Vec<(Role, &str)> {
        found.turns.iter().map(|turn| (turn.role, turn.content.as_str())).collect()
    }

    #[test]
    fn the_branch_that_was_shown_is_taken() {
        let message = |role: &str, text: &str| {
            json!({"author": {"role": role}, "create_time": 1773482400.0,
            "content": {"content_type": "text", "parts": [text]}})
        };
        let found = read(
            json!({"title": "Databases", "conversation_id": "c1", "create_time": 1773482400.0, "current_node": "d",
            "mapping": {
                "r": {"message": null, "parent": null, "children": ["a"]},
                "a": {"message": message("user", "Which one?"), "parent": "r", "children": ["b", "c"]},
                "b": {"message": message("assistant", "The first try."), "parent": "a", "children": []},
                "c": {"message": message("tool", "a tool's output"), "parent": "a", "children": ["d"]},
                "d": {"message": message("assistant", "SQLite."), "parent": "c", "children": []}}}),
        )
        .unwrap();
        assert_eq!(said(&found), [(Role::User, "Which one?"), (Role::Assistant, "SQLite.")]);
        assert_eq!((found.session.as_deref(), found.left_out), (Some("chatgpt-c1"), 2));
        assert_eq!(found.turns[1].title.as_deref(), Some("Databases"));
    }

    #[test]
    fn messages_with_senders_and_attachments() {
        let found = read(json!({"uuid": "u", "name": "Plans", "created_at": "2026-03-14T09:00:00Z", "chat_messages": [
            {"sender": "human", "text": "See this", "created_at": "2026-03-14T09:00:01Z",
             "attachments": [{"file_name": "a.txt", "extracted_content": "the text"}]},
            {"sender": "assistant", "text": "", "content": [{"type": "text", "text": "I see."}]}]}))
        .unwrap();
        assert_eq!(said(&found), [(Role::User, "See this\n\na.txt:\n\nthe text"), (Role::Assistant, "I see.")]);
        assert_eq!(found.turns[1].at.to_string(), "2026-03-14T09:00:01Z", "no time of its own: that of the one before");
    }

    #[test]
    fn what_is_no_conversation_is_told() {
        let check = |value: Value, why: &str| assert!(read(value.clone()).unwrap_err().contains(why), "{value}");
        check(json!({"x": 1}), "none of");
        check(json!({"messages": []}), "no turns");
        check(json!({"messages": [{"role": "cat", "content": "x"}]}), "cat");
        check(json!({"messages": [{"role": "user", "content": ""}]}), "no turns");
        check(json!({"mapping": {}}), "no turns");
    }

    #[test]
    fn calls_of_tools_are_left_out() {
        let found = read(json!({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": null},
            {"role": "assistant", "content": "", "tool_calls": []}, {"role": "tool", "content": "out"},
            {"role": "user", "content": [{"type": "image_url"}]}, {"role": "assistant", "content": "b"}]}))
        .unwrap();
        assert_eq!((said(&found), found.left_out), (vec![(Role::User, "a"), (Role::Assistant, "b")], 4));
        assert_eq!(found.turns[0].session, "file");
    }

    #[test]
    fn one_message_that_makes_no_sense_costs_no_other() {
        let found = read(json!({"messages": [{"role": "user", "content": "a"}, {"role": "cat", "content": "x"},
            {"role": "user", "content": "b", "at": "soon"}, {"role": "assistant", "content": "c"}]}))
        .unwrap();
        assert_eq!(said(&found), [(Role::User, "a"), (Role::Assistant, "c")]);
        let places: Vec<usize> = found.refused.iter().map(|(number, _)| *number).collect();
        assert_eq!((places, found.left_out), (vec![2, 3], 0));
        assert!(found.refused[0].1.contains("cat") && found.refused[1].1.contains("soon"), "{:?}", found.refused);
    }

    #[test]
    fn searches_are_no_turns_and_marks_are_no_words() {
        let message = |role: &str, to: &str, content: Value| json!({"author": {"role": role}, "recipient": to, "content": content});
        let code = |text: &str| json!({"content_type": "code", "text": text});
        let said_so = "It is in \u{e200}entity\u{e202}[\"city\",\"Bergen\",\"Norway\"]\u{e201}.\u{e200}cite\u{e202}turn0search1\u{e201} \u{e200}x";
        let found = read(json!({"current_node": "d", "mapping": {
            "a": {"message": message("user", "all", json!({"parts": ["Where?"]})), "parent": null},
            "b": {"message": message("assistant", "web", code("search(\"it\")")), "parent": "a"},
            "c": {"message": message("assistant", "canmore.create_textdoc", code("a letter")), "parent": "b"},
            "d": {"message": message("assistant", "all", json!({"parts": [said_so]})), "parent": "c"}}}))
        .unwrap();
        let want = [(Role::User, "Where?"), (Role::Assistant, "a letter"), (Role::Assistant, "It is in Bergen. x")];
        assert_eq!((said(&found), found.left_out), (want.to_vec(), 1));
    }
}
