#!/usr/bin/env python3
"""How soon does a mount show what changed on disk?

Mounts a vault of its own and measures, through the mount, how long it takes until a saved file is found and a deleted
one is gone, and whether the index equals the disk after thousands of files were moved in and out at once.

    scripts/freshness.py [--echofs target/release/echofs] [--saves 200] [--files 20000]

Ends with 1 when a bound is missed: found within 1 s and gone within 2 s in 95 of 100 cases, and no difference at all.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

WORDS = "harbour lamp walrus meadow engine quern ladder button thread castle river candle window garden".split()
PATIENCE = 300


class Mount:
    """A mounted vault in a temporary directory."""

    def __init__(self, program, dir):
        self.program, self.dir = program, dir
        self.vault, self.at = dir / "vault", dir / "mount"
        self.vault.mkdir()
        self.log = open(dir / "log", "w")

    def __enter__(self):
        options = ["--data", self.dir / "data", "mount", self.at, "--source", self.vault]
        self.process = subprocess.Popen(
            [self.program, *options, "--model", "none", "--foreground"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log,
        )
        until(lambda: (self.at / ".echo/status.json").exists(), 60, "the mount answers")
        return self

    def __exit__(self, *_):
        subprocess.run([self.program, "--data", self.dir / "data", "umount", self.at], check=False)
        self.process.wait(60)

    def finds(self, word):
        return (self.at / f"search/lex:{word}/results.jsonl").read_text() != ""

    def indexed(self):
        lines = (self.at / ".echo/coverage.jsonl").read_text().splitlines()
        lines = map(json.loads, lines)
        return {line["path"] for line in lines if line["state"] == "indexed" and line["path"].startswith(str(self.vault))}

    def on_disk(self):
        return {str(path) for path in self.vault.rglob("*.md")}


def until(holds, patience, what):
    """Seconds until `holds`."""
    start = time.monotonic()
    while not holds():
        if time.monotonic() - start > patience:
            sys.exit(f"not within {patience} s: {what}")
        time.sleep(0.005)
    return time.monotonic() - start


def text(rng, unique):
    words = [rng.choice(WORDS) for _ in range(80)]
    return f"# Note {unique}\n\n{' '.join(words)} {unique}.\n"


def save(path, content, atomic):
    if not atomic:
        path.write_text(content)
        return
    new = path.with_name(f".{path.name}.new")
    new.write_text(content)
    os.rename(new, path)


def summary(name, seconds, bound):
    seconds = sorted(seconds)
    p50, p95 = seconds[len(seconds) // 2], seconds[min(len(seconds) - 1, int(len(seconds) * 0.95))]
    ok = p95 <= bound
    print(f"| {name} | {len(seconds)} | {p50:.3f} | {p95:.3f} | {seconds[-1]:.3f} | {bound} | {'yes' if ok else 'NO'} |", flush=True)
    return ok


def saves(mount, rng, count):
    """Files saved plainly and by renaming, half of them new and half of them changed; then deleted."""
    found, gone = {"plain": [], "atomic": []}, []
    paths = []
    for n in range(count):
        way = ("plain", "atomic")[n % 2]
        path = mount.vault / f"saved/{n // 4 if n % 4 >= 2 else n}-{way}.md"
        path.parent.mkdir(exist_ok=True)
        unique = f"uniq{n}x{rng.randrange(10**6)}"
        save(path, text(rng, unique), way == "atomic")
        found[way].append(until(lambda: mount.finds(unique), 60, f"{unique} is found"))
        paths.append((path, unique))
    last = {path: unique for path, unique in paths}
    for n in range(count - len(last)):
        path, unique = mount.vault / f"saved/more-{n}.md", f"more{n}x{rng.randrange(10**6)}"
        save(path, text(rng, unique), False)
        last[path] = unique
    for unique in last.values():
        until(lambda: mount.finds(unique), 60, f"{unique} is found")
    for path, unique in last.items():
        path.unlink()
        gone.append(until(lambda: not mount.finds(unique), 60, f"{unique} is gone"))
    return found, gone


def tree(root, rng, files):
    """Files in nested directories."""
    for n in range(files):
        path = root / f"{n % 40:02}/{n // 40 % 25:02}/{n}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(rng, f"burst{n}"))


def equal(mount, what):
    seconds = until(lambda: mount.indexed() == mount.on_disk(), PATIENCE, f"the index equals the disk: {what}")
    print(f"| {what} | {len(mount.on_disk())} files on disk | equal after {seconds:.1f} s |", flush=True)


def bursts(mount, rng, files, dir):
    outside = dir / "outside"
    tree(outside, rng, files)
    parts = sorted(outside.iterdir())
    os.rename(outside, mount.vault / "burst")
    equal(mount, "one directory moved in")
    os.rename(mount.vault / "burst", outside)
    equal(mount, "the same moved out")
    (mount.vault / "burst").mkdir()
    for part in parts:
        os.rename(part, mount.vault / "burst" / part.name)
    for part in rng.sample(parts, len(parts) // 2):
        os.rename(mount.vault / "burst" / part.name, part)
    equal(mount, "40 directories in, half of them out again at once")
    for part in parts:
        if not part.exists():
            os.rename(mount.vault / "burst" / part.name, part)
    for path in sorted(outside.rglob("*.md")):
        os.rename(path, mount.vault / f"burst/{path.name}")
    equal(mount, "file by file into one directory")
    names = sorted((mount.vault / "burst").iterdir())
    for path in names[: len(names) // 2]:
        path.unlink()
    for path in names[len(names) // 2 :]:
        os.rename(path, mount.vault / f"{path.name}")
    equal(mount, "half deleted, half moved elsewhere in the vault")


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--echofs", default="target/release/echofs", type=pathlib.Path)
    options.add_argument("--saves", default=200, type=int)
    options.add_argument("--files", default=20_000, type=int)
    given = options.parse_args()
    rng = random.Random(17)
    dir = pathlib.Path(tempfile.mkdtemp(prefix="echofs-freshness-"))
    try:
        with Mount(given.echofs.resolve(), dir) as mount:
            tree(mount.vault / "old", rng, 1000)
            until(lambda: mount.indexed() == mount.on_disk(), PATIENCE, "the vault is indexed")
            found, gone = saves(mount, rng, given.saves)
            print("| change | times | p50 s | p95 s | most s | bound s | kept |\n|---|---|---|---|---|---|---|")
            kept = [summary(f"{way} save found", seconds, 1.0) for way, seconds in found.items()]
            kept.append(summary("deletion gone", gone, 2.0))
            print("\n| burst | files | |\n|---|---|---|")
            bursts(mount, rng, given.files, dir)
        return 0 if all(kept) else 1
    finally:
        shutil.rmtree(dir, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
