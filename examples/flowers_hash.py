#!/usr/bin/env python3
"""Keeps the example shop honest: hashed names that are true, references that lead somewhere.

    python3 flowers_hash.py --stamp     after an edit: renames what changed, and whatever names it
    python3 flowers_hash.py --check     changes nothing; says what is wrong, and fails if anything is

A hashed name is NAME-HASH.EXT in assets/, HASH the first 8 hex digits of the SHA-256 of the file's own
bytes. Bytes hold other hashed names, so stamping goes from the bottom up: what is imported comes first.
Both work on `flowers` and on its overlay `flowers-next`, beside this script. No needs but Python.
"""

import hashlib
import json
import re
import sys
from pathlib import Path
from urllib.parse import urljoin, urlsplit

HERE = Path(__file__).resolve().parent
BASE, NEXT = HERE / "flowers", HERE / "flowers-next"
HASHED = re.compile(r"([a-z]+)-([0-9a-f]{8})\.(js|css)")
SECOND_ORIGIN = "http://localhost:8080"


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()[:8]


def texts(root):
    return [p for p in root.rglob("*") if p.suffix in {".html", ".js", ".css", ".json", ".webmanifest"}]


def stamp():
    for root in (BASE, NEXT):
        waiting = {p.name: p for p in (root / "assets").iterdir()}
        while waiting:
            ready = [p for p in waiting.values() if not any(n != p.name and n in p.read_text() for n in waiting)]
            if not ready:
                sys.exit(f"the assets import each other in a circle: {sorted(waiting)}")
            for path in ready:
                del waiting[path.name]
                stem, old, ext = HASHED.fullmatch(path.name).groups()
                name = f"{stem}-{digest(path)}.{ext}"
                if name == path.name:
                    continue
                print(f"{root.name}: {path.name} → {name}")
                for file in texts(root) + (texts(NEXT) if root == BASE else []):
                    # an overlay's own file of the same name is another file: its references are its own
                    if file.is_relative_to(root) or not (NEXT / "assets" / path.name).exists():
                        text = file.read_text()
                        if path.name in text:
                            file.write_text(text.replace(path.name, name))
                path.rename(path.with_name(name))


def references(path, text):
    """Every address that the file names."""
    if path.suffix == ".html":
        return re.findall(r'\s(?:src|href)="([^"#]+)"', text)
    if path.suffix == ".css":
        return re.findall(r'url\("([^"]+)"\)', text)
    if path.suffix == ".js":
        quoted = re.findall(r"""(?:from|import\()\s*'([^']+)'""", text)
        return quoted + re.findall(r"'(/[a-z][^'$]*)'", text)
    if path.suffix in {".json", ".webmanifest"}:
        found, todo = [], [json.loads(text)]
        while todo:
            value = todo.pop()
            todo += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
            if isinstance(value, str) and re.match(r"/|https?:", value):
                found.append(value)
        return found
    return []


def problems(root, below=None):
    """What is wrong with the folder `root`, laid over the folder `below`."""
    for path in (root / "assets").iterdir():
        if HASHED.fullmatch(path.name)[2] != digest(path):
            yield f"{path.name}: its hash is {digest(path)}"
    for path in texts(root):
        text, place = path.read_text(), "/" + path.relative_to(root).as_posix()
        if path.suffix == ".html" and re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|\sstyle=|<style", text):
            yield f"{place}: holds an inline script or style"
        for address in references(path, text):
            target = urlsplit(urljoin("http://shop" + place, address.removeprefix(SECOND_ORIGIN)))
            if target.netloc != "shop":
                yield f"{place}: names a foreign host, {address}"
                continue
            file = target.path.lstrip("/") + ("index.html" if target.path.endswith("/") else "")
            if not any((r / file).is_file() for r in (root, below) if r):
                yield f"{place}: {address} is not there"


def check():
    wrong = [f"{r.name}: {p}" for r, below in ((BASE, None), (NEXT, BASE)) for p in problems(r, below)]
    shop = json.loads((BASE / "api/products.json").read_text())
    second = 0
    for root, item in [(r, i) for r in (BASE, NEXT) for i in json.loads((r / "api/products.json").read_text())]:
        file = root / f"api/products/{item['id']}.json"
        one = json.loads((file if file.exists() else BASE / f"api/products/{item['id']}.json").read_text())
        second += root == BASE and one["productPic"].startswith(SECOND_ORIGIN)
        wrong += [f"{root.name}: {item['id']}: list and product differ in {k}" for k in item if item[k] != one[k]]
        wrong += [] if (BASE / f"products/{item['id']}.html").is_file() else [f"{item['id']} has no page"]
    for root in (BASE, NEXT):
        files = [p for p in root.rglob("*") if p.is_file()]
        print(f"{root.name}: {len(files)} files, {sum(p.stat().st_size for p in files)} bytes")
    print(f"{len(shop)} products, {second} with a picture on the second origin")
    print("\n".join(wrong) or "every hash is true and every reference leads to a file")
    return bool(wrong)


if __name__ == "__main__":
    if sys.argv[1:] == ["--stamp"]:
        stamp()
    elif sys.argv[1:] == ["--check"]:
        sys.exit(check())
    else:
        sys.exit(__doc__)
