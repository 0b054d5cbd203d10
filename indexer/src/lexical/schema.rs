//! The columns of the word index, and how they are kept.

use tantivy::IndexSettings;
use tantivy::schema::{BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions};
use tantivy::store::{Compressor, ZstdCompressor};

use crate::analyzer;

/// The columns of an entry.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    pub(super) serial: Field,
    /// Words of the passages.
    pub text: Field,
    /// Words of the title.
    pub title: Field,
    /// Words of tags and authors.
    pub keywords: Field,
    /// Words of the path below its source.
    pub path: Field,
    pub(super) stored: Field,
}

impl Fields {
    /// The fields that hold words.
    pub fn words(&self) -> [Field; 4] {
        [self.text, self.title, self.keywords, self.path]
    }
}

/// How the texts of the passages are kept: half of their size. A block is decompressed for each hit, so it is small.
pub fn settings() -> IndexSettings {
    let compression = Compressor::Zstd(ZstdCompressor { compression_level: Some(6) });
    IndexSettings { docstore_compression: compression, docstore_blocksize: 4_096, ..IndexSettings::default() }
}

/// The schema and its columns.
pub fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let indexing = TextFieldIndexing::default().set_tokenizer(analyzer::NAME).set_fieldnorms(false);
    let words = TextOptions::default()
        .set_indexing_options(indexing.set_index_option(IndexRecordOption::WithFreqsAndPositions));
    let fields = Fields {
        serial: builder.add_u64_field("serial", NumericOptions::default().set_indexed().set_fast()),
        text: builder.add_text_field("text", words.clone()),
        title: builder.add_text_field("title", words.clone()),
        keywords: builder.add_text_field("keywords", words.clone()),
        path: builder.add_text_field("path", words),
        stored: builder.add_bytes_field("stored", BytesOptions::default().set_stored()),
    };
    (builder.build(), fields)
}
