#!/usr/bin/env python3
"""Measures embedding and nearest neighbours, beside onnxruntime and hnswlib where they are installed.

    scripts/bench-vectors.py TEXTS                      sentences of the text files below TEXTS are embedded and searched
    scripts/bench-vectors.py TEXTS --counts 10000 100000
    scripts/bench-vectors.py --vectors FILE --counts 100000     vectors that were made before (32-bit floats, 384 each)
    scripts/bench-vectors.py TEXTS --counts 100000 1000000 --embed-up-to 100000 --stand-in

To embed a million sentences takes an hour or more. With --stand-in those above what was embedded are mixtures of real
vectors that are near each other, with noise (example `stand_ins` of the indexer); the tables say how many. The queries are
real ones, of which nothing is mixed.

Needs numpy and hnswlib (pip install numpy hnswlib) for the comparison, onnxruntime and tokenizers for that of embedding;
what is missing is left out and said. Everything is measured in one thread, one after the other, in one run. Prints tables in
Markdown; with --plot FILE.svg also recall against speed.
"""

import argparse
import json
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from mounted import embed, example, models

DIM, QUERIES, JUDGED, NEIGHBOURS = 384, 1_000, 200, 10
EFFORTS = (16, 24, 32, 48, 64, 100, 160, 256, 400, 640, 1_000)
MODELS = ("all-minilm-l6-v2-int8", "all-minilm-l6-v2-dyn8")
TIMED = 300


def say(text=""):
    print(text, flush=True)


def sentences(directory):
    found = set()
    for path in sorted(Path(directory).rglob("*")):
        if path.suffix in (".md", ".txt", ".rst", ".tex", ".org") and path.is_file():
            for sentence in re.split(r"(?<=[.!?])\s+|\n\s*\n", path.read_text(errors="replace")):
                sentence = " ".join(sentence.split())[:2_000]
                if len(sentence) >= 20:
                    found.add(sentence)
    found = sorted(found)
    random.Random(1).shuffle(found)
    return found


def run(name, *arguments, **options):
    return subprocess.run([example(name), *arguments], check=True, **options)


# --- embedding -----------------------------------------------------------------------------------------


def bare(model, texts):
    """The same work in a plain loop around onnxruntime."""
    import numpy
    import onnxruntime
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(models() / model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(256)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(models() / model / "model.onnx"), options)

    def one(text):
        encoded = tokenizer.encode(text)
        ids, mask = numpy.array([encoded.ids]), numpy.array([encoded.attention_mask])
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": numpy.zeros_like(ids)}
        vector = session.run(None, feed)[0][0].mean(0)
        return vector / numpy.linalg.norm(vector)

    one("warm up")
    started = time.perf_counter()
    vectors = numpy.array([one(text) for text in texts])
    return len(texts) / (time.perf_counter() - started), vectors


def measure_embedding(texts, work):
    say("| model | texts | EchoFS, a second | onnxruntime alone, a second | share | a question | cosine to the first |")
    say("|---|---|---|---|---|---|---|")
    first = {}
    for name, part in (("sentences", texts[:TIMED]), ("passages", [" ".join(texts[n : n + 6]) for n in range(0, TIMED, 6)])):
        for model in MODELS:
            if not (models() / model / "model.onnx").exists():
                say(f"| {model} | not there | | | | | |")
                continue
            with open(work / "timed.f32", "wb") as file:
                own = embed(model, part, file)
            try:
                import numpy

                speed, _ = bare(model, part)
                vectors = numpy.fromfile(work / "timed.f32", "<f4").reshape(-1, DIM)
                cosine = (first.setdefault(name, vectors) * vectors).sum(1)
                rest = f"{speed:.1f} | {own['per_second'] / speed:.2f} | {own['question_ms']} ms | {cosine.mean():.4f}"
            except ImportError as error:
                rest = f"({error.name} is not installed) | | {own['question_ms']} ms | "
            say(f"| {model} | {len(part)} {name} | {own['per_second']} | {rest} |")
    say()


def with_stand_ins(vectors, wanted, work):
    """A copy of the file that has so many vectors; the last ones are stand-ins."""
    both = work / "stand-ins.f32"
    shutil.copyfile(vectors, both)
    with open(both, "ab") as file:
        run("stand_ins", str(vectors), str(DIM), str(QUERIES), str(wanted - held(vectors)), stdout=file)
    return both


def held(vectors):
    """How many vectors are in a file."""
    return vectors.stat().st_size // (4 * DIM)


# --- neighbours ----------------------------------------------------------------------------------------


