"""From an item's media to the images of a dataset, with the labels that belong to exactly these pixels."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable

from msgspec.structs import replace

from rushes.config import Pipeline
from rushes.errors import AnnotationError, NeedsFramesError, NeedsVideoError
from rushes.export.frames import Clip, chosen, clip_of, cut
from rushes.export.names import file_stem
from rushes.export.split import split_of
from rushes.formats.placing import clip, is_placed, scale
from rushes.formats.relations import complete
from rushes.labels import Annotation
from rushes.layouts import layout_of
from rushes.records import Media, MediaInfo, Sample
from rushes.workspace import Workspace

__all__ = ["samples", "split_for"]

Labels = tuple[Annotation, ...]
ByFrame = dict[int, Labels]


def samples(media: Media, pipeline: Pipeline, workspace: Workspace) -> tuple[list[Sample], Counter[str]]:
    """Returns what an item brings into the dataset: an image, a video, or the frames that the pipeline takes from one.

    Args:
        media: The item; its labels bear the dataset's class names.
        pipeline: The pipeline.
        workspace: Its workspace; frames are kept there for the next export.

    Returns:
        The samples, in the order of time; and the labels that came into none of them, counted by reason code.

    Raises:
        NeedsFramesError: It is a video, the format holds none, and the pipeline says nothing of frames.
        NeedsVideoError: It is an image, and the format holds videos only.
        AnnotationError: The labels do not fit the media.
        MediaError: The video is damaged.
        VideoTranscodeError: The video cannot be decoded.
    """
    _check_size(media)
    if not media.info.media_type.startswith("video/"):
        return [_from_image(media, pipeline)], Counter()
    if pipeline.frames is None and layout_of(pipeline.export.format).videos:
        return _whole_video(media, pipeline, workspace)
    return _from_video(media, pipeline, workspace)


def split_for(media: Media, pipeline: Pipeline) -> str:
    """Returns an item's split: its own, or the one of its group, or the one of its bytes."""
    source = media.verified.source
    return source.split or split_of(source.group or media.verified.sha256, pipeline.export.split)


def _check_size(media: Media) -> None:
    """Refuses labels of a picture of another size: where they belong in this one, nobody can tell.

    Whoever drew them may have seen a smaller copy, or the picture before it was turned; or the size is wrong.
    """
    source, info = media.verified.source, media.source_info
    if source.size is None or not any(map(is_placed, source.annotations or ())):
        return
    apart = max(abs(source.size[0] - info.width), abs(source.size[1] - info.height))
    if apart > (1 if info.media_type.startswith("video/") else 0):  # where pixels are not square, widths are rounded
        as_stored = info.rotation % 180 and source.size == (info.height, info.width)
        raise AnnotationError(
            f"{_where(media)}: labels for {source.size[0]}x{source.size[1]} pixels, and it is "
            f"{info.width}x{info.height} as shown upright"
            f"{', which is how it is stored before its EXIF turns it' if as_stored else ''}. Draw them in the upright "
            "picture, or correct the size where it is stated."
        )


def _from_image(media: Media, pipeline: Pipeline) -> Sample:
    if not layout_of(pipeline.export.format).images:
        raise NeedsVideoError(
            f"{_where(media)}: an image cannot stand in a {pipeline.export.format}. Leave it out, or choose another "
            "export.format."
        )
    labels = media.verified.source.annotations or ()
    for label in labels:
        if label.frame or label.time_s:
            raise AnnotationError(
                f"{_where(media)}: a label {label.label!r} is on a later frame; expected none, "
                "because this is an image."
            )
    return _fitted(_base(media, pipeline), labels, media.source_info)


def _whole_video(media: Media, pipeline: Pipeline, workspace: Workspace) -> tuple[list[Sample], Counter[str]]:
    """Returns a video with labels whose frames and times count in the file at hand, and not in what it was made of."""
    labels = media.verified.source.annotations or ()
    dropped: Counter[str] = Counter()
    if any(not _is_throughout(label) for label in labels):
        times = clip_of(media, pipeline, workspace)
        labels = tuple(filter(None, (_in_file(label, times, _where(media), dropped) for label in labels)))
    return [_fitted(_base(media, pipeline), labels, media.source_info, timed=True)], +dropped


def _in_file(label: Annotation, times: Clip, where: str, dropped: Counter[str]) -> Annotation | None:
    if _is_throughout(label):
        return label
    frame = times.labelled_frame(label, where)
    rank = times.rank(frame)
    if rank is None:
        dropped["frame_not_taken" if times.holds(frame) else "outside_clip"] += 1
        return None
    if label.time_s is None:
        return replace(label, frame=rank)
    return replace(label, time_s=max(0.0, round(label.time_s - times.source[frame] + times.taken[rank], 6)))


