//! `README.md` at the top of the tree.

use super::Context;

/// What reading `remember` gives.
pub const REMEMBER: &str = "\
Write a sentence to this file, a line each, and it is kept in knowledge/notes/remembered.md, with the time.
";

/// What the tree is and how to use it, with commands that work where it is mounted.
pub fn text(cx: &Context) -> String {
    let at = cx.mountpoint.display();
    format!(
        "\
# EchoFS

This directory is made from your own files, on this machine, as you look at it. A path is a question, a
directory is a query, a file is an answer. Nothing in it leaves the machine.

    cat '{at}/ask/which database did we choose?'     an answer from your files, with its sources
    ls '{at}/search/budget offsite/'                 the best passages for these words
    cat '{at}/search/budget offsite/results.txt'     the same as path:line: text
    ls '{at}/search/\"exact words\" type:pdf/'         quotes and fields filter, bare words rank
    ls '{at}/search/budget/+after:2026-03/'          narrow a search by another one
    mkdir '{at}/search/budget offsite'               keeps a search; rmdir drops it
    cat {at}/events                                  what happens, as it happens
    ls '{at}/similar/home/me/notes/plan.md/'         what is like that file (its absolute path)
    echo 'Oda has the key' > {at}/remember           keeps a sentence
    echo 'And who paid?' >> {at}/chat/trip           says something; `cat` or `tail -f` it for the reply
    cp conversations.json {at}/conversations/import/   takes the export of a chat service
    cat {at}/topics/README.md                        what your files are about
    cat {at}/context/briefing.md                     what to read first, whoever you are
    cat {at}/status                                  how far the index is

| where | what |
|---|---|
| `ask/` | finished answers; any name that is a question is answered when it is read |
| `search/<query>/` | `01-....md` passages, `files/` links to the originals, `results.jsonl`, `results.txt`, `explain.md` |
| `search/` | kept searches (`mkdir`, `rmdir`, `mv`), then the latest ones |
| `events` | JSON lines: documents, new hits of kept searches, refused writes; waits like a pipe |
| `similar/<absolute path>/` | the same, for documents like that one |
| `topics/<topic>/` | what your files are about: documents that belong together, `README.md` about each, `topics.json` |
| `facts/` | what your files state: `by-category/`, `by-entity/<name>.md`, `by-source/`, `as-of/<date>/`, `facts.jsonl` |
| `facts/correct` | write to it what is true instead, or edit the fact itself; `rm` in `by-category/` removes a fact for good |
| `knowledge/notes/` | your notes: ordinary files and folders, read and write |
| `knowledge/recent/` `by-date/` `by-type/` `by-tag/` | links to every document, sorted in these ways |
| `knowledge/sources/` | links to the directories that are indexed |
| `conversations/YYYY/MM/` | what was said, a page and its turns for each conversation |
| `conversations/inbox/<session>.jsonl` | append `{{\"role\":\"user\",\"content\":\"...\"}}`, a line for each turn |
| `conversations/import/` | copy exports and transcripts into it; `report.md` says what was taken |
| `chat/<name>` | a conversation: append a message, read on for the reply; `rm` ends it, what was said stays |
| `relationship/` | `log.jsonl` (append `{{\"kind\":\"preference\",\"subject\":\"...\",\"text\":\"...\"}}`), and the pages made from it |
| `relationship/about-me.md`, `people/` | who you are, and a page for each person (`people/Oda.md`, `people/oda@mill.example.md`), from your files |
| `context/` | `now.md`, `tasks.md`, `suggestions.md`, `briefing.md`: what an assistant should read first; `briefing-2000.md` is at most so many tokens long |
| `context/tiers/` | which documents are in use, recent, kept, put away; `moved.jsonl` says what moved |
| `.echo/` | `status.json`, `coverage.jsonl` (every file and why it is or is not indexed), `metrics`, `config.toml` |
| `.echo/observe` | what is noted of what you do, where and how much; write `pause 1h`, `resume`, `off opens` or `on opens` to it |
| `.echo/forget` | write a path, a query or the id of a fact to it: forgotten for good, your files stay, notes are deleted; `--dry-run` first shows what goes |
| `.echo/reindex` | write a path or `all` to it: it is read again |
| `.echo/now` | write `topics` to it: the language model names them now, not only when nobody needs it |
| `.echo/model`, `.echo/lora` | the language model and its adapter: read them, or write another name; `.echo/models/` lists the models |

In names `/` is written `%2F` and `%` is written `%25`. Looking around never runs the language model; only
reading a question and saying something in a chat do. While nobody needs it, it names topics (`.echo/now`). Ctrl-C stops an answer.
"
    )
}
