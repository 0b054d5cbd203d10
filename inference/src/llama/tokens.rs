//! From messages to tokens: the model's chat template, and stored text as data.

use std::ops::Range;

use llama_cpp_2::model::{LlamaChatMessage, LlamaChatTemplate, LlamaModel};
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::vocab::LlamaVocab;

use crate::prompt::{self, Segment};
use crate::reading::Reading;
use crate::{Error, Request};

/// The tokens of a request for a context of `size` tokens.
///
/// # Errors
/// [`Error::Refused`] when it is empty or too long.
pub fn reading(model: &LlamaModel, request: &Request, size: usize) -> Result<Reading, Error> {
    let too_long = |count: String| Error::Refused(format!("the prompt has {count} tokens, the context {size}"));
    let bytes: usize = request.messages.iter().flat_map(|m| &m.parts).map(|part| part.as_str().len()).sum();
    if bytes > size * 64 {
        return Err(too_long(format!("more than {}", bytes / 64)));
    }
    let render = |turns: &[(&'static str, String)]| render(model, turns);
    let segments = prompt::segments(&request.messages, render).map_err(Error::Refused)?;
    let opening = prompt::opening(&request.messages, render).map_err(Error::Refused)?;
    let (tokens, stored) = tokenize(&model.vocab(), &segments);
    let fixed = tokenize(&model.vocab(), &opening).0.iter().zip(&tokens).take_while(|(a, b)| a == b).count();
    match tokens.len() {
        0 => Err(Error::Refused("the prompt is empty".into())),
        count if count >= size => Err(too_long(count.to_string())),
        _ => Ok(Reading { tokens: tokens.into_iter().map(|token| token.0).collect(), fixed, stored }),
    }
}

/// Applies the model's own chat template; ChatML or plain lines where it has none that llama.cpp knows.
fn render(model: &LlamaModel, turns: &[(&'static str, String)]) -> Result<String, String> {
    let chat: Result<Vec<_>, _> =
        turns.iter().map(|(role, text)| LlamaChatMessage::new((*role).into(), text.clone())).collect();
    let chat = chat.map_err(|e| e.to_string())?;
    let own = model.chat_template(None).ok();
    let chatml = is_one_token(&model.vocab(), "<|im_start|>").then(|| LlamaChatTemplate::new("chatml").ok());
    let templates = own.into_iter().chain(chatml.flatten());
    let mut rendered = templates.filter_map(|template| model.apply_chat_template(&template, &chat, true).ok());
    Ok(rendered.next().unwrap_or_else(|| plain(turns)))
}

fn plain(turns: &[(&'static str, String)]) -> String {
    turns.iter().map(|(role, text)| format!("{role}: {text}\n\n")).collect::<String>() + "assistant:"
}

fn is_one_token(vocab: &LlamaVocab<'_>, text: &str) -> bool {
    vocab.tokenize(text.as_bytes(), false, true).len() == 1
}

/// Tokens of the segments, each on its own, with the start token where the model wants one; and where the last stored text is.
fn tokenize(vocab: &LlamaVocab<'_>, segments: &[Segment]) -> (Vec<LlamaToken>, Range<usize>) {
    let (mut tokens, mut stored) = (Vec::new(), 0..0);
    if vocab.should_add_bos() {
        tokens.push(vocab.bos());
    }
    for segment in segments {
        let start = tokens.len();
        match segment.special {
            true => tokens.extend(vocab.tokenize(segment.text.as_bytes(), false, true)),
            false => {
                tokens.extend(data_tokens(vocab, &segment.text));
                stored = start..tokens.len();
            }
        }
        // Some templates have the start token in their text.
        if start == 1 && tokens.get(1) == Some(&vocab.bos()) {
            tokens.remove(0);
            stored = stored.start.saturating_sub(1)..stored.end.saturating_sub(1);
        }
    }
    (tokens, stored)
}

/// Tokens of stored text. Control tokens are not parsed; what a vocabulary adds besides (`<tool_call>`) would be, so
/// tokens that look like markup are taken apart.
pub fn data_tokens(vocab: &LlamaVocab<'_>, text: &str) -> Vec<LlamaToken> {
    let tokens = vocab.tokenize(text.as_bytes(), false, false);
    let mut out = Vec::with_capacity(tokens.len());
    for token in tokens {
        let piece = vocab.token_to_piece(token, true, None);
        if !is_markup(&piece) {
            out.push(token);
            continue;
        }
        for character in String::from_utf8_lossy(&piece).chars() {
            out.extend(vocab.tokenize(character.encode_utf8(&mut [0; 4]).as_bytes(), false, false));
        }
    }
    out
}

fn is_markup(piece: &[u8]) -> bool {
    piece.len() > 2 && matches!((piece.first(), piece.last()), (Some(b'<'), Some(b'>')) | (Some(b'['), Some(b']')))
}
