//! How long tantivy alone takes for the files below a directory: `plain DIR INDEX`.
//!
//! One thread reads and adds them, one indexes, path and text in two fields with positions, stemmed; one commit at the end. Prints
//! a JSON object.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use tantivy::schema::{IndexRecordOption, Schema, TextFieldIndexing, TextOptions};
use tantivy::{Index, doc};

const MEMORY: usize = 32 << 20;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, source, directory] = &arguments[..] else { panic!("plain DIR INDEX") };
    let begun = Instant::now();
    let mut builder = Schema::builder();
    let stemmed = TextFieldIndexing::default().set_tokenizer("en_stem");
    let stemmed = stemmed.set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let stored = TextOptions::default().set_indexing_options(stemmed).set_stored();
    let (path, text) = (builder.add_text_field("path", stored.clone()), builder.add_text_field("text", stored));
    fs::create_dir_all(directory).expect("a directory");
    let index = Index::create_in_dir(directory, builder.build()).expect("an index");
    let mut writer = index.writer_with_num_threads::<tantivy::TantivyDocument>(1, MEMORY).expect("a writer");
    let mut count = 0;
    let mut waiting: Vec<PathBuf> = vec![Path::new(source).to_owned()];
    while let Some(next) = waiting.pop() {
        if next.is_dir() {
            waiting.extend(fs::read_dir(&next).expect("a directory").map(|entry| entry.expect("an entry").path()));
        } else if let Ok(content) = fs::read_to_string(&next) {
            writer.add_document(doc!(path => next.to_string_lossy().as_ref(), text => content)).expect("added");
            count += 1;
        }
    }
    writer.commit().expect("committed");
    println!("{{\"documents\": {count}, \"seconds\": {:.3}}}", begun.elapsed().as_secs_f64());
}
