//! What the tree costs: system calls on a mount of EchoFS, on a FUSE filesystem that does nothing, and on tmpfs,
//! in turns within one run.
//!
//! `cargo bench --bench tree` prints a table; `cargo bench --bench tree -- --load` measures EchoFS again while
//! 10,000 files are indexed and a question is answered.

use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use fuser::{
    Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, InitFlags, KernelConfig,
    LockOwner, OpenFlags, ReplyAttr, ReplyData, ReplyDirectoryPlus, ReplyEntry, ReplyOpen, Request,
};
use rustix::fs::{AtFlags, CWD, StatxFlags};

/// Entries of the long directory.
const ENTRIES: u64 = 10_000;
/// Bytes of the settled file.
const SIZE: usize = 900;
const TTL: Duration = Duration::from_secs(1);

/// A filesystem that only replies: `long/` with links, and `file`.
struct Null;

impl Null {
    fn attr(ino: u64) -> FileAttr {
        let (kind, size) = match ino {
            1 | 2 => (FileType::Directory, 0),
            3 => (FileType::RegularFile, SIZE as u64),
            _ => (FileType::Symlink, 20),
        };
        FileAttr {
            ino: INodeNo(ino),
            size,
            blocks: 1,
            atime: SystemTime::UNIX_EPOCH,
            mtime: SystemTime::UNIX_EPOCH,
            ctime: SystemTime::UNIX_EPOCH,
            crtime: SystemTime::UNIX_EPOCH,
            kind,
            perm: 0o755,
            nlink: 1,
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        }
    }
}

impl Filesystem for Null {
    fn init(&mut self, _req: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        for flag in [InitFlags::FUSE_DO_READDIRPLUS, InitFlags::FUSE_CACHE_SYMLINKS] {
            config.add_capabilities(flag).map_err(|_| std::io::Error::other("an old kernel"))?;
        }
        Ok(())
    }
    fn lookup(&self, _req: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let number = || name.to_str()?.strip_prefix('n')?.strip_suffix(".md")?.parse::<u64>().ok();
        let ino = match (parent.0, name.to_str()) {
            (1, Some("long")) => Some(2),
            (1, Some("file")) => Some(3),
            (2, _) => number().map(|n| n + 10),
            _ => None,
        };
        match ino {
            Some(ino) => reply.entry(&TTL, &Null::attr(ino), Generation(0)),
            None => reply.error(Errno::ENOENT),
        }
    }
    fn getattr(&self, _req: &Request, ino: INodeNo, _fh: Option<FileHandle>, reply: ReplyAttr) {
        reply.attr(&TTL, &Null::attr(ino.0));
    }
    fn readlink(&self, _req: &Request, _ino: INodeNo, reply: ReplyData) {
        reply.data(b"/there/it/is/link.md");
    }
    fn open(&self, _req: &Request, _ino: INodeNo, _flags: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(1), FopenFlags::FOPEN_KEEP_CACHE | FopenFlags::FOPEN_NOFLUSH);
    }
    fn read(
        &self,
        _req: &Request,
        _ino: INodeNo,
        _fh: FileHandle,
        offset: u64,
        _size: u32,
        _flags: OpenFlags,
        _lock: Option<LockOwner>,
        reply: ReplyData,
    ) {
        reply.data(&[b'x'; SIZE][(offset as usize).min(SIZE)..]);
    }
    fn readdirplus(&self, _req: &Request, _ino: INodeNo, _fh: FileHandle, offset: u64, mut reply: ReplyDirectoryPlus) {
        for n in offset..ENTRIES {
            if reply.add(INodeNo(n + 10), n + 1, format!("n{n:05}.md"), &TTL, &Null::attr(n + 10), Generation(0)) {
                break;
            }
        }
        reply.ok();
    }
}

/// The places that are compared: a directory, its long directory, its file.
struct Place {
    name: &'static str,
    long: PathBuf,
    file: PathBuf,
}

/// A running EchoFS, unmounted at the end.
struct Echo {
    child: Child,
    mount: PathBuf,
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = Command::new(env!("CARGO_BIN_EXE_echofs")).arg("umount").arg(&self.mount).status();
        let _ = self.child.wait();
    }
}

