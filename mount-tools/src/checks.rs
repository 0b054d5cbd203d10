//! What `echofs doctor` looks at: the system, the data directory, the models.

use std::fs::File;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use echofs_inference::cpu::{self, Prober};
use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};

use crate::config::Settings;
use crate::doctor::Check;
use crate::models::{self, Kind, Presence, human};
use crate::record::{self, Record};
use crate::{engines, mountinfo, mountpoint};

/// Fewer watches than this run out in a home directory.
const WATCHES: u64 = 65_536;
const LITTLE_SPACE: u64 = 1_000_000_000;
const NO_SPACE: u64 = 50_000_000;
/// How long a reranker may take for one passage.
const RERANKING: Duration = Duration::from_secs(5);

/// Every check, in the order of a set-up.
pub fn all(settings: &Settings, deep: bool) -> Vec<Check> {
    let mut checks = vec![fuse(), fusermount(), landlock(), inotify(), processor(), pdf()];
    checks.extend([
        data(settings),
        space(settings),
        config(settings),
        journal(settings),
        conversations(settings),
        relationship(settings),
        mount(settings),
        stale_mounts(),
    ]);
    checks.push(embedding(settings));
    checks.extend(reranker(settings));
    checks.extend([language_model(settings), inference()]);
    checks.extend(fetched_models(settings, deep));
    checks
}

fn fuse() -> Check {
    match File::options().read(true).write(true).open("/dev/fuse") {
        Ok(_) => Check::ok("fuse", "/dev/fuse can be opened"),
        Err(error) => Check::fail(
            "fuse",
            format!("/dev/fuse: {error}"),
            "load the module (modprobe fuse), and be allowed to open it",
        ),
    }
}

fn fusermount() -> Check {
    const NAME: &str = "fusermount3";
    let root = rustix::process::geteuid().is_root();
    match on_path(NAME) {
        Some(path) => match path.metadata() {
            Ok(metadata) if root || metadata.uid() == 0 && metadata.permissions().mode() & 0o4000 != 0 => {
                Check::ok(NAME, path.display().to_string())
            }
            _ => {
                Check::fail(NAME, format!("{} is not setuid root", path.display()), "apt-get install --reinstall fuse3")
            }
        },
        None if root => Check::warn(NAME, "not installed; root can do without", "apt-get install fuse3"),
        None => Check::fail(NAME, "not installed", "apt-get install fuse3"),
    }
}

/// Whether this kernel can keep the process that reads untrusted files away from everything else.
fn landlock() -> Check {
    const NAME: &str = "landlock";
    let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    match ruleset.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create) {
        Ok(_) => Check::ok(NAME, "files are read in a sandbox"),
        Err(_) => Check::warn(
            NAME,
            "not in this kernel: files are read with resource limits alone",
            "boot a kernel (5.13 or newer) with landlock among its `lsm=` modules",
        ),
    }
}

fn inotify() -> Check {
    const NAME: &str = "inotify";
    let read = |name: &str| -> Option<u64> {
        std::fs::read_to_string(format!("/proc/sys/fs/inotify/{name}")).ok()?.trim().parse().ok()
    };
    match read("max_user_watches") {
        Some(watches) if watches >= WATCHES => Check::ok(NAME, format!("{watches} directories can be watched")),
        Some(watches) => Check::warn(
            NAME,
            format!("{watches} directories can be watched; larger sources are polled"),
            "sysctl fs.inotify.max_user_watches=524288",
        ),
        None => Check::warn(NAME, "not in this kernel: sources are polled", "use a kernel with inotify"),
    }
}

/// The instruction sets that decide how fast a language model runs.
fn processor() -> Check {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = text.lines().find(|line| line.starts_with("flags") || line.starts_with("Features")).unwrap_or_default();
    let known = ["asimd", "avx", "avx2", "fma", "avx512f", "avx512_vnni", "amx_int8"];
    let found: Vec<&str> =
        known.into_iter().filter(|name| flags.split_whitespace().any(|flag| flag == *name)).collect();
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    Check::ok(
        "processor",
        format!("{count} cores; {}", if found.is_empty() { "no vector units".into() } else { found.join(" ") }),
    )
}

