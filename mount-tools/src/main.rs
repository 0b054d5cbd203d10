//! The `echofs` program: reads the command line, runs one subcommand, ends with an exit code.

#![forbid(unsafe_code)]

mod ask;
mod auto;
mod background;
mod checks;
mod cli;
mod config;
mod doctor;
mod engine;
mod engines;
mod failure;
mod forget;
mod fstab;
mod import;
mod local;
mod lora;
mod model;
mod models;
mod mount;
mod mountinfo;
mod mountpoint;
mod name;
mod private;
mod progress;
mod quantize;
mod rebuild;
mod record;
mod remember;
mod search;
mod show_new;
mod status;
mod umount;
mod wait;

use std::process::ExitCode;

use clap::CommandFactory;

use cli::{Cli, Command, Places};
use config::Settings;
use failure::{Failure, Outcome};

fn main() -> ExitCode {
    let cli = Cli::from_environment();
    start_log(&cli.command);
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("echofs: {}", failure.printable());
            ExitCode::from(failure.exit as u8)
        }
    }
}

fn run(cli: Cli) -> Outcome {
    let Cli { places, command } = cli;
    match command {
        Command::Mount(options) => mount::run(options, places),
        Command::Umount(options) => umount::run(&options, &settings(&places)?),
        Command::Wait(options) => wait::run(&options),
        Command::Status(options) => status::run(&options, &settings(&places)?),
        Command::Ask(options) => ask::run(&options, &settings(&places)?),
        Command::Search(options) => search::run(&options, &settings(&places)?),
        Command::Import(options) => import::run(&options, &settings(&places)?),
        Command::Forget(options) => forget::run(&options, &settings(&places)?),
        Command::Remember(options) => remember::run(&options, &settings(&places)?),
        Command::Rebuild(options) => rebuild::run(&options, &settings(&places)?),
        Command::Model { action } => model::run(&action, &settings(&places)?),
        Command::Lora { action } => lora::run(&action, &settings(&places)?),
        Command::Doctor(options) => doctor::run(&options, &places),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "echofs", &mut std::io::stdout());
            Ok(())
        }
        Command::ShowNew { directory, new } => show_new::run(&directory, &new),
        Command::ExtractWorker => echofs_indexer::extract::worker_main(),
    }
}

fn settings(places: &Places) -> Result<Settings, Failure> {
    Settings::load(places.data.as_deref(), places.models.as_deref())
}

/// Warnings and worse to standard error; ECHOFS_LOG says otherwise. A mount tells more, for its log.
fn start_log(command: &Command) {
    let usual = if matches!(command, Command::Mount(_)) { "warn,fuser=error,echofs=info" } else { "error" };
    env_logger::Builder::from_env(env_logger::Env::new().filter_or("ECHOFS_LOG", usual)).init();
}
