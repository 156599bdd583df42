#!/usr/bin/env python3
"""Draws every picture of the example shop: thumbs/*.svg, pictures/*, art/*.svg, icons/*.png, favicon.svg.

    python3 make_flowers.py [FOLDER]        (FOLDER is `flowers`, beside this script, unless given)

Needs Pillow (`pip install pillow`) for the bitmaps; nothing else outside the standard library.
A flower is a list of petals: an outline, a place, and a colour at its base and at its tip. Two painters
read that list: `svg` writes it as text, `paint` fills it with Pillow. All chance is seeded by the
flower's name, so the same Pillow draws the same bytes.
"""

import math
import random
import re
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

# ---------------------------------------------------------------- flowers: form and colours

INK, GREEN, LEAF, DEEP = "#26332c", "#5d8a58", "#7fa86f", "#3f6b4a"
WALLS = {
    "rose": "#f6dfdc", "sand": "#f3e6d3", "sage": "#dfe8d8", "sky": "#dbe6ee",
    "lilac": "#e6dfee", "butter": "#f8ebc4", "clay": "#eed3c2", "mint": "#d6e8e0",
}


def star(*rings, eye, dots=0, dot="#f2d36b"):
    """Rings of petals round an eye: (count, length, outline, width, base colour, tip colour)."""
    return {"form": "star", "rings": rings, "eye": eye, "dots": dots, "dot": dot}


def layered(count, outline, width, outer, inner):
    """Petals laid at the golden angle, from the outer colours (base, tip) to the inner ones."""
    return {"form": "layered", "count": count, "outline": outline, "width": width, "outer": outer, "inner": inner}


def cup(outline, base, tip):
    return {"form": "cup", "outline": outline, "base": base, "tip": tip}


def spike(floret, low, high, rows, size):
    return {"form": "spike", "floret": floret, "low": low, "high": high, "rows": rows, "size": size}


def ball(count, petals, outline, low, high):
    return {"form": "ball", "count": count, "petals": petals, "outline": outline, "low": low, "high": high}


