//! Queries of an index.

use std::path::Path;
use std::sync::Arc;

use echofs_query_lang::Query;

use super::Index;
use crate::ranking::Ranking;
use crate::search::{self, Searcher};
use crate::{Error, Results, rerank, stated};

impl Index {
    /// Runs a query.
    ///
    /// # Errors
    /// [`Error::Semantic`] when only meaning was asked for and it is not available; I/O errors of the indexes.
    pub fn search(&self, query: &Query) -> Result<Results, Error> {
        self.search_with(query, &self.ranking)
    }

    /// The same with other weights, to measure them.
    ///
    /// # Errors
    /// As [`search`](Index::search).
    pub fn search_with(&self, query: &Query, ranking: &Ranking) -> Result<Results, Error> {
        let wide = rerank::widened(query);
        let mut results = self.results(ranking, |searcher| searcher.search(&wide, None))?;
        stated::show(&mut results, query, &self.facts());
        rerank::show(&mut results, query, self.reranking());
        Ok(results)
    }

    /// Runs a query for what is like the document at `path`, which begins as [`Query::like`]; the document itself is left out.
    ///
    /// # Errors
    /// [`Error::Unknown`] when the document is not indexed, else as [`search`](Index::search).
    pub fn similar(&self, path: &Path, query: &Query) -> Result<Results, Error> {
        let unknown = || Error::Unknown(path.to_owned());
        let record = self.record(path).ok_or_else(unknown)?;
        let serial = record.content.as_ref().ok_or_else(unknown)?.serial;
        let wide = rerank::widened(query);
        let mut results = self.results(&self.ranking, |searcher| searcher.search(&wide, Some(serial)))?;
        rerank::show(&mut results, query, self.reranking());
        Ok(results)
    }

    fn results(
        &self,
        ranking: &Ranking,
        run: impl FnOnce(&Searcher) -> Result<Results, Error>,
    ) -> Result<Results, Error> {
        let epoch = self.epoch();
        let mut results = self.searching(ranking, run)?;
        results.epoch = epoch;
        results.explain.pending_semantic = self.shared.counts().pending_semantic;
        Ok(results)
    }

    pub(super) fn searching<R>(
        &self,
        ranking: &Ranking,
        run: impl FnOnce(&Searcher) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let (snapshot, facts) = (self.shared.snapshot(), self.shared.facts());
        let embed = |text: &str| self.query_vector(text);
        let searcher = Searcher {
            snapshot: &snapshot,
            vectors: &self.shared.vectors,
            embed: self.shared.embedder.as_ref().map(|_| &embed as &dyn Fn(&str) -> _),
            sources: &self.shared.sources,
            topics: self.shared.topics(),
            facts: &facts,
            ranking,
        };
        run(&searcher)
    }

    /// A query's vector; kept, since a query is run again whenever the index changes.
    fn query_vector(&self, text: &str) -> Result<Arc<Vec<f32>>, Error> {
        if let Some(vector) = self.queries.get(text) {
            return Ok(vector);
        }
        let embedder = self.shared.embedder.as_ref().ok_or_else(|| Error::Semantic("there is no model".into()))?;
        let vector = search::embed_query(&**embedder, text)?;
        self.queries.insert(text.to_owned(), vector.clone());
        Ok(vector)
    }
}