def own_neighbours(vectors, counts):
    done = run("neighbours", str(vectors), str(DIM), *map(str, counts), stdout=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def hnswlib_neighbours(vectors, count):
    import hnswlib
    import numpy

    data = numpy.fromfile(vectors, "<f4", (QUERIES + count) * DIM).reshape(-1, DIM)
    queries, rows = data[:QUERIES], data[QUERIES:]
    truth = numpy.concatenate([numpy.argsort(-(q[None] @ rows.T), axis=1)[:, :NEIGHBOURS] for q in queries[:JUDGED]])
    index = hnswlib.Index("ip", DIM)
    index.init_index(count, M=16, ef_construction=200)
    index.set_num_threads(1)
    started = time.perf_counter()
    index.add_items(rows)
    seconds = time.perf_counter() - started
    yield {"method": "hnswlib build", "count": count, "seconds": seconds, "per_second": round(count / seconds)}
    for effort in EFFORTS:
        index.set_ef(effort)
        found = [index.knn_query(query, NEIGHBOURS)[0][0] for query in queries[:JUDGED]]
        hits = sum(len(set(a) & set(b)) for a, b in zip(found, truth))
        best = 0
        for _ in range(3):
            started = time.perf_counter()
            for query in queries:
                index.knn_query(query, NEIGHBOURS)
            best = max(best, QUERIES / (time.perf_counter() - started))
        yield {"method": "hnswlib", "count": count, "effort": effort, "recall": hits / JUDGED / NEIGHBOURS, "per_second": round(best)}


def fastest(lines, method, recall):
    return max((line["per_second"] for line in lines if line["method"] == method and line["recall"] >= recall), default=0)


def measure_neighbours(vectors, counts, real):
    lines = own_neighbours(vectors, counts)
    try:
        for count in counts:
            lines += hnswlib_neighbours(vectors, count)
    except ImportError as error:
        say(f"{error.name} is not installed: no comparison\n")
    name = lambda count: f"{count:,}" + (f" ({count - real:,} stand-ins)" if count > real else "")
    say("| vectors | | effort | recall@10 | queries a second |")
    say("|---|---|---|---|---|")
    for line in sorted((line for line in lines if "recall" in line), key=lambda line: line["count"]):
        say(f"| {name(line['count'])} | {line['method']} | {line.get('effort', '')} | {line['recall']:.4f} | {line['per_second']:,.0f} |")
    say()
    say("| vectors | building, s | hnswlib, s | at recall >= .99, a second | hnswlib | memory after building |")
    say("|---|---|---|---|---|---|")
    for count in counts:
        here = [line for line in lines if line["count"] == count]
        seconds = {line["method"]: f"{line['seconds']:.0f}" for line in here if "seconds" in line}
        memory = next((line["rss_mb"] for line in here if "rss_mb" in line), 0)
        own = max(fastest(here, "graph", 0.99), fastest(here, "scan", 0.99))
        theirs = fastest(here, "hnswlib", 0.99)
        say(f"| {name(count)} | {seconds.get('build', '')} | {seconds.get('hnswlib build', '')} | {own:,.0f} | {theirs:,.0f} | {memory} MB |")
    say()
    return lines


# --- the plot ------------------------------------------------------------------------------------------


def plot(lines, file):
    """Recall to the right, speed upwards on a logarithmic scale; EchoFS in full lines, hnswlib in dashed ones."""
    import math

    counts = sorted({line["count"] for line in lines})
    colours = dict(zip(counts, ("#1b6ca8", "#c2571a", "#3d8b37", "#7a3d8b")))
    x = lambda recall: 60 + 520 * (max(recall, 0.9) - 0.9) / 0.1
    y = lambda speed: 350 - 300 * (math.log10(max(speed, 10)) - 1) / 4
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 400" font-family="sans-serif" font-size="12">']
    for n in range(6):
        recall = 0.9 + n * 0.02
        out.append(f'<path d="M{x(recall):.0f} 50V350" stroke="#ddd"/><text x="{x(recall) - 10:.0f}" y="368">{recall:.2f}</text>')
    for n in range(1, 6):
        out.append(f'<path d="M60 {y(10**n):.0f}H580" stroke="#ddd"/><text x="10" y="{y(10**n) + 4:.0f}">{10**n:,}</text>')
    out.append('<text x="270" y="390">recall@10</text><text x="10" y="30">queries a second, one thread</text>')
    row = 0
    for count in counts:
        for method, dash in (("graph", ""), ("hnswlib", "5 4")):
            points = [(x(one["recall"]), y(one["per_second"])) for one in lines if one["method"] == method and one["count"] == count]
            if points:
                path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
                style = f'stroke="{colours.get(count, "#000")}" stroke-width="2" stroke-dasharray="{dash}"'
                name = "EchoFS" if method == "graph" else method
                at = 70 + 22 * row
                out.append(f'<polyline points="{path}" fill="none" {style}/><path d="M595 {at}h30" {style}/>')
                out.append(f'<text x="632" y="{at + 4}">{name} {count:,}</text>')
                row += 1
    Path(file).write_text("\n".join(out + ["</svg>"]) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", nargs="?", help="a directory with text files")
    parser.add_argument("--vectors", type=Path, help="vectors that were made before")
    parser.add_argument("--counts", type=int, nargs="+", default=[10_000])
    parser.add_argument("--embed-up-to", type=int, default=10**9, metavar="N", help="embed no more sentences")
    parser.add_argument("--stand-in", action="store_true", help="add stand-ins where vectors are missing")
    parser.add_argument("--work", type=Path, default=Path("/tmp/echofs-bench"), help="for the vectors (%(default)s)")
    parser.add_argument("--plot", help="an SVG file to write")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    if not options.texts and not options.vectors:
        parser.error("name a directory with texts, or vectors")
    texts = sentences(options.texts) if options.texts else []
    if options.texts:
        say(f"{len(texts):,} sentences\n")
        measure_embedding(texts, options.work)
    vectors, wanted = options.vectors or options.work / "vectors.f32", QUERIES + max(options.counts)
    if not options.vectors:
        with open(vectors, "wb") as file:
            embed(MODELS[1], texts[: min(wanted, QUERIES + options.embed_up_to)], file)
    real = held(vectors) - QUERIES
    if options.stand_in and max(options.counts) > real:
        vectors = with_stand_ins(vectors, wanted, options.work)
        say(f"the first {real:,} vectors are real, the others are stand-ins mixed from them\n")
    there = held(vectors) - QUERIES
    counts = [count for count in options.counts if count <= there]
    if counts != options.counts:
        say(f"only {there:,} vectors are there: larger counts are left out (or --stand-in)\n")
    lines = measure_neighbours(vectors, counts, real)
    if options.plot:
        plot(lines, options.plot)
    return 0


if __name__ == "__main__":
    sys.exit(main())
