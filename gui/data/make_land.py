#!/usr/bin/env python3
"""Turns Natural Earth's land polygons (TopoJSON) into `land.bin`: outlines and triangles for drawing.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz package/land-110m.json
    ./make_land.py package/land-110m.json land.bin

Format, little endian: u16 rings; per ring u16 points; all points as (i16 longitude, i16 latitude) in units of
180/32767 degrees; u16 triangles; three u16 point numbers each. Needs nothing but Python.
"""
import json
import struct
import sys


def arcs(topology):
    (sx, sy), (tx, ty) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for dx, dy in arc:
            x, y = x + dx, y + dy
            points.append((x * sx + tx, y * sy + ty))
        yield points


def ring(topology_arcs, numbers):
    points = []
    for number in numbers:
        arc = topology_arcs[number] if number >= 0 else topology_arcs[~number][::-1]
        points += arc[1:] if points else arc
    return points[:-1]


def unwrapped(points):
    """Longitudes without jumps: a ring may leave the range -180 to 180."""
    shift, out = 0, [points[0]]
    for (before, _), (lon, lat) in zip(points, points[1:]):
        shift += -360 if lon - before > 180 else 360 if lon - before < -180 else 0
        out.append((lon + shift, lat))
    return out


def clipped(points, limit, sign):
    """The part of a ring with sign * longitude <= sign * limit."""
    out = []
    for a, b in zip(points, points[1:] + points[:1]):
        ina, inb = sign * a[0] <= sign * limit, sign * b[0] <= sign * limit
        if ina:
            out.append(a)
        if ina != inb:
            share = (limit - a[0]) / (b[0] - a[0])
            out.append((limit, a[1] + share * (b[1] - a[1])))
    return out


def pieces(points):
    """A ring cut at the antimeridian."""
    points = unwrapped(points)
    for turn in (-360, 0, 360):
        moved = [(lon + turn, lat) for lon, lat in points]
        piece = clipped(clipped(moved, 180, 1), -180, -1)
        if len(piece) >= 3:
            yield piece


def cross(a, b, c):
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def inside(p, a, b, c):
    return cross(a, b, p) >= 0 and cross(b, c, p) >= 0 and cross(c, a, p) >= 0


def bridge(outer, holes):
    """Joins holes to the outer ring by the shortest free-looking bridge: (position, position)."""
    for hole in sorted(holes, key=lambda h: -max(p[0] for p in h)):
        pairs = ((abs(o[0] - h[0]) + abs(o[1] - h[1]), i, j)
                 for i, o in enumerate(outer) for j, h in enumerate(hole))
        _, i, j = min(pairs)
        outer = outer[: i + 1] + hole[j:] + hole[: j + 1] + outer[i:]
    return outer


def triangles(points):
    """Ear clipping of a simple ring of ((x, y), number)."""
    area = sum(cross((0, 0), a[0], b[0]) for a, b in zip(points, points[1:] + points[:1]))
    ring = points if area > 0 else points[::-1]
    found = []
    while len(ring) > 3:
        for i in range(len(ring)):
            a, b, c = ring[i - 1], ring[i], ring[(i + 1) % len(ring)]
            turn = cross(a[0], b[0], c[0])
            if turn < 0:
                continue
            corners = {a[0], b[0], c[0]}
            if turn > 0 and any(p[0] not in corners and inside(p[0], a[0], b[0], c[0]) for p in ring):
                continue
            if turn > 0:
                found.append((a[1], b[1], c[1]))
            del ring[i]
            break
        else:
            # Quantising made the ring touch itself: give up the least corner.
            i = min(range(len(ring)), key=lambda i: abs(cross(ring[i - 1][0], ring[i][0], ring[(i + 1) % len(ring)][0])))
            del ring[i]
    found.append(tuple(p[1] for p in ring))
    return found


def main(source, target):
    topology = json.load(open(source))
    topology_arcs = list(arcs(topology))
    geometry = topology["objects"]["land"]["geometries"][0]
    scale = 32767 / 180
    rings, vertices, faces = [], [], []
    for polygon in geometry["arcs"]:
        outlines = [ring(topology_arcs, numbers) for numbers in polygon]
        if max(lat for _, lat in outlines[0]) < -60:
            continue  # Antarctica lies outside the map.
        cut = [list(pieces(outline)) for outline in outlines]
        # No hole lies in the small piece beyond the antimeridian.
        groups = [[piece] for piece in sorted(cut[0], key=len, reverse=True)]
        groups[0] += [piece for hole in cut[1:] for piece in hole]
        for group in groups:
            numbered = []
            for points in group:
                quantised = []
                for lon, lat in points:
                    point = (max(-32767, min(32767, round(lon * scale))), round(lat * scale))
                    if not quantised or quantised[-1] != point:
                        quantised.append(point)
                if quantised[0] == quantised[-1]:
                    quantised.pop()
                if len(quantised) < 3:
                    continue
                start = len(vertices)
                vertices += quantised
                rings.append(len(quantised))
                numbered.append([(p, start + i) for i, p in enumerate(quantised)])
            if numbered:
                outer, holes = numbered[0], numbered[1:]
                if holes:
                    flat = bridge([p for p, _ in outer], [[p for p, _ in h] for h in holes])
                    number = {p: n for h in numbered for p, n in h}
                    outer = [(p, number[p]) for p in flat]
                faces += triangles(outer)
    assert len(vertices) < 65536 and len(faces) < 65536
    with open(target, "wb") as out:
        out.write(struct.pack("<H", len(rings)))
        out.write(struct.pack(f"<{len(rings)}H", *rings))
        for point in vertices:
            out.write(struct.pack("<2h", *point))
        out.write(struct.pack("<H", len(faces)))
        for face in faces:
            out.write(struct.pack("<3H", *face))
    print(f"{len(rings)} rings, {len(vertices)} points, {len(faces)} triangles")


if __name__ == "__main__":
    main(*sys.argv[1:3])
