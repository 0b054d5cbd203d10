//! The language model service of EchoFS: llama.cpp behind a unix socket that only its owner can reach.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use echofs_inference::activation::{self, Readiness};
use echofs_inference::cpu::{self, Prober, Variant};
use echofs_inference::llama::{self, Llama, Models};
use echofs_inference::scheduler::Scheduler;
use echofs_inference::server::Service;
use echofs_inference::slots::Slots;
use echofs_inference::socket::{self, Listener};
use echofs_inference::states::States;
use echofs_inference::{Adapter, Class, probe, quantize, sandbox, threads};

/// Runs a language model (GGUF) for programs of the same user.
///
/// The protocol is one JSON object a line; `{"v":1,"call":"health"}` is a good first one. It is documented in
/// src/protocol.rs. The model is loaded by the first request that needs it.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Where to listen; the directory must be yours alone. Not needed where systemd passes a socket
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
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
    /// Requests of a class that may wait; more are told at once that the service is busy
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
    /// Where states of earlier prompts are kept over restarts [default: nowhere]
    #[arg(long, value_name = "DIR")]
    states: Option<PathBuf>,
    /// Megabytes of these states
    #[arg(long, value_name = "MB", default_value_t = 512)]
    states_size: u64,
    /// Layers of the model that go to a GPU [default: all, where llama.cpp was built for one]
    #[arg(long, value_name = "COUNT")]
    gpu_layers: Option<u32>,
    /// Lower the priority by this much (0 to 19)
    #[arg(long, default_value_t = 0)]
    nice: i32,
    /// End when standard input is closed, that is when the program that started this one is gone
    #[arg(long)]
    with_parent: bool,
}

/// How long llama.cpp may take for a step. One of a large model on a slow machine takes half a minute, to fetch its file from a slow
/// disk takes minutes.
const HANG: Duration = Duration::from_secs(600);

/// How long a thread of a generation spins for the others before it sleeps, in rounds of libgomp (some 0.5 ms): long enough where the
/// cores are free. With its own default, 300,000, a token takes seconds where they are not, before it is noticed. The policy is
/// for when the threads of all classes together are more than there are cores: then it is 1,000 rounds, else 100.
const SPIN: [(&str, &str); 2] = [("GOMP_SPINCOUNT", "20000"), ("OMP_WAIT_POLICY", "ACTIVE")];

