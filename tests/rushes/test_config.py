"""What the pipeline file says in two places, and what comes of it."""

from __future__ import annotations

from typing import Any

import pytest

from rushes.config import Pipeline
from rushes.errors import ConfigError
from rushes.items import recipe
from rushes.pipeline_file import validate
from rushes.video.config import PROFILES, TranscodeConfig


def pipeline(**sections: Any) -> Pipeline:
    return Pipeline.model_validate({"name": "x", "source": "a.csv"} | sections)


def test_a_profile_of_ones_own_stands_on_a_built_in_one_and_below_the_fields_of_the_section() -> None:
    proxy = {"profile": "mobile", "crf": 30, "fps": 10}
    made = pipeline(profiles={"proxy": proxy, "other": {}}, transcode={"profile": "proxy", "crf": 31}).transcode_config
    assert made == TranscodeConfig(preset="fast", crf=31, audio_bitrate="96k", resolution="1280x720", fps=10)


@pytest.mark.parametrize("name", [*PROFILES, "none"])
def test_an_empty_profile_is_the_built_in_one_that_it_names(name: str) -> None:
    own = pipeline(profiles={"own": {"profile": name}}, transcode={"profile": "own"})
    assert own.transcode_config == PROFILES.get(name, TranscodeConfig())
    assert recipe(own) == recipe(pipeline(transcode={"profile": name}))


def test_without_the_section_a_profile_changes_nothing() -> None:
    assert pipeline(profiles={"own": {"crf": 20}}).transcode_config is None


def test_what_prefect_keeps_of_the_profiles_is_the_same_pipeline() -> None:
    own = pipeline(profiles={"own": {"crf": 20}}, transcode={"profile": "own"})
    assert Pipeline.model_validate(own.model_dump(mode="json")) == own


@pytest.mark.parametrize("sections", [{}, {"profiles": {"own": {"profile": "archive"}}}])
def test_settings_that_contradict_each_other_are_refused_by_their_key(sections: dict[str, Any]) -> None:
    profile = {"profile": "own"} if sections else {}
    with pytest.raises(ConfigError, match=r"^p: transcode\.hdr = 'keep': .*expected vcodec libx265, not libx264\.$"):
        validate({"name": "x", "source": "a.csv", **sections, "transcode": {**profile, "hdr": "keep"}}, "p")
    assert pipeline(**sections, transcode={**profile, "hdr": "keep", "vcodec": "libx265"}).transcode_config


@pytest.mark.parametrize("key", ["max_time_s", "max_duration_s", "split_s", "start_time", "duration"])
def test_numbers_without_end_are_refused(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^p: transcode\.{key} = inf: Input should be a finite number\.$"):
        validate({"name": "x", "source": "a.csv", "transcode": {key: float("inf")}}, "p")


@pytest.mark.parametrize(
    ("source", "beside", "places"),
    [
        ("./data", "./data-2", {"output": "data"}),
        ("data/../data/labels.csv", "data/../data.csv", {"output": "./data/"}),
        ("s3://b/data/items.csv", "s3://b/data-2/items.csv", {"output": "s3://b/data"}),
        ("work/datasets/n", "work/datasets/n-2", {"workspace": "./work"}),
    ],
)
def test_a_source_in_the_output_is_refused_because_a_new_dataset_replaces_it(
    source: str, beside: str, places: dict[str, str]
) -> None:
    with pytest.raises(ConfigError, match=r"^p: source = .*: expected what does not lie in the output, .* replaces"):
        validate({"name": "n", "source": source, **places}, "p")
    validate({"name": "n", "source": beside, **places}, "p")
