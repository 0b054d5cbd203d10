//! The service against a bare llama-cpp-2 loop: same model, same threads, same CPU code, in turns in one run.
//!
//! `cargo run --release -p echofs-inference --example bench -- MODEL.gguf [THREADS] [ROUNDS]`

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use echofs_inference::client::{Client, ClientConfig};
use echofs_inference::{Cancel, Generator, Message, Part, Request, Role, cpu, llama, threads};
use llama_cpp_2::context::params::LlamaContextParams;
use llama_cpp_2::llama_backend::LlamaBackend;
use llama_cpp_2::llama_batch::LlamaBatch;
use llama_cpp_2::model::params::LlamaModelParams;
use llama_cpp_2::model::{LlamaChatMessage, LlamaModel};
use llama_cpp_2::sampling::LlamaSampler;

type Failure = Box<dyn std::error::Error>;

const SYSTEM: &str =
    "You answer from the passages you are given, in one or two sentences, and say so when they do not hold the answer.";
const WRITTEN: usize = 64;

/// What a run took.
struct Run {
    first_token: Duration,
    tokens_per_second: f64,
    prompt_tokens: usize,
}

fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let model = PathBuf::from(args.next().ok_or("usage: bench MODEL.gguf [THREADS] [ROUNDS]")?);
    let threads = args.next().map_or(Ok(threads::physical_cores()), |n| n.parse())?;
    let rounds: usize = args.next().map_or(Ok(5), |n| n.parse())?;
    let dir = tempfile::tempdir()?;
    let program =
        std::env::current_exe()?.parent().and_then(Path::parent).ok_or("no directory")?.join("echofs-inference");
    let mut config = ClientConfig::new(program.clone(), dir.path().join("run/s.sock"));
    config.threads = Some(threads);
    config.model = Some(model.clone());
    let client = Client::new(config);
    let chosen = client.health()?.cpu.ok_or("no CPU code")?;
    let libraries = cpu::directory(&cpu::candidates(&program)).ok_or("no libraries")?;
    llama::redirect_log();
    llama::load_cpu(&libraries.join(format!("libggml-cpu-{chosen}.so")))?;
    let bare = Bare::new(&model)?;
    println!(
        "{} on {chosen}, {threads} threads, {WRITTEN} tokens written, {rounds} rounds",
        echofs_inference::model_name(&model)
    );
    compare(&bare, &client, threads, rounds)
}

fn compare(bare: &Bare, client: &Client, threads: usize, rounds: usize) -> Result<(), Failure> {
    serve(client, "Warm up.", 4)?;
    let (mut bare_runs, mut cold, mut warm) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..rounds {
        let passages = passages(round);
        bare_runs.push(bare.run(&passages, threads)?);
        cold.push(serve(client, &passages, WRITTEN)?);
        warm.push(serve(client, &format!("{passages} And the other one?"), WRITTEN)?);
    }
    let decode = |runs: &[Run]| median(runs.iter().map(|run| run.tokens_per_second));
    let first = |runs: &[Run]| median(runs.iter().map(|run| run.first_token.as_secs_f64() * 1000.0));
    let tokens = |runs: &[Run]| runs.first().map_or(0, |run| run.prompt_tokens);
    println!("{:28} {:>8} {:>14} {:>14}", "", "prompt", "first token", "decode");
    for (name, runs) in [("bare loop", &bare_runs), ("service, new prompt", &cold), ("service, prompt goes on", &warm)]
    {
        println!("{name:28} {:>8} {:>11.0} ms {:>8.1} tok/s", tokens(runs), first(runs), decode(runs));
    }
    let best = |runs: &[Run]| runs.iter().map(|run| run.tokens_per_second).fold(0.0, f64::max);
    println!(
        "decode, service to bare      {:.3} (best rounds {:.3})",
        decode(&cold) / decode(&bare_runs),
        best(&cold) / best(&bare_runs)
    );
    println!(
        "first token, service to bare {:.3}; when the prompt goes on {:.3}",
        first(&cold) / first(&bare_runs),
        first(&warm) / first(&bare_runs)
    );
    Ok(())
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Passages of about 300 tokens that differ from the first word on.
fn passages(round: usize) -> String {
    let sentence = "The ferry to the island leaves at half past seven from the old pier and comes back before the tide turns in the evening.";
    let facts: Vec<String> = (0..11).map(|i| format!("[{}] {sentence}", round * 100 + i)).collect();
    format!(
        "Number {round}. {}\nWhen does the ferry leave, and why does it come back early? Tell it at length.",
        facts.join("\n")
    )
}

fn serve(client: &Client, passages: &str, max_tokens: usize) -> Result<Run, Failure> {
    let message = |role, part| Message { role, parts: vec![part] };
    let messages =
        vec![message(Role::System, Part::Text(SYSTEM.into())), message(Role::User, Part::Data(passages.into()))];
    let done =
        client.generate(&Request { messages, max_tokens, ..Request::default() }, &Cancel::default(), &mut |_| {})?;
    let written = Duration::from_secs_f64((done.total_ms - done.first_token_ms) / 1000.0);
    Ok(Run {
        first_token: Duration::from_secs_f64(done.first_token_ms / 1000.0),
        tokens_per_second: done.output_tokens.saturating_sub(1) as f64 / written.as_secs_f64(),
        prompt_tokens: done.prompt_tokens,
    })
}

/// llama-cpp-2 as its own examples use it.
struct Bare {
    backend: LlamaBackend,
    model: LlamaModel,
}

impl Bare {
    fn new(path: &Path) -> Result<Self, Failure> {
        let backend = LlamaBackend::init()?;
        let model = LlamaModel::load_from_file(&backend, path, &LlamaModelParams::default())?;
        Ok(Self { backend, model })
    }

    fn run(&self, passages: &str, threads: usize) -> Result<Run, Failure> {
        let threads = i32::try_from(threads)?;
        let params = LlamaContextParams::default()
            .with_n_ctx(NonZeroU32::new(4096))
            .with_n_threads(threads)
            .with_n_threads_batch(threads);
        let mut context = self.model.new_context(&self.backend, params)?;
        let turn = |role: &str, text: &str| LlamaChatMessage::new(role.into(), text.into());
        let turns = [turn("system", SYSTEM)?, turn("user", passages)?];
        let prompt = self.model.apply_chat_template(&self.model.chat_template(None)?, &turns, true)?;
        let vocab = self.model.vocab();
        let start = Instant::now();
        let tokens = vocab.tokenize(prompt.as_bytes(), true, true);
        let mut batch = LlamaBatch::new(tokens.len(), 1);
        batch.add_sequence(&tokens, 0, false)?;
        context.decode(&mut batch)?;
        let mut sampler = LlamaSampler::greedy();
        let mut token = sampler.sample(&context, -1);
        let first_token = start.elapsed();
        let mut written = 1;
        while written < WRITTEN && !vocab.is_eog(token) {
            batch.clear();
            batch.add(token, i32::try_from(tokens.len() + written - 1)?, &[0], true)?;
            context.decode(&mut batch)?;
            token = sampler.sample(&context, -1);
            written += 1;
        }
        let tokens_per_second = (written - 1) as f64 / (start.elapsed() - first_token).as_secs_f64();
        Ok(Run { first_token, tokens_per_second, prompt_tokens: tokens.len() })
    }
}