fn pdf() -> Check {
    match on_path("pdftotext") {
        Some(path) => Check::ok("pdf", path.display().to_string()),
        None => {
            Check::warn("pdf", "pdftotext is missing: PDF files are read less well", "apt-get install poppler-utils")
        }
    }
}

fn data(settings: &Settings) -> Check {
    const NAME: &str = "data";
    let shown = settings.data.display();
    let metadata = match settings.data.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Check::ok(NAME, format!("{shown} will be made by the first mount"));
        }
        Err(error) => {
            return Check::fail(NAME, format!("{shown}: {error}"), "make it readable, or choose another --data DIR");
        }
    };
    let mode = metadata.permissions().mode() & 0o777;
    match () {
        () if !metadata.is_dir() => {
            Check::fail(NAME, format!("{shown} is not a directory"), "choose another --data DIR")
        }
        () if metadata.uid() != rustix::process::geteuid().as_raw() => {
            Check::fail(NAME, format!("{shown} belongs to another user"), "chown it, or choose another --data DIR")
        }
        () if mode & 0o077 != 0 => {
            Check::warn(NAME, format!("{shown} is open to others (mode {mode:o})"), format!("chmod 700 {shown}"))
        }
        () => Check::ok(NAME, format!("{shown}, yours alone")),
    }
}

fn space(settings: &Settings) -> Check {
    const NAME: &str = "space";
    let existing = settings.data.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let free = match rustix::fs::statvfs(existing) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => return Check::warn(NAME, format!("{}: {error}", existing.display()), "look at the disk with df"),
    };
    let text = format!("{} free at {}", human(free), existing.display());
    match free {
        0..NO_SPACE => Check::fail(NAME, text, "make room: nothing can be indexed"),
        NO_SPACE..LITTLE_SPACE => Check::warn(NAME, text, "make room before fetching models"),
        _ => Check::ok(NAME, text),
    }
}

fn config(settings: &Settings) -> Check {
    let path = settings.path();
    match path.exists() {
        true => Check::ok("config", path.display().to_string()),
        false => Check::ok("config", format!("no {}: defaults", path.display())),
    }
}

/// Every whole line of the journals must bear its sum.
fn journal(settings: &Settings) -> Check {
    const NAME: &str = "journal";
    let directory = settings.data.join("journal");
    let entries = std::fs::read_dir(&directory).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "jsonl"));
    let (mut lines, mut damaged) = (0, 0);
    for path in paths {
        match std::fs::read(&path) {
            Ok(bytes) => {
                let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(&bytes[..0], |end| &bytes[..end]);
                for line in whole.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
                    lines += 1;
                    damaged += usize::from(!bears_its_sum(line));
                }
            }
            Err(error) => return Check::fail(NAME, format!("{}: {error}", path.display()), "make it readable"),
        }
    }
    match damaged {
        0 => Check::ok(NAME, format!("{lines} entries, all whole")),
        _ => {
            let text = format!("{damaged} of {lines} entries in {} are damaged", directory.display());
            Check::fail(NAME, text, "copy the directory, then mount: damaged entries are put aside, the others kept")
        }
    }
}

/// Every turn of every conversation must bear its sum.
fn conversations(settings: &Settings) -> Check {
    const NAME: &str = "conversations";
    match echofs_indexer::conversations::check(&settings.data) {
        Err(error) => Check::fail(NAME, error.to_string(), "make it readable"),
        Ok((lines, None)) => Check::ok(NAME, format!("{lines} turns, all whole")),
        Ok((_, Some((path, line)))) => {
            let text = format!("{}:{line} is not the turn that was written", path.display());
            Check::fail(
                NAME,
                text,
                "copy the file, then append to it or mount: damaged turns are put aside, the others kept",
            )
        }
    }
}

