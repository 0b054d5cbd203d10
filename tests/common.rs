//! A running EchoFS in a temporary directory, unmounted when it goes out of scope.
//!
//! Every wait here polls with a deadline; nothing sleeps for a fixed time.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// How long anything may take before a test gives up: long, as facts and topics give way to all that runs, other tests too.
pub const DEADLINE: Duration = Duration::from_secs(240);

/// The built `echofs` program.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_echofs"))
}

/// The models of this machine.
pub fn shared_models() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let data = || variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
    variable("ECHOFS_MODELS").or_else(|| Some(data()?.join("echofs/models"))).expect("a place for models")
}

/// Asks `condition` every few milliseconds until it holds; says `what` when `deadline` has passed before.
pub fn until(what: &str, deadline: Duration, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + deadline;
    while !condition() {
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Files below `root` in which the bytes of `needle` stand.
pub fn holding(root: &Path, needle: &str) -> Vec<String> {
    let out = Command::new("grep").args(["-rlaF", needle]).arg(root).output().expect("grep starts");
    String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
}

/// Files below `root` in which `needle` stands in text that is compressed (zstd), as that of the word index is.
pub fn compressed(root: &Path, needle: &str) -> Vec<String> {
    let holds = |text: Vec<u8>| text.windows(needle.len()).any(|part| part == needle.as_bytes());
    let files = all_below(root).into_iter();
    let found = files.filter(|path| frames(&std::fs::read(path).unwrap_or_default()).any(holds));
    found.map(|path| path.to_string_lossy().into_owned()).collect()
}

/// `root` and everything below it, directories too.
pub fn all_below(root: &Path) -> Vec<PathBuf> {
    let mut all = vec![root.to_owned()];
    let mut next = 0;
    while let Some(path) = all.get(next).cloned() {
        next += 1;
        if path.is_dir() && !path.is_symlink() {
            all.extend(std::fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
        }
    }
    all
}

/// The texts of all zstd frames in these bytes.
fn frames(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let magic = 0xfd2f_b528_u32.to_le_bytes();
    let starts = bytes.windows(magic.len()).enumerate().filter(move |(_, part)| **part == magic);
    starts.filter_map(|(at, _)| {
        let mut text = Vec::new();
        let mut frame = zstd::Decoder::new(&bytes[at..]).ok()?.single_frame();
        std::io::Read::read_to_end(&mut frame, &mut text).ok()?;
        Some(text)
    })
}

/// A vault, a data directory and a mount point, with or without a mount.
pub struct Session {
    dir: TempDir,
    options: Vec<String>,
    child: Option<Child>,
}

impl Session {
    /// The directories with `files` (path in the vault, content) in the vault; nothing is mounted yet.
    pub fn unmounted(files: &[(&str, &str)]) -> Session {
        let dir = tempfile::Builder::new().prefix("echofs-test-").tempdir().expect("a temporary directory");
        let session = Session { dir, options: Vec::new(), child: None };
        for part in ["vault", "mount", "config"] {
            std::fs::create_dir(session.dir.path().join(part)).expect("a directory");
        }
        for (path, content) in files {
            session.write(path, content);
        }
        session
    }

    /// The same, mounted and indexed by words.
    pub fn with(files: &[(&str, &str)]) -> Session {
        let mut session = Session::unmounted(files);
        session.mount();
        session.wait_for_words();
        session
    }

    /// The sample vault, mounted and indexed by words.
    pub fn sample(options: &[&str]) -> Session {
        let mut session = Session::unmounted(&[]).options(options);
        let vault = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vault/.");
        let copied = Command::new("cp").arg("-r").arg(vault).arg(session.vault()).status().expect("cp starts");
        assert!(copied.success());
        session.mount();
        session.wait_for_words();
        session
    }

    /// More options for `echofs mount`, from the next [`mount`](Session::mount) on.
    pub fn options(mut self, options: &[&str]) -> Session {
        self.options.extend(options.iter().map(ToString::to_string));
        self
    }

    /// Starts `echofs mount --foreground` and waits until the mount answers.
    pub fn mount(&mut self) {
        assert!(self.child.is_none(), "already mounted");
        let log = File::create(self.dir.path().join("mount.log")).expect("a log file");
        let mut command = self.command();
        command.arg("mount").arg(self.mountpoint()).arg("--source").arg(self.vault()).arg("--foreground");
        command.args(&self.options).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.child = Some(command.spawn().expect("echofs starts"));
        let end = Instant::now() + DEADLINE;
        while !self.mountpoint().join(".echo/status.json").exists() {
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(ended.is_none(), "echofs mount ended with {ended:?}: {}", self.log());
            assert!(Instant::now() < end, "the mount does not answer: {}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Unmounts and waits until the process has ended; its exit must be clean.
    pub fn unmount(&mut self) {
        let done = self.run(["umount".as_ref(), self.mountpoint().as_os_str()]);
        assert!(done.status.success(), "echofs umount: {}", String::from_utf8_lossy(&done.stderr));
        assert!(self.ended().success(), "echofs mount ended badly: {}", self.log());
    }

    /// Waits until the mount process has ended by itself.
    pub fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("mounted");
        let mut status = None;
        until("echofs mount ends", DEADLINE, || {
            status = child.try_wait().expect("a child of ours");
            status.is_some()
        });
        status.expect("ended")
    }

    /// Kills the mount process at once, as a power cut would.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("mounted");
        child.kill().expect("a child of ours");
        child.wait().expect("a child of ours");
    }

    /// Waits until everything is found by words.
    pub fn wait_for_words(&self) {
        self.wait(&["--lexical"]);
    }

    /// Waits until everything is found by words and by meaning.
    pub fn wait_for_meaning(&self) {
        self.wait(&[]);
    }

    /// Waits until everything that is made of the documents in the background is made: facts and topics.
    pub fn wait_for_the_rest(&self) {
        let none = |what: &str| self.status()[what] == 0;
        until("facts and topics are made", DEADLINE, || none("pending_facts") && none("pending_topics"));
    }

    fn wait(&self, options: &[&str]) {
        let mut command = self.command();
        command.arg("wait").arg(self.mountpoint()).args(["--timeout", "240"]).args(options);
        let done = command.output().expect("echofs starts");
        assert!(done.status.success(), "echofs wait: {}{}", String::from_utf8_lossy(&done.stderr), self.log());
    }

    /// `echofs` with this session's data directory and an empty configuration.
    pub fn command(&self) -> Command {
        let mut command = Command::new(program());
        command.env("XDG_CONFIG_HOME", self.dir.path().join("config")).arg("--data").arg(self.data());
        command
    }

    /// Runs `echofs` with these arguments to its end.
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.command().args(arguments).stdin(Stdio::null()).output().expect("echofs starts")
    }

    /// Writes a file of the vault, with the directories above it.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.vault().join(path);
        std::fs::create_dir_all(path.parent().expect("inside the vault")).expect("directories");
        std::fs::write(path, content).expect("a file of the vault");
    }

    /// Where the source files are.
    pub fn vault(&self) -> PathBuf {
        self.dir.path().join("vault")
    }

    /// The data directory.
    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The mount point.
    pub fn mountpoint(&self) -> PathBuf {
        self.dir.path().join("mount")
    }

    /// A path in the mount.
    pub fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.mountpoint().join(path)
    }

    /// Runs a shell command in the mount to its end, in the C locale.
    pub fn shell(&self, line: &str) -> Output {
        let mut command = Command::new("bash");
        command.args(["-c", line]).current_dir(self.mountpoint()).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        command.output().expect("bash starts")
    }

    /// Paths of the hits of a query, best first.
    pub fn hits(&self, query: &str) -> Vec<String> {
        let lines = self.read(format!("search/{}/results.jsonl", query.replace('%', "%25").replace('/', "%2F")));
        let path = |line: &str| {
            serde_json::from_str::<serde_json::Value>(line).expect("JSON")["path"].as_str().map(str::to_owned)
        };
        lines.lines().filter_map(path).collect()
    }

    /// Processes that the mount process started, with their command lines.
    pub fn children(&self) -> Vec<(u32, String)> {
        let mut all = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", self.pid())).expect("tasks").flatten() {
            let pids = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(pids.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
        let line = |pid: u32| {
            Some((
                pid,
                String::from_utf8_lossy(&std::fs::read(format!("/proc/{pid}/cmdline")).ok()?).replace('\0', " "),
            ))
        };
        all.into_iter().filter_map(line).collect()
    }

    /// The process of the language model.
    pub fn engine(&self) -> Option<rustix::process::Pid> {
        let (pid, _) = self.children().into_iter().find(|(_, line)| line.contains("echofs-inference"))?;
        rustix::process::Pid::from_raw(i32::try_from(pid).ok()?)
    }

    /// Reads a file of the mount as text.
    pub fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.at(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Names in a directory of the mount, sorted.
    pub fn list(&self, path: impl AsRef<Path>) -> Vec<String> {
        let path = self.at(path);
        let entries = std::fs::read_dir(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    /// `.echo/status.json`.
    pub fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.read(".echo/status.json")).expect("status.json is JSON")
    }

    /// Process id of the mount.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("mounted").id()
    }

    /// What the mount process has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("mount.log")).unwrap_or_default()
    }
}

impl Drop for Session {
    /// Leaves nothing mounted and no process behind, also when a test fails.
    fn drop(&mut self) {
        let mounted = || is_mounted(&self.mountpoint());
        if mounted() {
            let lazily = if rustix::process::getuid().is_root() { ["umount", "-l"] } else { ["fusermount3", "-uz"] };
            let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
            let _ = quiet(Command::new(lazily[0]).arg(lazily[1]).arg(self.mountpoint()));
        }
        if let Some(child) = &mut self.child {
            let end = Instant::now() + Duration::from_secs(10);
            while Instant::now() < end && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Whether something is mounted exactly there.
pub fn is_mounted(path: &Path) -> bool {
    let text = std::fs::read_to_string("/proc/self/mountinfo").expect("mountinfo");
    text.lines().any(|line| line.split(' ').nth(4) == path.to_str())
}