# name: (form, wall, vase colour)
FLOWERS = {
    "allium": (ball(46, 6, "point", "#7a4f9a", "#c09ad6"), "sage", "#f4efe6"),
    "anemone": (star((8, 1, "round", .5, "#3d2c78", "#7a67c7"), (6, .78, "round", .5, "#cfc6f0", "#8c7ad3"), eye=(.2, "#1d1b38", "#35315c"), dots=18, dot="#2a2750"), "sand", "#7d93a6"),
    "aster": (star((26, 1, "strap", .12, "#8a76c0", "#b7a6e0"), (22, .8, "strap", .12, "#7761b4", "#a390d6"), eye=(.24, "#e3a92c", "#f4cf63"), dots=26, dot="#c98616"), "butter", "#8c6f9c"),
    "calendula": (star((20, 1, "strap", .19, "#e07a16", "#f6a531"), (17, .78, "strap", .19, "#d9680f", "#f59527"), (13, .56, "strap", .19, "#c9560c", "#f08419"), eye=(.22, "#7a3a12", "#a3561c"), dots=22, dot="#e9a040"), "sky", "#5f7f8a"),
    "camellia": (layered(34, "round", .52, ("#c94f6d", "#f0a3b1"), ("#b23656", "#e5788f")), "mint", "#ffffff"),
    "carnation": (layered(30, "frill", .5, ("#d8577f", "#f5a9bd"), ("#b93563", "#e87c9d")), "sand", "#7a9a86"),
    "chamomile": (star((16, 1, "strap", .17, "#ece6d4", "#ffffff"), eye=(.32, "#e5a91f", "#f7cf4c"), dots=40, dot="#cc8a10"), "sage", "#c98f5e"),
    "chrysanthemum": (layered(62, "strap", .2, ("#a8501f", "#e08f45"), ("#c46a1d", "#f3b95c")), "clay", "#4f6a5d"),
    "clematis": (star((8, 1, "point", .38, "#6a3fa0", "#a077d0"), eye=(.13, "#efe3b0", "#fbf3cf"), dots=24, dot="#8a5aa8"), "mint", "#c7a9d6"),
    "cornflower": (star((11, 1, "frill", .26, "#23459c", "#5f86e0"), (8, .62, "frill", .24, "#2c3c9a", "#7a7fe2"), eye=(.14, "#3a2878", "#5a3f9f"), dots=14, dot="#b89ae0"), "butter", "#3d5f8f"),
    "cosmos": (star((8, 1, "notch", .36, "#c8447f", "#f2a8c8"), eye=(.17, "#e0a022", "#f6cc52"), dots=20, dot="#b87310"), "sky", "#f6efe2"),
    "crocus": (cup("round", "#5a3a9a", "#a98be0"), "butter", "#e9dfd0"),
    "daffodil": (star((6, 1, "point", .42, "#e9c42c", "#fbe57e"), (12, .46, "frill", .3, "#e88a12", "#f7ae2e"), eye=(.17, "#c96a0a", "#e58f1c"), dots=6, dot="#fbe08a"), "sky", "#6f94ad"),
    "dahlia": (layered(58, "point", .27, ("#7a1f3d", "#c4476b"), ("#5e1230", "#a02c52")), "rose", "#e5d3bd"),
    "delphinium": (spike(("round", 5, .5), "#3a5fc0", "#8fb2f0", 13, .26), "sand", "#f3ece0"),
    "foxglove": (spike(("bell", 1, .62), "#b04a86", "#eba6cb", 10, .34), "sage", "#8a6f5a"),
    "gerbera": (star((22, 1, "strap", .17, "#e2543c", "#f98f74"), (20, .8, "strap", .17, "#d8432e", "#f67d62"), (18, .46, "strap", .12, "#b83024", "#ea6a50"), eye=(.2, "#3a2016", "#5e3524"), dots=22, dot="#d9a05a"), "mint", "#ecc9a8"),
    "helenium": (star((15, 1, "notch", .2, "#8f2f14", "#e28a2a"), eye=(.34, "#5a2a12", "#8a4a1e"), dots=46, dot="#d7962f"), "butter", "#7f8f5f"),
    "hellebore": (star((5, 1, "round", .66, "#a9b97a", "#dfd3c8"), (5, .82, "round", .5, "#8f5068", "#cfa0ac"), eye=(.15, "#c9cf6a", "#e4e79a"), dots=24, dot="#f4f0b6"), "lilac", "#6f5a70"),
    "hyacinth": (spike(("point", 6, .34), "#c75a96", "#f6b6d4", 9, .36), "mint", "#f2d9b8"),
    "hydrangea": (ball(44, 4, "round", "#4f7fc0", "#b3cdf0"), "lilac", "#f4f1ea"),
    "lavender": (spike(("round", 3, .6), "#5f4a9f", "#a996da", 11, .2), "clay", "#d9cbb2"),
    "lily": (star((3, 1, "point", .36, "#e88aa8", "#fdf0f2"), (3, .98, "point", .42, "#e0688f", "#ffffff"), eye=(.08, "#c9d68a", "#dfe8a8"), dots=12, dot="#a8481c"), "sage", "#b7c7cf"),
    "peony": (layered(40, "notch", .58, ("#e48fa6", "#fbdbe0"), ("#d2647f", "#f5b3c1")), "sky", "#d8a08e"),
    "poppy": (star((4, 1, "notch", .8, "#b01f1a", "#f0563a"), (4, .82, "notch", .76, "#a01816", "#e5452e"), eye=(.17, "#1f2420", "#4b5a3c"), dots=26, dot="#2a1d24"), "sand", "#87a08f"),
    "ranunculus": (layered(52, "round", .5, ("#ec9a55", "#fcd9a8"), ("#d9742f", "#f6b56e")), "mint", "#b5715c"),
    "rose": (layered(30, "round", .62, ("#8f1428", "#d8445a"), ("#6a0b1c", "#b02238")), "rose", "#eee6da"),
    "sunflower": (star((22, 1, "point", .2, "#e08f0f", "#fbc932"), (22, .88, "point", .2, "#d87f0a", "#f7b91f"), eye=(.42, "#3f2412", "#6a3f1c"), dots=90, dot="#a8702a"), "sky", "#4f7a86"),
    "tulip": (cup("point", "#d23a34", "#f7a04a"), "lilac", "#8fb0a0"),
    "zinnia": (layered(44, "strap", .32, ("#b0246a", "#ee6aa4"), ("#d8632a", "#f6b04a")), "sage", "#eadbc8"),
}
WEBP = {"anemone", "camellia", "foxglove", "hydrangea", "lily", "zinnia"}
TALL = {"cup", "spike"}
PICTURE = (640, 800)

