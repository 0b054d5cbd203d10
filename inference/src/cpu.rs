//! Which build of llama.cpp's CPU code to run.
//!
//! ggml's CPU code is built several times, once for each family of instructions, as `libggml-cpu-<name>.so`. At start every one
//! says in a child process whether this CPU has what it needs and how good it is. The best is then tried in another child on a
//! tiny model (see [`crate::probe`]); if the child dies (an illegal instruction, a compiler's mistake), hangs, or
//! computes something else than the plainest build does, the next one is taken. This takes some 50 ms, so no verdict is kept.

use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long a child may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// Cosine between the outputs of two builds from which they count as the same computation.
const SAME: f32 = 0.99;

/// A build of the CPU code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    /// `haswell`, `zen4`, ...
    pub name: String,
    /// Its library.
    pub path: PathBuf,
}

/// The builds in a directory, by name.
pub fn variants(directory: &Path) -> Vec<Variant> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<Variant> = entries.filter_map(|entry| variant(&entry.path())).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn variant(path: &Path) -> Option<Variant> {
    let name = path.file_name()?.to_str()?.strip_prefix("libggml-cpu-")?.strip_suffix(".so")?;
    Some(Variant { name: name.into(), path: path.into() })
}

/// What drives hardware besides the CPU, as far as llama.cpp was built for any.
pub fn devices(directory: &Path) -> Vec<PathBuf> {
    let names = ["cuda", "hip", "metal", "vulkan"].map(|name| directory.join(format!("libggml-{name}.so")));
    names.into_iter().filter(|path| path.is_file()).collect()
}

/// The first directory of `candidates` that holds builds of the CPU code.
pub fn directory(candidates: &[PathBuf]) -> Option<PathBuf> {
    candidates.iter().find(|directory| !variants(directory).is_empty()).cloned()
}

/// Where the libraries may be, seen from the program: beside it in `llama/`, one level up for test programs,
/// `lib/echofs/` of an installation.
pub fn candidates(program: &Path) -> Vec<PathBuf> {
    let Some(bin) = program.parent() else { return Vec::new() };
    ["llama", "../llama", "../lib/echofs"].iter().map(|relative| bin.join(relative)).collect()
}

/// Runs the program again to try builds out: `<program> <args> scores <library>...` and `... outputs <library>`.
#[derive(Clone, Debug)]
pub struct Prober {
    /// The program.
    pub program: PathBuf,
    /// Arguments before those above.
    pub args: Vec<OsString>,
}

impl Prober {
    /// The best build that computes rightly here; the wanted one, untried, if `wanted` names one.
    ///
    /// # Errors
    /// What is wrong, for people: no such build, or none that runs.
    pub fn choose(&self, directory: &Path, wanted: Option<&str>) -> Result<Variant, String> {
        let all = variants(directory);
        if let Some(name) = wanted {
            let known = || all.iter().map(|v| v.name.as_str()).collect::<Vec<_>>().join(", ");
            let found = all.iter().find(|variant| variant.name == name).cloned();
            return found
                .ok_or_else(|| format!("no CPU code named {name} in {}, only {}", directory.display(), known()));
        }
        self.first_sound(&self.ranked(all)?)
    }

    /// The builds that this CPU has the instructions for, best first.
    fn ranked(&self, all: Vec<Variant>) -> Result<Vec<Variant>, String> {
        let mut scored: Vec<(i32, Variant)> = match self.scores(&all) {
            Ok(scores) => scores.into_iter().zip(all).collect(),
            // One library took the child down: ask them one by one.
            Err(_) => all.into_iter().filter_map(|variant| Some((self.score(&variant)?, variant))).collect(),
        };
        scored.retain(|(score, _)| *score > 0);
        scored.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
        match scored.is_empty() {
            true => Err("no build of the CPU code fits this CPU".into()),
            false => Ok(scored.into_iter().map(|(_, variant)| variant).collect()),
        }
    }

    fn first_sound(&self, ranked: &[Variant]) -> Result<Variant, String> {
        let plainest = ranked.last().ok_or("no build of the CPU code")?;
        let reference = self.outputs(plainest);
        let mut faults = Vec::new();
        for variant in ranked {
            let verdict = self.outputs(variant).and_then(|outputs| match &reference {
                Ok(expected) => compare(expected, &outputs),
                Err(_) => check_finite(&outputs),
            });
            match verdict {
                Ok(()) => return Ok(variant.clone()),
                Err(why) => {
                    log::warn!("the CPU code {} does not work here: {why}", variant.name);
                    faults.push(format!("{}: {why}", variant.name));
                }
            }
        }
        Err(format!("no build of the CPU code works here ({})", faults.join("; ")))
    }

