from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.config import DownloadConfig
from rushes.errors import ConfigError
from rushes.labels import Annotation
from rushes.records import Rejection, Source
from rushes.sources import read_sources
from rushes.transfer.urls import item_id
from tests.http_server import serve, status

LOOPBACK = DownloadConfig(allow_private_hosts=("127.0.0.1",), attempts=1)


def read(folder: Path, content: str | bytes, name: str = "items.csv") -> list[Source | Rejection]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_sources(str(path)))


def item(folder: Path, content: str, name: str = "items.csv") -> Source:
    (found,) = read(folder, content, name)
    assert isinstance(found, Source), found
    return found


def rejection(folder: Path, content: str, name: str = "items.csv") -> Rejection:
    (found,) = read(folder, content, name)
    assert isinstance(found, Rejection), found
    return found


def test_every_column_has_its_place(tmp_path: Path) -> None:
    label = '[{""class"": ""car"", ""box"": [1, 2, 3, 4]}]'
    found = item(
        tmp_path,
        "url,id,checksum,split,group,label,annotations,weather\n"
        f'https://h/a.mp4,a,{"AB" * 32}, train ,drive-1,street,"{label}",sunny\n',
    )
    assert found == Source(
        id="a",
        url="https://h/a.mp4",
        checksum="sha256:" + "ab" * 32,
        split="train",
        group="drive-1",
        label="street",
        annotations=(Annotation("car", box=(1, 2, 3, 4)),),
        attributes={"weather": "sunny"},
        origin="items.csv:2",
    )


def test_json_lines_say_the_same(tmp_path: Path) -> None:
    found = item(
        tmp_path,
        '{"url": "https://h/a.mp4", "id": 7, "label": null, "annotations": [{"class": "car", "box": [1, 2, 3, 4]}],'
        ' "score": 0.5, "tags": ["a"]}\n',
        "items.jsonl",
    )
    assert found.id == "7"
    assert found.label is None
    assert found.annotations == (Annotation("car", box=(1, 2, 3, 4)),)
    assert found.attributes == {"score": 0.5, "tags": ["a"]}


def test_no_labels_and_none_said_are_two_things(tmp_path: Path) -> None:
    first, second = read(tmp_path, "url,annotations\na.jpg,\nb.jpg,[]\n")
    assert (first.annotations, second.annotations) == (None, ())  # type: ignore[union-attr] # both are sources


def test_an_item_is_named_after_its_url(tmp_path: Path) -> None:
    url = "https://h/clips/a.mp4?X-Amz-Signature=1"
    assert item(tmp_path, f"url\n{url}\n").id == item_id(url) == item_id(url.replace("=1", "=2"))


