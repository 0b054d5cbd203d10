#!/usr/bin/env python3
"""Measures answers through a mount: times, prompts, many readers of one question, many questions at once.

    scripts/bench-answers.py DIRECTORY QUESTIONS [--model NAME] [--first N] [--echofs PROGRAM]

DIRECTORY holds documents; QUESTIONS has a question a line, or an object with `question` a line. The first N (default 60)
are asked one after the other, the next 50 at the same time, and one more by 50 readers. Ends with 1 when readers of one
question get different answers, or when `ls` takes more than 5 ms at the 99th percentile while 50 are answered.
"""

import argparse
import errno
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from mounted import Mount, name_of, quantile

CROWD = 50


def questions(path):
    lines = [line.strip() for line in Path(path).read_text().splitlines() if line.strip()]
    texts = [json.loads(line)["question"] if line.startswith("{") else line for line in lines]
    return [text for text in dict.fromkeys(texts) if " " in text]


def answer(mount, question):
    """The first bytes and the end, in milliseconds, and the object."""
    begun = time.perf_counter()
    since = lambda: (time.perf_counter() - begun) * 1e3
    with open(mount.point / "ask" / (name_of(question) + ".md"), "rb", buffering=0) as file:
        file.read(4096)
        first = since()
        while file.read(1 << 16):
            pass
    end = since()
    return first, end, json.loads((mount.point / "ask" / (name_of(question) + ".json")).read_bytes())


def one_by_one(mount, asked):
    rows = [answer(mount, question) for question in asked]
    stated = lambda key: [row["timings_ms"][key] for _, _, row in rows if row["timings_ms"].get(key)]
    print("\n| one question after the other | p50 | p95 |\n|---|---|---|")
    series = {
        "first evidence, ms": [first for first, _, _ in rows],
        "first token, ms": stated("first_token"),
        "finished, ms": [end for _, end, _ in rows],
        "tokens read": [row["tokens"]["prompt"] for _, _, row in rows if row["tokens"]["prompt"]],
        "tokens written": [row["tokens"]["output"] for _, _, row in rows if row["tokens"]["output"]],
    }
    for name, values in series.items():
        if values:
            print(f"| {name} | {quantile(values, 0.5):.0f} | {quantile(values, 0.95):.0f} |", flush=True)
    print(f"\n{sum(row['answerable'] for _, _, row in rows)} of {len(rows)} answered, the others refused")


def together(calls):
    """Runs all at the same time; what each gave."""
    given = [None] * len(calls)

    def run(at):
        try:
            given[at] = calls[at]()
        except OSError as error:
            given[at] = errno.errorcode[error.errno]

    threads = [threading.Thread(target=run, args=(at,)) for at in range(len(calls))]
    for thread in threads:
        thread.start()
    return threads, given


def many_readers(mount, question):
    begun = time.perf_counter()
    path = mount.point / "ask" / (name_of(question) + ".md")
    threads, given = together([path.read_bytes] * CROWD)
    for thread in threads:
        thread.join()
    spent = time.perf_counter() - begun
    print(f"\n{CROWD} readers of one question: {len(set(given))} different answers, all after {spent:.1f} s", flush=True)
    return len(set(given)) == 1


def many_questions(mount, asked):
    begun = time.perf_counter()
    threads, given = together([lambda question=question: answer(mount, question) for question in asked])
    looks = {"`ls` of the mount": lambda: os.listdir(mount.point), "stat": lambda: os.stat(mount.point / "status")}
    looks["read a settled file"] = (mount.point / "README.md").read_bytes
    spent = {name: [] for name in looks}
    while any(thread.is_alive() for thread in threads):
        for name, look in looks.items():
            start = time.perf_counter()
            look()
            spent[name].append((time.perf_counter() - start) * 1e3)
        time.sleep(0.02)
    whole = time.perf_counter() - begun
    failed = Counter(result for result in given if isinstance(result, str))
    rows = [result for result in given if not isinstance(result, str)]
    by_model = sum(row["model"] is not None for _, _, row in rows)
    print(f"\n{len(asked)} questions at once: {len(rows)} answers after {whole:.1f} s, {by_model} of them by the model, errors: {dict(failed) or 'none'}")
    print(f"first evidence p50 {quantile([row[0] for row in rows], 0.5):.0f} ms, p95 {quantile([row[0] for row in rows], 0.95):.0f} ms")
    print("\n| meanwhile, ms | p50 | p99 | most |\n|---|---|---|---|")
    for name, values in spent.items():
        print(f"| {name} | {quantile(values, 0.5):.2f} | {quantile(values, 0.99):.2f} | {max(values):.1f} |", flush=True)
    return all(quantile(values, 0.99) <= 5 for values in spent.values())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("questions")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-q4_k_m")
    parser.add_argument("--first", type=int, default=60)
    parser.add_argument("--echofs", default="target/release/echofs")
    options = parser.parse_args()
    asked = questions(options.questions)
    first, crowd, last = asked[: options.first], asked[options.first :][:CROWD], asked[options.first + CROWD :][:1]
    if not last:
        raise SystemExit(f"{len(asked)} questions are too few: {options.first + CROWD + 1} are needed")
    program, source = os.path.abspath(options.echofs), os.path.abspath(options.directory)
    with tempfile.TemporaryDirectory(prefix="echofs-bench-") as stage:
        with Mount(program, source, Path(stage) / "data", Path(stage) / "echo", "--model", options.model) as mount:
            mount.wait()
            answer(mount, "is this what loads the model?")
            one_by_one(mount, first)
            kept = [many_readers(mount, last[0]), many_questions(mount, crowd)]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
