#!/usr/bin/env python3
"""Measures indexing and searching through the mount at several sizes, beside recoll and SQLite FTS5 where they are installed.

    scripts/bench-search.py TEXTS [--counts 1000 10000 100000] [--meaning-up-to N] [--echofs PROGRAM] [--plot FILE.svg]
    scripts/bench-search.py TEXTS --counts 100000 --keep DIRECTORY
    scripts/bench-search.py TEXTS --counts 10000 1000000 --keep DIRECTORY --stand-in DIRECTORY/100000/data

The documents are made from the sentences of the text files below TEXTS: a title and three to six sentences each (--sentences),
put together at random, so that no two are the same; most are one passage. A smaller number of documents is the beginning of a
larger one. Meaning takes most of the time: reckon with fifty documents a second; it is left out above N, and so are the others
above theirs. With --keep documents and index stay in DIRECTORY; the next run uses them again and has no times of indexing.

With --stand-in words are indexed alone; then each passage takes its vector from another data directory that is finished and
not mounted, for the same text with the same model, and where that has none, a mixture of its vectors (example `stand_ins`).
The heading says how many of those there are. All else is as ever: the mount finds them in its cache and builds the graph, and
queries are embedded by the model. A million documents need some 15 GB of disk.

Figures are taken when words, vectors and graph are complete and nothing is left to be read for facts and topics; above
--facts-up-to these are not waited for, and go on beside the queries. tantivy alone and recall are the examples `plain` and
`recall` of the indexer. Prints tables in Markdown; with --plot also draws their times by the number of documents. The rows of
one run belong together; another machine has other figures.
"""

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import sqlite3
import subprocess
import tempfile
import time
from pathlib import Path

from mounted import Mount, embed, example, quantile

#: Queries that are timed, those before them, and those whose nearest passages are looked for.
QUERIES, WARM, JUDGED = 200, 20, 500
#: Documents that the filter lets through: one in a hundred.
SELECTED = 100


def say(text=""):
    print(text, flush=True)


def sentences(directory):
    found = set()
    for path in sorted(Path(directory).rglob("*")):
        if path.suffix in (".md", ".txt", ".rst", ".tex", ".org") and path.is_file():
            for sentence in re.split(r"(?<=[.!?])\s+|\n\s*\n", path.read_text(errors="replace")):
                sentence = " ".join(re.sub(r"[#*`>|\[\]]", " ", sentence).split())
                if 30 <= len(sentence) <= 300:
                    found.add(sentence)
    return sorted(found)


def corpus(pool, count, directory, length):
    """`count` files of so many sentences in directories of a hundred; one directory in a hundred is called `few`. Their bytes."""
    if directory.exists():
        return sum(path.stat().st_size for path in directory.rglob("*.md"))
    making = directory.with_name("unfinished")
    shutil.rmtree(making, ignore_errors=True)
    chance = random.Random(2)
    size = 0
    for n in range(count):
        chosen = n % SELECTED == 0
        group = making / ("few" if chosen else "most") / f"{n // (100 * SELECTED if chosen else 100):05}"
        group.mkdir(parents=True, exist_ok=True)
        title = " ".join(chance.choice(pool).split()[:6])
        text = f"# {title}\n\n" + " ".join(chance.sample(pool, chance.randint(*length))) + "\n"
        size += len(text.encode())
        (group / f"{n:07}.md").write_text(text)
    making.rename(directory)
    return size


def queries(pool, count):
    chance = random.Random(1)
    words = [[w for w in re.findall(r"[A-Za-z]{3,}", sentence)] for sentence in pool]
    words = [w for w in words if len(w) >= 5]
    return [" ".join(chance.sample(chance.choice(words), chance.randint(2, 5))) for _ in range(count)]


def quantiles(milliseconds):
    return [quantile(milliseconds, share) for share in (0.5, 0.95)]


# --- EchoFS --------------------------------------------------------------------------------------------


def used(directory, ending=""):
    """Mebibytes on disk, of files whose names end so."""
    return sum(p.lstat().st_blocks * 512 for p in Path(directory).rglob("*" + ending)) / 2**20


def stand_in(options, places, other, data):
    """Indexes words, then gives each passage that has no vector the one of `other` or a stand-in. Seconds that words took."""
    with Mount(options.echofs, *places) as mount:
        words = mount.wait("--lexical")
    subprocess.run([example("stand_ins"), data, other], check=True, stdout=subprocess.DEVNULL)
    return words


