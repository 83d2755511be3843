"""fakesnow's server for the Node driver: that one reads JSON rows only, and fakesnow answers in Arrow.

Usage: fakesnow.shim.py PORT
"""

import base64
import gzip
import json
import sys
from datetime import date

import pyarrow as pa
import uvicorn
from fakesnow.server import app as fakesnow


def cell(value, column):
    """A value of the Arrow table as Snowflake writes it in a JSON row."""
    kind, scale = column["type"].lower(), column.get("scale") or 0
    if value is None:
        return None
    if kind == "boolean":
        return "1" if value else "0"
    if kind == "date":
        return str((value - date(1970, 1, 1)).days)
    if kind == "binary":
        return bytes(value).hex().upper()
    if kind.startswith("timestamp") and isinstance(value, dict):
        nanos = value["epoch"] * 10**9 + (value.get("fraction") or 0)
        zone = f" {value['timezone']}" if kind == "timestamp_tz" else ""
        return f"{'-' if nanos < 0 else ''}{abs(nanos) // 10**9}.{abs(nanos) % 10**9:09d}{zone}"
    if kind.startswith("time") and isinstance(value, int):
        return f"{value // 10**scale}.{value % 10**scale:0{scale}d}" if scale else str(value)
    if kind == "real":
        return {"nan": "NaN"}.get(repr(value), repr(value))
    if kind == "fixed" and isinstance(value, int) and scale:
        digits = str(abs(value)).rjust(scale + 1, "0")
        return f"{'-' if value < 0 else ''}{digits[:-scale]}.{digits[-scale:]}"
    return str(value)


def rows_of(data):
    encoded = data.pop("rowsetBase64")
    data["queryResultFormat"] = "json"
    data["rowset"] = []
    if encoded:
        table = pa.ipc.open_stream(base64.b64decode(encoded)).read_all()
        columns = [column.to_pylist() for column in table.columns]
        data["rowset"] = [[cell(v, c) for v, c in zip(row, data["rowtype"])] for row in zip(*columns)]
    data["returned"] = data["total"] = len(data["rowset"])
    data.setdefault("version", 1)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return await fakesnow(scope, receive, send)
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    # The driver announces gzip whether or not it had the time to compress.
    body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
    # fakesnow knows no statement that sets several parameters of a session; its time zone is UTC as it is.
    if b'"sqlText":"ALTER SESSION SET' in body:
        body = json.dumps({**json.loads(body), "sqlText": "SELECT 1 AS status"}).encode()
    scope = {**scope, "headers": [h for h in scope["headers"] if h[0].lower() not in (b"content-encoding", b"content-length")]}
    start, answer = {}, b""

    async def inner():
        return {"type": "http.request", "body": body, "more_body": False}

    async def collect(message):
        nonlocal start, answer
        if message["type"] == "http.response.start":
            start = message
        else:
            answer += message.get("body", b"")

    await fakesnow(scope, inner, collect)
    try:
        content = json.loads(answer)
        if isinstance(content.get("data"), dict):
            if "rowsetBase64" in content["data"]:
                rows_of(content["data"])
            answer = json.dumps(content).encode()
    except ValueError:
        pass
    headers = [h for h in start["headers"] if h[0].lower() != b"content-length"]
    await send({**start, "headers": [*headers, (b"content-length", str(len(answer)).encode())]})
    await send({"type": "http.response.body", "body": answer})


uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