# The left half of each outline, from base (0, 0) to tip (0, -1), as cubic segments; x counts in widths.
OUTLINES = {
    "round": [((-.8, -.2), (-1.35, -1), (0, -1))],
    "point": [((-1.15, -.35), (-.85, -.72), (0, -1))],
    "strap": [((-.5, -.15), (-1, -.5), (-.85, -.82)), ((-.75, -1), (-.25, -1), (0, -1))],
    "notch": [((-.6, -.3), (-1.25, -.75), (-.66, -.96)), ((-.4, -1.05), (-.18, -.97), (0, -.9))],
    "frill": [((-.3, -.3), (-.8, -.5), (-1, -.8)), ((-.85, -.83), (-.8, -.95), (-.62, -.97)), ((-.5, -.9), (-.4, -.88), (-.3, -1)), ((-.2, -1.02), (-.1, -.95), (0, -.92))],
    "bell": [((-.5, -.02), (-.62, -.35), (-.6, -.68)), ((-.62, -.85), (-1, -.9), (-.8, -.97)), ((-.5, -1.07), (-.2, -.98), (0, -1.02))],
}


# ---------------------------------------------------------------- geometry and colour

def matrix(x=0, y=0, turn=0, sx=1, sy=None):
    """Scale, then turn clockwise (degrees), then move: SVG's six numbers."""
    sy = sx if sy is None else sy
    c, s = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return (c * sx, s * sx, -s * sy, c * sy, x, y)


def times(m, n):
    a, b, c, d, e, f = m
    return (a * n[0] + c * n[1], b * n[0] + d * n[1], a * n[2] + c * n[3], b * n[2] + d * n[3],
            a * n[4] + c * n[5] + e, b * n[4] + d * n[5] + f)


def at(m, x, y):
    return (m[0] * x + m[2] * y + m[4], m[1] * x + m[3] * y + m[5])


def size(m):
    return math.sqrt(abs(m[0] * m[3] - m[1] * m[2]))


def rgb(colour):
    return tuple(int(colour[i:i + 2], 16) for i in (1, 3, 5))


def mix(a, b, t):
    return "#" + "".join(f"{round(p + (q - p) * t):02x}" for p, q in zip(rgb(a), rgb(b)))


def cubics(outline, width):
    """The closed outline as cubic segments: the left half, then its mirror image walked back."""
    left = [[(x * width, y) for x, y in seg] for seg in OUTLINES[outline]]
    ends, right = [(0, 0)] + [seg[2] for seg in left], []
    for seg, start in zip(reversed(left), reversed(ends[:-1])):
        right.append([(-seg[1][0], seg[1][1]), (-seg[0][0], seg[0][1]), (-start[0], start[1])])
    return left + right


def polygon(outline, width, steps=9):
    points, p0 = [], (0, 0)
    for p1, p2, p3 in cubics(outline, width):
        for i in range(1, steps + 1):
            t, u = i / steps, 1 - i / steps
            points.append(tuple(u**3 * a + 3 * u * u * t * b + 3 * u * t * t * c + t**3 * d for a, b, c, d in zip(p0, p1, p2, p3)))
        p0 = p3
    return points


# ---------------------------------------------------------------- a flower, as petals, discs and strokes

