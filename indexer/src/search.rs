//! A query, carried out: what ranks, what filters, both engines, one order, the best passage of each hit.

use std::sync::Arc;
use std::time::Instant;

use echofs_embedder::Embedder;
use echofs_query_lang::{Query, Sort};

use crate::bits::Bits;
use crate::bm25::{COUNTED, Needed, Scorer, Scores};
use crate::copies::{self, Folded};
use crate::facts::Facts;
use crate::filter::{Filter, Meaning};
use crate::fuse::{self, Fusion};
use crate::order::{NEAR, best_needed, least, limit, sort_by, sorts_all};
use crate::plan::Plan;
use crate::ranking::Ranking;
use crate::record::{Record, Serial};
use crate::shared::read;
use crate::snapshot::Snapshot;
use crate::topics::Topics;
use crate::vectors::{Nearest, Quantised, Vectors};
use crate::{Error, Explain, Hit, Results, Source, Stage, Why, WordUse, likeness, near, passages};

/// The documents that words put first, whose meaning is compared even where an approximate search passes them by.
const COMPARED: usize = 1_000;

/// Turns a query to a vector.
pub type Embed<'a> = dyn Fn(&str) -> Result<Arc<Vec<f32>>, Error> + 'a;

/// What a search needs of the store.
pub struct Searcher<'a> {
    /// Records and words.
    pub snapshot: &'a Snapshot,
    /// Passages by meaning.
    pub vectors: &'a std::sync::RwLock<Vectors>,
    /// Turns the query to a vector; `None` without a model.
    pub embed: Option<&'a Embed<'a>>,
    /// For paths and places.
    pub sources: &'a [Source],
    /// For `topic:`.
    pub topics: Arc<Topics>,
    /// What the documents state.
    pub facts: &'a Facts,
    /// The weights.
    pub ranking: &'a Ranking,
}