def require_one_model(data):
    if len([path for path in (data / "vectors").iterdir() if path.is_dir()]) != 1:
        raise SystemExit("the vectors of --stand-in are of another model than the mount has")


def index(options, places, with_meaning, with_facts, standing_in):
    """Has everything made; seconds until words, meaning and graph are complete, and the memory then."""
    with Mount(options.echofs, *places) as mount:
        words = mount.wait("--lexical")
        if standing_in:
            require_one_model(mount.data)
        meaning = mount.wait() if with_meaning else words
        mount.rest(facts=False)
        graph = time.perf_counter() - mount.started
        mount.rest(with_facts)
        return {"words": words, "meaning": meaning, "graph": graph}, mount.resident()


def search(options, places, asked, forms, with_facts):
    """The times of searches of each form, and what the mount says of itself then."""
    times = {}
    with Mount(options.echofs, *places) as mount:
        mount.rest(with_facts)
        memory = {"started again": mount.resident()}
        for name, form in forms.items():
            for query in asked[:WARM]:
                mount.search(form.format(query))
            times[name] = quantiles([mount.search(form.format(query + " ")) for query in asked])
        memory["after the queries"] = mount.resident()
        return times, memory, mount.status()


def echofs(options, source, stage, asked, with_meaning, with_facts):
    data = stage / "data"
    places = [source, data, stage / "echo", "--model", "none"]
    (stage / "none").mkdir(exist_ok=True)
    no_model = [*places, "--models", stage / "none"]
    places = places if with_meaning else no_model
    forms = {"words": "lex:({})", "words, 1 % selected": "lex:({}) path:few"}
    if with_meaning:
        forms |= {"both": "{}", "both, 1 % selected": "{} path:few"}
    standing_in = with_meaning and options.stand_in and options.stand_in.resolve() != data.resolve()
    words = stand_in(options, no_model, options.stand_in, data) if standing_in else None
    seconds, memory = index(options, places, with_meaning, with_facts, standing_in)
    times, later, status = search(options, places, asked, forms, with_facts)
    texts = used(data / "index", ".store")
    return {
        "seconds": seconds | ({"words": words} if standing_in else {}),
        "times": times,
        "memory": {"when all was made": memory} | later,
        "pending": (status["pending_facts"], status["pending_topics"]),
        "model": status["models"]["embedding"]["name"],
        "disk": {"texts": texts, "words": used(data / "index") - texts, "all": used(data)},
    }


