#!/usr/bin/env python3
"""Synthetic static-site generator for build-time benchmarks.

usage: sitegen.py OUT_DIR NUM_FILES [--seed N] [--scale F] [--edit K]

Writes exactly NUM_FILES files under OUT_DIR, deterministically for a given
(NUM_FILES, seed, scale). The tree looks like a bundler's output plus
prerendered pages:

  index.html, 404.html, offline.html, favicon.ico, manifest.webmanifest,
  robots.txt                            unhashed, at the root
  <section>/<sub>/<slug>/index.html     unhashed pages (clean URLs) and a few
  <section>/<slug>.html                 flat pages
  assets/js/<name>.<hash8>.js           content-hashed chunks
  assets/css/<name>.<hash8>.css
  assets/img/<aa>/<name>.<hash8>.<png|jpg|webp|svg|avif>
  assets/fonts/<name>.<hash8>.woff2
  assets/js/*.js.map                    source maps (for ignore rules)
  media/<name>.<mp4|mp3>                a few large ones
  data/<name>.json                      unhashed

Sizes are log-normal per type, clamped. HTML references css/js/img (and links
to other pages); css references fonts and images; js entry points reference
chunks. hash8 is the first 8 hex digits of the SHA-256 of the file's content.

--edit K rewrites K files of an existing tree in place (same names for pages
and data, i.e. unhashed ones) so that incremental rebuilds can be measured.
"""
import argparse
import hashlib
import math
import os
import random
import sys

MIX = [  # share, kind
    (0.34, "html"), (0.22, "js"), (0.05, "map"), (0.08, "css"),
    (0.24, "img"), (0.01, "font"), (0.05, "json"), (0.01, "media"),
]
# median bytes, sigma of ln(size), min, max
SIZE = {
    "html": (11000, 0.8, 900, 400_000),
    "js": (14000, 1.3, 200, 3_000_000),
    "map": (40000, 1.2, 400, 6_000_000),
    "css": (6000, 1.1, 100, 500_000),
    "img": (22000, 1.2, 300, 4_000_000),
    "font": (24000, 0.5, 6000, 200_000),
    "json": (2500, 1.2, 60, 800_000),
    "media": (900_000, 0.9, 60_000, 12_000_000),
}
WORDS = ("alpha beta gamma delta cart item order user login search help docs "
         "guide blog news post team about legal price plan chart table form "
         "modal route view page shell store cache fetch worker sync image").split()
SECTIONS = ["docs", "blog", "shop", "help", "app", "news", "legal"]
IMG_EXT = [("png", 0.3), ("jpg", 0.3), ("webp", 0.22), ("svg", 0.13), ("avif", 0.05)]


def lognormal(rng, kind, scale):
    med, sigma, lo, hi = SIZE[kind]
    n = int(math.exp(rng.gauss(math.log(med), sigma)) * scale)
    return max(lo, min(hi, n))


def words(rng, n):
    return " ".join(rng.choices(WORDS, k=n))


def filler_text(rng, n):
    out, size = [], 0
    while size < n:
        s = words(rng, 12)
        out.append(s)
        size += len(s) + 1
    return "\n".join(out)[:max(0, n)]


def filler_bytes(rng, n):
    # Incompressible, cheap: one seeded block, repeated with a counter.
    block = rng.randbytes(min(n, 65536))
    if n <= len(block):
        return block[:n]
    parts, left, i = [], n, 0
    while left > 0:
        parts.append(i.to_bytes(8, "little") + block[8:])
        left -= len(block)
        i += 1
    return b"".join(parts)[:n]