/// Every line of the relationship log must name the one before it.
fn relationship(settings: &Settings) -> Check {
    const NAME: &str = "relationship";
    let path = echofs_indexer::relationship::log_path(&settings.data);
    match echofs_indexer::relationship::verify(&path) {
        Err(error) => Check::fail(NAME, format!("{}: {error}", path.display()), "make it readable"),
        Ok(Ok(lines)) => Check::ok(NAME, format!("{lines} entries, the chain is whole")),
        Ok(Err(broken)) => {
            let text = format!("{}:{}: {}", path.display(), broken.line, broken.why);
            Check::fail(NAME, text, "compare that line with a copy of yours; the log is never put right by itself")
        }
    }
}

/// `{"sum":"<start of the BLAKE3 digest of the entry>","entry":<entry>}`, as the index writes it.
fn bears_its_sum(line: &[u8]) -> bool {
    let Ok(line) = std::str::from_utf8(line) else { return false };
    let parts = line.strip_prefix("{\"sum\":\"").and_then(|rest| rest.strip_suffix('}'));
    let Some((sum, entry)) = parts.and_then(|rest| rest.split_once("\",\"entry\":")) else { return false };
    sum.len() == 16 && blake3::hash(entry.as_bytes()).to_hex().starts_with(sum)
}

fn mount(settings: &Settings) -> Check {
    const NAME: &str = "mount";
    match record::last(settings) {
        Some(record) if record.alive() && record::is_ours(&record.mountpoint) => {
            Check::ok(NAME, format!("on {} (process {})", record.mountpoint.display(), record.pid))
        }
        Some(record) if record.alive() => {
            let text = format!("process {} has lost its mount on {}", record.pid, record.mountpoint.display());
            Check::warn(NAME, text, format!("kill {}", record.pid))
        }
        Some(Record { mountpoint, .. }) => {
            Check::ok(NAME, format!("none now; the last was on {}", mountpoint.display()))
        }
        None => Check::ok(NAME, "none yet"),
    }
}

fn stale_mounts() -> Check {
    const NAME: &str = "stale mounts";
    let mounts = mountinfo::all().unwrap_or_default();
    let dead = |path: &PathBuf| mountpoint::is_dead(path).unwrap_or(false);
    let stale: Vec<PathBuf> = mounts.into_iter().map(|mount| mount.mountpoint).filter(dead).collect();
    match stale.first() {
        None => Check::ok(NAME, "none"),
        Some(path) => {
            let text = format!("{}: the process behind it has died", path.display());
            Check::warn(NAME, text, format!("mount there again, or: fusermount3 -uz {}", path.display()))
        }
    }
}

fn embedding(settings: &Settings) -> Check {
    const NAME: &str = "embedding";
    let (model, runtime) = engines::embedding_paths(settings);
    match echofs_embedder::Fastembed::open(&model, echofs_embedder::Options::new(runtime)) {
        Ok(_) => match engines::faster_embedding(settings) {
            None => Check::ok(NAME, format!("{}", model.display())),
            Some(faster) => {
                let text = format!("{}: {faster} would be twice as fast here", model.display());
                Check::warn(NAME, text, format!("echofs model pull {faster}"))
            }
        },
        Err(error) => Check::warn(NAME, format!("search is by words only: {error}"), "echofs model pull"),
    }
}

/// One that is named has to read something: that its files are there says little.
fn reranker(settings: &Settings) -> Option<Check> {
    const NAME: &str = "reranker";
    let reranking = engines::reranking(settings)?;
    let texts = ["The key hangs behind the door.".to_owned()];
    let told = reranking.judge("Where is the key?", &texts, RERANKING).told;
    let directory = settings.models.join(&told.model);
    Some(match told.error {
        None => Check::ok(NAME, format!("{}: it reads a passage", directory.display())),
        Some(error) => Check::warn(
            NAME,
            format!("evidence is in the order of the search: {error}"),
            format!(
                "put a cross-encoder into {}, or change `reranker` in {}",
                directory.display(),
                settings.path().display()
            ),
        ),
    })
}

fn language_model(settings: &Settings) -> Check {
    const NAME: &str = "language";
    match (engines::model_in_use(settings), settings.file.model.as_deref()) {
        (Some(path), _) => Check::ok(NAME, path.display().to_string()),
        (None, Some("none")) => Check::ok(NAME, "none, as configured: answers are the evidence"),
        (None, Some(name)) => Check::warn(
            NAME,
            format!("{name} is not there: answers are the evidence"),
            format!("echofs model pull {name}"),
        ),
        (None, None) => Check::warn(NAME, "no model: answers are the evidence", "echofs model pull"),
    }
}

