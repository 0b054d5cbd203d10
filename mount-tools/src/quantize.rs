//! `echofs model quantize`: a model in fewer bits, written by a child process.

use std::io::Write;
use std::path::{Path, PathBuf};

use echofs_inference::gguf::Head;
use echofs_inference::quantize::{self, FORMATS, Format};

use crate::config::Settings;
use crate::engines;
use crate::failure::{Exit, Failure, Outcome};
use crate::models::human;
use crate::progress::Progress;

/// Writes the model `input` in this format.
pub fn run(input: &str, format: &str, output: Option<&Path>, force: bool, settings: &Settings) -> Outcome {
    let format = named(format)?;
    let input = engines::resolve(input, settings)?;
    let output = match output {
        Some(path) => std::path::absolute(path)?,
        None => settings.models.join(file_name(&input, format)),
    };
    check(&input, format, &output, force)?;
    let mut progress = Progress::new();
    let program = engines::sibling("echofs-inference");
    let done = quantize::run(&program, &input, format, &output, &mut |done, all| progress.at(done, all));
    drop(progress);
    done.map_err(|why| Failure::new(Exit::Failed, why, "choose another file or format, or make room"))?;
    let size = output.metadata().map_or(0, |metadata| metadata.len());
    writeln!(std::io::stdout(), "{}  {}", output.display(), human(size))?;
    Ok(())
}

fn named(name: &str) -> Outcome<Format> {
    quantize::named(name).ok_or_else(|| {
        let names: Vec<&str> = FORMATS.iter().map(|format| format.name).collect();
        Failure::new(Exit::Usage, format!("no format named {name}"), format!("choose of {}", names.join(", ")))
    })
}

/// The name of a model in another format.
fn file_name(input: &Path, format: Format) -> PathBuf {
    let stem = input.file_stem().unwrap_or_default().to_string_lossy();
    format!("{}-{}.gguf", quantize::without_format(&stem), format.name).into()
}

fn check(input: &Path, format: Format, output: &Path, force: bool) -> Outcome {
    if output.exists() && output.canonicalize().ok() == input.canonicalize().ok() {
        return Err(Failure::new(Exit::Usage, "a model cannot be written over itself", "name another file"));
    }
    if output.exists() && !force {
        let cause = format!("{} is there already", output.display());
        return Err(Failure::new(Exit::Usage, cause, "name another file, or say --force"));
    }
    let head = Head::read(input).map_err(|why| Failure::new(Exit::Usage, why, "choose a GGUF file"))?;
    let now = head.file_type().and_then(quantize::numbered);
    if let Some(now) = now.filter(|now| now.tenths < format.tenths) {
        eprintln!("{} has fewer bits than {}: the file grows and the answers do not get better", now.name, format.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_name_has_the_new_format() {
        let check = |input: &str, expected: &str| {
            let format = named("Q4_0").expect("a format");
            assert_eq!(file_name(Path::new(input), format), Path::new(expected));
        };
        check("/m/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", "qwen2.5-coder-1.5b-instruct-q4_0.gguf");
        check("tiny.gguf", "tiny-q4_0.gguf");
        assert!(named("q9").expect_err("none").next.contains("q4_k_m"));
    }
}