def pick(rng, table):
    r = rng.random()
    for v, p in table:
        r -= p
        if r <= 0:
            return v
    return table[0][0]


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    ap.add_argument("out")
    ap.add_argument("files", type=int)
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--scale", type=float, default=1.0, help="multiply file sizes")
    ap.add_argument("--edit", type=int, default=0,
                    help="do not generate: rewrite this many unhashed files in place")
    a = ap.parse_args()
    rng = random.Random("%d/%d" % (a.files, a.seed))

    if a.edit:
        cand = []
        for d, _, fs in os.walk(a.out):
            for f in fs:
                if f.endswith((".html", ".json")):
                    cand.append(os.path.join(d, f))
        cand.sort()
        for p in random.Random(a.seed).sample(cand, min(a.edit, len(cand))):
            with open(p, "ab") as fh:
                fh.write(b"\n<!-- edit %d -->\n" % a.seed if p.endswith(".html") else b" \n")
        return

    if a.files < 20:
        sys.exit("at least 20 files")
    fixed = ["index.html", "404.html", "offline.html", "favicon.ico",
             "manifest.webmanifest", "robots.txt"]
    n_left = a.files - len(fixed)
    counts = {k: max(1, int(n_left * s)) for s, k in MIX}
    # maps never outnumber scripts
    counts["map"] = min(counts["map"], counts["js"])
    counts["html"] += n_left - sum(counts.values())

    made = set()
    dirs = set()
    total = 0
    seen_bytes = {}

    def write(rel, data):
        nonlocal total
        p = os.path.join(a.out, rel)
        d = os.path.dirname(p)
        if d not in dirs:
            os.makedirs(d, exist_ok=True)
            dirs.add(d)
        if rel in made:
            sys.exit("duplicate path " + rel)
        made.add(rel)
        with open(p, "wb") as fh:
            fh.write(data)
        total += len(data)
        ext = rel.rsplit(".", 1)[-1]
        c, b = seen_bytes.get(ext, (0, 0))
        seen_bytes[ext] = (c + 1, b + len(data))

    def hashed(prefix, name, ext, data):
        h = hashlib.sha256(data).hexdigest()[:8]
        rel = "%s/%s.%s.%s" % (prefix, name, h, ext)
        k = 0
        while rel in made:
            k += 1
            rel = "%s/%s-%d.%s.%s" % (prefix, name, k, h, ext)
        write(rel, data)
        return "/" + rel

    def name(i):
        return "%s-%s-%d" % (rng.choice(WORDS), rng.choice(WORDS), i)

    fonts = [hashed("assets/fonts", name(i), "woff2",
                    b"wOF2" + filler_bytes(rng, lognormal(rng, "font", a.scale)))
             for i in range(counts["font"])]
    imgs = []
    for i in range(counts["img"]):
        ext = pick(rng, IMG_EXT)
        n = lognormal(rng, "img", a.scale)
        if ext == "svg":
            body = ("<svg xmlns=\"http://www.w3.org/2000/svg\"><title>%d</title><!--%s--></svg>"
                    % (i, filler_text(rng, n // 4))).encode()
        else:
            body = b"IMG" + i.to_bytes(4, "little") + filler_bytes(rng, n)
        imgs.append(hashed("assets/img/%02x" % rng.randrange(min(256, 1 + a.files // 40)),
                           name(i), ext, body))
    css = []
    for i in range(counts["css"]):
        head = "@font-face{font-family:f%d;src:url(%s)}\n.h%d{background:url(%s)}\n" % (
            i, rng.choice(fonts), i, rng.choice(imgs))
        body = (head + "/*" + filler_text(rng, lognormal(rng, "css", a.scale)) + "*/\n").encode()
        css.append(hashed("assets/css", name(i), "css", body))
    js, mapped = [], set(rng.sample(range(counts["js"]), counts["map"]))
    for i in range(counts["js"]):
        deps = rng.sample(js, min(len(js), rng.randrange(0, 4)))
        head = "".join("import(%r);\n" % d for d in deps) + "export const id=%d;\n" % i
        body = head + "/*" + filler_text(rng, lognormal(rng, "js", a.scale)) + "*/\n"
        u = hashed("assets/js", name(i), "js", body.encode())
        js.append(u)
        if i in mapped:
            write(u[1:] + ".map", ('{"version":3,"sources":["%d"],"mappings":"%s"}' % (
                i, filler_text(rng, lognormal(rng, "map", a.scale)))).encode())
    for i in range(counts["json"]):
        write("data/%s.json" % name(i), ('{"id":%d,"t":"%s"}' % (
            i, filler_text(rng, lognormal(rng, "json", a.scale)).replace("\n", " "))).encode())
    for i in range(counts["media"]):
        write("media/%s.%s" % (name(i), rng.choice(["mp4", "mp3"])),
              i.to_bytes(4, "little") + filler_bytes(rng, lognormal(rng, "media", a.scale)))

    pages = []
    for i in range(counts["html"]):
        s = rng.choice(SECTIONS)
        depth = rng.choice([0, 1, 1, 2])
        mid = "/".join(rng.choice(WORDS) for _ in range(depth))
        slug = name(i)
        base = "/".join(x for x in (s, mid, slug) if x)
        pages.append(base + (".html" if rng.random() < 0.15 else "/index.html"))

    def page(i, title):
        links = "".join('<link rel="stylesheet" href="%s">' % u for u in rng.sample(css, min(2, len(css))))
        scr = "".join('<script type="module" src="%s"></script>' % u for u in rng.sample(js, min(3, len(js))))
        im = "".join('<img src="%s" alt="">' % u for u in rng.sample(imgs, min(4, len(imgs))))
        nav = "".join('<a href="/%s">%s</a> ' % (
            p[:-10] if p.endswith("index.html") else p, p) for p in rng.sample(pages, min(6, len(pages))))
        text = filler_text(rng, lognormal(rng, "html", a.scale)).replace("\n", "</p>\n<p>")
        return ("<!doctype html><html lang=en><head><meta charset=utf-8><title>%s %d</title>"
                "<link rel=\"manifest\" href=\"/manifest.webmanifest\">%s%s</head><body>"
                "<nav>%s</nav>%s<p>%s</p></body></html>\n" % (title, i, links, scr, nav, im, text)).encode()

    for i, p in enumerate(pages):
        write(p, page(i, p.split("/")[0]))
    write("index.html", page(-1, "Home"))
    write("404.html", page(-2, "Not found"))
    write("offline.html", page(-3, "Offline"))
    write("favicon.ico", b"\0\0\1\0" + filler_bytes(rng, 4286))
    write("manifest.webmanifest", b'{"name":"Synthetic","start_url":"/","display":"standalone"}\n')
    write("robots.txt", b"User-agent: *\nAllow: /\n")
    assert len(made) == a.files, (len(made), a.files)
    print("%d files, %d bytes" % (len(made), total))
    for e in sorted(seen_bytes):
        print("  %-12s %6d files %12d bytes" % ((e,) + seen_bytes[e]))


if __name__ == "__main__":
    main()
