//! Everything that a mount has but the mount, for tests.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use echofs_indexer::{Config, Index};
use echofs_inference::Generator;

use crate::answer::Answers;
use crate::real::RealNode;
use crate::tree::Context;

/// Over the files in `src` in a directory, by words, with an index that was just started.
pub fn open(dir: &Path, model: Arc<dyn Generator>) -> Context {
    let (data, notes) = (dir.join("data"), dir.join("data/notes"));
    let config = Config { data, sources: vec![dir.join("src")], excluded: Vec::new(), worker: Vec::new() };
    let index = Index::open(config, None).expect("an index");
    index.start();
    let answers = Answers::open(index.clone(), model.clone(), dir.join("answers")).expect("answers");
    fs::create_dir_all(&notes).expect("a directory");
    let notes = RealNode::root(&notes).expect("a directory");
    Context::new(index, answers, model, notes, dir.join("mount"), String::new())
}