def petal(m, outline, width, base, tip):
    return ("petal", m, outline, width, base, tip)


def disc(m, fill):
    return ("disc", m, fill)


def bloom(spec, m, rng):
    """The parts of one bloom, back to front, in a circle of radius 1 that `m` puts in its place."""
    out, form = [], spec["form"]
    if form == "star":
        for row, (n, length, outline, width, base, tip) in enumerate(spec["rings"]):
            for i in range(n):
                turn = 360 * (i + row * .5) / n + rng.uniform(-2.5, 2.5)
                out.append(petal(times(m, matrix(0, 0, turn, length * rng.uniform(.95, 1.02))), outline, width, base, tip))
        r, dark, light = spec["eye"]
        out += [disc(times(m, matrix(sx=r)), dark), disc(times(m, matrix(sx=r * .6)), mix(dark, light, .6))]
        spread = r * (1.75 if spec["dots"] and r < .25 else .95)
        for i in range(spec["dots"]):
            q = spread * math.sqrt((i + .5) / spec["dots"]) if r >= .25 else spread * rng.uniform(.72, 1)
            a = i * 2.39996 if r >= .25 else i * 2 * math.pi / spec["dots"]
            out.append(disc(times(m, matrix(q * math.cos(a), q * math.sin(a), 0, .026)), spec["dot"]))
    elif form == "layered":
        n = spec["count"]
        for i in range(n):
            t = round(i / n * 5) / 5
            base, tip = (mix(a, b, t) for a, b in zip(spec["outer"], spec["inner"]))
            length = 1 - .86 * (i / n) ** 1.05
            out.append(petal(times(m, matrix(0, 0, i * 137.508, length)), spec["outline"], spec["width"] * (1 + .35 * t), base, tip))
    elif form == "cup":
        for turn, length, shade in ((-30, .98, .3), (30, .98, .3), (0, 1.08, .15), (-15, 1, 0), (16, .97, 0)):
            base, tip = mix(spec["base"], "#301020", shade * .6), mix(spec["tip"], spec["base"], shade)
            out.append(petal(times(m, matrix(0, .9, turn * .8, length * 1.75)), spec["outline"], .3, base, tip))
    elif form == "spike":
        outline, n, width = spec["floret"]
        rows = spec["rows"]
        for i in reversed(range(rows)):
            t = i / (rows - 1)                       # 0 at the foot, 1 at the top
            y, r, half = 1 - 2.1 * t, spec["size"] * (1.1 - .62 * t), .3 * (1.05 - t * .8)
            base, tip = (mix(spec[k], c, s) for k, c, s in (("low", GREEN, .35 * t * t), ("high", "#e8f0d8", .3 * t * t)))
            for side in ((-1, 1, 0) if t < .94 else (0,)):
                floret = times(m, matrix(side * half + rng.uniform(-.03, .03), y + (0 if side else .05), 0, r))
                for k in range(n):
                    turn = 360 * k / n + rng.uniform(-8, 8) if n > 1 else 180 - side * 48
                    out.append(petal(times(floret, matrix(0, 0, turn, 1)), outline, width, base, tip))
                if n > 3:
                    out.append(disc(times(floret, matrix(sx=.2)), mix(tip, "#ffffff", .6)))
    else:
        n = spec["count"]
        for i in reversed(range(n)):
            q, a = math.sqrt((i + .4) / n), i * 2.39996
            t = round((1 - q) * 4 + rng.uniform(-.6, .6)) / 4
            base, tip = mix(spec["low"], "#2a3a70", max(0, .25 - t * .3)), mix(spec["low"], spec["high"], min(1, max(.35, .6 + t * .5)))
            floret = times(m, matrix(.82 * q * math.cos(a), .82 * q * math.sin(a), rng.uniform(0, 90), .25))
            out += [petal(times(floret, matrix(0, 0, 360 * k / spec["petals"])), spec["outline"], .5 if spec["petals"] < 6 else .26, base, tip) for k in range(spec["petals"])]
            out.append(disc(times(floret, matrix(sx=.13)), mix(tip, "#ffffff", .5)))
    return out


