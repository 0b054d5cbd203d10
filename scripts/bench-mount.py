#!/usr/bin/env python3
"""Measures a start with a finished index: time until `ls` answers, memory, first results, first evidence of answers.

    scripts/bench-mount.py DIRECTORY [--echofs PROGRAM] [--starts N] [--questions FILE]

DIRECTORY holds documents. FILE has a question a line; without it the titles of the documents are asked. Indexes in a
temporary data directory, unmounts, and mounts again N times. Memory is resident memory of the mount process alone.
"""

import argparse
import json
import os
import statistics
import tempfile

from mounted import Mount, quantile


def asked(options, mount):
    if options.questions:
        return [line.strip() for line in open(options.questions) if line.strip()]
    hits = open(os.path.join(mount.point, "search", "limit:200", "results.jsonl"))
    return [json.loads(line)["title"].rstrip("?") + "?" for line in hits]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory")
    parser.add_argument("--echofs", default="target/release/echofs")
    parser.add_argument("--starts", type=int, default=10)
    parser.add_argument("--questions")
    options = parser.parse_args()
    program, source = os.path.abspath(options.echofs), os.path.abspath(options.directory)
    with tempfile.TemporaryDirectory(prefix="echofs-bench-") as stage:
        data, point = os.path.join(stage, "data"), os.path.join(stage, "echo")
        mount = Mount(program, source, data, point)
        print(f"indexed: words after {mount.wait('--lexical'):.1f} s, meaning after {mount.wait():.1f} s")
        mount.end()

        ready, memory = [], []
        for _ in range(options.starts):
            mount = Mount(program, source, data, point)
            mount.wait()
            ready.append(mount.ready)
            memory.append(mount.resident()[0])
            mount.end()
        print(f"start to `ls`, {options.starts} times: median {statistics.median(ready):.0f} ms, longest {max(ready):.0f} ms")
        print(f"memory when settled: {statistics.median(memory):.0f} MiB, most {max(memory):.0f} MiB")

        mount = Mount(program, source, data, point)
        mount.wait()
        print("memory after words only: ", end="")
        mount.search("lex:(first words)")
        print(f"{mount.resident()[0]:.0f} MiB")
        first = mount.search("what is said about the first of these things")
        print(f"first query by meaning: {first:.0f} ms, memory then {mount.resident()[0]:.0f} MiB")
        spent = [mount.first_byte(question) for question in asked(options, mount)]
        print(
            f"first evidence of {len(spent)} answers: median {statistics.median(spent):.0f} ms, "
            f"p95 {quantile(spent, 0.95):.0f} ms, longest {max(spent):.0f} ms; memory {mount.resident()[0]:.0f} MiB"
        )
        mount.end()


if __name__ == "__main__":
    main()