def recall(pool, stage, model):
    """What the search of the saved vectors finds of the nearest ones, and walks of other lengths."""
    file = stage / "queries.f32"
    with open(file, "wb") as out:
        embed(model.rsplit("-", 1)[0], queries(pool, JUDGED), out)
    done = subprocess.run([example("recall"), stage / "data", file], check=True, stdout=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


# --- others --------------------------------------------------------------------------------------------


def tantivy(source, stage):
    """Seconds that the library alone takes, in one thread, and what its index takes on disk."""
    shutil.rmtree(stage / "plain", ignore_errors=True)
    done = subprocess.run([example("plain"), source, stage / "plain"], check=True, stdout=subprocess.PIPE)
    return json.loads(done.stdout)["seconds"], used(stage / "plain")


def fts5(source, stage, asked):
    (stage / "fts5").unlink(missing_ok=True)
    begun = time.perf_counter()
    base = sqlite3.connect(stage / "fts5")
    base.execute("create virtual table notes using fts5(path, body, tokenize = 'porter unicode61')")
    with base:
        rows = ((str(path), path.read_text()) for path in Path(source).rglob("*.md"))
        base.executemany("insert into notes values (?, ?)", rows)
    built = time.perf_counter() - begun
    spent = []
    for query in asked:
        begun = time.perf_counter()
        match = " OR ".join(f'"{word}"' for word in query.split())
        base.execute("select path, body from notes where notes match ? order by rank limit 50", (match,)).fetchall()
        spent.append((time.perf_counter() - begun) * 1e3)
    base.close()
    return built, quantiles(spent)


def recoll(source, stage, asked):
    config = stage / "recoll"
    shutil.rmtree(config, ignore_errors=True)
    config.mkdir()
    (config / "recoll.conf").write_text(f"topdirs = {source}\nloglevel = 1\n")
    environment = dict(os.environ, RECOLL_CONFDIR=str(config), HOME=str(stage))
    begun = time.perf_counter()
    subprocess.run(["recollindex"], env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    built = time.perf_counter() - begun
    spent = []
    for query in asked[:50]:
        begun = time.perf_counter()
        command = ["recollq", "-n", "50", "-o", query]
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        spent.append((time.perf_counter() - begun) * 1e3)
    return built, quantiles(spent)


# --- all of it -----------------------------------------------------------------------------------------


def heading(count, size, data):
    text = f"{count:,} documents, {size / 1e6:.1f} MB of text"
    mark = data / "stand-ins.json"
    if mark.exists():
        made = json.loads(mark.read_text())
        text += f"; {made['stand_ins']:,} of the {made['vectors']:,} vectors are stand-ins"
    return f"\n### {text}\n"


def tell_state(found, stood_in):
    """What is to be known of the figures besides."""
    if stood_in:
        say(f"\nAll vectors came from the cache; the graph was complete {found['seconds']['graph']:.0f} s after the start.")
    if any(found["pending"]):
        facts, topics = found["pending"]
        say(f"\nNot waited for: facts of {facts:,} documents, topics of {topics:,}. They went on beside the queries.")
    say("\n| memory of the mount | | without mapped files |\n|---|---|---|")
    for name, (all_of_it, own) in found["memory"].items():
        say(f"| {name} | {all_of_it:.0f} MiB | {own:.0f} MiB |")


def tell_recall(pool, stage, model):
    first, *methods = recall(pool, stage, model)
    nearest = f"mean cosine of the first {first['first']:.3f}, of the tenth {first['tenth']:.3f}"
    say(f"\nThe 10 nearest of {first['vectors']:,} vectors, {first['queries']} queries ({nearest}):")
    say("\n| | recall@10 | queries a second, one thread |\n|---|---|---|")
    for line in methods:
        say(f"| {line['method']} | {line['recall']:.4f} | {line['per_second']:,.0f} |")


def measure(options, pool, asked, count):
    with contextlib.ExitStack() as stack:
        kept = options.keep and Path(options.keep) / str(count)
        stage = kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="echofs-bench-", dir=options.tmp)))
        stage.mkdir(parents=True, exist_ok=True)
        again = (stage / "data").exists()
        source = stage / "documents"
        size = corpus(pool, count, source, options.sentences)
        with_meaning = count <= options.meaning_up_to
        found = echofs(options, source, stage, asked, with_meaning, count <= options.facts_up_to)
        stood_in = with_meaning and (stage / "data/stand-ins.json").exists()
        rate = lambda seconds: "" if again else f"{count / seconds:,.0f}"
        share = lambda disk: f"{disk:.0f} MiB ({disk * 2**20 / size:.2f} of the text)"
        say(heading(count, size, stage / "data"))
        say("| | documents a second | disk |\n|---|---|---|")
        say(f"| EchoFS, words | {rate(found['seconds']['words'])} | {share(found['disk']['words'])} |")
        say(f"| its stored passages | | {share(found['disk']['texts'])} |")
        name = "EchoFS, words and meaning" if with_meaning else "EchoFS, facts and all else but meaning"
        pace = rate(found["seconds"]["meaning"]) if with_meaning and not stood_in else ""
        say(f"| {name} | {pace} | {share(found['disk']['all'])} |")
        others = count <= options.others_up_to
        if others and shutil.which("cargo"):
            seconds, disk = tantivy(source, stage)
            say(f"| tantivy alone, one thread | {count / seconds:,.0f} | {share(disk)} |")
        rows = [(f"EchoFS, {name}", times) for name, times in found["times"].items()]
        for name, program, run in (("SQLite FTS5", None, fts5), ("recoll, a process each", "recollindex", recoll)):
            if not others or program and not shutil.which(program):
                say(f"| {name} | {'not installed' if others else 'left out'} | |")
                continue
            built, times = run(source, stage, asked)
            say(f"| {name} | {count / built:,.0f} | |")
            rows.append((name, times))
        tell_state(found, stood_in)
        say("\n| 50 best documents | p50 | p95 |\n|---|---|---|")
        for name, (half, most) in rows:
            say(f"| {name} | {half:.1f} ms | {most:.1f} ms |")
        if found["model"] and any((stage / "data").glob("vectors/*/generation-*")) and shutil.which("cargo"):
            tell_recall(pool, stage, found["model"])
        return dict(rows)


#: The left, right, upper and lower border of a plot; the legend stands right of it.
LEFT, RIGHT, TOP, BOTTOM = 70, 590, 30, 350
COLOURS = ("#1b6ca8", "#c2571a", "#3d8b37", "#7a3d8b", "#555555", "#b8860b")
MARKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def disc(x, y, colour):
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'


