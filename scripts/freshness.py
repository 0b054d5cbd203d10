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
import sys
import tempfile
import time

from mounted import Mount, quantile

WORDS = "harbour lamp walrus meadow engine quern ladder button thread castle river candle window garden".split()
PATIENCE = 300


class Vault:
    """A directory, mounted."""

    def __init__(self, root, mount):
        self.root, self.mount = root, mount

    def finds(self, word):
        return (self.mount.point / f"search/lex:{word}/results.jsonl").read_text() != ""

    def indexed(self):
        lines = (self.mount.point / ".echo/coverage.jsonl").read_text().splitlines()
        lines = map(json.loads, lines)
        return {line["path"] for line in lines if line["state"] == "indexed" and line["path"].startswith(str(self.root))}

    def on_disk(self):
        return {str(path) for path in self.root.rglob("*.md")}


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
    p50, p95 = quantile(seconds, 0.5), quantile(seconds, 0.95)
    ok = p95 <= bound
    print(f"| {name} | {len(seconds)} | {p50:.3f} | {p95:.3f} | {max(seconds):.3f} | {bound} | {'yes' if ok else 'NO'} |", flush=True)
    return ok


def saves(vault, rng, count):
    """Files saved plainly and by renaming, half of them new and half of them changed; then deleted."""
    found, gone = {"plain": [], "atomic": []}, []
    paths = []
    for n in range(count):
        way = ("plain", "atomic")[n % 2]
        path = vault.root / f"saved/{n // 4 if n % 4 >= 2 else n}-{way}.md"
        path.parent.mkdir(exist_ok=True)
        unique = f"uniq{n}x{rng.randrange(10**6)}"
        save(path, text(rng, unique), way == "atomic")
        found[way].append(until(lambda: vault.finds(unique), 60, f"{unique} is found"))
        paths.append((path, unique))
    last = {path: unique for path, unique in paths}
    for n in range(count - len(last)):
        path, unique = vault.root / f"saved/more-{n}.md", f"more{n}x{rng.randrange(10**6)}"
        save(path, text(rng, unique), False)
        last[path] = unique
    for unique in last.values():
        until(lambda: vault.finds(unique), 60, f"{unique} is found")
    for path, unique in last.items():
        path.unlink()
        gone.append(until(lambda: not vault.finds(unique), 60, f"{unique} is gone"))
    return found, gone


def tree(root, rng, files):
    """Files in nested directories."""
    for n in range(files):
        path = root / f"{n % 40:02}/{n // 40 % 25:02}/{n}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(rng, f"burst{n}"))


def equal(vault, what):
    seconds = until(lambda: vault.indexed() == vault.on_disk(), PATIENCE, f"the index equals the disk: {what}")
    print(f"| {what} | {len(vault.on_disk())} files on disk | equal after {seconds:.1f} s |", flush=True)


def bursts(vault, rng, files, dir):
    outside = dir / "outside"
    tree(outside, rng, files)
    parts = sorted(outside.iterdir())
    os.rename(outside, vault.root / "burst")
    equal(vault, "one directory moved in")
    os.rename(vault.root / "burst", outside)
    equal(vault, "the same moved out")
    (vault.root / "burst").mkdir()
    for part in parts:
        os.rename(part, vault.root / "burst" / part.name)
    for part in rng.sample(parts, len(parts) // 2):
        os.rename(vault.root / "burst" / part.name, part)
    equal(vault, "40 directories in, half of them out again at once")
    for part in parts:
        if not part.exists():
            os.rename(vault.root / "burst" / part.name, part)
    for path in sorted(outside.rglob("*.md")):
        os.rename(path, vault.root / f"burst/{path.name}")
    equal(vault, "file by file into one directory")
    names = sorted((vault.root / "burst").iterdir())
    for path in names[: len(names) // 2]:
        path.unlink()
    for path in names[len(names) // 2 :]:
        os.rename(path, vault.root / f"{path.name}")
    equal(vault, "half deleted, half moved elsewhere in the vault")


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--echofs", default="target/release/echofs", type=pathlib.Path)
    options.add_argument("--saves", default=200, type=int)
    options.add_argument("--files", default=20_000, type=int)
    given = options.parse_args()
    rng = random.Random(17)
    with tempfile.TemporaryDirectory(prefix="echofs-freshness-") as dir:
        dir = pathlib.Path(dir)
        root = dir / "vault"
        root.mkdir()
        with Mount(given.echofs.resolve(), root, dir / "data", dir / "mount", "--model", "none") as mount:
            vault = Vault(root, mount)
            tree(root / "old", rng, 1000)
            until(lambda: vault.indexed() == vault.on_disk(), PATIENCE, "the vault is indexed")
            found, gone = saves(vault, rng, given.saves)
            print("| change | times | p50 s | p95 s | most s | bound s | kept |\n|---|---|---|---|---|---|---|")
            kept = [summary(f"{way} save found", seconds, 1.0) for way, seconds in found.items()]
            kept.append(summary("deletion gone", gone, 2.0))
            print("\n| burst | files | |\n|---|---|---|")
            bursts(vault, rng, given.files, dir)
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
