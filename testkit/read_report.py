"""Reads a structured report with highdicom, which did not write it, and prints the content as JSON."""

import json
import sys

from highdicom.sr import Comprehensive3DSR
from pydicom import dcmread

report = Comprehensive3DSR.from_dataset(dcmread(sys.argv[1]))


def algorithm(group):
    """Name, version and parameters (TID 4019), where the group has them."""
    names = {"111001": "name", "111003": "version", "111002": "parameters"}
    items = group[0].ContentSequence
    coded = [(item.ConceptNameCodeSequence[0].CodeValue, item) for item in items if item.ValueType == "TEXT"]
    return {names[value]: str(item.TextValue) for value, item in coded if value in names}


def read(group):
    return {
        "tracking": str(group.tracking_identifier),
        "trackingUid": str(group.tracking_uid),
        "sources": [str(image.referenced_sop_instance_uid) for image in group.source_images],
        "codes": {each.name.meaning: each.value.value for each in group.get_qualitative_evaluations()},
        "numbers": {each.name.meaning: float(each.value) for each in group.get_measurements()},
        "algorithm": algorithm(group),
    }


print(
    json.dumps(
        {
            "patient": str(report.PatientID),
            "groups": [read(group) for group in report.content.get_image_measurement_groups()],
            "evidence": [
                str(uids[2]) for uids in report.get_evidence(current_procedure_only=True)
            ],
        }
    )
)