def stem(x0, y0, x1, y1, bend, width, colour=GREEN):
    return ("stroke", (x0, y0), ((x0 + x1) / 2 + bend, (y0 + y1) / 2), (x1, y1), width, colour)


def leaf(x, y, turn, length, width=.2, shade=0.0):
    return petal(matrix(x, y, turn, length), "point", width, mix(DEEP, INK, shade), mix(LEAF, DEEP, shade))


def spray(spec, rng):
    """The thumbnail's scene, 400 by 500: one large bloom and its smaller companions."""
    if spec["form"] in TALL:
        places = [(96, 240, 74, -9), (306, 262, 70, 10), (203, 170, 100, 1)]
    else:
        places = [(300, 322, 62, 14), (92, 352, 50, -16), (196, 188, 132, -4)]
    out = []
    for x, y, r, turn in places:
        foot = y + (r * .85 if spec["form"] in TALL else 0)
        out.append(stem(200 + (x - 200) * .25, 520, x, foot, (x - 200) * .22, 7))
    for x, y, turn, length in ((196, 470, -52, 150), (204, 455, 46, 165), (190, 500, -82, 120), (212, 495, 78, 130), (200, 420, 22, 110)):
        out.append(leaf(x, y, turn + rng.uniform(-6, 6), length))
    head = bloom(spec, matrix(sx=100), rng)           # drawn once, shown three times
    return out + [("copy", matrix(x, y, turn, r / 100), head) for x, y, r, turn in places]


# ---------------------------------------------------------------- painter one: SVG

def n3(x):
    text = f"{x:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def svg(parts, width, height, wall=None, extra=""):
    defs, known = [], {}
    ground = f'<rect width="{width}" height="{height}" fill="{wall}"/>' if wall else ""
    body = svg_body(parts, defs, known)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
            f'<defs>{"".join(defs)}</defs>{ground}{extra}{body}</svg>\n')


def svg_matrix(m):
    four = ",".join(re.sub(r"^(-?)0\.", r"\1.", f"{v:.4f}".rstrip("0").rstrip(".")) for v in m[:4])
    return f'transform="matrix({four},{n3(m[4])},{n3(m[5])})"'


def svg_body(parts, defs, known):
    """The parts as elements; an outline or a head that occurs again is defined once."""
    body = []
    for part in parts:
        if part[0] == "petal":
            _, m, outline, w, base, tip = part
            key = (outline, round(w, 3), base, tip)
            if key not in known:
                k = known[key] = f"p{len(known)}"
                d = "M0 0" + "".join("C" + " ".join(n3(100 * v) for p in seg for v in p) for seg in cubics(outline, w)) + "Z"
                defs.append(f'<linearGradient id="{k}g" x2="0" y1="1" y2="0"><stop stop-color="{base}"/><stop offset=".9" stop-color="{tip}"/></linearGradient>'
                            f'<g id="{k}"><path d="{d}" fill="url(#{k}g)" stroke="{mix(base, INK, .25)}" stroke-opacity=".45" stroke-width="1"/>'
                            f'<path d="M0-12V-72" stroke="{mix(base, INK, .2)}" stroke-opacity=".3"/></g>')
            body.append(f'<use href="#{known[key]}" {svg_matrix(times(m, matrix(sx=.01)))}/>')
        elif part[0] == "copy":
            key = id(part[2])
            if key not in known:
                inner = svg_body(part[2], defs, known)
                known[key] = f"p{len(known)}"
                defs.append(f'<g id="{known[key]}">{inner}</g>')
            body.append(f'<use href="#{known[key]}" {svg_matrix(part[1])}/>')
        elif part[0] == "disc":
            body.append(f'<circle cx="{n3(part[1][4])}" cy="{n3(part[1][5])}" r="{n3(size(part[1]))}" fill="{part[2]}"/>')
        else:
            _, a, b, c, w, colour = part
            body.append(f'<path d="M{n3(a[0])} {n3(a[1])}Q{n3(b[0])} {n3(b[1])} {n3(c[0])} {n3(c[1])}" fill="none" stroke="{colour}" stroke-width="{n3(w)}" stroke-linecap="round"/>')
    return "".join(body)