impl Searcher<'_> {
    /// Carries out `query`; documents in `without` are left out.
    ///
    /// # Errors
    /// [`Error::Semantic`] when only meaning ranks and it is not available; I/O errors of the index.
    pub fn search(&self, query: &Query, without: Option<Serial>) -> Result<Results, Error> {
        let plan = Plan::new(query, &self.snapshot.words, self.ranking)?;
        self.carry_out(query, plan, without)
    }

    /// The same with what ranks already known.
    ///
    /// # Errors
    /// As [`search`](Searcher::search).
    pub fn carry_out(&self, query: &Query, mut plan: Plan, without: Option<Serial>) -> Result<Results, Error> {
        let started = Instant::now();
        let table = &*self.snapshot.table;
        let mut explain = Explain { documents: table.totals().documents, ..Explain::default() };
        let by_likeness = !plan.like.is_empty();
        let mut vector = self.likeness(&mut plan, &mut explain)?;
        let mut allowed = self.allowed(query, without, &mut explain)?;
        if !plan.ranks() {
            if by_likeness {
                // What is like a document that is not there is nothing, and not everything.
                allowed = Bits::none(table.serials());
            }
            return self.listed(query, &allowed, explain, started);
        }
        let filtered = explain.passed.is_some().then_some(&allowed);
        let scorer = self.scorer(&plan, &allowed);
        let best = best_needed(query, filtered.is_some());
        let mut needed = Needed { best, left: COMPARED, telling: plan.telling(), counted: COUNTED };
        let mut lexical = self.by_words(&scorer, needed, &mut explain)?;
        self.add_meaning(&plan, lexical.is_some(), &mut vector, &mut explain)?;
        let wanted = lexical.as_ref().map_or_else(Vec::new, best_by_words);
        let semantic = vector.as_deref().map(|vector| self.by_meaning(vector, &allowed, &wanted, &mut explain));
        let nearest = semantic.as_ref().map(|s| &s.1);
        explain.lexical_weight = fuse::weight(lexical.is_some(), semantic.is_some(), self.ranking);
        let fusing = Instant::now();
        loop {
            if let Some(lexical) = &mut lexical {
                complete(&scorer, lexical, nearest, needed, filtered)?;
            }
            let mut fusion = Fusion::new(lexical.as_ref(), nearest, needed, filtered, self.ranking);
            self.add_nearness(&plan, lexical.as_ref(), &mut fusion)?;
            let folded = self.in_order(query, filtered.is_some(), &mut fusion);
            // Too few without copies: all others are needed too.
            if folded.len() < limit(query) && fusion.is_partial() {
                needed.best = usize::MAX;
                lexical = self.by_words(&scorer, needed, &mut explain)?;
                continue;
            }
            let found =
                Found { plan: &plan, lexical: lexical.as_ref(), semantic: semantic.as_ref(), fusion: Some(&fusion) };
            explain.folded = folded.iter().map(|document| document.copies.len()).sum();
            let hits = self.hits(&folded, &found)?;
            (explain.fuse_time, explain.total_time) = (fusing.elapsed(), started.elapsed());
            return Ok(Results { hits, epoch: 0, explain });
        }
    }

    fn scorer<'s>(&'s self, plan: &'s Plan, allowed: &'s Bits) -> Scorer<'s> {
        let Snapshot { table, words } = self.snapshot;
        Scorer { words, table, allowed, groups: &plan.groups, ranking: self.ranking }
    }

    /// Every document that `query` lets through, in no order.
    ///
    /// # Errors
    /// [`Error::Vague`] when a part of it cannot be told, or nothing is required; I/O errors of the index.
    pub fn all_of(&self, query: &Query) -> Result<Vec<Arc<Record>>, Error> {
        let mut explain = Explain::default();
        let allowed = self.allowed(query, None, &mut explain)?;
        match explain.ignored.into_iter().next() {
            Some(ignored) => Err(Error::Vague(ignored)),
            None if explain.passed.is_none() => Err(Error::Vague("the query requires nothing".into())),
            None => Ok(allowed.iter().filter_map(|serial| self.snapshot.table.by_serial(serial).cloned()).collect()),
        }
    }

    /// Looks at the positions of the query's words in the best documents.
    fn add_nearness(&self, plan: &Plan, lexical: Option<&Scores>, fusion: &mut Fusion) -> Result<(), Error> {
        // The words that stand for a document are in no order.
        let Some(lexical) = lexical.filter(|_| plan.like.is_empty()) else { return Ok(()) };
        let telling = plan.telling();
        let best = fusion.best(NEAR).iter().map(|(serial, _)| *serial);
        let best: Vec<Serial> = best.filter(|s| (lexical.matched(*s) & telling).count_ones() > 1).collect();
        let weights: Vec<f32> = lexical.words.iter().map(|word| word.weight).collect();
        let near = near::closeness(&self.snapshot.words, &plan.groups, &weights, telling, &best)?;
        fusion.add_near(best.into_iter().zip(near.into_iter().map(|near| self.ranking.near * near)).collect());
        Ok(())
    }

    /// The documents in the order that is asked for, copies folded, as many as are asked for.
    fn in_order(&self, query: &Query, is_filtered: bool, fusion: &mut Fusion) -> Vec<Folded> {
        let table = &*self.snapshot.table;
        let limit = limit(query);
        let mut wanted = if sorts_all(query, is_filtered) { table.serials() } else { least(query) };
        loop {
            let mut ordered = fusion.best(wanted).to_vec();
            let is_all = ordered.len() < wanted;
            sort_by(query.sort, table, &mut ordered, usize::MAX);
            let folded = copies::fold_copies(&ordered, table, limit, &|a, b| self.say_the_same(a, b));
            if folded.len() == limit || is_all {
                return folded;
            }
            wanted *= 2;
        }
    }

    fn say_the_same(&self, a: Serial, b: Serial) -> bool {
        let words = &self.snapshot.words;
        let entry = |serial| words.address(serial).and_then(|address| words.entry(address).ok());
        entry(a).zip(entry(b)).is_some_and(|(a, b)| copies::say_the_same(&a, &b))
    }

    fn allowed(&self, query: &Query, without: Option<Serial>, explain: &mut Explain) -> Result<Bits, Error> {
        let started = Instant::now();
        let Snapshot { table, words } = self.snapshot;
        let (sources, topics, facts) = (self.sources, &*self.topics, self.facts);
        let mut filter = Filter { words, table, sources, topics, facts, ignored: Vec::new(), used: Vec::new() };
        let meaning = query.root.as_ref().map_or(Ok(Meaning::Free), |root| filter.evaluate_each(root))?;
        let mut allowed = match meaning {
            Meaning::Set(set) => {
                explain.passed = Some(set.count());
                set
            }
            Meaning::Free | Meaning::Unknown => filter.everything(),
        };
        if let Some(serial) = without {
            let mut one = Bits::none(table.serials());
            one.insert(serial);
            allowed.subtract(&one);
        }
        explain.ignored.append(&mut filter.ignored);
        explain.filters.append(&mut filter.used);
        explain.filter_time = started.elapsed();
        Ok(allowed)
    }

    fn by_words(&self, scorer: &Scorer, needed: Needed, explain: &mut Explain) -> Result<Option<Scores>, Error> {
        if scorer.groups.is_empty() {
            return Ok(None);
        }
        let started = Instant::now();
        let scores = scorer.score(needed)?;
        explain.words = scorer
            .groups
            .iter()
            .zip(&scores.words)
            .enumerate()
            .map(|(number, (group, weighed))| WordUse {
                word: group.word.clone(),
                forms: group.forms.iter().map(|(form, _)| form.clone()).collect(),
                documents: weighed.held,
                estimated: weighed.estimated,
                corrected: group.corrected,
                put_off: scores.is_put_off(number),
            })
            .collect();
        explain.lexical = Stage { method: "bm25", candidates: scores.count(), time: started.elapsed() };
        Ok(Some(scores))
    }

    /// The vectors of the documents that others are to be like, and their words.
    fn likeness(&self, plan: &mut Plan, explain: &mut Explain) -> Result<Option<Vec<f32>>, Error> {
        let mut sum: Option<Vec<f32>> = None;
        for path in std::mem::take(&mut plan.like) {
            let Some(record) = likeness::find(&self.snapshot.table, &path, self.sources) else {
                explain.ignored.push(format!("like:\"{}\": it is not in the index", path.display()));
                continue;
            };
            let vector = likeness::add_to(plan, self.snapshot, self.vectors, record)?;
            sum = likeness::plus(sum, vector);
            plan.like.push(path);
        }
        Ok(sum)
    }

    /// Adds the vector of the text whose meaning is asked for. Where words rank too, they do so alone if there is no model.
    fn add_meaning(
        &self,
        plan: &Plan,
        words_rank: bool,
        vector: &mut Option<Vec<f32>>,
        explain: &mut Explain,
    ) -> Result<(), Error> {
        let started = Instant::now();
        let text = plan.meaning.trim();
        if text.is_empty() {
            return Ok(());
        }
        explain.meaning = text.to_owned();
        let no_model = || Error::Semantic("there is no embedding model".into());
        match self.embed.ok_or_else(no_model).and_then(|embed| embed(text)) {
            Ok(new) => *vector = likeness::plus(vector.take(), Some(new.to_vec())),
            Err(e) if !words_rank && vector.is_none() => return Err(e),
            Err(e) => explain.semantic_error = Some(e.to_string()),
        }
        explain.semantic.time = started.elapsed();
        Ok(())
    }

    fn by_meaning(
        &self,
        vector: &[f32],
        allowed: &Bits,
        wanted: &[Serial],
        explain: &mut Explain,
    ) -> (Quantised, Nearest) {
        let started = Instant::now();
        let query = Quantised::new(&likeness::unit(vector));
        let vectors = read(self.vectors);
        let nearest = vectors.nearest(&query, allowed, self.snapshot.table.serials(), wanted);
        drop(vectors);
        let time = explain.semantic.time + started.elapsed();
        explain.semantic = Stage { method: nearest.method, candidates: nearest.found.len(), time };
        (query, nearest)
    }

    /// Without anything that ranks: the newest first, unless another order is asked for.
    fn listed(&self, query: &Query, allowed: &Bits, mut explain: Explain, started: Instant) -> Result<Results, Error> {
        let mut all: Vec<(Serial, f32)> = allowed.iter().map(|serial| (serial, 0.0)).collect();
        let sort = if query.sort.is_best_first() { Sort::Date } else { query.sort };
        sort_by(sort, &self.snapshot.table, &mut all, limit(query));
        let alone = |&(serial, score): &(Serial, f32)| Folded { serial, score, copies: Vec::new() };
        let all: Vec<Folded> = all.iter().map(alone).collect();
        let plan = Plan::default();
        let hits = self.hits(&all, &Found { plan: &plan, lexical: None, semantic: None, fusion: None })?;
        explain.total_time = started.elapsed();
        Ok(Results { hits, epoch: 0, explain })
    }

    fn hits(&self, ordered: &[Folded], found: &Found) -> Result<Vec<Hit>, Error> {
        let lexical: Vec<Option<f32>> = ordered.iter().map(|one| found.lexical_score(one.serial)).collect();
        let semantic: Vec<Option<f32>> = ordered.iter().map(|one| found.semantic_score(one.serial)).collect();
        let lexical_ranks = found.lexical.map(|l| fuse::ranks(l.all(), &lexical));
        let semantic_ranks =
            found.semantic.map(|(_, s)| fuse::ranks(s.found.iter().map(|serial| s.score[*serial as usize]), &semantic));
        let mut hits = Vec::with_capacity(ordered.len());
        let path = |serial: &Serial| self.snapshot.table.by_serial(*serial).map(|record| record.path.clone());
        for (at, Folded { serial, score, copies }) in ordered.iter().enumerate() {
            let Some(document) = self.snapshot.table.by_serial(*serial).and_then(|r| r.document()) else { continue };
            let best = passages::best(self.snapshot, self.vectors, *serial, found, self.ranking)?;
            let why = Why {
                lexical_rank: lexical_ranks.as_ref().and_then(|r| r[at]),
                semantic_rank: semantic_ranks.as_ref().and_then(|r| r[at]),
                lexical: lexical[at],
                semantic: semantic[at],
                words: best.words,
                rerank: None,
                parts: found.fusion.map(|fusion| fusion.parts(*serial)).unwrap_or_default(),
            };
            let copies = copies.iter().filter_map(path).collect();
            hits.push(Hit { rank: hits.len() + 1, score: *score, document, passage: best.passage, why, copies });
        }
        Ok(hits)
    }
}

