import subprocess
import sys
from pathlib import Path

from aiplat_jupyter.store.claims import Claims

HOLD = """
import sys, time
from pathlib import Path
from aiplat_jupyter.store.claims import Claims
with Claims(Path(sys.argv[1])).held("word"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_process_that_was_killed_is_known_to_be_dead(tmp_path: Path) -> None:
    claims = Claims(tmp_path / "servers")
    assert not claims.is_dead("word")  # never heard of: it may live on another machine
    with subprocess.Popen([sys.executable, "-c", HOLD, tmp_path / "servers"], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"held\n"
        assert not claims.is_dead("word")
        process.kill()
    assert claims.is_dead("word")
    with claims.held("next"):
        assert claims.is_dead("word")
        claims.sweep()
        assert [path.name for path in (tmp_path / "servers").iterdir()] == ["next.lock"]


def test_two_in_one_process(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    with claims.held("a"), claims.held("b"):
        assert not claims.is_dead("a")
        assert not claims.is_dead("b")
    assert list(tmp_path.iterdir()) == []