/// The service must be there, and one of its builds of the CPU code must compute right on this processor.
fn inference() -> Check {
    const NAME: &str = "inference";
    let program = engines::sibling("echofs-inference");
    let Some(program) = program.is_absolute().then_some(program).or_else(|| on_path("echofs-inference")) else {
        return Check::warn(
            NAME,
            "echofs-inference is not installed: answers are the evidence",
            "put it beside echofs",
        );
    };
    let shown = program.display();
    let next = "install echofs-inference again, with the libggml files beside it";
    let Some(directory) = cpu::directory(&cpu::candidates(&program)) else {
        return Check::warn(NAME, format!("{shown} has no libraries: answers are the evidence"), next);
    };
    let prober = Prober { program: program.clone(), args: vec!["probe".into()] };
    match prober.choose(&directory, None) {
        Ok(variant) => Check::ok(NAME, format!("{shown}, CPU code {}", variant.name)),
        Err(error) => Check::warn(NAME, format!("{shown}: {error}"), next),
    }
}

/// Models that were fetched, with their size; with `deep` every byte is read.
fn fetched_models(settings: &Settings, deep: bool) -> Vec<Check> {
    let mut checks = Vec::new();
    for model in models::known(&settings.models) {
        let how = if deep { "digest as it should be" } else { "size as it should be" };
        match model.presence(&settings.models, deep) {
            Presence::There => checks.push(Check::ok("model", format!("{}: {how}", model.name))),
            Presence::Damaged => checks.push(Check::fail(
                "model",
                format!("{} is damaged", model.name),
                format!("echofs model pull --check {}", model.name),
            )),
            Presence::Missing if model.kind == Kind::Generation || !model.default => {}
            Presence::Missing => {
                checks.push(Check::warn("model", format!("{} is missing", model.name), "echofs model pull"))
            }
        }
    }
    checks
}

fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn an_open_data_directory_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings =
            Settings { data: dir.path().to_path_buf(), models: dir.path().join("m"), file: Default::default() };
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).expect("set");
        assert_eq!(data(&settings).state, State::Warn);
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).expect("set");
        assert_eq!(data(&settings).state, State::Ok);
    }

    #[test]
    fn a_changed_journal_is_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings =
            Settings { data: dir.path().to_path_buf(), models: dir.path().join("m"), file: Default::default() };
        std::fs::create_dir(dir.path().join("journal")).expect("made");
        let entry = r#"{"forget":"/n/a.md"}"#;
        let sum = &blake3::hash(entry.as_bytes()).to_hex()[..16];
        let line = format!("{{\"sum\":\"{sum}\",\"entry\":{entry}}}\n");
        let path = dir.path().join("journal/orders.jsonl");
        std::fs::write(&path, &line).expect("written");
        assert_eq!(journal(&settings), Check::ok("journal", "1 entries, all whole"));
        std::fs::write(&path, line.replace("a.md", "b.md")).expect("written");
        assert_eq!(journal(&settings).state, State::Fail);
    }

    #[test]
    fn a_reranker_that_is_named_has_to_be_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut settings =
            Settings { data: dir.path().to_path_buf(), models: dir.path().join("m"), file: Default::default() };
        for name in [None, Some("none")] {
            settings.file.reranker = name.map(str::to_owned);
            assert_eq!(reranker(&settings), None);
        }
        settings.file.reranker = Some("mine".into());
        let told = reranker(&settings).expect("it is named");
        assert!(told.state == State::Warn && told.text.contains("no model at "), "{told:?}");
        assert!(told.next.is_some_and(|next| next.contains("m/mine")));
    }

    #[test]
    fn whatever_is_not_well_comes_with_advice() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = Settings { data: dir.path().join("d"), models: dir.path().join("m"), file: Default::default() };
        for check in all(&settings, false) {
            assert_eq!(check.state == State::Ok, check.next.is_none(), "{check:?}");
        }
    }
}