# ---------------------------------------------------------------- painter two: Pillow, at twice the size

def paint(image, parts, scale):
    draw = ImageDraw.Draw(image, "RGBA")
    grow = matrix(sx=scale)
    for part in parts:
        if part[0] == "petal":
            _, m, outline, w, base, tip = part
            m, points = times(grow, m), polygon(outline, w)
            edge = [at(m, *p) for p in points]
            for i in range(10):                       # from the tip's colour inwards to the base's
                s = 1 - .085 * i
                draw.polygon([at(m, s * x, s * y) for x, y in points], fill=mix(tip, base, i / 9))
            draw.line(edge + edge[:1], fill=rgb(mix(base, INK, .3)) + (105,), width=max(2, round(size(m) * .011)), joint="curve")
            draw.line([at(m, 0, -.12), at(m, 0, -.74)], fill=rgb(mix(base, INK, .2)) + (70,), width=max(1, round(size(m) * .012)))
        elif part[0] == "disc":
            m = times(grow, part[1])
            x, y, r = m[4], m[5], size(m)
            draw.ellipse((x - r, y - r, x + r, y + r), fill=part[2])
        else:
            _, a, b, c, w, colour = part
            curve = [tuple(scale * ((1 - t)**2 * p + 2 * t * (1 - t) * q + t * t * r) for p, q, r in zip(a, b, c)) for t in (i / 24 for i in range(25))]
            draw.line(curve, fill=mix(colour, INK, .25), width=round(w * scale), joint="curve")
            draw.line([(x - w * scale * .15, y) for x, y in curve], fill=colour, width=round(w * scale * .55), joint="curve")


def shade(image, box, alpha, blur, colour=INK, poly=None):
    """A soft shadow (or light): an ellipse in `box`, or a polygon, blurred."""
    mask = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(mask)
    draw.polygon(poly, fill=alpha) if poly else draw.ellipse(box, fill=alpha)
    image.paste(colour, (0, 0), mask.filter(ImageFilter.GaussianBlur(blur)))


def gradient(width, height, top, bottom):
    mask = Image.linear_gradient("L").resize((width, height))
    return Image.composite(Image.new("RGB", (width, height), bottom), Image.new("RGB", (width, height), top), mask)


VASES = {  # half widths from neck to foot
    "jar": (66, 70, 106, 120, 114, 92), "bottle": (48, 46, 66, 108, 112, 92),
    "tumbler": (100, 97, 92, 87, 82, 76), "amphora": (78, 64, 100, 116, 92, 58),
}


def vase_outline(kind, top, foot, cx):
    """A smooth (Catmull-Rom) line through the half widths, down one side and up the other."""
    w, side = VASES[kind], []
    for i in range(61):
        t = i / 60 * (len(w) - 1)
        k = min(int(t), len(w) - 2)
        t -= k
        a, b, c, d = w[max(k - 1, 0)], w[k], w[k + 1], w[min(k + 2, len(w) - 1)]
        side.append((b + t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a))) / 2, top + (foot - top) * i / 60))
    return [(cx - w, y) for w, y in side] + [(cx + w, y) for w, y in reversed(side)]


