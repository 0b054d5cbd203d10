#!/usr/bin/env python3
"""Checks fixtures/questions.jsonl and fixtures/searches.jsonl against the sample vault.

Standard library only, and pdftotext for the PDF files. Every quote must stand verbatim on one line of the text
of its file, every expected path must exist and be allowed to be indexed, and each secret canary must stand in
exactly one hidden file. Prints what is wrong and exits with 1, else prints the counts.
"""

import email
import html
import json
import mailbox
import re
import subprocess
import sys
import zipfile
from collections import Counter
from email import policy
from functools import cache
from pathlib import Path

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
VAULT = FIXTURES / "vault"
BREAKS = r"</(?:p|h\d|li|tr|td|th|div|title|text:p|text:h|w:p|a:p|si)>"
KINDS = {"once", "changed", "contradiction", "multi", "other-language", "code", "table", "page", "setting", "mail", "negation", "hostile"}
UNANSWERABLE_KINDS = {"missing", "near-name", "false-premise", "outside", "hostile"}
SEARCH_KINDS = {"words", "meaning", "filter"}
HIDDEN = re.compile(r"(^|/)(\.env|id_[^/]*|node_modules|drafts-private|media|\.gitignore|\.echoignore)(/|$)|\.bak$")
MAX_BYTES = 2_000_000


def strip_markup(markup: str) -> str:
    """Text of XML or HTML: one line for each block, scripts and styles left out."""
    markup = re.sub(r"(?s)<(script|style)\b.*?</\1>", "", markup)
    text = re.sub(r"<[^>]+>", "", re.sub(BREAKS, "\n", re.sub(r"[\r\n]+", " ", markup)))
    return html.unescape(text)


def from_zip(path: Path) -> str:
    with zipfile.ZipFile(path) as archive:
        parts = [name for name in archive.namelist() if re.search(r"\.(xml|xhtml)$", name)]
        return "\n".join(strip_markup(archive.read(name).decode("utf-8")) for name in parts)


def from_mail(message: email.message.EmailMessage) -> str:
    texts = [f"{name}: {message[name]}" for name in ("Subject", "From", "To", "Date") if message[name]]
    for part in message.walk():
        if part.get_filename():
            texts.append(part.get_filename())
        if part.get_content_type() == "text/plain":
            texts.append(part.get_content())
        elif part.get_content_type() == "text/html":
            texts.append(strip_markup(part.get_content()))
    return "\n".join(texts)


def from_mbox(path: Path) -> str:
    parse = lambda stream: email.message_from_binary_file(stream, policy=policy.default)
    return "\n".join(from_mail(message) for message in mailbox.mbox(path, factory=parse, create=False))


def from_rtf(path: Path) -> str:
    text = re.sub(r"\\'([0-9a-f]{2})", lambda m: bytes.fromhex(m[1]).decode("cp1252"), path.read_text("ascii"))
    return re.sub(r"[{}]|\\[a-z]+-?\d* ?", "", re.sub(r"\\par\b ?", "\n", text))


def from_notebook(path: Path) -> str:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return "\n".join("".join(c["source"]) + "".join("".join(o.get("text", "")) for o in c.get("outputs", [])) for c in cells)


def from_lines_of_fields(path: Path) -> str:
    """iCalendar and vCard: unfolded and unescaped."""
    text = re.sub(r"\r?\n[ \t]", "", path.read_bytes().decode("utf-8"))
    return re.sub(r"\\([,;\\])", r"\1", text)


def from_pdf(path: Path, page: int | None = None) -> str:
    pages = ["-f", str(page), "-l", str(page)] if page else []
    return subprocess.run(["pdftotext", "-layout", *pages, str(path), "-"], check=True, capture_output=True, text=True).stdout


READERS = {
    ".pdf": from_pdf, ".rtf": from_rtf, ".ipynb": from_notebook, ".mbox": from_mbox,
    ".ics": from_lines_of_fields, ".vcf": from_lines_of_fields,
    ".html": lambda path: strip_markup(path.read_text("utf-8")),
    ".eml": lambda path: from_mail(email.message_from_bytes(path.read_bytes(), policy=policy.default)),
    **dict.fromkeys((".docx", ".odt", ".pptx", ".xlsx", ".epub"), from_zip),
}


@cache
def lines_of(path: str, page: int | None = None) -> list[str]:
    """The lines of a file's text, blanks at the ends removed; of one page of a PDF when `page` is given."""
    file = VAULT / path
    text = from_pdf(file, page) if page else READERS.get(file.suffix, lambda p: p.read_text("utf-8"))(file)
    return [line.strip() for line in text.splitlines()]


