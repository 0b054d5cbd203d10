#!/usr/bin/env python3
"""Measures conversations: an import of many, what can be done meanwhile, and how long an append takes.

    scripts/bench-memory.py [--echofs PROGRAM] [--conversations N] [--turns N] [--appends N] [--words-only]

Writes an invented export of a chat service (a ChatGPT `conversations.json` over three years), copies it into
`conversations/import`, and lists and reads `conversations/` until the report says that it is done. Then it imports the same
file again, which must add nothing, and appends turns to a session. Memory is that of the mount process, sampled.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import tempfile
import time

from mounted import Mount, quantile

SUBJECTS = "oven kiln ledger harbour orchard server invoice bicycle fiddle survey greenhouse printer passport kettle".split()
WORDS = (
    "the a of to and in is that it was for on with as at by from this have are not but had they she or an which you were "
    "all we when there can more if no out so what up said about than into them only some could time these two may then do "
    "first any my now such like our over even most made after also did many before must through back years where much way "
    "well down should because each just those people how too little state good very make world still own see men work long "
    "get here between both life being under never day same another know while last might us great old year off come since "
    "against go came right used take three"
).split()
FIRST_DAY, DAYS = 1_672_531_200, 3 * 365


def sentence(rng, subject, number):
    words = [rng.choice(WORDS) for _ in range(rng.randint(8, 40))]
    words.insert(rng.randrange(len(words)), subject)
    words.insert(rng.randrange(len(words)), f"q{number:x}{rng.randrange(1000):x}")
    return " ".join(words).capitalize() + rng.choice([".", ".", "?"])


def conversation(number, turns):
    rng = random.Random(number)
    subject = rng.choice(SUBJECTS)
    at = FIRST_DAY + rng.randrange(DAYS * 86_400)
    mapping = {"root": {"id": "root", "message": None, "parent": None, "children": ["n0"]}}
    for n in range(turns):
        text = " ".join(sentence(rng, subject, number) for _ in range(rng.randint(1, 3)))
        message = {
            "author": {"role": ["user", "assistant"][n % 2]},
            "create_time": at + 60.0 * n,
            "content": {"content_type": "text", "parts": [text]},
        }
        children = [f"n{n + 1}"] if n + 1 < turns else []
        parent = f"n{n - 1}" if n else "root"
        mapping[f"n{n}"] = {"id": f"n{n}", "message": message, "parent": parent, "children": children}
    return {
        "title": f"On the {subject}, {number}",
        "create_time": float(at),
        "conversation_id": f"c{number}",
        "current_node": f"n{turns - 1}",
        "mapping": mapping,
    }


def write_export(path, conversations, turns):
    with open(path, "w", encoding="utf-8") as out:
        for number in range(conversations):
            out.write("[" if number == 0 else ",\n")
            json.dump(conversation(number, turns), out)
        out.write("]")


def reports(mount):
    text = (mount.point / "conversations/import/report.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def timed(function):
    begun = time.perf_counter()
    function()
    return (time.perf_counter() - begun) * 1e3


def import_file(mount, export):
    """Copies the file in; its report, seconds, milliseconds of each listing meanwhile, and the most memory."""
    known = len(reports(mount))
    begun = time.perf_counter()
    shutil.copyfile(export, mount.point / "conversations/import/conversations.json")
    listed, memory, shown = [], [], begun
    while True:
        months = [f"conversations/{2023 + n // 12}/{n % 12 + 1:02}" for n in range(36)]
        for place in ["conversations", *random.sample(months, 2)]:
            if (mount.point / place).is_dir():
                listed.append(timed(lambda: os.listdir(mount.point / place)))
        memory.append(mount.resident())
        latest = reports(mount)
        if len(latest) > known and latest[-1]["done"]:
            return latest[-1], time.perf_counter() - begun, listed, memory
        if time.perf_counter() - shown > 30 and len(latest) > known:
            shown = time.perf_counter()
            print(f"  {shown - begun:.0f} s: {latest[-1]['conversations']} conversations", flush=True)
        time.sleep(0.1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--echofs", default="target/release/echofs")
    parser.add_argument("--conversations", type=int, default=2_000)
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--appends", type=int, default=1_000)
    parser.add_argument("--words-only", action="store_true", help="do not wait until all is found by meaning")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="echofs-bench-") as stage:
        source, export = os.path.join(stage, "source"), os.path.join(stage, "conversations.json")
        os.mkdir(source)
        write_export(export, options.conversations, options.turns)
        print(f"{options.conversations} conversations of {options.turns} turns, {os.path.getsize(export) >> 20} MiB")
        data = os.path.join(stage, "data")
        mount = Mount(os.path.abspath(options.echofs), source, data, os.path.join(stage, "echo"))
        begun = time.perf_counter()
        report, seconds, listed, memory = import_file(mount, export)
        assert report["turns"] == options.conversations * options.turns, report
        print(
            f"imported in {seconds:.0f} s, {report['turns'] / seconds:.0f} turns a second; `ls` meanwhile: median "
            f"{statistics.median(listed):.1f} ms, p99 {quantile(listed, 0.99):.1f} ms; memory at most "
            f"{max(m[0] for m in memory):.0f} MiB, {max(m[1] for m in memory):.0f} MiB of it its own"
        )
        mount.wait("--lexical")
        print(f"all found by words after {time.perf_counter() - begun:.0f} s, memory {mount.resident()[0]:.0f} MiB")
        again, seconds, _, _ = import_file(mount, export)
        assert (again["created"], again["turns"]) == (0, 0), again
        print(f"the same file again: {again['known']} turns known, none new, in {seconds:.0f} s")
        inbox = mount.point / "conversations/inbox/bench.jsonl"
        descriptor = os.open(inbox, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        turn = lambda n: json.dumps({"role": "user", "content": f"number {n} of the oven"}).encode() + b"\n"
        took = [timed(lambda: os.write(descriptor, turn(n))) for n in range(options.appends)]
        os.close(descriptor)
        print(
            f"{options.appends} durable appends: median {statistics.median(took):.2f} ms, p99 {quantile(took, 0.99):.2f} ms"
        )
        if not options.words_only:
            mount.wait()
            print(f"all found by meaning after {time.perf_counter() - begun:.0f} s, memory {mount.resident()[0]:.0f} MiB")
        mount.end()
        size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(data) for name in names)
        print(f"data directory: {size >> 20} MiB")


if __name__ == "__main__":
    main()