def still_life(name, width=720, height=900, scale=2):
    """The product's picture: a bunch in a vase, by a window."""
    spec, wall, vase = FLOWERS[name]
    rng, wall = random.Random(name), WALLS[wall]
    W, H = width * scale, height * scale
    image = gradient(W, H, mix(wall, "#ffffff", .25), mix(wall, INK, .1))
    for dx in (0, 190):                               # light through two panes
        pane = [((90 + dx + 1.0 * k) * scale, y * scale) for k, y in ((0, 60), (160, 20), (290, 500), (130, 540))]
        shade(image, None, 120, 14 * scale, mix(wall, "#ffffff", .8), pane)
    table = mix(mix(wall, "#8a5f45", .38), "#ffffff", .12)
    image.paste(gradient(W, H - 730 * scale, table, mix(table, INK, .18)), (0, 730 * scale))
    cx, top, foot = 360, 548, 822
    shade(image, [v * scale for v in (cx - 90, foot - 34, cx + 260, foot + 26)], 120, 16 * scale)

    tall = spec["form"] in TALL
    if tall:
        places = [(360 + dx, 300 + dy, 118 + rng.uniform(-8, 8), dx * .07) for dx, dy in ((-205, 60), (215, 50), (-110, -40), (120, -30), (0, -85), (-52, 95), (66, 100))]
    else:
        single = spec["form"] == "star" and len(spec["rings"]) == 1
        plan = [(-92, -232, 76), (118, -222, 80), (-214, -70, 92), (216, -84, 94), (8, -148, 108), (-150, 96, 98), (172, 92, 104), (2, 34, 138)]
        plan += [(-236, 66, 58), (246, 44, 62), (10, -285, 58)] if single else []
        flip = rng.choice((-1, 1))
        places = [(360 + flip * dx + rng.uniform(-12, 12), 350 + dy + rng.uniform(-12, 12), r * rng.uniform(.92, 1.06), rng.uniform(0, 360)) for dx, dy, r in plan]
    backs = [stem(cx + (x - cx) * .1, top + 30, x, y + (r * .9 if tall else 0), (x - cx) * .18, 8) for x, y, r, _ in places]
    for i in range(11):
        a = -150 + i * 30 + rng.uniform(-10, 10)
        a = max(-84, min(84, a * .6))
        reach = rng.uniform(10, 90)
        x, y = cx + math.sin(math.radians(a)) * reach, top - 24 - math.cos(math.radians(a)) * reach * 1.1
        backs.append(leaf(x, y, a + rng.uniform(-14, 14), rng.uniform(130, 190), rng.uniform(.16, .24), rng.uniform(0, .3)))
    paint(image, backs, scale)

    kind = sorted(VASES)[rng.randrange(len(VASES))]
    outline = [(x * scale, y * scale) for x, y in vase_outline(kind, top, foot, cx)]
    body, mask = Image.new("RGB", (W, H), vase), Image.new("L", (W, H), 0)
    ImageDraw.Draw(mask).polygon(outline, fill=255)
    shade(body, [v * scale for v in (cx + 20, top - 60, cx + 190, foot + 60)], 110, 34 * scale, mix(vase, INK, .6))
    shade(body, [v * scale for v in (cx - 74, top + 50, cx - 44, foot - 60)], 170, 12 * scale, "#ffffff")
    shade(body, [v * scale for v in (cx - 110, top - 50, cx + 110, top + 34)], 110, 12 * scale, mix(vase, INK, .7))
    image.paste(body, (0, 0), mask.filter(ImageFilter.GaussianBlur(scale * .5)))

    for x, y, r, turn in places:
        if not tall:
            shade(image, [v * scale for v in (x - r * .8, y - r * .7, x + r * .95, y + r * 1.08)], 105, 12 * scale, mix(DEEP, INK, .5))
        squash = 1 if tall else rng.uniform(.86, 1)
        place = times(matrix(x, y, (x - cx) * .12 if not tall else turn, r, r * squash), matrix(turn=0 if tall else turn))
        paint(image, bloom(spec, place, rng), scale)
    fallen = next(p for p in bloom(spec, matrix(), rng) if p[0] == "petal")
    for x, y, turn, r in ((150, 806, 70, 46), (212, 846, -40, 38), (560, 856, 110, 40)):
        lie = times(matrix(x, y, 0, 1, .6), matrix(turn=turn, sx=r))
        mx, my = at(lie, 0, -.55)
        shade(image, [v * scale for v in (mx - 18, my - 4, mx + 26, my + 15)], 70, 4 * scale)
        paint(image, [petal(lie, fallen[2], max(fallen[3], .3), fallen[4], fallen[5])], scale)
    return image.resize(PICTURE, Image.LANCZOS)