fn mount_echofs(dir: &Path, model: &str) -> Echo {
    let mount = dir.join("echo");
    fs::create_dir_all(&mount).expect("a mount point");
    let mut command = Command::new(env!("CARGO_BIN_EXE_echofs"));
    command.arg("--data").arg(dir.join("data")).arg("mount").arg(&mount).arg("--source").arg(dir.join("vault"));
    command.args(["--foreground", "--model", model]).stdin(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().expect("echofs starts");
    let echo = Echo { child, mount };
    wait_until(|| echo.mount.join(".echo/status.json").exists());
    echo
}

fn wait_until(mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(300);
    while !condition() {
        assert!(Instant::now() < end, "this takes too long");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn write_vault(vault: &Path, count: u64) {
    fs::create_dir_all(vault).expect("a vault");
    let words =
        ["harbour", "lantern", "barley", "quartz", "violin", "meadow", "anchor", "saffron", "timber", "glacier"];
    for n in 0..count {
        let word = |k: u64| words[((n * 31 + k * 17 + n / 7) % 10) as usize];
        let body: String = (0..60).map(|k| format!("{} {} ", word(k), n * 7 + k)).collect();
        fs::write(vault.join(format!("n{n:05}.md")), format!("# Note {n}\n\n{body}\n")).expect("a note");
    }
}

/// Calls `operation` `count` times; the time of each in microseconds, sorted.
fn times(count: usize, mut operation: impl FnMut()) -> Vec<f64> {
    let mut all: Vec<f64> = (0..count)
        .map(|_| {
            let begun = Instant::now();
            operation();
            begun.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all
}

type Operation = (&'static str, usize, fn(&Place));

const OPERATIONS: [Operation; 4] = [
    ("getattr (round trip)", 4000, |place| {
        rustix::fs::statx(CWD, &place.long, AtFlags::STATX_FORCE_SYNC, StatxFlags::BASIC_STATS).expect("statx");
    }),
    ("stat, cached", 4000, |place| {
        fs::symlink_metadata(&place.long).expect("stat");
    }),
    ("ls -l of 10,000 entries", 6, |place| {
        let mut seen = 0;
        for entry in fs::read_dir(&place.long).expect("a directory") {
            entry.expect("an entry").metadata().expect("metadata");
            seen += 1;
        }
        assert_eq!(seen, ENTRIES);
    }),
    ("open, read, close", 3000, |place| {
        assert!(fs::read(&place.file).expect("readable").len() > 100);
    }),
];

fn at(sorted: &[f64], share: f64) -> f64 {
    sorted[((sorted.len() as f64 * share) as usize).min(sorted.len() - 1)]
}

fn measure(places: &[Place], rounds: usize) {
    println!("| operation | place | p50 us | p99 us | p50 / null |\n|---|---|---|---|---|");
    for (name, count, operation) in OPERATIONS {
        let mut all = vec![Vec::new(); places.len()];
        for _ in 0..rounds {
            for (place, times_of) in places.iter().zip(&mut all) {
                times_of.extend(times(count / rounds.min(count), || operation(place)));
            }
        }
        all.iter_mut().for_each(|times| times.sort_by(f64::total_cmp));
        for (place, times) in places.iter().zip(&all) {
            println!(
                "| {name} | {} | {:.1} | {:.1} | {:.2} |",
                place.name,
                at(times, 0.5),
                at(times, 0.99),
                at(times, 0.5) / at(&all[0], 0.5)
            );
        }
    }
}

fn under_load(dir: &Path, echo: &Echo, place: &Place) {
    write_vault(&dir.join("vault/more"), ENTRIES);
    let question = echo.mount.join("ask/what do the notes say about the harbour lantern and the barley?");
    let asking = std::thread::spawn(move || fs::read(question).map(|answer| answer.len()));
    let pending =
        || fs::read_to_string(echo.mount.join(".echo/status.json")).is_ok_and(|text| !text.contains("\"pending\": 0,"));
    let mut all: Vec<Vec<f64>> = vec![Vec::new(); OPERATIONS.len()];
    let begun = Instant::now();
    while (pending() || !asking.is_finished()) && begun.elapsed() < Duration::from_secs(60) {
        for ((name, _, operation), times_of) in OPERATIONS.iter().zip(&mut all) {
            if !name.starts_with("ls -l of") {
                times_of.extend(times(50, || operation(place)));
            }
        }
    }
    println!("\nWhile 10,000 files are indexed and a question is answered ({:.1} s):\n", begun.elapsed().as_secs_f64());
    println!("| operation | samples | p50 us | p99 us | max us |\n|---|---|---|---|---|");
    for ((name, _, _), times) in OPERATIONS.iter().zip(&mut all) {
        times.sort_by(f64::total_cmp);
        if let Some(max) = times.last() {
            println!("| {name} | {} | {:.1} | {:.1} | {max:.1} |", times.len(), at(times, 0.5), at(times, 0.99));
        }
    }
    println!("\nThe answer: {:?} bytes.", asking.join().expect("a thread"));
}

fn main() {
    let load = std::env::args().any(|argument| argument == "--load");
    let model = std::env::var("ECHOFS_BENCH_MODEL").unwrap_or_else(|_| "smollm2-135m-q4_1".into());
    let dir = tempfile::tempdir().expect("a directory");
    write_vault(&dir.path().join("vault"), ENTRIES);
    let echo = mount_echofs(dir.path(), &model);
    let waited = Command::new(env!("CARGO_BIN_EXE_echofs"))
        .arg("wait")
        .arg(&echo.mount)
        .args(["--lexical", "--timeout", "300"])
        .status();
    assert!(waited.expect("echofs starts").success(), "not indexed in time");

    let null = dir.path().join("null");
    fs::create_dir(&null).expect("a mount point");
    let _null = fuser::spawn_mount(Null, &null, &fuser::Config::default()).expect("mounted");

    let shm = tempfile::tempdir_in("/dev/shm").expect("tmpfs");
    fs::create_dir(shm.path().join("long")).expect("a directory");
    (0..ENTRIES)
        .for_each(|n| symlink("/there/it/is/link.md", shm.path().join(format!("long/n{n:05}.md"))).expect("a link"));
    fs::File::create(shm.path().join("file")).and_then(|mut file| file.write_all(&[b'x'; SIZE])).expect("a file");

    let places = [
        Place { name: "null", long: null.join("long"), file: null.join("file") },
        Place { name: "EchoFS", long: echo.mount.join("knowledge/by-type/md"), file: echo.mount.join("README.md") },
        Place { name: "tmpfs", long: shm.path().join("long"), file: shm.path().join("file") },
    ];
    measure(&places, 3);
    if load {
        under_load(dir.path(), &echo, &places[1]);
    }
}