def square(x, y, colour):
    return f'<rect x="{x - 3.5:.1f}" y="{y - 3.5:.1f}" width="7" height="7" fill="white" stroke="{colour}" stroke-width="1.5"/>'


#: The place among the quantiles, the name, the line and the mark of what is drawn of each row.
DRAWN = ((0, "p50", "", disc), (1, "p95", "5 4", square))


def line(points, colour, dash):
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'


def legend(names):
    """A row for each line of the tables, then what p50 and p95 look like."""
    for row, (name, colour) in enumerate(names.items()):
        y = TOP + 20 + 22 * row
        yield line([(RIGHT + 20, y), (RIGHT + 50, y)], colour, "")
        yield f'<text x="{RIGHT + 58}" y="{y + 4}">{name}</text>'
    for row, (_, name, dash, mark) in enumerate(DRAWN, start=len(names) + 1):
        y = TOP + 20 + 22 * row
        yield line([(RIGHT + 20, y), (RIGHT + 50, y)], "#000", dash)
        yield mark(RIGHT + 35, y, "#000")
        yield f'<text x="{RIGHT + 58}" y="{y + 4}">{name}</text>'


def plot(path, counts, series):
    """The times of the tables by the number of documents, both axes logarithmic."""
    from math import log10

    both = sorted(zip(counts, series), key=lambda one: one[0])
    values = [value for times in series for pair in times.values() for value in pair]
    low, high = max(min(values), 0.01) / 1.5, max(values) * 1.5
    wide = max(log10(both[-1][0] / both[0][0]), 1e-9)
    x = lambda count: LEFT + 25 + (RIGHT - LEFT - 50) * log10(count / both[0][0]) / wide
    y = lambda value: BOTTOM - (BOTTOM - TOP) * log10(max(value, low) / low) / log10(high / low)
    out = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 400" font-family="sans-serif" font-size="12">']
    out.append('<rect width="840" height="400" fill="white"/>')
    for count, _ in both:
        out.append(f'<path d="M{x(count):.0f} {TOP}V{BOTTOM}" stroke="#ddd"/>')
        out.append(f'<text x="{x(count):.0f}" y="{BOTTOM + 18}" text-anchor="middle">{count:,}</text>')
    for mark in MARKS:
        if low <= mark <= high:
            out.append(f'<path d="M{LEFT} {y(mark):.0f}H{RIGHT}" stroke="#ddd"/>')
            out.append(f'<text x="{LEFT - 8}" y="{y(mark) + 4:.0f}" text-anchor="end">{mark:g} ms</text>')
    names = dict(zip(dict.fromkeys(name for _, times in both for name in times), COLOURS))
    for name, colour in names.items():
        for at, _, dash, mark in DRAWN:
            points = [(x(count), y(times[name][at])) for count, times in both if name in times]
            out += [line(points, colour, dash)] + [mark(*point, colour) for point in points]
    out += legend(names)
    out.append(f'<text x="{(LEFT + RIGHT) // 2}" y="{BOTTOM + 38}" text-anchor="middle">documents</text></svg>')
    Path(path).write_text("\n".join(out) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts")
    parser.add_argument("--counts", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--sentences", type=int, nargs=2, default=[3, 6], metavar=("FEWEST", "MOST"))
    parser.add_argument("--meaning-up-to", type=int, default=10**9, metavar="N")
    parser.add_argument("--facts-up-to", type=int, default=10**9, metavar="N")
    parser.add_argument("--others-up-to", type=int, default=100_000, metavar="N")
    parser.add_argument("--stand-in", type=Path, metavar="DATA", help="a data directory to take vectors from")
    parser.add_argument("--echofs", default="target/release/echofs")
    parser.add_argument("--plot")
    parser.add_argument("--keep", metavar="DIRECTORY")
    parser.add_argument("--tmp", help="where documents and index are put")
    options = parser.parse_args()
    options.echofs = os.path.abspath(options.echofs)
    pool = sentences(options.texts)
    if len(pool) < 100:
        raise SystemExit(f"{options.texts} has only {len(pool)} sentences; a hundred are needed")
    asked = queries(pool, QUERIES)
    say(f"{len(pool):,} sentences, {len(asked)} queries")
    series = [measure(options, pool, asked, count) for count in options.counts]
    if options.plot:
        plot(options.plot, options.counts, series)


if __name__ == "__main__":
    main()
