"""A PostgreSQL server of the tests' own."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg


def binaries() -> Path | None:
    """Return the folder of PostgreSQL's programs, the newest; None where it is not installed."""
    on_path = shutil.which("postgres")
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else Path(on_path).parent if on_path else None


@contextmanager
def postgres(programs: Path) -> Iterator[str]:
    """Run a server without a port, and yield the folder of its socket. It refuses to run as root."""
    user = "nobody" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name
    folder = Path(tempfile.mkdtemp(prefix="aiplat-pg-"))
    shutil.chown(folder, user)
    try:
        initdb = [programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "aiplat", "--no-sync", "-E", "UTF8"]
        subprocess.run(initdb, check=True, user=user, capture_output=True, cwd=folder)
        options = ["listen_addresses=", f"unix_socket_directories={folder}", "fsync=off", "max_connections=60"]
        arguments = [word for option in options for word in ("-c", option)]
        with subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *arguments],
            user=user,
            cwd=folder,
            stderr=subprocess.DEVNULL,
        ) as server:
            try:
                _await(folder)
                yield str(folder)
            finally:
                server.send_signal(2)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _await(folder: Path) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            psycopg.connect(f"postgresql://aiplat@/postgres?host={folder}").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def execute(host: str, statement: str) -> None:
    """Run one statement on the server, outside of any transaction."""
    with psycopg.connect(f"postgresql://aiplat@/postgres?host={host}", autocommit=True) as connection:
        connection.execute(statement)  # the tests' own text
