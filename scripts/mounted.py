"""A mount of EchoFS for the scripts that measure it."""

import functools
import json
import os
import re
import subprocess
import time
from pathlib import Path


#: Up to this many vectors a search compares all of them and no graph is built.
SCANNED = 20_000
#: A new generation of vectors is saved for so many new ones, if they are one in ten.
SAVED, SHARE = 1_000, 10


class Mount:
    """`echofs mount` as a child, with the index in `data`; there once `ls` answers, after `ready` milliseconds."""

    def __init__(self, program, source, data, point, *options):
        self.program, self.data, self.point = program, Path(data), Path(point)
        self.point.mkdir(exist_ok=True)
        self.started = time.perf_counter()
        command = [program, "mount", point, "--source", source, "--data", data, *options, "--foreground"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (self.point / "README.md").exists():
            if self.process.poll() is not None:
                raise SystemExit(f"{program} mount ended with {self.process.returncode}")
            time.sleep(0.001)
        os.listdir(self.point)
        self.ready = (time.perf_counter() - self.started) * 1e3

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def wait(self, *options):
        """Waits for the index; seconds since the start."""
        subprocess.run([self.program, "wait", self.point, "--timeout", "86400", *options], check=True)
        return time.perf_counter() - self.started

    def status(self):
        return json.loads((self.point / ".echo/status.json").read_text())

    def rest(self, facts=True):
        """Waits until all vectors are in the graph and saved, and facts and topics are there too if they are wanted."""
        pending = ["pending", "pending_semantic"] + ["pending_facts", "pending_topics"] * facts
        while any((status := self.status())[name] for name in pending) or not self.has_graph(status["models"]["embedding"]):
            time.sleep(0.2)

    def has_graph(self, embedding):
        """Whether the graph has all vectors, was audited, and is saved as far as the store saves it."""
        rows = embedding["vectors"] + embedding["tombstones"]
        unsaved = rows - max(map(rows_in, self.data.glob("vectors/*/generation-*/manifest.json")), default=0)
        saved = unsaved < SAVED or unsaved * SHARE < rows
        audited = embedding["in_graph"] >= rows and embedding["recall_at_10"] is not None
        return saved and (rows <= SCANNED or audited)

    def resident(self):
        """Mebibytes of the mount process: all of it, and without pages of files that the kernel may drop."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return [int(re.search(rf"^{name}:\s*(\d+)", status, re.M).group(1)) / 1024 for name in ("VmRSS", "RssAnon")]

    def search(self, query):
        """Lists a query and reads its results; milliseconds."""
        directory = self.point / "search" / name_of(query)
        begun = time.perf_counter()
        os.listdir(directory)
        (directory / "results.jsonl").read_bytes()
        return (time.perf_counter() - begun) * 1e3

    def first_byte(self, question):
        """Milliseconds until the first bytes of an answer that is then given up."""
        begun = time.perf_counter()
        descriptor = os.open(self.point / "ask" / name_of(question), os.O_RDONLY)
        os.read(descriptor, 4096)
        spent = (time.perf_counter() - begun) * 1e3
        os.close(descriptor)
        return spent

    def end(self):
        subprocess.run([self.program, "umount", self.point], check=True, stdout=subprocess.DEVNULL)
        self.process.wait()


def rows_in(manifest):
    try:
        return json.loads(manifest.read_text())["rows"]
    except FileNotFoundError:  # a newer one has taken its place
        return 0


def models():
    """Where models are."""
    data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
    return Path(os.environ.get("ECHOFS_MODELS") or data / "echofs/models")


@functools.cache
def example(name):
    """The program of an example, built with everything else, so that nothing is built a second time with other features."""
    root = Path(__file__).resolve().parent.parent
    build = ["cargo", "build", "--release", "--workspace", "--bins", "--examples"]
    subprocess.run([*build, "--quiet"], cwd=root, check=True)
    target = os.environ.get("CARGO_TARGET_DIR") or root / "target"
    return Path(target) / "release/examples" / name


def embed(model, texts, file):
    """Writes the vectors of texts as 32-bit floats to an open file; what that took."""
    command = [example("embed"), models() / model, models() / "onnxruntime/libonnxruntime.so"]
    lines = ("\n".join(texts) + "\n").encode()
    done = subprocess.run(command, check=True, input=lines, stdout=file, stderr=subprocess.PIPE)
    return json.loads(done.stderr.decode().splitlines()[-1])


def name_of(text):
    """A question or query as one part of a path."""
    return text.replace("%", "%25").replace("/", "%2F")


def quantile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]
