//! The command line: what can be said, not what it does.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXIT_CODES: &str = "\
Exit codes: 0 done; 1 something went wrong; 2 wrong usage; 69 no mount, program or model where one is needed; \
75 the time given was not enough. An error is one line with the cause and one, `Next:`, with what to do.

Environment: XDG_DATA_HOME, ECHOFS_MODELS (where models are), ECHOFS_LOG (error, warn, info, debug or trace), NO_COLOR.";

/// Mount what you know as a filesystem, and ask it.
#[derive(Debug, Parser)]
#[command(name = "echofs", version, after_help = EXIT_CODES, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    pub places: Places,
    #[command(subcommand)]
    pub command: Command,
}

/// Where data and models are.
#[derive(Args, Clone, Debug, Default)]
pub struct Places {
    /// The data directory [default: $XDG_DATA_HOME/echofs or ~/.local/share/echofs]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Where models are [default: $ECHOFS_MODELS, else `models` in $XDG_DATA_HOME/echofs]
    #[arg(long, global = true, value_name = "DIR")]
    pub models: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Mount the tree; returns when it answers, or stays with --foreground
    Mount(Mount),
    /// Unmount it
    Umount(Umount),
    /// Wait until everything under the sources is searchable
    Wait(Wait),
    /// Show what is indexed and how it runs
    Status(Status),
    /// Answer a question from your notes, with citations
    Ask(Ask),
    /// Search, best first
    Search(Search),
    /// Take conversations from exports of ChatGPT and Claude, JSON lines of turns and transcripts
    Import(Import),
    /// Remove documents or a fact from every index, cache and answer, for good; your own files stay, notes are deleted
    Forget(Forget),
    /// Keep a sentence among the notes
    Remember(Remember),
    /// Index again from the files: everything, or one file or directory
    Rebuild(Rebuild),
    /// List, fetch, choose and convert models
    Model {
        #[command(subcommand)]
        action: Model,
    },
    /// List and choose LoRA adapters for the language model
    Lora {
        #[command(subcommand)]
        action: Lora,
    },
    /// Check what EchoFS needs on this machine
    Doctor(Doctor),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Turns untrusted files into text; started by the mount
    #[command(hide = true)]
    ExtractWorker,
    /// Shows new hits of a kept query to those who watch its directory; started by the mount
    #[command(hide = true)]
    ShowNew {
        /// The directory
        directory: PathBuf,
        /// Names in it that are new
        new: Vec<PathBuf>,
    },
}

#[derive(Args, Clone, Debug, Default)]
pub struct Mount {
    /// Where; made if it does not exist, must be empty
    pub mountpoint: PathBuf,
    /// A directory to index; may be given again and again
    #[arg(long, value_name = "DIR")]
    pub source: Vec<PathBuf>,
    /// The language model, by name or path; `none` answers with the evidence alone
    #[arg(long, value_name = "NAME|PATH")]
    pub model: Option<String>,
    /// Stay in the foreground and log to standard error
    #[arg(long, short)]
    pub foreground: bool,
    /// Options as in fstab: source=DIR, data=DIR, models=DIR, model=NAME, foreground, ro, noexec
    #[arg(short, value_name = "OPTS", value_delimiter = ',')]
    pub options: Vec<String>,
    /// Says "ready" on standard output once mounted; how the background is started
    #[arg(long, hide = true)]
    pub report: bool,
}

#[derive(Args, Debug)]
pub struct Umount {
    /// Where it is mounted
    pub mountpoint: PathBuf,
    /// Detach it now and let programs that use it finish
    #[arg(long, short)]
    pub lazy: bool,
}

#[derive(Args, Debug)]
pub struct Wait {
    /// Where it is mounted
    pub mountpoint: PathBuf,
    /// Only until everything is found by words, not yet by meaning
    #[arg(long)]
    pub lexical: bool,
    /// Give up after so many seconds, with exit code 75 [default: wait for ever]
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<f64>,
}

