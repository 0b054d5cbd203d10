"""Speaks to a server that has OpenAI's chat completions, for `remote.rs`: one request, then it ends.

Standard input holds a JSON object: `url` of the completions, `key` or null, `body` of the request, and how many seconds there
may be until a `connection`, and of `silence` between two bytes.
Standard output gets JSON lines: {"text": ...} as it comes, then {"done": ...} or {"error": ..., "refused": ...}.
It follows no redirection: nothing goes anywhere but to the address that was written down.
"""

import http.client
import json
import sys
import urllib.error
import urllib.request

MOST = 64 << 20  # bytes of a reply


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Prompt:
    """A connection that is there soon or not at all; then the server may take its time."""

    within = None

    def connect(self):
        silence, self.timeout = self.timeout, Prompt.within
        super().connect()
        self.sock.settimeout(silence)


class Plain(Prompt, http.client.HTTPConnection):
    pass


class Secure(Prompt, http.client.HTTPSConnection):
    pass


class OpenPlain(urllib.request.HTTPHandler):
    def http_open(self, request):
        return self.do_open(Plain, request)


class OpenSecure(urllib.request.HTTPSHandler):
    def https_open(self, request):
        return self.do_open(Secure, request, context=self._context)


def say(thing):
    print(json.dumps(thing), flush=True)


def connect(order):
    headers = {"Content-Type": "application/json", "Accept": "text/event-stream", "User-Agent": "echofs"}
    if order["key"]:
        headers["Authorization"] = "Bearer " + order["key"]
    request = urllib.request.Request(order["url"], json.dumps(order["body"]).encode(), headers)
    Prompt.within = order["connection"]
    opener = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}), OpenPlain, OpenSecure)
    return opener.open(request, timeout=order["silence"])


def lines(reply):
    left = MOST
    while line := reply.readline(left):
        left -= len(line)
        yield line
    if left <= 0:
        raise OSError("it sends too much")


def stream(reply):
    """Reads server-sent events to their end; a server that does not stream answers with one object."""
    done, ended = {}, False
    plain = []
    for line in lines(reply):
        line = line.strip()
        if not line.startswith(b"data:"):
            plain.append(line)
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            ended = True
            break
        ended = take(json.loads(data), done) or ended
    plain = b"".join(plain)
    if not done and plain.startswith(b"{"):
        ended = take(json.loads(plain), done)
    if not ended:
        raise OSError("it hung up in the middle")
    say({"done": done})


def take(event, done):
    """One event; whether it is the last with text."""
    if "error" in event:
        raise ValueError(message(event))
    done["model"] = event.get("model") or done.get("model")
    if event.get("usage"):
        done["usage"] = event["usage"]
    ended = False
    for choice in event.get("choices", [])[:1]:
        text = (choice.get("delta") or choice.get("message") or {}).get("content")
        if text:
            say({"text": text})
        ended = choice.get("finish_reason") is not None
    return ended


def message(told):
    error = told.get("error", told)
    return str(error.get("message", error) if isinstance(error, dict) else error)[:300]


def main():
    order = json.load(sys.stdin)
    try:
        with connect(order) as reply:
            stream(reply)
    except urllib.error.HTTPError as error:
        try:
            why = message(json.loads(error.read(1 << 16)))
        except (ValueError, AttributeError, OSError):
            why = error.reason
        say({"error": f"it answers {error.code}: {why}", "refused": error.code in (400, 413, 422)})
    except urllib.error.URLError as error:
        say({"error": str(error.reason), "refused": False})
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        say({"error": str(error) or type(error).__name__, "refused": False})


main()