# ---------------------------------------------------------------- the shop's own marks

def mark(size_px, radius, inset):
    """The icon: one cosmos on green. `radius` rounds the ground, `inset` leaves room for a mask."""
    big = size_px * 4
    image = Image.new("RGBA", (big, big), (0, 0, 0, 0))
    ImageDraw.Draw(image).rounded_rectangle((0, 0, big - 1, big - 1), radius * big, fill="#2f5241")
    paint(image, mark_parts(big, inset), 1)
    return image.resize((size_px, size_px), Image.LANCZOS)


def mark_parts(side, inset):
    ring = (8, 1, "notch", .37, "#c8447f", "#f6bfd6")
    return bloom(star(ring, eye=(.2, "#e0a022", "#f6cc52")), matrix(side / 2, side / 2, 0, side * (.5 - inset)), random.Random("mark"))


def hero():
    """The home page's garland, without a ground of its own."""
    rng, out = random.Random("hero"), []
    row = [("cosmos", 120, 210, 88), ("chamomile", 250, 112, 50), ("ranunculus", 300, 262, 92), ("lavender", 420, 130, 92), ("anemone", 468, 292, 82),
           ("peony", 612, 196, 116), ("cornflower", 742, 110, 52), ("delphinium", 790, 170, 104), ("dahlia", 782, 316, 84), ("daffodil", 910, 224, 80), ("chamomile", 880, 372, 46), ("tulip", 1010, 190, 66), ("zinnia", 1040, 346, 70), ("hellebore", 640, 366, 60), ("helenium", 180, 372, 56)]
    for _, x, y, r in row:
        out.append(stem(560 + (x - 560) * .55, 560, x, y, (x - 560) * .1, 6))
    for i in range(30):
        x = 170 + i * 27
        out.append(leaf(x, 430 + 60 * math.sin(i * 1.7), (x - 560) * .06 + rng.uniform(-44, 44), rng.uniform(110, 165), rng.uniform(.15, .24), rng.uniform(0, .25)))
    for name, x, y, r in row:
        spec = FLOWERS[name][0]
        out += bloom(spec, matrix(x, y, (x - 560) * .02, r), rng)
    return svg(out, 1120, 500)


def sprig():
    parts = [stem(20, 30, 220, 30, 0, 2, LEAF)] + [leaf(50 + 24 * i, 30, 62 if i % 2 else 118, 30, .24) for i in range(7)]
    return svg(parts + bloom(FLOWERS["cosmos"][0], matrix(222, 30, 90, 17), random.Random("sprig")), 240, 60)


def save(picture, path):
    """Writes the picture with the best quality that stays under 50 kB."""
    options = {"method": 6} if path.suffix == ".webp" else {"optimize": True, "progressive": True}
    for quality in (78, 70, 62, 54):
        picture.save(path, quality=quality, **options)
        if path.stat().st_size < 50_000:
            return


def main():
    site = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent / "flowers"
    for folder in ("thumbs", "pictures", "art", "icons"):
        (site / folder).mkdir(parents=True, exist_ok=True)
    for name, (spec, wall, _) in FLOWERS.items():
        (site / f"thumbs/{name}.svg").write_text(svg(spray(spec, random.Random(name)), 400, 500, WALLS[wall]))
        save(still_life(name), site / f"pictures/{name}.{'webp' if name in WEBP else 'jpg'}")
    (site / "art/hero.svg").write_text(hero())
    (site / "art/sprig.svg").write_text(sprig())
    (site / "favicon.svg").write_text(svg(mark_parts(64, .06), 64, 64, extra='<rect width="64" height="64" rx="14" fill="#2f5241"/>'))
    for file, px, radius, inset in (("icon-192.png", 192, .22, .08), ("icon-512.png", 512, .22, .08), ("icon-maskable-512.png", 512, 0, .2)):
        mark(px, radius, inset).quantize(128).save(site / "icons" / file, optimize=True)


if __name__ == "__main__":
    main()
