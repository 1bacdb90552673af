"""Decodes texts of DICOM files with pydicom, which did not write them, and prints them as JSON, a list per file."""

import json
import sys

from pydicom import dcmread

keywords = ["PatientName", "ReferringPhysicianName", "PatientID", "StudyDescription"]


def observers(item):
    """The names of persons in the content of a report."""
    name = [str(item.PersonName)] if "PersonName" in item else []
    return name + [each for child in item.get("ContentSequence", []) for each in observers(child)]


def read(path):
    dataset = dcmread(path)
    # pydicom decodes ISO 2022 IR 58, but leaves its escape sequence in the text.
    texts = {keyword: str(dataset.get(keyword, "")).replace("\x1b$)A", "") for keyword in keywords}
    return {**texts, "observers": observers(dataset)}


print(json.dumps([read(path) for path in sys.argv[1:]]))
