//! Which token comes next: the likeliest, or the likeliest that a grammar allows.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use super::backend::last_complaint;
use crate::{Error, Format, schema};

/// The token with the highest logit, the first of equals, but not `without`.
///
/// # Errors
/// [`Error::Down`] when there is none.
pub fn greedy(logits: &[f32], without: Option<LlamaToken>) -> Result<LlamaToken, Error> {
    let mut best = (0, f32::NEG_INFINITY);
    for (token, &logit) in (0..).zip(logits) {
        if logit > best.1 && without.is_none_or(|without| without.0 != token) {
            best = (token, logit);
        }
    }
    match best.1.is_finite() {
        true => Ok(LlamaToken::new(best.0)),
        false => Err(Error::Down("the model computes no numbers".into())),
    }
}

/// The logarithm of a token's probability, at most 0.
pub fn log_probability(logits: &[f32], token: LlamaToken) -> f32 {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
    usize::try_from(token.0).ok().and_then(|at| logits.get(at)).map_or(f32::NEG_INFINITY, |own| own - most - sum.ln())
}

/// A grammar and how far the text has come in it.
#[derive(Debug)]
pub struct Choice {
    grammar: LlamaSampler,
}

impl Choice {
    /// The grammar of a format, at its beginning; none where any text will do.
    ///
    /// # Errors
    /// [`Error::Refused`] with the reason.
    pub fn new(model: &LlamaModel, format: Option<&Format>) -> Result<Option<Self>, Error> {
        let Some(format) = format else { return Ok(None) };
        let text = schema::grammar(format).map_err(Error::Refused)?;
        last_complaint(Some(String::new()));
        let grammar = LlamaSampler::grammar(model, &text, "root").map_err(|error| {
            let complaint = last_complaint(None);
            let why = if complaint.is_empty() { error.to_string() } else { complaint };
            Error::Refused(format!("the grammar is not understood: {}", why.trim()))
        })?;
        Ok(Some(Self { grammar }))
    }

    /// The likeliest token that is allowed; the grammar goes on behind it.
    ///
    /// # Errors
    /// [`Error::Down`] when there is none.
    pub fn take(&mut self, logits: &[f32]) -> Result<LlamaToken, Error> {
        // Nearly always the likeliest of all is allowed, and looking at one token costs nothing.
        let first = greedy(logits, None)?;
        let token = match self.allowed(std::iter::once((first.0, 0.0))) {
            Some(token) => token,
            None => {
                let all = (0..).zip(logits.iter().copied());
                self.allowed(all).ok_or_else(|| Error::Down("the grammar allows no token".into()))?
            }
        };
        self.grammar.accept(token);
        Ok(token)
    }

    /// The likeliest of these tokens among those that are allowed.
    fn allowed(&mut self, tokens: impl Iterator<Item = (i32, f32)>) -> Option<LlamaToken> {
        let data = tokens.map(|(token, logit)| LlamaTokenData::new(LlamaToken::new(token), logit, 0.0));
        let mut array = LlamaTokenDataArray::new(data.collect(), false);
        array.apply_sampler(&mut self.grammar);
        let allowed = array.data.iter().filter(|data| data.logit().is_finite());
        allowed.reduce(|best, next| if next.logit() > best.logit() { next } else { best }).map(LlamaTokenData::id)
    }
}
