"""The data sets of the repository benchmark. Everything follows from a seed, so that two machines (and two days) compare
the same bytes. `scale` shrinks them: 1.0 is what RESULTS.md was measured with."""
import os
import pathlib
import random

MIB = 1 << 20
WORDS = ("order customer payment pending shipped total vector index commit page block snapshot volume cluster node "
         "warning info error retry timeout connection session token expired user admin root service request").split()


def text(rng: random.Random, size: int) -> bytes:
    """Words, times and numbers: compresses as logs and dumps do (about four to one)."""
    out, length = [], 0
    clock = rng.randrange(1 << 30)
    while length < size:
        clock += rng.randrange(50)
        line = f"2026-11-{clock // 86400 % 28 + 1:02}T{clock // 3600 % 24:02}:{clock // 60 % 60:02}:{clock % 60:02}Z " \
               f"id={rng.randrange(1 << 40):010x} " + " ".join(rng.choices(WORDS, k=rng.randrange(4, 14))) + "\n"
        out.append(line)
        length += len(line)
    return "".join(out).encode()[:size]


def pages(rng: random.Random, size: int, row_text: bytes) -> bytes:
    """Database pages of 8 KiB: half rows of text, some noise, a run of zeros."""
    out = []
    for _ in range(size // 8192):
        start = rng.randrange(len(row_text) - 4096)
        out.append(rng.randbytes(1536) + row_text[start:start + 4096] + bytes(2560))
    return b"".join(out)


def write(path: pathlib.Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def make_random(root: pathlib.Path, scale: float) -> None:
    """Large files that neither compress nor repeat: 4 GiB."""
    rng = random.Random(1)
    for i in range(8):
        path = root / f"random{i}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as f:
            for _ in range(max(1, int(512 * scale))):
                f.write(rng.randbytes(MIB))


def make_small(root: pathlib.Path, scale: float) -> None:
    """100,000 text files of 200 bytes to 16 KiB (4 KiB on average) in 1,000 folders."""
    rng = random.Random(2)
    source = text(rng, 8 * MIB)
    for folder in range(max(1, int(1000 * scale))):
        below = root / f"d{folder // 50:02}" / f"e{folder:04}"
        below.mkdir(parents=True, exist_ok=True)
        for i in range(100):
            size = min(16384, 200 + int(rng.expovariate(1 / 4000)))
            start = rng.randrange(len(source) - size)
            (below / f"file{i:02}.txt").write_bytes(b"%d %d\n" % (folder, i) + source[start:start + size])


def make_mix(root: pathlib.Path, scale: float) -> None:
    """A database, its log, media, source trees: 3 GiB in 20,000 files."""
    rng = random.Random(3)
    row_text = text(rng, 4 * MIB)
    mib = lambda n: max(1, int(n * scale)) * MIB
    for i in range(6):
        path = root / "db" / f"base{i}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as f:
            for _ in range(mib(160) // (8 * MIB) + 1):
                f.write(pages(rng, 8 * MIB, row_text))
    for i in range(40):
        write(root / "db" / "wal" / f"{i:016x}", rng.randbytes(4 * MIB) + text(rng, 12 * MIB)
              if scale >= 1 else rng.randbytes(MIB))
    for i in range(max(1, int(60 * scale))):
        write(root / "media" / f"clip{i:03}.mp4", rng.randbytes(14 * MIB))
    for i in range(max(10, int(20000 * scale))):
        size = 100 + int(rng.expovariate(1 / 12000))
        start = rng.randrange(len(row_text) - min(size, 200_000))
        write(root / "src" / f"p{i // 400:03}" / f"m{i // 20 % 20:02}" / f"f{i:05}.c",
              b"%d\n" % i + row_text[start:start + min(size, 200_000)])


def next_day(root: pathlib.Path):
    """What a day does to the mix: one page in 200 of the database rewritten, a new log, some edits, a new clip. Returns what
    takes it back, so that the next program finds the same first day."""
    rng = random.Random(4)
    row_text = text(rng, MIB)
    pages_before, made, lengths = [], [], []
    for path in sorted((root / "db").glob("base*.dat")):
        size = path.stat().st_size
        with path.open("r+b") as f:
            for _ in range(size // 8192 // 200):
                # Databases rewrite pages near each other: a few extents, not all over the file.
                at = int(rng.betavariate(2, 20) * (size // 8192)) * 8192
                f.seek(at)
                pages_before.append((path, at, f.read(8192)))
                f.seek(at)
                f.write(pages(rng, 8192, row_text))
    made.append(root / "db" / "wal" / "ffff")
    write(made[-1], text(rng, 16 * MIB))
    files = sorted((root / "src").rglob("*.c"))
    for path in rng.sample(files, len(files) // 50):
        lengths.append((path, path.stat().st_size))
        with path.open("ab") as f:
            f.write(b"/* edited */\n")
    made.append(root / "media" / "new.mp4")
    write(made[-1], rng.randbytes(14 * MIB))

    def take_back():
        for path, at, page in reversed(pages_before):
            with path.open("r+b") as f:
                f.seek(at)
                f.write(page)
        for path, length in lengths:
            os.truncate(path, length)
        for path in made:
            path.unlink()

    return take_back


MAKERS = {"mix": make_mix, "small": make_small, "random": make_random}


def make(kind: str, root: pathlib.Path, scale: float) -> None:
    if (root / ".complete").exists():
        return
    root.mkdir(parents=True, exist_ok=True)
    MAKERS[kind](root / "tree", scale)
    os.sync()
    (root / ".complete").write_text(f"{kind} {scale}\n")
