//! A request as servers want it that speak OpenAI's chat completions.

use serde_json::{Value, json};

use super::Server;
use crate::prompt::role_name;
use crate::{Format, Message, Part, Request};

/// The request as such servers want it.
pub fn body(server: &Server, request: &Request) -> Value {
    let messages: Vec<Value> = request.messages.iter().map(message).collect();
    let mut body = json!({
        "model": server.model, "messages": messages, "max_tokens": request.max_tokens, "temperature": 0,
        "stream": true, "stream_options": {"include_usage": true},
    });
    // Four is the most that is taken; the text is cut here in any case.
    let stop: Vec<&String> = request.stop.iter().filter(|stop| !stop.is_empty()).take(4).collect();
    if !stop.is_empty() {
        body["stop"] = json!(stop);
    }
    match &request.format {
        None => {}
        Some(Format::Json) => body["response_format"] = json!({"type": "json_object"}),
        Some(Format::Schema(schema)) => {
            body["response_format"] =
                json!({"type": "json_schema", "json_schema": {"name": "answer", "strict": true, "schema": schema}});
        }
        Some(Format::Grammar(grammar)) => body["grammar"] = json!(grammar),
    }
    body
}

/// What the usual models have for special tokens, or what these begin with: ChatML and Llama 3, DeepSeek, Llama 2, Mistral, Gemma,
/// calls of tools, thoughts.
pub const MARKERS: [&str; 29] = [
    "<|",
    "|>",
    "<\u{ff5c}",
    "\u{ff5c}>",
    "<s>",
    "</s>",
    "<<SYS>>",
    "<</SYS>>",
    "[INST]",
    "[/INST]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_",
    "[/TOOL_",
    "<bos>",
    "<eos>",
    "<unk>",
    "<pad>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<start_of_image>",
    "<tool_call>",
    "</tool_call>",
    "<tool_response>",
    "</tool_response>",
    "<think>",
    "</think>",
];

/// A message as text. Servers read special tokens out of it, so stored text is kept from having any.
pub fn message(message: &Message) -> Value {
    let part = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Data(text) => MARKERS.iter().fold(text.clone(), |text, marker| text.replace(marker, &broken(marker))),
    };
    let content: String = message.parts.iter().map(part).collect();
    json!({"role": role_name(message.role), "content": content})
}

/// With a blank behind the first character.
fn broken(marker: &str) -> String {
    let (first, rest) = marker.split_at(marker.chars().next().map_or(0, char::len_utf8));
    format!("{first} {rest}")
}
