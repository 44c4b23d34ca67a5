"""What became of labels that could not stay as they were, for each reason code that exports count.

docs/formats.md says the same at more length; a test holds the two together.
"""

from __future__ import annotations

__all__ = ["REASONS"]

_WITHOUT = "Kept without it, as a box; left out where nothing else says where it is."
_KEPT = "Kept without it."
_SILENT = "Kept without it; left out where it says nothing else."

REASONS = {
    "attributes_unsupported": _KEPT,
    "box_as_outline": "A box became a ring of four corners.",
    "box_beside_outline": "Kept without the box: an outline says more.",
    "box_from_keypoints": "Its box is the one around its keypoints.",
    "class_dropped": "Left out: the pipeline drops its class.",
    "class_missing": "Left out: it has no class.",
    "class_not_listed": "Left out: its class is not among those of `export.classes`.",
    "clipped_to_image": "Cut at the edge of the image.",
    "crowd_unsupported": "Left out: it stands for many objects, and the format would take it for one.",
    "degenerate_outline": "Its outline has fewer than three points.",
    "duplicate_label": "Left out: the same row stands there already.",
    "element_unsupported": "An object has an element that is not read.",
    "empty_box": "Left out: a box without a size.",
    "empty_label": "Left out: it covers nothing.",
    "flags_unsupported": _KEPT,
    "frame_not_taken": "Left out: `frames` does not take the frame that it is on.",
    "frame_unreadable": "Left out: its frame does not decode.",
    "group_unsupported": "Left out: a group that is no skeleton.",
    "holes_as_mask": "An outline with holes became pixels, without loss.",
    "item_attributes_unsupported": "What the source says of the file was left out.",
    "item_group_unsupported": "The group of the file was left out.",
    "item_label_unsupported": "Left out: a class of the image as a whole.",
    "item_without_class": "Left out, the file with it: it has no class of the image as a whole, or several.",
    "keypoints_cut": "Keypoints beyond what a row holds were left out.",
    "keypoints_padded": 'Missing keypoints were filled up as "not labelled".',
    "keypoints_unsupported": _WITHOUT,
    "mask_as_outline": "Pixels became the ring along their edges.",
    "mask_beside_outline": "Kept without the mask: an outline says the same.",
    "mask_of_other_size": "Kept without the mask: it is of another size than the image.",
    "mask_overlapped": "A mask hides a part of an earlier one.",
    "mask_unsupported": _WITHOUT,
    "mask_without_class": "Pixels of no class that is known.",
    "media_without_file": "Left out: it is of other media of the same document.",
    "member_unsupported": "A member of the sample is not read.",
    "name_respelled": "A name has letters that the format cannot hold, or blanks around it.",
    "outline_as_box": "An outline became the smallest turned box around it.",
    "outline_as_pixels": "An outline became pixels of a mask.",
    "outline_bridged": "Pieces and holes became one ring, joined by bridges without width.",
    "outline_unsupported": _SILENT,
    "outside_clip": "Left out: it is on a frame before or after the clip that `transcode` takes.",
    "outside_image": "Left out: outside of the image.",
    "place_unsupported": "Left out: the format has no place for what is somewhere in the image.",
    "polygon_unsupported": _WITHOUT,
    "polyline_unsupported": _SILENT,
    "prompt_unsupported": "Left out: a prompt or an answer.",
    "relation_unsupported": _SILENT,
    "rotation_as_outline": "A turned box became its outline, and the upright box around it.",
    "rotation_unsupported": _WITHOUT,
    "rounded_to_pixel": "A box is between pixels, and went to the nearest ones.",
    "section_unsupported": "Left out: a section of a video or a sound.",
    "size_differs": "Left out: the image has another size than its labels are drawn in.",
    "solid_unsupported": "Left out: it is of three dimensions.",
    "text_unsupported": _SILENT,
    "track_unsupported": _KEPT,
    "void_pixels": "The image has pixels that nobody labelled.",
    "words_joined": "Words of several spans stand in one text.",
}
"""Reason code to what became of the label."""