#[derive(Args, Debug)]
pub struct Status {
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Ask {
    /// The question; read from standard input when it is left out or `-`
    pub question: Vec<String>,
    /// As JSON, when it is complete
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Search {
    /// The query; read from standard input, one a line, when it is left out or `-`
    pub query: Vec<String>,
    /// One JSON object a line
    #[arg(long, conflicts_with = "trec")]
    pub json: bool,
    /// A TREC run of this name; standard input may hold `id<TAB>query` lines
    #[arg(long, value_name = "RUNID")]
    pub trec: Option<String>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t = Colour::Auto, value_name = "WHEN")]
    pub color: Colour,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// At a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Args, Debug)]
pub struct Import {
    /// Files, or directories of them
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
    /// The reports as JSON, one a line
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Forget {
    /// A file or directory, absolute or below a source; `remembered.md:3` for one remembered sentence; or the id of a fact
    #[arg(required_unless_present_any = ["query", "fact"], conflicts_with_all = ["query", "fact"])]
    pub what: Option<OsString>,
    /// Everything that a query lets through, entries of the relationship log too; all its words are required
    #[arg(long, conflicts_with = "fact")]
    pub query: Option<String>,
    /// The fact with this id; the text that states it stays
    #[arg(long, value_name = "ID")]
    pub fact: Option<String>,
    /// List what would go, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Args, Debug)]
pub struct Remember {
    /// The sentence
    #[arg(required = true)]
    pub text: Vec<String>,
}

#[derive(Args, Debug)]
pub struct Rebuild {
    /// A file or directory; everything when it is left out
    pub path: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Model {
    /// The models there are, and which of them are on this machine
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Everything known about a model
    Info {
        /// Its name, or the path of a GGUF file
        name: String,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Fetch models, checked by digest; the only command that uses the network
    Pull {
        /// Names, or OWNER/REPOSITORY/FILE.gguf of the hub (HF_ENDPOINT says which); the usual three when none is given
        names: Vec<String>,
        /// Read files that are there and fetch again what is damaged
        #[arg(long)]
        check: bool,
        /// The digest that a model of the hub must have
        #[arg(long, value_name = "HEX")]
        sha256: Option<String>,
    },
    /// Answer with this model: at the next question where a tree is mounted
    Use {
        /// Name, path of a GGUF file, `none`, or `auto`: the best there is for the free memory
        model: String,
    },
    /// Remove a model's files from this machine
    Remove {
        /// Its name
        name: String,
    },
    /// Write a model in another number format, in fewer bits
    Quantize {
        /// Name or path
        input: String,
        /// The format: q8_0, q6_k, q5_k_m, q4_k_m, q4_0, ...
        format: String,
        /// Where to [default: beside the other models]
        output: Option<PathBuf>,
        /// Replace a file that is there
        #[arg(long)]
        force: bool,
    },
}

#[derive(Debug, Subcommand)]
pub enum Lora {
    /// The adapters in `lora/` of the models directory
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Use an adapter from the next question on
    Use {
        /// Its name, or the path of a GGUF file
        name: String,
        /// How strongly; 1 is as it was trained
        #[arg(long, default_value_t = 1.0, value_name = "X", allow_negative_numbers = true)]
        scale: f32,
    },
    /// Use none
    Off,
}

#[derive(Args, Debug)]
pub struct Doctor {
    /// As JSON
    #[arg(long)]
    pub json: bool,
    /// Also read every model and compare its digest
    #[arg(long)]
    pub deep: bool,
}

impl Cli {
    /// Reads this process's arguments; under the name `mount.echofs` those of mount(8).
    pub fn from_environment() -> Cli {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        match crate::fstab::translate(&arguments) {
            Some(translated) => Cli::parse_from(translated),
            None => Cli::parse_from(arguments),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_worker_is_not_shown() {
        assert!(!Cli::command().render_help().to_string().contains("extract-worker"));
        assert!(!Cli::command().render_help().to_string().contains("show-new"));
    }
}
