//! `echofs forget`: takes documents, remembered sentences or a fact out of everything that was made from them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use echofs_fs::forget::{self, Kind, Order};

use crate::cli::Forget;
use crate::config::Settings;
use crate::failure::{Advise, Exit, Failure, Outcome};
use crate::{local, mountinfo, record};

/// What to do about a refusal.
const ADVICE: &str =
    "give a path under a source (`echofs status` lists them), --query QUERY or --fact ID; --dry-run shows what goes";
/// How long it may take to look at the sources where nothing is mounted.
const LOOKED_AT: Duration = Duration::from_secs(120);

/// Forgets what is named, or lists it.
pub fn run(options: &Forget, settings: &Settings) -> Outcome {
    let (kind, text) = named(options)?;
    let order = Order { dry_run: options.dry_run, kind, text: &text };
    let told = match record::running(settings) {
        Some(record) => through(&record.mountpoint, &order)?,
        None => here(settings, &order)?,
    };
    let mut out = io::stdout().lock();
    match options.json {
        true => writeln!(out, "{}", json(&order, &told))?,
        false => write!(out, "{told}")?,
    }
    Ok(())
}

/// What the order is about; a query only where it is said to be one. A path that is there from the working directory is that one.
fn named(options: &Forget) -> Outcome<(Kind, String)> {
    let (kind, text) = match (&options.query, &options.fact, &options.what) {
        (Some(query), ..) => (Kind::Query, query.clone()),
        (_, Some(fact), _) => (Kind::Fact, fact.clone()),
        (.., what) => (Kind::Named, path(what.as_deref().unwrap_or_default())?),
    };
    match text.trim().is_empty() || text.contains('\n') {
        true => Err(Failure::new(Exit::Usage, "what is to be forgotten is one line of text", ADVICE)),
        false => Ok((kind, text)),
    }
}

fn path(what: &OsStr) -> Outcome<String> {
    let path = Path::new(what);
    let from_here =
        path.is_absolute() || path.starts_with(".") || path.starts_with("..") || path.symlink_metadata().is_ok();
    let path =
        if from_here && !what.is_empty() { mountinfo::absolute(path)?.into_os_string() } else { what.to_owned() };
    path.into_string().map_err(|path| Failure::new(Exit::Usage, format!("{} is not UTF-8", path.display()), ADVICE))
}

/// Gives the order to the mount, and what it says of it.
fn through(mountpoint: &Path, order: &Order) -> Outcome<String> {
    let control = mountpoint.join(".echo/forget");
    // With a line end the order is carried out by the write, which reports its failure; a close would not.
    let written = std::fs::write(&control, format!("{order}\n"));
    let text = std::fs::read_to_string(&control).unwrap_or_default();
    let told = text.split_once("\n\n").map_or("", |(told, _)| told);
    match written {
        Ok(()) => Ok(format!("{told}\n")),
        Err(error) => {
            let why = told.strip_prefix("refused: ").map(str::to_owned);
            let cause = why.unwrap_or_else(|| format!("{} cannot be forgotten: {error}", order.text));
            Err(Failure::new(Exit::Failed, cause, ADVICE))
        }
    }
}

/// The same without a mount.
fn here(settings: &Settings, order: &Order) -> Outcome<String> {
    let store = local::open(settings)?;
    let index = &store.index;
    // Files that changed since the last mount are forgotten as they are now.
    index.start();
    if !index.wait(false, LOOKED_AT) {
        return Err(Failure::new(Exit::TimedOut, "the sources are still being read", "mount it, and forget it there"));
    }
    let wanted = order.wanted(index).advise(ADVICE)?;
    if order.dry_run {
        return Ok(forget::listing(&index.would_forget(&wanted).advise(ADVICE)?));
    }
    let mut paths = forget::sources(index, &wanted).advise(ADVICE)?;
    let forgotten = index.forget_wanted(&wanted);
    paths.extend(forgotten.iter().flat_map(|forgotten| forgotten.changed.clone()));
    paths.iter().for_each(|path| store.answers.forget(path));
    store.generator.forget();
    Ok(format!("forgotten: {}\n", forget::summary(&forgotten.advise("run `echofs doctor`: it checks the disk")?)))
}

/// What was told, as JSON: of a dry run, lists by kind.
fn json(order: &Order, told: &str) -> serde_json::Value {
    let lines = || told.lines().filter_map(|line| line.split_once(": "));
    if !order.dry_run {
        let took = lines().next().map_or(told.trim(), |(_, took)| took);
        return serde_json::json!({"forgotten": order.text, "took": took});
    }
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    lines().for_each(|(kind, what)| kinds.entry(kind).or_default().push(what));
    serde_json::json!({"would_forget": kinds})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dry_run_is_lists_by_kind() {
        let order = Order { dry_run: true, kind: Kind::Named, text: "a" };
        let told = "document: /n/a: b.md\ndocument: /n/c.md\nfact: Oda is here\n";
        let want = r#"{"would_forget":{"document":["/n/a: b.md","/n/c.md"],"fact":["Oda is here"]}}"#;
        assert_eq!(json(&order, told).to_string(), want);
        let want = r#"{"forgotten":"a","took":"1 document"}"#;
        assert_eq!(json(&Order { dry_run: false, ..order }, "forgotten: 1 document\n").to_string(), want);
    }
}
