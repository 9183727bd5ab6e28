"""The file: whole frames or nothing, private, locked while its process lives."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from aiplat_jupyter.client.journal import Journal
from aiplat_jupyter.core.frames import frame, whole_frames
from tests.client.disk import scarce


def payloads(path: Path) -> list[bytes]:
    data = path.read_bytes()
    return [data[start:end] for start, end in whole_frames(data)]


def test_files_are_private_and_folders_are_made(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "journals", "uid")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (journal.path, journal.path.parent)]
    assert modes == [0o600, 0o700]
    assert stat.S_IMODE(journal.path.with_suffix(".lock").stat().st_mode) == 0o600
    journal.close()


def test_descriptors_are_not_inherited_by_programs(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "uid")
    assert not os.get_inheritable(journal.fd)
    journal.close()


def test_the_lock_is_held_until_closed(tmp_path: Path) -> None:
    code = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    attempt = [sys.executable, "-c", code, str(tmp_path / "uid.lock")]
    journal = Journal(tmp_path, "uid")
    assert subprocess.run(attempt, check=False, stderr=subprocess.DEVNULL).returncode == 1
    journal.close()
    assert subprocess.run(attempt, check=False).returncode == 0


@pytest.mark.parametrize("room", range(2 * len(frame(b"second")) - 1))
def test_a_full_disk_leaves_whole_frames_only(tmp_path: Path, room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(tmp_path, "uid")
    journal.append(frame(b"first"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", scarce(room))
        with pytest.raises(OSError, match=r"full|space"):
            journal.append(frame(b"second") * 2)
    assert journal.path.stat().st_size == journal.size
    journal.append(frame(b"third"))
    kept = [b"second"] if room >= len(frame(b"second")) else []
    assert payloads(journal.path) == [b"first", *kept, b"third"]
    journal.close()


def test_an_interrupt_between_write_and_bookkeeping_loses_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "uid")
    journal.append(frame(b"first"))
    os.write(journal.fd, frame(b"counted nowhere") + frame(b"torn")[:-1])
    journal.append(frame(b"last"))
    assert payloads(journal.path) == [b"first", b"counted nowhere", b"last"]
    journal.close()


def test_a_closed_journal_takes_nothing(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "uid")
    journal.close()
    with pytest.raises(OSError, match="closed"):
        journal.append(frame(b"late"))
    journal.close()
