"""What the machine itself takes for the least that any program must do with a tree of files: the floors that the figures of the
repository benchmark are held against. Nothing here knows a repository.

  machine.py read|create|disk TREE [TARGET]"""
import concurrent.futures
import mmap
import os
import pathlib
import sys

THREADS = 8
DIRECT_BLOCK = 4 << 20


def files_of(tree):
    return [(e.path, e.stat(follow_symlinks=False).st_size) for e in entries_of(tree) if e.is_file(follow_symlinks=False)]


def entries_of(tree):
    for entry in os.scandir(tree):
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from entries_of(entry.path)


def read_file(path, buffer):
    fd = os.open(path, os.O_RDONLY | os.O_NOATIME)
    while os.readv(fd, [buffer]) > 0:
        pass
    os.close(fd)


def read_some(paths):
    buffer = bytearray(1 << 20)
    for path in paths:
        read_file(path, buffer)


def read(tree):
    """Everything, through the page cache, as xargs -P 8 cat would."""
    files = files_of(tree)
    with concurrent.futures.ProcessPoolExecutor(THREADS) as pool:
        list(pool.map(read_some, [[p for p, _ in files[i::THREADS * 4]] for i in range(THREADS * 4)]))


def read_directly(path):
    buffer = mmap.mmap(-1, DIRECT_BLOCK)
    fd = os.open(path, os.O_RDONLY | os.O_DIRECT)
    at = 0
    while (got := os.preadv(fd, [buffer], at)) > 0:
        at += got
        if got % 4096:
            break
    os.close(fd)


def disk(tree):
    """The large files, past the page cache: what the disk gives."""
    with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(read_directly, [p for p, size in files_of(tree) if size >= 1 << 20]))


def create_some(job):
    noise = os.urandom(1 << 20)
    for path, size in job:
        with open(path, "wb", buffering=0) as f:
            while size > 0:
                size -= f.write(noise[:size])


def create(tree, target):
    """As many files, of the same sizes, in the same folders."""
    jobs = []
    for path, size in files_of(tree):
        to = pathlib.Path(target) / os.path.relpath(path, tree)
        if not to.parent.exists():
            to.parent.mkdir(parents=True)
        jobs.append((to, size))
    with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(create_some, [jobs[i::16] for i in range(16)]))


if __name__ == "__main__":
    {"read": read, "disk": disk, "create": create}[sys.argv[1]](*sys.argv[2:])
