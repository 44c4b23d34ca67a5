"""The ledger: the latest line counts, a torn line does not, and no credential is written."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import ChecksumMismatchError, ServerBusyError
from rushes.ledger import Ledger, media_key, segment
from rushes.records import Media, MediaInfo, Rejection, Source, Verified
from rushes.rejection import reject

SOURCE = Source("a", "https://user:secret@example.org/a.mp4?X-Amz-Signature=topsecret", group="g", attributes={"k": 1})


def verified(sha256: str) -> Verified:
    return Verified(SOURCE, f"media/{sha256[:2]}/{sha256}.mp4", sha256, 3)


def test_the_latest_line_of_a_key_counts_over_all_segments(tmp_path: Path) -> None:
    for name, digest in (("20260101-a", "aa"), ("20260102-a", "bb")):
        with segment(tmp_path / f"{name}.jsonl") as ledger:
            ledger.append("key", verified(digest))
    found = Ledger(tmp_path).get("key")
    assert isinstance(found, Verified)
    assert found.sha256 == "bb"
    assert Ledger(tmp_path).get("other") is None


def test_a_torn_last_line_is_ignored_and_cut_off_when_the_segment_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with segment(path) as ledger:
        ledger.append("whole", verified("aa"))
    with path.open("ab") as file:
        file.write(b'{"key":"torn","outcome":{"type":"Ver')
    assert len(Ledger(tmp_path)) == 1
    with segment(path) as ledger:
        assert set(ledger.done) == {"whole"}
        ledger.append("next", verified("bb"))
    assert path.read_bytes().count(b"\n") == 2
    assert len(Ledger(tmp_path)) == 2


@given(st.integers(min_value=0, max_value=10_000))
def test_whatever_byte_a_crash_cuts_at_every_whole_line_before_it_is_kept(cut: int) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.jsonl"
        with segment(path) as ledger:
            for number in range(5):
                ledger.append(f"key{number}", verified(f"{number:02d}"))
        whole = path.read_bytes()
        path.write_bytes(whole[: min(cut, len(whole))])
        assert len(Ledger(Path(folder))) == path.read_bytes().count(b"\n")


def test_lines_hold_no_credentials_and_nothing_of_the_row(tmp_path: Path) -> None:
    info = MediaInfo("video/mp4", 64, 48)
    with segment(tmp_path / "run.jsonl") as ledger:
        ledger.append("v", verified("aa"))
        ledger.append("m", Media(verified("aa"), "media/aa/aa.mp4", "aa", 3, info, info, "kept", "", "r"))
        ledger.append("r", Rejection(SOURCE, "download", "failed", "timeout", "took too long"))
    text = (tmp_path / "run.jsonl").read_text()
    assert "secret" not in text
    assert "attributes" not in text
    assert "example.org/a.mp4" in text


def test_bytes_that_are_not_trusted_are_quarantined_and_other_failures_are_failed() -> None:
    assert reject(SOURCE, "checksum", ChecksumMismatchError("other bytes")).status == "quarantined"
    busy = reject(SOURCE, "download", ServerBusyError("busy", 503))
    assert (busy.status, busy.code, busy.transient) == ("failed", "http_status", True)


def test_one_content_under_two_recipes_has_two_keys() -> None:
    assert media_key("aa", "r1") != media_key("aa", "r2")