def test_a_name_does_not_depend_on_where_the_list_lies(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert item(tmp_path, "url\nclips/a.mp4\n").id == item(tmp_path / "other", "url\nclips/a.mp4\n").id


@pytest.mark.parametrize(
    "url",
    ["clips/a b.mp4", "./clips/x/../a b.mp4", "file://clips/a b.mp4", "file:clips/a%20b.mp4", "FILE://clips/a%20b.mp4"],
)
def test_paths_count_from_the_folder_of_the_list(tmp_path: Path, url: str) -> None:
    assert item(tmp_path, f"url\n{url}\n").url == (tmp_path / "clips" / "a b.mp4").as_uri()


@pytest.mark.parametrize("url", ["/data/a.mp4", "file:///data/a.mp4", "file://localhost/data/a.mp4"])
def test_absolute_paths_stay(tmp_path: Path, url: str) -> None:
    assert item(tmp_path, f"url\n{url}\n").url == "file:///data/a.mp4"


def test_a_path_with_signs_of_a_url_is_still_a_path(tmp_path: Path) -> None:
    assert item(tmp_path, "url\na?b#c%20:d.mp4\n").url == (tmp_path / "a?b#c%20:d.mp4").as_uri()


@pytest.mark.parametrize(
    ("row", "code", "expected"),
    [
        ({"url": ""}, "bad_row", "url is empty"),
        ({"url": "ftp://h/a.mp4"}, "bad_url", "expected http, https, s3, gs, sftp, file or a path, not ftp"),
        ({"url": "http://"}, "bad_url", "expected http://host/path"),
        ({"url": "http://[::1/a"}, "bad_url", "expected http://host/path"),
        ({"url": "http://h:99999/a"}, "bad_url", "expected http://host/path"),
        (
            {"url": "a\tb.mp4"},
            "bad_row",
            "url = a\N{REPLACEMENT CHARACTER}b.mp4: expected text without control characters",
        ),
        ({"url": "a", "id": "../x"}, "bad_row", "id ../x: expected no empty part"),
        ({"url": "a", "id": "/x"}, "bad_row", "id /x: expected no empty part"),
        ({"url": "a", "id": "x" * 201}, "bad_row", "201 characters; expected at most 200"),
        ({"url": "a", "id": "x\ny"}, "bad_row", "control characters"),
        ({"url": "a", "checksum": "xyz"}, "bad_row", "checksum = xyz: expected sha256:"),
        ({"url": "a", "split": "dev"}, "bad_row", "split = dev: expected one of train, val, test"),
        ({"url": "a", "annotations": "labels.json"}, "bad_annotation", "annotations"),
        ({"url": "a", "annotations": '[{"box": 1}]'}, "bad_annotation", "annotations[0]"),
        ({"url": 5}, "bad_row", "url is int; expected text"),
        ({"url": "a", "id": True}, "bad_row", "id is bool; expected text"),
        ({"url": "a", "group": ["x"]}, "bad_row", "group is list; expected text"),
        ({}, "bad_row", "url is empty"),
    ],
)
def test_a_row_that_is_no_item_is_told_and_kept(
    tmp_path: Path, row: dict[str, object], code: str, expected: str
) -> None:
    found = rejection(tmp_path, msgspec.json.encode(row).decode(), "items.jsonl")
    assert (found.stage, found.status, found.code) == ("plan", "failed", code)
    assert found.message.startswith("items.jsonl:1: ")
    assert expected in found.message
    assert "\n" not in found.message
    assert found.source.origin == "items.jsonl:1"
    assert found.source.id
    msgspec.json.encode(found)


def test_the_others_go_on(tmp_path: Path) -> None:
    found = read(tmp_path, b'url,split\na,train\n\xff,train\nb,dev\n"c"d,\ne\nf,val\n')
    assert [type(entry) for entry in found] == [Source, Rejection, Rejection, Rejection, Rejection, Source]
    msgspec.json.encode(found)


def test_the_same_row_twice_is_one_item(tmp_path: Path) -> None:
    first, second, third = read(tmp_path, "url,label\na.jpg,x\na.jpg,x\na.jpg,x\n")
    assert isinstance(first, Source)
    for number, entry in ((3, second), (4, third)):
        assert isinstance(entry, Rejection)
        assert (entry.status, entry.code) == ("skipped", "duplicate_row")
        assert entry.message.startswith(f"items.csv:{number}: the same row as line 2")
        assert entry.source.id == f"{first.id}#{number}"


def test_two_rows_cannot_share_an_id(tmp_path: Path) -> None:
    _, second = read(tmp_path, "url,id\na.jpg,x\nb.jpg,x\n")
    assert isinstance(second, Rejection)
    assert (second.status, second.code, second.source.id) == ("failed", "bad_row", "x#3")
    assert "items.csv:3: id x stands in line 2 already" in second.message


@given(st.lists(st.sampled_from(["a", "b", "a#3", "a#3#", "row#2", "..", "", "b#4"]), max_size=8))
def test_every_id_is_there_once(tmp_path_factory: pytest.TempPathFactory, ids: list[str]) -> None:
    folder = tmp_path_factory.mktemp("ids")
    lines = "".join(f'{{"url": "u{number % 2}", "id": "{key}"}}\n' for number, key in enumerate(ids))
    found = read(folder, lines, "items.jsonl")
    names = [entry.source.id if isinstance(entry, Rejection) else entry.id for entry in found]
    assert len(set(names)) == len(names) == len(ids)


def test_messages_carry_no_credentials(tmp_path: Path) -> None:
    url = "://user:SECRET@h:99999/a?sig=SECRET"
    found = read(tmp_path, f"url,id\nhttp{url},a\nftp{url},b\nhttp{url[:20]}\tSECRET?sig=SECRET,c\nht\ttp{url},d\n")
    found += read(tmp_path, f"url,id,split,checksum\na,http{url},,\nb,,http{url},\nc,,,http{url}\n")
    found += read(tmp_path, '{"url": ["http' + url + '"]}\n{"url": "a", "checksum": "http' + url + '"}', "items.jsonl")
    assert len(found) == 9
    for entry in found:
        assert isinstance(entry, Rejection)
        assert "sig=SECRET" not in entry.message
        assert "user:SECRET" not in entry.message


@pytest.mark.parametrize("name", ["missing.csv", "items.parquet", "items", "folder.csv"])
def test_a_file_that_cannot_be_read_is_said_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError) as caught:
        list(read_sources(str(tmp_path / name)))
    assert str(caught.value).startswith(f"source = {tmp_path / name}: ")
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_the_source_reads_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "items.csv").write_text("url\na.jpg\n")
    monkeypatch.setenv("LISTS", str(tmp_path))
    assert len(list(read_sources("${LISTS}/items.csv"))) == 1
    with pytest.raises(ConfigError, match="NOT_THERE is not set"):
        list(read_sources("${NOT_THERE}/items.csv"))


