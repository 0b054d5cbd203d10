#!/usr/bin/env python3
"""Measures how long the replies of a chat take, and whether they are right.

    scripts/bench-chat.py [--model NAME] [--rounds N] [--echofs PROGRAM]

Three notes have twelve facts each. Each round has a chat of its own with a message and a second one about the same note,
which comes at once, after a question about another note, or after that and a new start of the service. To compare with another
version, give its program with --echofs. RUST_LOG=echofs_fs::answer=debug makes a mount in the foreground tell how many tokens were kept.
"""

import argparse
import os
import signal
import tempfile
import time
from pathlib import Path

from mounted import Mount, name_of, quantile

PLACES = ["harbour house", "mill", "old school"]
ROOMS = ["kitchen", "cellar", "attic", "pantry", "hall", "porch", "study", "nursery", "parlour", "bathroom", "workshop", "larder"]
PEOPLE = ["Anna", "Berta", "Carla", "Doris", "Edith", "Frida", "Greta", "Hanna", "Irene", "Jutta", "Klara", "Lotte"]
PAIRS = [(3, 4), (5, 4), (6, 7), (8, 7), (2, 3), (7, 6)]


def person(place, room):
    return PEOPLE[(place * 5 + room) % len(PEOPLE)]


def note(place):
    told = lambda room: f"The {ROOMS[room]} of the {PLACES[place]} was painted last spring by {person(place, room)}, with two coats of plain white."
    return f"# The {PLACES[place]}\n\n" + " ".join(told(room) for room in range(len(ROOMS))) + "\n"


def say(mount, chat, text):
    """Seconds until the whole reply is there, and the reply."""
    path = mount.point / "chat" / chat
    begun = time.perf_counter()
    with open(path, "a", encoding="utf-8") as file:
        file.write(text + "\n")
    reply = path.read_text(encoding="utf-8").rsplit("\n## ", 1)[-1]
    return time.perf_counter() - begun, reply


def other_question(mount, place, number):
    question = f"Who painted the {ROOMS[number % len(ROOMS)]} of the {PLACES[place]}, for the {number + 1}th time?"
    (mount.point / "ask" / (name_of(question) + ".md")).read_bytes()


def end_service(mount):
    """Ends the process of the model; the next question starts it again."""
    for entry in Path("/proc").iterdir():
        try:
            parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            if parent == str(mount.process.pid) and b"echofs-inference" in (entry / "cmdline").read_bytes():
                os.kill(int(entry.name), signal.SIGTERM)
                return
        except OSError:
            continue


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-q4_k_m")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--echofs", default="target/release/echofs")
    options = parser.parse_args()
    kinds = ["at once", "after another question", "after a new start of the service"]
    spent, right = {kind: [] for kind in ["first message", *kinds]}, {kind: 0 for kind in ["first message", *kinds]}
    with tempfile.TemporaryDirectory(prefix="echofs-bench-") as stage:
        stage = Path(stage)
        (stage / "notes").mkdir()
        for place, name in enumerate(PLACES):
            (stage / "notes" / f"{name}.md").write_text(note(place))
        with Mount(os.path.abspath(options.echofs), stage / "notes", stage / "data", stage / "echo", "--model", options.model) as mount:
            mount.wait()
            other_question(mount, 2, 0)
            for turn in range(options.rounds * len(kinds)):
                kind, (first, second), place = kinds[turn % 3], PAIRS[turn // 3 % len(PAIRS)], turn % 2

                def message(of, text, room):
                    seconds, reply = say(mount, f"chat{turn}", text)
                    spent[of].append(seconds)
                    right[of] += person(place, room) in reply.replace("\n> ", " ").split("\n\n", 2)[-1]

                message("first message", f"Who painted the {ROOMS[first]} of the {PLACES[place]}?", first)
                if kind == kinds[2]:
                    end_service(mount)
                if kind != kinds[0]:
                    other_question(mount, 2, turn + 1)
                message(kind, f"And who painted its {ROOMS[second]}?", second)
    print("| reply | p50, s | p95, s | right |\n|---|---|---|---|")
    for kind, times in spent.items():
        print(f"| {kind} | {quantile(times, 0.5):.2f} | {quantile(times, 0.95):.2f} | {right[kind]} of {len(times)} |")


if __name__ == "__main__":
    main()