def _is_throughout(label: Annotation) -> bool:
    """Says whether a label is of the whole video: it names neither a time nor a place in the picture."""
    return label.frame is None and label.time_s is None and not is_placed(label)


def _from_video(media: Media, pipeline: Pipeline, workspace: Workspace) -> tuple[list[Sample], Counter[str]]:
    if pipeline.frames is None:
        raise NeedsFramesError(
            f"{_where(media)}: a video cannot stand in a {pipeline.export.format} dataset, which holds images. "
            "Set `frames`, for example `frames: {every_s: 1.0}`."
        )
    times = clip_of(media, pipeline, workspace)
    throughout, by_frame = _by_frame(media, times)
    bearing, dropped = _bearing(by_frame, times)
    wanted = chosen(pipeline.frames, workspace.path(media.path), times.taken, bearing)
    taken = {times.source_frame(rank): rank for rank in reversed(wanted)}  # a frame that is shown twice counts once
    still = pipeline.frames.still
    paths = cut(media, sorted(taken.values()), still, workspace)
    base, found = _base(media, pipeline), []
    apart = [label for label in throughout if label.relation]  # those whose ends share no frame
    for frame, rank in sorted(taken.items()):
        labels = by_frame.pop(frame, ())
        if rank not in paths:
            dropped["frame_unreadable"] += len(labels)
            continue
        info = MediaInfo(still.media_type, base.info.width, base.info.height)
        picture = _picture(base, frame, times.source[frame], paths[rank], info, workspace)
        here, _ = complete(throughout + labels)
        apart = [label for label in apart if label not in here]
        found.append(_fitted(picture, here, media.source_info))
    dropped["relation_unsupported"] += len(apart) if found else 0
    dropped["frame_not_taken"] += _count(by_frame.values()) + (0 if found else len(throughout))
    return found, +dropped


def _by_frame(media: Media, times: Clip) -> tuple[Labels, ByFrame]:
    """Returns the labels of the whole video, and those of each frame of the source."""
    throughout: list[Annotation] = []
    by_frame: defaultdict[int, list[Annotation]] = defaultdict(list)
    for label in media.verified.source.annotations or ():
        if _is_throughout(label):
            throughout.append(label)
        else:
            by_frame[times.labelled_frame(label, _where(media))].append(label)
    return tuple(throughout), {frame: tuple(labels) for frame, labels in sorted(by_frame.items())}


def _bearing(by_frame: ByFrame, times: Clip) -> tuple[list[int], Counter[str]]:
    """Returns the file's frames that bear labels; forgets the labels of frames that the file does not show."""
    bearing: list[int] = []
    dropped: Counter[str] = Counter()
    for frame in list(by_frame):
        rank = times.rank(frame)
        if rank is None:
            dropped["frame_not_taken" if times.holds(frame) else "outside_clip"] += len(by_frame.pop(frame))
        else:
            bearing.append(rank)
    return bearing, dropped


def _picture(base: Sample, frame: int, time_s: float, path: str, info: MediaInfo, workspace: Workspace) -> Sample:
    content = workspace.path(path).read_bytes()
    return replace(
        base,
        id=f"{base.id}-f{frame:06d}",
        name=f"{base.name}-f{frame:06d}",
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        info=info,
        parent=base.id,
        frame=frame,
        time_s=round(time_s, 6),
    )


def _fitted(sample: Sample, labels: Iterable[Annotation], source: MediaInfo, *, timed: bool = False) -> Sample:
    """Returns the sample with labels that follow its size, and end at its edges; still ones, unless they are timed."""
    width, height = sample.info.width, sample.info.height
    kept: list[Annotation] = []
    dropped: Counter[str] = Counter()
    for label in labels:
        # The sample says which frame it is, so its labels need not.
        still = label if timed else replace(label, frame=None, time_s=None)
        if (width, height) != (source.width, source.height):
            still = scale(still, width / source.width, height / source.height)
        cut_off, reason = clip(still, width, height)
        if reason is not None:
            dropped[reason] += 1
        if cut_off is not None:
            kept.append(cut_off)
    whole, dangling = complete(kept)
    dropped["relation_unsupported"] += dangling
    return replace(sample, annotations=whole, dropped=dict(sorted((+dropped).items())))


def _base(media: Media, pipeline: Pipeline) -> Sample:
    source = media.verified.source
    return Sample(
        id=source.id,
        name=file_stem(source.id),
        path=media.path,
        sha256=media.sha256,
        size_bytes=media.size_bytes,
        info=media.info,
        split=split_for(media, pipeline),
        label=source.label,
        labelled=source.annotations is not None,
        attributes=source.attributes,
        group=source.group,
    )


def _where(media: Media) -> str:
    source = media.verified.source
    return source.origin or source.id


def _count(groups: Iterable[Labels]) -> int:
    return sum(len(labels) for labels in groups)
