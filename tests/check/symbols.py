#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the built libraries show to the linker.

- The shared libraries export exactly the functions their headers declare; nothing without the prefix.
- Archives define no global name that does not begin with swale_.
- The sonames carry the ABI number, each shared library needs only what it may, and the core imports nothing
  that opens, prints, blocks, or starts threads.
- No writable data: the libraries have no global state.
- Memory comes from the caller's allocator: malloc is named in one file alone.
- Stripped, libswale and libswale-ws stay under 160 KiB together.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SIZE_MAX = 160 * 1024
ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SWALE_BUILD", ROOT / "build"))
NEEDED = {
    "swale": set(),
    "swale-ws": {"libswale", "libwslay", "libnettle", "libz"},
    "swale-json": {"libswale", "libjansson"},
    "swale-redis": {"libswale", "libhiredis", "libnettle"},
    "swale-testing": {"libswale"},
}
UPPER = {"ws.h": "swale-ws", "json.h": "swale-json", "redis.h": "swale-redis", "testing.h": "swale-testing"}
NOT_IN_CORE = set("""
    socket connect accept bind listen send recv sendmsg recvmsg poll select epoll_create1 epoll_wait eventfd
    pthread_create thrd_create fork signal sigaction raise abort exit _exit sleep usleep nanosleep system
    open openat fopen read write printf fprintf puts putchar perror fwrite fputs syslog getenv setlocale
    rand srand random time gettimeofday localtime gmtime strtok strerror
    """.split())
ALLOCATORS = {"malloc", "calloc", "realloc", "free", "strdup", "strndup", "asprintf", "vasprintf", "reallocarray"}

faults = []


def fault(text):
    faults.append(text)


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def version(name):
    text = (ROOT / "include/swale/api.h").read_text()
    return re.search(rf'#define {name} "?([^"\n]+)', text).group(1)


def declared():
    """Maps each library to the functions its headers declare."""
    names = {}
    for header in (ROOT / "include/swale").glob("*.h"):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        text = re.sub(r"^#.*?(?<!\\)$", "", text, flags=re.M)
        library = UPPER.get(header.name, "swale")
        for declaration in re.findall(r"\bSWALE_API\b([^;{]*)", text):
            function = re.search(r"\b(swale_\w+)\s*\(", declaration) or re.search(r"\b(\w+)(\[\w*\])?\s*$", declaration)
            names.setdefault(library, set()).add(function.group(1))
    return names


def symbols(*arguments):
    """(file, type, name) of each line of nm."""
    for line in run("nm", "--print-file-name", *map(str, arguments)).splitlines():
        place, _, rest = line.rpartition(": ") if ": " in line else line.rpartition(":")
        words = (rest or line).split()
        yield place, words[-2], words[-1].split("@")[0]


def check_shared(library, path, functions):
    exported = {name for _, kind, name in symbols("-D", "--defined-only", path) if kind != "A"}
    for name in sorted(exported - functions):
        fault(f"{path.name} exports {name}, which no header of it declares")
    for name in sorted(functions - exported):
        fault(f"{path.name} does not define {name}, which a header declares")
    dynamic = run("readelf", "-dW", str(path))
    soname = re.search(r"SONAME.*\[(.*)\]", dynamic).group(1)
    if soname != f"lib{library}.so.{version('SWALE_ABI')}":
        fault(f"{path.name} has the soname {soname}")
    for needed in re.findall(r"NEEDED.*\[(.*?)\.so", dynamic):
        if needed not in NEEDED[library] | {"libc", "ld-linux-x86-64", "ld-linux-aarch64", "libm"}:
            fault(f"{path.name} needs {needed}")
    if library == "swale":
        imported = {name for _, _, name in symbols("-D", "--undefined-only", path)}
        for name in sorted(imported & NOT_IN_CORE):
            fault(f"{path.name} calls {name}")


def check_archive(library, path):
    for place, _, name in symbols("-g", "--defined-only", path):
        if not name.startswith("swale_"):
            fault(f"{place} defines {name}, without the prefix")
    for place, _, name in symbols("--undefined-only", path):
        if name in ALLOCATORS and library in ("swale", "swale-ws") and not place.endswith("env.o"):
            fault(f"{place} calls {name} instead of the caller's allocator")
    member = ""
    for line in run("size", "-A", str(path)).splitlines():
        if "(ex " in line:
            member = line.split()[0]
        words = line.split()
        if words and words[0] in (".data", ".bss", ".tdata", ".tbss") and int(words[1]) > 0:
            fault(f"{path.name}: {member} has {words[1]} bytes of writable data in {words[0]}")


def stripped_size(path):
    with tempfile.NamedTemporaryFile() as copy:
        run("strip", "--strip-unneeded", "-o", copy.name, str(path))
        return os.path.getsize(copy.name)


def main():
    if os.environ.get("SWALE_INSTRUMENT"):
        print("instrumented libraries carry symbols of the compiler's")
        return 77
    api = declared()
    total = 0
    sizes = []
    found = sorted(BUILD.glob("libswale*.a"))
    if not found:
        fault(f"there are no libraries in {BUILD}")
    for archive in found:
        library = archive.stem[3:]
        shared = BUILD / f"lib{library}.so"
        check_archive(library, archive)
        if not shared.exists():
            fault(f"there is no {shared.name}")
            continue
        check_shared(library, shared.resolve(), api.get(library, set()))
        size = stripped_size(shared)
        sizes.append(f"{shared.name} {size}")
        if library in ("swale", "swale-ws"):
            total += size
    print("note: stripped bytes:", ", ".join(sizes))
    print(f"note: libswale.so + libswale-ws.so: {total / 1024:.1f} KiB of {SIZE_MAX // 1024} KiB")
    if total > SIZE_MAX:
        fault("the shared libraries are too large")
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
