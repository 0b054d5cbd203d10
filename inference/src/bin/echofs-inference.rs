//! The language model service of EchoFS: llama.cpp behind a unix socket that only its owner can reach.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use echofs_inference::cpu::{self, Prober, Variant};
use echofs_inference::llama::{self, Llama};
use echofs_inference::scheduler::Scheduler;
use echofs_inference::server::Service;
use echofs_inference::{probe, sandbox, socket, threads};

/// Runs a language model (GGUF) for programs of the same user.
///
/// The protocol is one JSON object a line; `{"v":1,"call":"health"}` is a good first one. It is documented in
/// src/protocol.rs. The model is loaded by the first request that needs it.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen; the directory must be yours alone
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// The model for requests that name none
    #[arg(long, value_name = "GGUF")]
    model: Option<PathBuf>,
    /// Threads of a generation [default: the physical cores]
    #[arg(long)]
    threads: Option<usize>,
    /// Seconds without a request after which the model's memory is given back
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    idle: u64,
    /// Seconds without a request or connection after which the service ends [default: never]
    #[arg(long, value_name = "SECONDS")]
    linger: Option<u64>,
    /// Requests that may wait; more are told at once that the service is busy
    #[arg(long, default_value_t = 8)]
    queue: usize,
    /// Tokens of the longest prompt and answer together
    #[arg(long, default_value_t = 4096)]
    context: u32,
    /// The build of the CPU code to use (haswell, zen4, ...) [default: the best that works]
    #[arg(long, value_name = "NAME", env = "ECHOFS_CPU")]
    cpu: Option<String>,
    /// Where the libraries are [default: beside the program]
    #[arg(long, value_name = "DIR", env = "ECHOFS_LLAMA")]
    libraries: Option<PathBuf>,
    /// Read every prompt from its start, as if it were the first
    #[arg(long)]
    no_reuse: bool,
    /// Lower the priority by this much (0 to 19)
    #[arg(long, default_value_t = 0)]
    nice: i32,
    /// End when standard input is closed, that is when the program that started this one is gone
    #[arg(long)]
    with_parent: bool,
}

/// How long a thread of a generation spins for the others before it sleeps, in rounds of libgomp (some 7 us). Its own default,
/// 300,000, is a little faster on an idle machine and some hundred times slower where the cores have other work to do.
const SPIN: &str = "300";

fn main() -> ExitCode {
    if std::env::var_os("GOMP_SPINCOUNT").is_none() && std::env::var_os("OMP_WAIT_POLICY").is_none() {
        // SAFETY: there are no other threads yet. The library that reads it is loaded later, with the CPU code.
        unsafe { std::env::set_var("GOMP_SPINCOUNT", SPIN) };
    }
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    let mut words = std::env::args_os().skip(1);
    let done = match words.next() {
        Some(word) if word == "probe" => try_out(&words.collect::<Vec<_>>()),
        _ => run(&Args::parse()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("echofs-inference: {why}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    if args.with_parent {
        end_with_parent()?;
    }
    if args.nice > 0 {
        rustix::process::nice(args.nice).map_err(|e| format!("nice: {e}"))?;
    }
    let listener = socket::listen(&args.socket).map_err(|e| format!("{}: {e}", args.socket.display()))?;
    let variant = choose_cpu(args)?;
    llama::redirect_log();
    llama::load_cpu(&variant.path)?;
    if let Err(why) = sandbox::enter() {
        log::warn!("no sandbox: {why}");
    }
    let threads = args.threads.unwrap_or_else(threads::physical_cores).max(1);
    let options = llama::Options { threads, context: args.context, reuse: !args.no_reuse, cpu: Some(variant.name) };
    let make = move || Llama::new(options.clone());
    let scheduler = Scheduler::start(make, args.queue, Duration::from_secs(args.idle));
    let service = Service::new(scheduler, args.model.clone(), threads);
    announce();
    if let Some(linger) = args.linger {
        let service = service.clone();
        std::thread::spawn(move || {
            service.wait_idle(Duration::from_secs(linger));
            std::process::exit(0);
        });
    }
    service.serve(&listener.socket).map_err(|e| e.to_string())
}

/// Tells who started this program that it listens.
fn announce() {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "ready").and_then(|()| out.flush());
}

/// The kernel kills this process when the thread that started it ends; a closed pipe says the same where that was too late.
fn end_with_parent() -> Result<(), String> {
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).map_err(|e| e.to_string())?;
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    Ok(())
}

fn choose_cpu(args: &Args) -> Result<Variant, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut candidates: Vec<PathBuf> = args.libraries.iter().cloned().collect();
    candidates.extend(cpu::candidates(&program));
    let directory = cpu::directory(&candidates).ok_or("no libraries libggml-cpu-*.so beside the program")?;
    Prober { program: "/proc/self/exe".into(), args: vec!["probe".into()] }.choose(&directory, args.cpu.as_deref())
}

/// The child that tries builds of the CPU code out; see `cpu`.
fn try_out(words: &[OsString]) -> Result<(), String> {
    let (what, libraries) = words.split_first().ok_or("nothing to try out")?;
    let libraries: Vec<&Path> = libraries.iter().map(Path::new).collect();
    match (what.to_str(), libraries.as_slice()) {
        (Some("scores"), all) => {
            let scores: Vec<_> = all.iter().map(|library| llama::score(library).unwrap_or(0).to_string()).collect();
            println!("{}", scores.join(" "));
        }
        (Some("outputs"), [library]) => {
            let outputs: Vec<_> = outputs(library)?.iter().map(f32::to_string).collect();
            println!("{}", outputs.join(" "));
        }
        _ => return Err("probe scores LIBRARY... | probe outputs LIBRARY".into()),
    }
    Ok(())
}

fn outputs(library: &Path) -> Result<Vec<f32>, String> {
    use rustix::fs::MemfdFlags;
    use std::os::fd::AsRawFd;
    llama::redirect_log();
    llama::load_cpu(library)?;
    let file = rustix::fs::memfd_create("probe.gguf", MemfdFlags::CLOEXEC).map_err(|e| e.to_string())?;
    let mut file = std::fs::File::from(file);
    file.write_all(&probe::model()).map_err(|e| e.to_string())?;
    llama::probe_outputs(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))
}
