#!/usr/bin/env python3
"""Packs the built binary for machines without Debian's libraries: build/lateen-VERSION-linux-ARCH.tar.gz.

    tools/dist.py [--binary build/lateen] [--output FOLDER]

It holds the program, under both of its names, the libraries that have no static form in lib/, where the program looks
first, the licence and the list of parts. It runs on Debian 12, Ubuntu 22.04 and what came after them. The same inputs give
the same bytes.
"""

import argparse
import gzip
import io
import pathlib
import platform

import image

# Every such system has these.
SYSTEM = {"libc6", "libgcc-s1", "libstdc++6"}


def carried(binary):
    """{file name: file} of the libraries that a system does not have by itself."""
    return {pathlib.Path(asked).name: path for asked, path in image.libraries_of(binary).items()
            if not {name for name, _, _ in image.packages_of([path])} & SYSTEM}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=pathlib.Path, default=image.ROOT / "build/lateen")
    parser.add_argument("--output", type=pathlib.Path, default=image.ROOT / "build")
    options = parser.parse_args()
    if not options.binary.exists():
        image.fail(f"{options.binary} is not there: `make build` first")
    binary = options.binary.resolve()
    if not image.linked_in(binary):
        image.fail(f"{binary} has nothing linked in: only a release build is packed")
    version, time = image.version_of(binary), image.commit_time()
    name = f"lateen-{version}-linux-{image.ARCHITECTURES[platform.machine()]}"
    layer = image.Layer(time)
    layer.file(f"{name}/lateen", image.stripped(binary), 0o755)
    layer.link(f"{name}/velero", "lateen")
    for library, path in sorted(carried(binary).items()):
        layer.file(f"{name}/lib/{library}", path.read_bytes())
    layer.file(f"{name}/LICENSE", (image.ROOT / "LICENSE").read_bytes())
    layer.file(f"{name}/sbom.spdx.json", image.make_sbom(binary, version, time))
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=6, mtime=0) as stream:
        stream.write(layer.finish())
    path = options.output / f"{name}.tar.gz"
    path.write_bytes(packed.getvalue())
    print(f"{path}: {len(packed.getvalue()) >> 20} MiB")


if __name__ == "__main__":
    main()
