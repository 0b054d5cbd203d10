//! Which token comes next: the likeliest, or the likeliest that a grammar allows.

use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use llama_cpp_2::token::data::LlamaTokenData;
use llama_cpp_2::token::data_array::LlamaTokenDataArray;

use super::backend::last_complaint;
use crate::{Error, Format, schema};

/// What a model computed for the next token: a number for each of its vocabulary.
#[derive(Clone, Copy, Debug)]
pub struct Logits<'a> {
    all: &'a [f32],
    most: f32,
}

/// Numbers that are compared side by side.
const LANES: usize = 16;
/// Tokens whose logit is this far below the highest are left out of the sum: a million of them change it by less than 0.003.
const NEGLIGIBLE: f32 = 20.0;

impl<'a> Logits<'a> {
    /// Of these numbers.
    ///
    /// # Errors
    /// [`Error::Down`] when none of them is finite.
    pub fn new(all: &'a [f32]) -> Result<Self, Error> {
        let (chunks, rest) = all.as_chunks::<LANES>();
        let mut lanes = [f32::NEG_INFINITY; LANES];
        for chunk in chunks {
            for (most, &logit) in lanes.iter_mut().zip(chunk) {
                *most = if logit > *most { logit } else { *most };
            }
        }
        let most = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, f32::max);
        match most.is_finite() {
            true => Ok(Self { all, most }),
            false => Err(Error::Down("the model computes no numbers".into())),
        }
    }

    /// The token with the highest logit, the first of equals, but not `without`.
    pub fn greedy(self, without: Option<LlamaToken>) -> LlamaToken {
        let first = self.all.iter().position(|&logit| logit == self.most).map_or(0, |at| at as i32);
        match without {
            Some(without) if without.0 == first => self.second(without),
            _ => LlamaToken::new(first),
        }
    }

    fn second(self, without: LlamaToken) -> LlamaToken {
        let mut best = (without.0, f32::NEG_INFINITY);
        for (token, &logit) in (0..).zip(self.all).filter(|(token, _)| *token != without.0) {
            if logit > best.1 {
                best = (token, logit);
            }
        }
        LlamaToken::new(best.0)
    }

    /// The logarithm of a token's probability, at most 0.
    pub fn log_probability(self, token: LlamaToken) -> f32 {
        let below = self.all.iter().map(|logit| logit - self.most).filter(|&below| below > -NEGLIGIBLE);
        let sum: f32 = below.map(f32::exp).sum();
        let own = usize::try_from(token.0).ok().and_then(|at| self.all.get(at));
        own.map_or(f32::NEG_INFINITY, |own| own - self.most - sum.ln())
    }
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
    pub fn take(&mut self, logits: Logits<'_>) -> Result<LlamaToken, Error> {
        // Nearly always the likeliest of all is allowed, and looking at one token costs nothing.
        let first = logits.greedy(None);
        let token = match self.allowed(std::iter::once((first.0, 0.0))) {
            Some(token) => token,
            None => {
                let all = (0..).zip(logits.all.iter().copied());
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

#[cfg(test)]
mod tests {
    use super::*;

    fn token(token: i32) -> LlamaToken {
        LlamaToken::new(token)
    }

    #[test]
    fn the_likeliest_is_the_first_of_equals_wherever_it_stands() {
        for at in [0, 3, LANES - 1, LANES, 2 * LANES + 5] {
            let mut all = vec![-1.0; 2 * LANES + 7];
            all[at] = 2.5;
            all[2 * LANES + 6] = 2.5;
            all[1] = f32::NAN;
            let logits = Logits::new(&all).expect("numbers");
            assert_eq!(logits.greedy(None).0, at as i32);
            assert_eq!(logits.greedy(Some(token(at as i32))).0, 2 * LANES as i32 + 6);
        }
        assert!(Logits::new(&[f32::NAN; 40]).is_err());
        assert!(Logits::new(&[f32::NEG_INFINITY; 40]).is_err());
        assert!(Logits::new(&[]).is_err());
    }

    #[test]
    fn probabilities_are_those_of_the_softmax() {
        let all: Vec<f32> = (0..1000).map(|i| ((i * 37 % 101) as f32) / 4.0 - 10.0).collect();
        let logits = Logits::new(&all).expect("numbers");
        let sum: f64 = all.iter().map(|&logit| f64::from(logit).exp()).sum();
        for i in [0, 17, 500, 999] {
            let exact = f64::from(all[i]) - sum.ln();
            let told = f64::from(logits.log_probability(token(i as i32)));
            assert!((told - exact).abs() < 1e-4, "{told} {exact}");
        }
        assert_eq!(logits.log_probability(token(1000)), f32::NEG_INFINITY);
    }
}
