import subprocess
import sys

import pyarrow as pa
import pytest
from training_room import jpeg

from georay.training import pictures
from georay.training.pictures import ReadPictures


def test_pictures_are_read_beside_their_slots(tmp_path):
    uris = []
    for seed in range(3):
        (tmp_path / f"{seed}.jpg").write_bytes(jpeg(seed))
        uris.append(str(tmp_path / f"{seed}.jpg"))
    slots = pa.table({"indices": [[0, 1], [2]], "uris": [uris[:2], uris[2:]]})
    found = ReadPictures()(slots)
    assert found["pictures"].to_pylist() == [[jpeg(0), jpeg(1)], [jpeg(2)]]
    assert found.select(["indices", "uris"]).equals(slots)


def test_a_picture_that_is_gone_is_told_by_name(tmp_path):
    with pytest.raises(OSError, match=r"gone\.jpg"):
        ReadPictures()(pa.table({"uris": [[str(tmp_path / "gone.jpg")]]}))


def test_storage_that_fails_for_a_moment_is_asked_again(monkeypatch):
    answers = iter([OSError("slow down"), OSError("slow down"), b"picture"])

    def read(uri, most):
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(pictures, "read_bytes", read)
    monkeypatch.setattr(pictures, "_WAITS_SECONDS", (0.0, 0.0))
    assert pictures.read_picture("bucket/one.jpg") == b"picture"


def test_processes_that_read_import_no_torch():
    code = "import sys, georay.training.pictures; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_uris_of_samples_are_read_as_what_they_are(tmp_path):
    (tmp_path / "f%20g.jpg").write_bytes(jpeg(1))
    (tmp_path / "f g.jpg").write_bytes(jpeg(2))
    uris = [f"{tmp_path}/f%20g.jpg", f"file://{tmp_path}/f%2520g.jpg", f"{tmp_path}/f g.jpg"]
    found = ReadPictures()(pa.table({"uris": [uris]}))
    assert found["pictures"].to_pylist() == [[jpeg(1), jpeg(1), jpeg(2)]]
