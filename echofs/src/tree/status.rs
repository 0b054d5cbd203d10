//! `status`, `.echo/status.json` and `.echo/metrics`.

use std::fmt::Write;
use std::fs;

use echofs_indexer::{Counts, Graph, Source};
use echofs_inference::State;
use serde::Serialize;

use super::Context;
use super::observe::Observation;
use crate::answer::text::printable;
use crate::events::Refusal;

/// `.echo/status.json`.
#[derive(Serialize)]
struct Status<'a> {
    version: &'a str,
    state: &'a str,
    epoch: u64,
    documents: usize,
    chunks: usize,
    pending: usize,
    pending_semantic: usize,
    facts: usize,
    pending_facts: usize,
    facts_by_model: ByModel,
    topics: usize,
    pending_topics: usize,
    topics_by_model: Naming,
    failed: usize,
    skipped: usize,
    scanned: bool,
    errors: Vec<String>,
    sources: Vec<Source>,
    models: Models,
    inference: Inference,
    answers: usize,
    kept_queries: usize,
    observation: Observation,
    refused: Vec<Refusal>,
    uptime_s: f64,
    rss_bytes: u64,
    pid: u32,
}

/// How far the language model is with reading for facts.
#[derive(Serialize)]
struct ByModel {
    /// What it does, in a few words; `null` where it does not read.
    state: Option<&'static str>,
    passages: usize,
    pending: usize,
}

/// How far the language model is with naming topics.
#[derive(Serialize)]
struct Naming {
    /// What it does, in a few words; `null` where it does not name any.
    state: Option<&'static str>,
    pending: usize,
}

#[derive(Serialize)]
struct Models {
    embedding: Embedding,
    /// `null` where none is named.
    reranker: Option<Reranker>,
    generation: Generation,
}

#[derive(Serialize)]
struct Embedding {
    name: Option<String>,
    dimensions: Option<usize>,
    loaded: bool,
    #[serde(flatten)]
    graph: Graph,
}

#[derive(Serialize)]
struct Reranker {
    name: String,
    loaded: bool,
    /// Why it did not work the last time; `null` where it did.
    error: Option<String>,
}

#[derive(Serialize)]
struct Generation {
    name: Option<String>,
    cpu: Option<String>,
}

#[derive(Serialize)]
struct Inference {
    state: &'static str,
    queue: usize,
    restarts: u64,
    last_error: Option<String>,
}

fn status(cx: &Context) -> Status<'static> {
    let counts = cx.index.counts();
    let sources = cx.index.sources();
    let errors = errors(cx, &counts, &sources);
    let embedder = cx.index.embedder();
    let generator = cx.generator.status();
    Status {
        version: env!("CARGO_PKG_VERSION"),
        state: state(&counts, &errors),
        epoch: cx.index.epoch(),
        documents: counts.documents,
        chunks: counts.chunks,
        // Until the first scan has ended nobody knows what is pending: never say that nothing is.
        pending: if counts.scanned { counts.pending } else { counts.pending.max(1) },
        pending_semantic: if embedder.is_some() { counts.pending_semantic } else { 0 },
        facts: counts.facts,
        pending_facts: counts.pending_facts,
        facts_by_model: ByModel {
            state: cx.reading.now(),
            passages: counts.read_by_model,
            pending: counts.pending_model,
        },
        topics: counts.topics,
        pending_topics: counts.pending_topics,
        topics_by_model: Naming { state: cx.naming.now(), pending: counts.pending_labels },
        failed: counts.failed,
        skipped: counts.skipped,
        scanned: counts.scanned,
        errors,
        sources,
        models: Models {
            embedding: Embedding {
                name: embedder.map(|embedder| embedder.id().0.clone()),
                dimensions: embedder.map(|embedder| embedder.dim()),
                loaded: embedder.is_some_and(|embedder| embedder.loaded()),
                graph: cx.index.graph(),
            },
            reranker: cx.index.reranking().map(|reranking| Reranker {
                name: reranking.name().to_owned(),
                loaded: reranking.loaded(),
                error: reranking.error(),
            }),
            generation: Generation { name: generator.model, cpu: generator.cpu },
        },
        inference: Inference {
            state: name_of(generator.state),
            queue: generator.queue,
            restarts: generator.restarts,
            last_error: generator.last_error,
        },
        answers: cx.answers.settled().len(),
        kept_queries: cx.index.kept().all().len(),
        observation: Observation::now(cx),
        refused: cx.events.refusals(),
        uptime_s: (cx.since.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        rss_bytes: resident(),
        pid: std::process::id(),
    }
}

