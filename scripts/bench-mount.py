#!/usr/bin/env python3
"""Measures a start with a finished index: time until `ls` answers, memory, first results, first evidence of answers.

    scripts/bench-mount.py DIRECTORY [--echofs PROGRAM] [--starts N] [--questions FILE]

DIRECTORY holds documents. FILE has a question a line; without it the titles of the documents are asked. Indexes in a
temporary data directory, unmounts, and mounts again N times. Memory is resident memory of the mount process alone.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time


def resident(pid):
    """Mebibytes."""
    fields = pathlib.Path(f"/proc/{pid}/status").read_text().split("\n")
    return next(int(line.split()[1]) for line in fields if line.startswith("VmRSS:")) / 1024


class Mount:
    def __init__(self, program, source, data, point):
        self.program, self.point = program, point
        self.started = time.perf_counter()
        command = [program, "mount", point, "--source", source, "--data", data, "--foreground"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not os.path.exists(os.path.join(point, "README.md")):
            if self.process.poll() is not None:
                raise SystemExit(f"{program} mount ended with {self.process.returncode}")
            time.sleep(0.001)
        os.listdir(point)
        self.ready = (time.perf_counter() - self.started) * 1e3

    def wait(self, *options):
        subprocess.run([self.program, "wait", self.point, "--timeout", "3600", *options], check=True)

    def search(self, query):
        """Milliseconds and the number of hits."""
        begun = time.perf_counter()
        path = os.path.join(self.point, "search", query.replace("%", "%25").replace("/", "%2F"), "results.jsonl")
        with open(path) as results:
            hits = sum(1 for _ in results)
        return (time.perf_counter() - begun) * 1e3, hits

    def first_byte(self, question):
        """Milliseconds until the first bytes of an answer that is then given up."""
        begun = time.perf_counter()
        name = question.replace("%", "%25").replace("/", "%2F")
        descriptor = os.open(os.path.join(self.point, "ask", name), os.O_RDONLY)
        os.read(descriptor, 4096)
        spent = (time.perf_counter() - begun) * 1e3
        os.close(descriptor)
        return spent

    def end(self):
        subprocess.run([self.program, "umount", self.point], check=True, stdout=subprocess.DEVNULL)
        self.process.wait()


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


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
        os.mkdir(point)
        mount = Mount(program, source, data, point)
        mount.wait("--lexical")
        words = time.perf_counter() - mount.started
        mount.wait()
        print(f"indexed: words after {words:.1f} s, meaning after {time.perf_counter() - mount.started:.1f} s")
        mount.end()

        ready, memory = [], []
        for _ in range(options.starts):
            mount = Mount(program, source, data, point)
            mount.wait()
            ready.append(mount.ready)
            memory.append(resident(mount.process.pid))
            mount.end()
        print(f"start to `ls`, {options.starts} times: median {statistics.median(ready):.0f} ms, longest {max(ready):.0f} ms")
        print(f"memory when settled: {statistics.median(memory):.0f} MiB, most {max(memory):.0f} MiB")

        mount = Mount(program, source, data, point)
        mount.wait()
        print("memory after words only: ", end="")
        mount.search("lex:(first words)")
        print(f"{resident(mount.process.pid):.0f} MiB")
        first, _ = mount.search("what is said about the first of these things")
        print(f"first query by meaning: {first:.0f} ms, memory then {resident(mount.process.pid):.0f} MiB")
        spent = [mount.first_byte(question) for question in asked(options, mount)]
        print(
            f"first evidence of {len(spent)} answers: median {statistics.median(spent):.0f} ms, "
            f"p95 {quantile(spent, 0.95):.0f} ms, longest {max(spent):.0f} ms; memory {resident(mount.process.pid):.0f} MiB"
        )
        mount.end()


if __name__ == "__main__":
    main()