    fn score(&self, variant: &Variant) -> Option<i32> {
        self.scores(std::slice::from_ref(variant)).ok()?.first().copied()
    }

    fn scores(&self, variants: &[Variant]) -> Result<Vec<i32>, String> {
        let words = self.run("scores", variants)?;
        let scores: Vec<i32> = words.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match scores.len() == variants.len() {
            true => Ok(scores),
            false => Err(format!("{} scores for {} builds", scores.len(), variants.len())),
        }
    }

    fn outputs(&self, variant: &Variant) -> Result<Vec<f32>, String> {
        let words = self.run("outputs", std::slice::from_ref(variant))?;
        Ok(words.split_whitespace().map(|word| word.parse().unwrap_or(f32::NAN)).collect())
    }

    fn run(&self, what: &str, variants: &[Variant]) -> Result<String, String> {
        let child = Command::new(&self.program)
            .args(&self.args)
            .arg(what)
            .args(variants.iter().map(|variant| &variant.path))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        finish(child.map_err(|e| format!("cannot start {}: {e}", self.program.display()))?)
    }
}

/// Waits for a child and returns what it wrote. It has ended when its output has.
fn finish(mut child: Child) -> Result<String, String> {
    let mut out = child.stdout.take();
    let (done, output) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let read = out.as_mut().map(|out| out.read_to_string(&mut text));
        done.send(read.is_some_and(|read| read.is_ok()).then_some(text))
    });
    let text = output.recv_timeout(DEADLINE);
    if text.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    match text {
        Err(_) => Err(format!("no answer in {} s", DEADLINE.as_secs())),
        Ok(_) if !status.success() => Err(status.to_string()),
        Ok(text) => text.ok_or_else(|| "its output could not be read".into()),
    }
}

fn check_finite(outputs: &[f32]) -> Result<(), String> {
    match !outputs.is_empty() && outputs.iter().all(|value| value.is_finite()) {
        true => Ok(()),
        false => Err("it computes no numbers".into()),
    }
}

fn compare(expected: &[f32], outputs: &[f32]) -> Result<(), String> {
    check_finite(outputs)?;
    if expected.len() != outputs.len() {
        return Err("it computes another number of outputs".into());
    }
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| f64::from(x * y)).sum::<f64>();
    let norms = (dot(expected, expected) * dot(outputs, outputs)).sqrt();
    let cosine = (dot(expected, outputs) / norms) as f32;
    match cosine >= SAME {
        true => Ok(()),
        false => Err(format!("it computes something else (cosine {cosine:.3} to the plain build)")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_the_same_up_to_rounding_only() {
        assert_eq!(compare(&[1.0, -2.0, 3.0], &[1.001, -2.0, 2.999]), Ok(()));
        assert!(compare(&[1.0, -2.0, 3.0], &[3.0, 1.0, -2.0]).is_err());
        assert!(compare(&[1.0, 2.0], &[f32::NAN, 2.0]).is_err());
        assert!(compare(&[1.0, 2.0], &[0.0, 0.0]).is_err());
        assert!(compare(&[1.0, 2.0], &[1.0]).is_err());
        assert!(compare(&[], &[]).is_err());
    }

    #[test]
    fn libraries_are_found_by_name() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        for name in ["libggml-cpu-zen4.so", "libggml-cpu-x64.so", "libggml.so", "libggml-cpu-old.so.bak"] {
            std::fs::write(dir.path().join(name), "")?;
        }
        let names: Vec<_> = variants(dir.path()).into_iter().map(|variant| variant.name).collect();
        assert_eq!(names, ["x64", "zen4"]);
        assert_eq!(directory(&[dir.path().join("none"), dir.path().into()]), Some(dir.path().into()));
        Ok(())
    }

    #[test]
    fn a_build_that_dies_or_hangs_is_passed_over() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let script = "case $0 in scores) shift 0; for l in \"$@\"; do case $l in *amx*) echo 9;; *zen*) echo 5;; *) echo 1;; esac; done;; \
                      outputs) case $1 in *amx*) kill -ILL $$;; *zen*) echo 1 2 3;; *) echo 1 2 3.01;; esac;; esac";
        for name in ["amx", "x64", "zen4"] {
            std::fs::write(dir.path().join(format!("libggml-cpu-{name}.so")), "")?;
        }
        let prober = Prober { program: "sh".into(), args: vec!["-c".into(), script.into()] };
        assert_eq!(prober.choose(dir.path(), None).map(|v| v.name), Ok("zen4".into()));
        assert_eq!(prober.choose(dir.path(), Some("amx")).map(|v| v.name), Ok("amx".into()));
        assert!(prober.choose(dir.path(), Some("arm")).is_err_and(|why| why.contains("amx, x64, zen4")));
        Ok(())
    }
}