def test_a_list_from_the_network_counts_from_its_own_url() -> None:
    lines = b"url\nclips/a.mp4\n/b.mp4\nhttps://h/c.mp4\nfile:///etc/passwd\n"
    with serve({"/sets/items.csv": lines}) as server:
        found = list(read_sources(server.url("/sets/items.csv?token=SECRET"), LOOPBACK))
        urls = [entry.url for entry in found if isinstance(entry, Source)]
        assert urls == [server.url("/sets/clips/a.mp4"), server.url("/b.mp4"), "https://h/c.mp4"]
    assert isinstance(found[3], Rejection)
    assert (found[3].code, found[3].source.origin) == ("bad_url", "items.csv:5")
    assert "not file" in found[3].message


def test_a_list_that_cannot_be_fetched_is_said_without_credentials() -> None:
    with serve({"/items.csv": status(404)}) as server:
        with pytest.raises(ConfigError, match=r"cannot be fetched\..*404") as caught:
            list(read_sources(server.url("/items.csv?token=SECRET"), LOOPBACK))
        with pytest.raises(ConfigError, match="not a public address"):
            list(read_sources(server.url("/items.csv")))
    assert "SECRET" not in str(caught.value)


def test_a_long_list_is_read_as_a_stream(tmp_path: Path) -> None:
    path = tmp_path / "items.csv"
    path.write_text("url\n" + "".join(f"https://h/{number}.jpg\n" for number in range(2000)) + '"never closed')
    found = read_sources(str(path))
    assert all(isinstance(next(found), Source) for _ in range(2000))
    with pytest.raises(ConfigError, match=r"items\.csv:2002"):
        next(found)


def test_a_group_cannot_be_given_two_splits(tmp_path: Path) -> None:
    rows = ["1,g,val", "2,g,", "3,g,train", "4,h,train", "5,,test", "6,g,val"]
    (tmp_path / "items.csv").write_text("\n".join(["url,group,split", *rows]))
    found = list(read_sources(str(tmp_path / "items.csv")))
    (bad,) = (item for item in found if isinstance(item, Rejection))
    assert (bad.code, bad.message) == (
        "bad_row",
        "items.csv:4: split = train, but group g stands in val since line 2. Give all of a group one split.",
    )