/// The name of a state of the language model.
pub fn name_of(state: State) -> &'static str {
    match state {
        State::Idle => "idle",
        State::Busy => "busy",
        State::Down => "down",
    }
}

/// The state of the index, and how much of what there is in it.
pub fn state_of(cx: &Context) -> (&'static str, Counts) {
    let counts = cx.index.counts();
    let errors = errors(cx, &counts, &cx.index.sources());
    (state(&counts, &errors), counts)
}

fn errors(cx: &Context, counts: &Counts, sources: &[Source]) -> Vec<String> {
    let missing = sources.iter().filter(|source| !source.available);
    let missing = missing.map(|source| format!("{} cannot be read now; its documents are kept", source.root.display()));
    let write = counts.write_error.iter().map(|error| format!("the index cannot be written: {error}"));
    let semantic = counts.semantic_error.iter().map(|error| format!("no search by meaning: {error}"));
    let rerank = cx.index.reranking().and_then(|reranking| Some((reranking.name(), reranking.error()?)));
    let rerank = rerank.map(|(name, error)| format!("no reranking by {name}: {error}"));
    write.chain(semantic).chain(rerank).chain(missing).collect()
}

fn state(counts: &Counts, errors: &[String]) -> &'static str {
    if !errors.is_empty() {
        "degraded"
    } else if !counts.scanned || counts.pending > 0 || counts.pending_semantic > 0 {
        "indexing"
    } else {
        "ready"
    }
}

/// Resident memory of this process in bytes, 0 when the kernel does not say.
fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm.split_whitespace().nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * rustix::param::page_size() as u64
}

/// `.echo/status.json`.
pub fn status_json(cx: &Context) -> String {
    let mut text = serde_json::to_string_pretty(&status(cx)).unwrap_or_default();
    text.push('\n');
    text
}

/// `status`: the same for people.
pub fn status_text(cx: &Context) -> String {
    let s = status(cx);
    let mut out = format!("EchoFS {}: {}\n\n", s.version, s.state);
    let _ = writeln!(out, "documents   {} in {} passages", s.documents, s.chunks);
    let _ = writeln!(out, "left out    {} skipped, {} failed (why: .echo/coverage.jsonl)", s.skipped, s.failed);
    let _ = writeln!(out, "pending     {} by words, {} by meaning", s.pending, s.pending_semantic);
    let _ = writeln!(out, "facts       {} ({} documents to be read for them)", s.facts, s.pending_facts);
    if let Some(state) = s.facts_by_model.state {
        let ByModel { passages, pending, .. } = s.facts_by_model;
        let _ = writeln!(out, "            passages read by the model: {passages}, to go: {pending} ({state})");
    }
    let _ = writeln!(out, "topics      {}{}", s.topics, waiting_for_topics(&s));
    if let Naming { state: Some(state), pending } = s.topics_by_model {
        let _ = writeln!(out, "            not yet named by the model: {pending} ({state})");
    }
    let _ = writeln!(
        out,
        "meaning     {}{}{}",
        s.models.embedding.name.as_deref().unwrap_or("no model"),
        if s.models.embedding.loaded { ", loaded" } else { "" },
        graph(&s.models.embedding.graph)
    );
    if let Some(reranker) = &s.models.reranker {
        let loaded = if reranker.loaded { ", loaded" } else { "" };
        let _ = writeln!(out, "reranking   {}{loaded}", reranker.name);
    }
    let cpu = s.models.generation.cpu.map_or(String::new(), |cpu| format!(", on {cpu}"));
    let _ = writeln!(
        out,
        "answers     {} kept; {}{cpu}",
        s.answers,
        s.models.generation.name.as_deref().unwrap_or("no language model: answers are evidence only")
    );
    let _ = writeln!(
        out,
        "inference   {}, {} waiting, {} restarts",
        s.inference.state, s.inference.queue, s.inference.restarts
    );
    let _ = writeln!(out, "noted       {} (.echo/observe)", s.observation.words());
    let _ =
        writeln!(out, "memory      {} MiB, up {:.0} s, state {} of the index", s.rss_bytes >> 20, s.uptime_s, s.epoch);
    out.push_str("\nsources\n");
    for source in &s.sources {
        let _ = writeln!(
            out,
            "  {:<16} {} ({}{})",
            source.name,
            source.root.display(),
            source.watch,
            if source.available { "" } else { ", not available" }
        );
    }
    if !s.refused.is_empty() {
        out.push_str("\nrefused\n");
    }
    for refusal in &s.refused {
        let _ = writeln!(out, "  {} {} {}: {}", refusal.at, refusal.operation, refusal.path, refusal.reason);
    }
    for error in s.errors.iter().chain(&s.inference.last_error) {
        let _ = writeln!(out, "\n! {error}");
    }
    // Names of files and words of servers are in it.
    printable(&out)
}