/// What both engines gave.
pub struct Found<'a> {
    /// What ranks.
    pub plan: &'a Plan,
    /// The word side, if it was asked.
    pub lexical: Option<&'a Scores>,
    /// The meaning side, if it was asked, with the query's vector.
    pub semantic: Option<&'a (Quantised, Nearest)>,
    /// Both together, if anything ranks.
    pub fusion: Option<&'a Fusion<'a>>,
}

impl Found<'_> {
    fn lexical_score(&self, serial: Serial) -> Option<f32> {
        self.lexical.map(|l| l.score(serial)).filter(|score| *score > 0.0)
    }

    fn semantic_score(&self, serial: Serial) -> Option<f32> {
        self.semantic.map(|(_, s)| s.score[serial as usize]).filter(|score| score.is_finite())
    }
}

/// Adds the words that were put off to the scores where they can change which documents are the best.
fn complete(
    scorer: &Scorer,
    lexical: &mut Scores,
    nearest: Option<&Nearest>,
    needed: Needed,
    filtered: Option<&Bits>,
) -> Result<(), Error> {
    if lexical.later() == 0 {
        return Ok(());
    }
    let first = fuse::first_by_words(lexical, scorer.ranking);
    lexical.complete(scorer, first)?;
    let mut fusion = Fusion::new(Some(lexical), nearest, needed, filtered, scorer.ranking);
    let contenders = fusion.contenders(needed.best, scorer.ranking);
    lexical.complete(scorer, contenders)
}

/// The documents that words put first.
fn best_by_words(scores: &Scores) -> Vec<Serial> {
    let mut found = scores.found.clone();
    if found.len() > COMPARED {
        found.select_nth_unstable_by(COMPARED, |a, b| scores.score(*b).total_cmp(&scores.score(*a)));
        found.truncate(COMPARED);
    }
    found
}

/// Embeds a query with what the store has.
pub fn embed_query(embedder: &dyn Embedder, text: &str) -> Result<Arc<Vec<f32>>, Error> {
    embedder.embed_query(text).map(Arc::new).map_err(|e| Error::Semantic(e.to_string()))
}
