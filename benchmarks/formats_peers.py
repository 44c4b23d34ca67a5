"""One conversion by one peer, run by a Python that has the peers: `formats_peers.py TOOL JOB SOURCE IMAGES TARGET`."""

import sys
from pathlib import Path

CLASSES = {f"thing {number}": number for number in range(80)}


def labelformat(job: str, source: Path, images: Path, target: Path) -> None:
    """Runs a job by labelformat."""
    from labelformat import formats

    if job == "yolo_to_coco":
        read = formats.YOLOv8ObjectDetectionInput(input_file=source / "dataset.yaml", input_split="train")
        formats.COCOObjectDetectionOutput(output_file=target / "a.json").save(label_input=read)
        return
    found = formats.COCOObjectDetectionInput(input_file=source)
    if job == "coco_to_yolo":
        output = formats.YOLOv8ObjectDetectionOutput(output_file=target / "data.yaml", output_split="train")
        output.save(label_input=found)
    else:
        formats.PascalVOCObjectDetectionOutput(output_folder=target).save(label_input=found)


def globox(job: str, source: Path, images: Path, target: Path) -> None:
    """Runs a job by globox."""
    from globox import AnnotationSet

    if job == "yolo_to_coco":
        found = AnnotationSet.from_yolo_v5(source / "labels" / "train", image_folder=images)
        found.save_coco(target / "a.json", auto_ids=True)
    elif job == "coco_to_yolo":
        AnnotationSet.from_coco(source).save_yolo_v5(target, label_to_id=CLASSES)
    else:
        AnnotationSet.from_coco(source).save_pascal_voc(target)


def supervision(job: str, source: Path, images: Path, target: Path) -> None:
    """Runs a job by supervision."""
    import supervision as sv

    if job == "yolo_to_coco":
        labels, yaml = source / "labels" / "train", source / "dataset.yaml"
        found = sv.DetectionDataset.from_yolo(str(images), str(labels), str(yaml))
        found.as_coco(annotations_path=str(target / "a.json"))
        return
    found = sv.DetectionDataset.from_coco(str(images), str(source))
    if job == "coco_to_yolo":
        found.as_yolo(annotations_directory_path=str(target / "labels"), data_yaml_path=str(target / "data.yaml"))
    else:
        found.as_pascal_voc(annotations_directory_path=str(target))


if __name__ == "__main__":
    tool, job, *paths = sys.argv[1:]
    folder = Path(paths[2])
    folder.mkdir(parents=True)
    globals()[tool](job, *map(Path, paths[:2]), folder)