/// Topics follow the vectors, which takes a while where all of them have to be computed.
fn waiting_for_topics(status: &Status) -> String {
    match (status.pending_topics, status.pending_semantic) {
        (0, _) => String::new(),
        (_, 0) => format!(" ({} documents to be placed)", status.pending_topics),
        (_, meaning) => format!(" (once {meaning} documents more are found by meaning)"),
    }
}

fn graph(graph: &Graph) -> String {
    let recall = graph.recall_at_10.map_or(String::new(), |recall| format!(", which finds {:.1} %", recall * 100.0));
    match (graph.vectors, graph.in_graph) {
        (0, _) => String::new(),
        (vectors, 0) => format!("; {vectors} vectors, all compared"),
        (vectors, rows) => format!("; {vectors} vectors, {rows} in the graph{recall}"),
    }
}

/// `.echo/metrics`, in the text format of Prometheus.
pub fn metrics(cx: &Context) -> String {
    let s = status(cx);
    let mut out = String::new();
    let mut gauge = |name: &str, help: &str, value: f64| {
        let _ = writeln!(out, "# HELP echofs_{name} {help}\n# TYPE echofs_{name} gauge\nechofs_{name} {value}");
    };
    gauge("epoch", "State of the index.", s.epoch as f64);
    gauge("documents", "Documents found by words.", s.documents as f64);
    gauge("passages", "Passages of these documents.", s.chunks as f64);
    gauge("pending_documents", "Files not yet searchable by words.", s.pending as f64);
    gauge("pending_semantic_documents", "Documents not yet searchable by meaning.", s.pending_semantic as f64);
    let graph = &s.models.embedding.graph;
    gauge("vectors", "Passages that can be found by meaning.", graph.vectors as f64);
    gauge("vector_tombstones", "Vectors of what is gone.", graph.tombstones as f64);
    gauge("vectors_in_graph", "Vectors that the graph has.", graph.in_graph as f64);
    if let Some(recall) = graph.recall_at_10 {
        gauge("graph_recall_at_10", "Share of the nearest vectors that the graph finds.", f64::from(recall));
    }
    gauge("topics", "Topics of the first level.", s.topics as f64);
    gauge("pending_topics_documents", "Documents that have no place among the topics yet.", s.pending_topics as f64);
    gauge("failed_files", "Files that could not be read.", s.failed as f64);
    gauge("skipped_files", "Files left out on purpose.", s.skipped as f64);
    gauge("answers", "Answers that are kept.", s.answers as f64);
    gauge("inference_queue", "Requests that wait for the language model.", s.inference.queue as f64);
    gauge("inference_restarts", "Times the language model had to be started again.", s.inference.restarts as f64);
    gauge("resident_bytes", "Resident memory of the mount process.", s.rss_bytes as f64);
    gauge("uptime_seconds", "Time since the mount began.", s.uptime_s);
    out
}