def vault_files() -> list[str]:
    return sorted(str(p.relative_to(VAULT)) for p in VAULT.rglob("*") if p.is_file())


def holds(path: str, quote: str, page: int | None = None) -> bool:
    return any(quote in line for line in lines_of(path, page))


def read_jsonl(name: str) -> list[dict]:
    rows = []
    for number, line in enumerate((FIXTURES / name).read_text("utf-8").splitlines(), 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise SystemExit(f"{name}:{number}: {error}")
    return rows


def check_path(path: str) -> list[str]:
    if not (VAULT / path).is_file():
        return [f"no such file: {path}"]
    return [f"hidden from the index: {path}"] if HIDDEN.search(path) else []


def check_evidence(row: dict) -> list[str]:
    wrong = []
    for evidence in row["evidence"]:
        path, quote = evidence["path"], evidence["quote"]
        if missing := check_path(path):
            wrong += missing
        elif not quote or "\n" in quote or quote != quote.strip():
            wrong.append(f"not one clean line: {quote!r}")
        elif not holds(path, quote, evidence.get("page")):
            wrong.append(f"not verbatim in {path}: {quote!r}")
        elif row["kind"] == "once" and (others := [p for p in READABLE if p != path and holds(p, quote)]):
            wrong.append(f"also in {others}: {quote!r}")
    return wrong


def check_question(row: dict) -> list[str]:
    if set(row) - {"demo"} != {"id", "question", "answerable", "answers", "evidence", "kind", "note"}:
        return [f"fields: {sorted(row)}"]
    wrong = check_evidence(row)
    if row["kind"] not in (KINDS if row["answerable"] else UNANSWERABLE_KINDS):
        wrong.append(f"unknown kind {row['kind']}")
    if row["answerable"] != bool(row["answers"]) or row["answerable"] != bool(row["evidence"]):
        wrong.append("answers and evidence go with answerable questions, and only with them")
    if any(not answer.strip() for answer in row["answers"]):
        wrong.append("empty answer")
    return wrong


def check_search(row: dict) -> list[str]:
    if set(row) != {"id", "query", "expect", "kind"} or row["kind"] not in SEARCH_KINDS or not row["expect"]:
        return [f"fields or kind: {row}"]
    return [problem for path in row["expect"] for problem in check_path(path)]


def check_canaries() -> list[str]:
    """Each canary stands in one file that must not be indexed, or in a part of one that is no text of it."""
    found: dict[str, list[str]] = {}
    for path in vault_files():
        for canary in re.findall(rb"canary-[a-z]+-[a-z]+-\d{4}", (VAULT / path).read_bytes()):
            found.setdefault(canary.decode(), []).append(path)
    wrong = [f"{canary} in {paths}" for canary, paths in found.items() if len(paths) != 1]
    for canary, (path, *_) in found.items():
        if not HIDDEN.search(path) and holds(path, canary):
            wrong.append(f"{canary} is text of {path}")
    return wrong if len(found) == 7 else [*wrong, f"{len(found)} canaries instead of 7"]


def check_all(questions: list[dict], searches: list[dict]) -> list[str]:
    wrong = [f"{row.get('id')}: {p}" for row in questions for p in check_question(row)]
    wrong += [f"{row.get('id')}: {p}" for row in searches for p in check_search(row)]
    ids = Counter(row["id"] for row in questions + searches)
    texts = Counter(row.get("question") or row["query"] for row in questions + searches)
    wrong += [f"twice: {key}" for key, count in (ids + texts).items() if count > 1]
    demo = Counter(row["answerable"] for row in questions if row.get("demo"))
    if (demo[True], demo[False]) != (3, 1):
        wrong.append(f"demo questions: {demo[True]} answerable, {demo[False]} not; 3 and 1 are wanted")
    if (size := sum((VAULT / p).stat().st_size for p in vault_files())) > MAX_BYTES:
        wrong.append(f"the vault has {size} bytes, more than {MAX_BYTES}")
    return wrong + check_canaries()


READABLE = [path for path in vault_files() if not HIDDEN.search(path)]


def main() -> int:
    questions, searches = read_jsonl("questions.jsonl"), read_jsonl("searches.jsonl")
    wrong = check_all(questions, searches)
    for problem in wrong:
        print(problem)
    by_kind = Counter(f"{'' if row['answerable'] else 'no answer: '}{row['kind']}" for row in questions)
    print(f"files: {len(vault_files())}, of these to be indexed: {len(READABLE)}")
    print(f"questions: {len(questions)}, not answerable: {sum(not row['answerable'] for row in questions)}", dict(by_kind))
    print(f"searches: {len(searches)}", dict(Counter(row["kind"] for row in searches)))
    print(f"{len(wrong)} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
