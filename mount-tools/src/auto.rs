//! `echofs model use auto`: the best model and format that fit the free memory, and why.

use std::io::Write;

use echofs_inference::cpu::{self, Prober};
use echofs_inference::gguf::Head;
use echofs_inference::quantize;

use crate::config::Settings;
use crate::failure::{Exit, Failure, Outcome};
use crate::models::{self, Kind, Model, Presence};
use crate::{engines, model};

/// Tokens of prompt and answer that there must be room for.
const CONTEXT: u64 = 4096;
/// What llama.cpp needs besides weights and state.
const OVERHEAD: u64 = 250 << 20;

/// The formats a processor reads fastest for what they keep of a model, best first. With AMX (measured on Sapphire Rapids) Q4_0 reads
/// prompts half as fast again as Q4_K_M; elsewhere the time goes into fetching the weights, and Q4_K_M keeps more.
const WITH_AMX: [&str; 10] =
    ["q4_0", "q4_1", "q4_k_m", "q4_k_s", "q8_0", "q5_k_m", "q5_k_s", "q6_k", "iq4_nl", "iq4_xs"];
const WITHOUT_AMX: [&str; 10] =
    ["q4_k_m", "q5_k_m", "q4_k_s", "q5_k_s", "q4_0", "q4_1", "iq4_nl", "iq4_xs", "q6_k", "q8_0"];

/// A model that is on this machine.
#[derive(Clone, Debug, PartialEq)]
struct Candidate {
    name: String,
    weights: u64,
    format: &'static str,
    /// Bytes of memory.
    needs: u64,
}

/// Chooses, says why, and puts it in use.
pub fn choose(settings: &Settings) -> Outcome {
    let candidates: Vec<Candidate> =
        models::known(&settings.models).iter().filter_map(|model| candidate(model, settings)).collect();
    let free = free_memory().unwrap_or(u64::MAX);
    let amx = cpu_code().is_some_and(|name| name == "sapphirerapids");
    let (chosen, why) = best(&candidates, free, amx)?;
    writeln!(std::io::stdout(), "{}: {why}", chosen.name)?;
    model::put_in_use(&chosen.name, settings)
}

fn candidate(model: &Model, settings: &Settings) -> Option<Candidate> {
    if model.kind != Kind::Generation || model.presence(&settings.models, false) != Presence::There {
        return None;
    }
    let head = Head::read(&model.path(&settings.models)?).ok()?;
    let format = head.file_type().and_then(quantize::numbered).map_or("unknown", |format| format.name);
    let needs = head.bytes.saturating_add(head.state_bytes(CONTEXT)).saturating_add(OVERHEAD);
    Some(Candidate { name: model.name.clone(), weights: head.weights, format, needs })
}

/// Most weights first; among equals the format that suits the processor best.
fn best(candidates: &[Candidate], free: u64, amx: bool) -> Outcome<(&Candidate, String)> {
    let fitting = candidates.iter().filter(|candidate| candidate.needs <= free);
    let chosen = fitting.max_by_key(|candidate| (step(candidate), std::cmp::Reverse(rank(candidate.format, amx))));
    let Some(chosen) = chosen else {
        let cause = match candidates.iter().map(|candidate| candidate.needs).min() {
            None => "there is no language model on this machine".to_owned(),
            Some(least) => {
                format!("no model fits: {} of memory are free, {} needed", gigabytes(free), gigabytes(least))
            }
        };
        return Err(Failure::new(Exit::Unavailable, cause, "echofs model pull, or end other programs"));
    };
    Ok((chosen, why(chosen, candidates, free, amx)))
}

/// The size of a model. Formats share out weights in slightly different ways, so it counts in steps of a tenth.
fn step(candidate: &Candidate) -> i64 {
    ((candidate.weights.max(1) as f64).ln() * 10.0).round() as i64
}

fn order(amx: bool) -> &'static [&'static str] {
    if amx { &WITH_AMX } else { &WITHOUT_AMX }
}

fn rank(format: &str, amx: bool) -> usize {
    order(amx).iter().position(|known| *known == format).unwrap_or(order(amx).len())
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// Why this one: its size, what the next larger one would need, and its format.
fn why(chosen: &Candidate, candidates: &[Candidate], free: u64, amx: bool) -> String {
    let fit = candidates.iter().filter(|candidate| candidate.needs <= free).count();
    let larger = candidates.iter().filter(|other| other.needs > free && step(other) > step(chosen));
    let larger = larger.min_by_key(|other| other.needs);
    let larger =
        larger.map_or(String::new(), |other| format!("; {} would need {}", other.name, gigabytes(other.needs)));
    let processor = if amx { "this processor with AMX" } else { "this processor" };
    let (format, best, name) = (chosen.format, order(amx)[0], &chosen.name);
    let suits = match rank(format, amx) {
        0 => format!("{format} suits {processor} best"),
        _ => format!("{best} would suit {processor} better (`echofs model quantize {name} {best}`)"),
    };
    let (needs, free) = (gigabytes(chosen.needs), gigabytes(free));
    format!("needs {needs} of {free} free memory, the largest of {fit} that fit{larger}; {suits}")
}

/// Bytes of memory that programs can still have.
fn free_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()?.saturating_mul(1024))
}

/// The build of the CPU code that runs here.
fn cpu_code() -> Option<String> {
    let program = engines::sibling("echofs-inference");
    let directory = cpu::directory(&cpu::candidates(&program))?;
    Prober { program, args: vec!["probe".into()] }.choose(&directory, None).ok().map(|variant| variant.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(name: &str, weights: u64, format: &'static str, needs: u64) -> Candidate {
        Candidate { name: name.into(), weights, format, needs }
    }

    #[test]
    fn the_largest_that_fits_in_the_format_that_suits_the_processor() {
        let all = [
            candidate("small-q4_k_m", 500_000_000, "q4_k_m", 800_000_000),
            candidate("big-q4_k_m", 1_540_000_000, "q4_k_m", 1_600_000_000),
            candidate("big-q4_0", 1_543_000_000, "q4_0", 1_500_000_000),
            candidate("big-q8_0", 1_541_000_000, "q8_0", 2_500_000_000),
        ];
        let check = |free, amx, expected: &str, words: &str| {
            let (chosen, why) = best(&all, free, amx).expect("one fits");
            assert_eq!(chosen.name, expected);
            assert!(why.contains(words), "{why}");
        };
        check(8_000_000_000, false, "big-q4_k_m", "q4_k_m suits this processor best");
        check(8_000_000_000, true, "big-q4_0", "AMX");
        check(1_550_000_000, false, "big-q4_0", "q4_k_m would suit");
        check(1_000_000_000, true, "small-q4_k_m", "model quantize small-q4_k_m q4_0");
        check(1_000_000_000, true, "small-q4_k_m", "; big-q4_0 would need 1.5 GB;");
        check(2_000_000_000, true, "big-q4_0", "the largest of 3 that fit; q4_0 suits");
        let none = best(&all, 500_000_000, true).expect_err("none fits");
        assert!(none.to_string().contains("0.5 GB of memory are free, 0.8 GB needed"), "{none}");
        assert!(best(&[], 1, true).expect_err("none").to_string().contains("no language model"));
    }
}
