//! A store that is killed at any moment opens again and comes to hold what is on the disk.

mod store;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use echofs_embedder::Hashed;
use echofs_indexer::{Config, Index};
use store::{Place, found};

const DIRECTORY: &str = "ECHOFS_TEST_KILL";

/// The process that is killed: indexes until then.
#[test]
#[ignore = "started by the test below"]
fn child() {
    let Some(base) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let (data, src) = (base.join("data"), base.join("src"));
    let config = Config { data: data.clone(), sources: vec![src], excluded: vec![data], worker: Vec::new() };
    let index = Index::open(config, Some(Arc::new(Hashed::new(64)))).expect("the store opens after a kill");
    index.start();
    loop {
        std::thread::park();
    }
}

#[test]
fn killed_at_any_moment_it_heals() {
    let place = Place::new();
    let base = place.notes().parent().unwrap().to_owned();
    let mut text = std::collections::BTreeMap::new();
    for round in 0..12u64 {
        for n in (round * 7 % 5..60).step_by(1 + round as usize % 3) {
            let name = format!("{n}.md");
            if n % 11 == round % 11 && text.remove(&name).is_some() {
                std::fs::remove_file(place.path(&name)).unwrap();
                continue;
            }
            place.write(&name, &format!("round{round} note{n} common\n"));
            text.insert(name, round);
        }
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child", "--ignored"])
            .env(DIRECTORY, &base)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(30 + round * 53));
        assert!(child.try_wait().unwrap().is_none(), "the store ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let index = place.open(Some(Arc::new(Hashed::new(64))));
    assert_eq!(index.counts().documents, text.len());
    for (name, round) in &text {
        let number = name.trim_end_matches(".md");
        assert_eq!(found(&index, &format!("lex:(round{round} AND note{number})")), std::slice::from_ref(name));
    }
    assert_eq!(found(&index, "sem:common limit:100").len(), text.len());
}
