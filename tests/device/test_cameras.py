"""Which /dev/video nodes are cameras."""

from edgeleuk.device.cameras import VideoNode, video_nodes


def test_codecs_and_image_processors_are_no_cameras(plant):
    names = {0: "rp1-cfe", 2: "HD Webcam C525", 10: "bcm2835-codec-decode", 13: "bcm2835-isp", 20: "pispbe-input"}
    files = {f"dev/video{number}": "" for number in names}
    files |= {f"sys/class/video4linux/video{number}/name": f"{name}\n" for number, name in names.items()}
    assert video_nodes(plant(files)) == (
        VideoNode("/dev/video0", "rp1-cfe", allowed=True, ribbon=True),
        VideoNode("/dev/video2", "HD Webcam C525", allowed=True),
    )


def test_a_node_without_a_name_counts(plant):
    assert video_nodes(plant({"dev/video0": ""})) == (VideoNode("/dev/video0", "unnamed", allowed=True),)


def test_a_machine_without_a_camera_has_none(plant):
    assert video_nodes(plant({})) == ()