fn main() -> ExitCode {
    if SPIN.iter().all(|(name, _)| std::env::var_os(name).is_none()) {
        for (name, value) in SPIN {
            // SAFETY: there are no other threads yet. The library that reads it is loaded later, with the CPU code.
            unsafe { std::env::set_var(name, value) };
        }
    }
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn")).init();
    let mut words = std::env::args_os().skip(1);
    let done = match words.next() {
        Some(word) if word == "probe" => try_out(&words.collect::<Vec<_>>()),
        Some(word) if word == "quantize" => convert(&words.collect::<Vec<_>>()),
        Some(word) if word == "check" => check(&words.collect::<Vec<_>>()),
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
    let listener = listen(args)?;
    let readiness = Readiness::from_environment();
    let variant = choose_cpu(args.libraries.clone(), args.cpu.as_deref())?;
    llama::redirect_log();
    llama::load_cpu(&variant.path)?;
    let devices = load_devices(&variant.path);
    let states = Arc::new(States::new(args.states.as_deref().and_then(|directory| slots(directory, args.states_size))));
    enter_sandbox(devices);
    let service = service(args, variant.name, states);
    announce(readiness.as_ref());
    if let Some(linger) = args.linger {
        let service = service.clone();
        std::thread::spawn(move || {
            service.wait_idle(Duration::from_secs(linger));
            std::process::exit(0);
        });
    }
    service.serve(&listener.socket).map_err(|e| e.to_string())
}

fn enter_sandbox(opens: bool) {
    if let Err(why) = sandbox::enter(opens) {
        log::warn!("no sandbox: {why}");
    }
}

/// Loads what drives hardware besides the CPU; whether there is any.
fn load_devices(beside: &Path) -> bool {
    let libraries = beside.parent().map(cpu::devices).unwrap_or_default();
    let load = |library: &PathBuf| llama::load_cpu(library).inspect_err(|why| log::warn!("{why}")).is_ok();
    libraries.iter().filter(|library| load(library)).count() > 0
}

fn listen(args: &Args) -> Result<Listener, String> {
    if let Some(socket) = activation::passed_socket().map_err(|e| format!("the socket from systemd: {e}"))? {
        return Ok(Listener::passed(socket));
    }
    let path = args.socket.as_deref().ok_or("where to listen? Give --socket PATH")?;
    socket::listen(path).map_err(|e| format!("{}: {e}", path.display()))
}

fn service(args: &Args, cpu: String, states: Arc<States>) -> Arc<Service> {
    let threads = args.threads.unwrap_or_else(threads::physical_cores).max(1);
    let (context, reuse, gpu_layers) = (args.context, !args.no_reuse, args.gpu_layers);
    let (models, kept) = (Arc::new(Models::default()), states.clone());
    let watched = models.clone();
    let make = move |class| {
        // Half of the cores stay free of what nobody waits for.
        let threads = if class == Class::Background { threads.div_ceil(2) } else { threads };
        let options = llama::Options { threads, context, reuse, cpu: Some(cpu.clone()), gpu_layers };
        Llama::new(options, models.clone(), kept.clone())
    };
    let scheduler = Scheduler::start(make, args.queue, Duration::from_secs(args.idle));
    let service = Service::new(scheduler, args.model.clone(), threads, Some(states));
    end_when_it_hangs(service.clone(), watched);
    service
}

/// Ends the process when llama.cpp does not go on: nothing else can stop it, and who started this process starts it again.
fn end_when_it_hangs(service: Arc<Service>, models: Arc<Models>) {
    std::thread::spawn(move || {
        service.scheduler.wait_for_hang(HANG, || models.progress());
        eprintln!("echofs-inference: llama.cpp hangs: it has taken no step for {} s", HANG.as_secs());
        std::process::abort();
    });
}

/// Where states are kept; without it they live as long as the service.
fn slots(directory: &Path, megabytes: u64) -> Option<Slots> {
    let opened = Slots::open(directory, megabytes.saturating_mul(1_000_000));
    opened.inspect_err(|error| log::warn!("no states are kept in {}: {error}", directory.display())).ok()
}

/// Tells who started this program that it listens.
fn announce(readiness: Option<&Readiness>) {
    if let Some(readiness) = readiness {
        readiness.tell();
    }
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

fn choose_cpu(libraries: Option<PathBuf>, wanted: Option<&str>) -> Result<Variant, String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut candidates: Vec<PathBuf> = libraries.into_iter().collect();
    candidates.extend(cpu::candidates(&program));
    let directory = cpu::directory(&candidates).ok_or("no libraries libggml-cpu-*.so beside the program")?;
    Prober { program: "/proc/self/exe".into(), args: vec!["probe".into()] }.choose(&directory, wanted)
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

/// The child that writes a model in another format; see `quantize`. It ends when who started it is gone.
fn convert(words: &[OsString]) -> Result<(), String> {
    let [input, format, output] = words else { return Err("quantize INPUT FORMAT OUTPUT".into()) };
    end_with_parent()?;
    let name = format.to_string_lossy();
    let format = quantize::named(&name).ok_or_else(|| format!("no format named {name}"))?;
    load_best_cpu()?;
    enter_sandbox(true);
    llama::quantize::quantize(Path::new(input), format, Path::new(output))
}

/// The child that says whether a model can be used, and an adapter with it.
fn check(words: &[OsString]) -> Result<(), String> {
    let (model, adapter) = match words {
        [model] => (model, None),
        [model, adapter] => (model, Some(Adapter { path: adapter.into(), scale: 1.0 })),
        _ => return Err("check MODEL [ADAPTER]".into()),
    };
    load_best_cpu()?;
    enter_sandbox(false);
    let options = llama::Options { context: 64, ..llama::Options::default() };
    let mut engine = Llama::new(options, Arc::default(), Arc::default());
    engine.check(Path::new(model), adapter.as_ref()).map_err(|error| error.to_string())
}

fn load_best_cpu() -> Result<(), String> {
    llama::redirect_log();
    llama::load_cpu(&choose_cpu(std::env::var_os("ECHOFS_LLAMA").map(PathBuf::from), None)?.path)
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
