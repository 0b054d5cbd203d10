//! The extraction workers as processes: locked in, killed, hung, fed with hostile files.
//!
//! The test program is its own worker: with the argument `extract-worker` it serves jobs, among them some
//! that only exist here (see `jobs`).

mod hostile;
mod jobs;
mod life;
mod samples;

use std::path::{Path, PathBuf};

use echofs_indexer::Extracted;
use echofs_indexer::extract::{ExtractError, Extractor};
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    if std::env::args().nth(1).as_deref() == Some("extract-worker") {
        echofs_indexer::extract::worker_main_with(jobs::work);
    }
    let mut arguments = Arguments::from_args();
    // Descriptors and children of this process are counted.
    arguments.test_threads = Some(1);
    let trials = [life::trials(), hostile::trials()].into_iter().flatten().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok::<(), Failed>(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

type Test = (&'static str, fn());

/// A pool of this program's own workers.
fn pool(workers: usize) -> Extractor {
    let program = std::env::current_exe().expect("a path to this program");
    Extractor::new(vec![program.into(), "extract-worker".into()], workers)
}

/// Has a file of this name and content read.
fn read(pool: &Extractor, name: &str, bytes: impl Into<Vec<u8>>) -> Result<Extracted, ExtractError> {
    pool.extract(Path::new(name), bytes.into())
}

/// All files of the sample vault.
fn vault() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/vault")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a readable vault").flatten() {
            if entry.path().is_dir() { folders.push(entry.path()) } else { files.push(entry.path()) }
        }
    }
    files.sort();
    files
}
