"""What the recipes share: they compare the ONNX file with the model that it was made of, and write both down."""

import json
import pathlib
import platform

import numpy as np
import onnx
import onnxruntime
from PIL import Image

PICTURES = pathlib.Path(__file__).parents[2] / "testkit" / "golden" / "pictures"
# One that has the size of the input, and larger and smaller ones, grey and in colour.
NAMES = ["grey-224.png", "grey-large.png", "grey.png", "rgb.png"]


def pictures():
    for name in NAMES:
        yield name, Image.open(PICTURES / name)


def softmax(logits):
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


def finish(folder, name, description, scores_of, prepared):
    """Writes NAME.json and NAME.expected.json beside NAME.onnx.

    scores_of: the scores of the original model for a prepared picture.
    prepared: {picture: input} made by the framework's own functions, with a batch axis.
    """
    file = folder / f"{name}.onnx"
    model = onnx.load(file)
    # PyTorch writes where in the sources each node comes from: most of a small file, and paths of this machine.
    for part in [model, model.graph, *model.graph.node, *model.graph.value_info, *model.graph.initializer]:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.checker.check_model(model)
    onnx.save(model, file)
    (folder / f"{name}.json").write_text(json.dumps(description, indent=2) + "\n")
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    is_logits = description["output"].get("values", "logits") == "logits"
    scores, furthest = {}, 0.0
    for picture, values in prepared.items():
        scores[picture] = np.asarray(scores_of(values), dtype=np.float64)
        (answer,) = session.run([session.get_outputs()[0].name], {session.get_inputs()[0].name: values})
        exported = softmax(answer[0].astype(np.float64)) if is_logits else answer[0]
        furthest = max(furthest, float(np.abs(exported - scores[picture]).max()))
    (folder / f"{name}.expected.json").write_text(
        json.dumps({picture: [round(float(v), 6) for v in values] for picture, values in scores.items()}, indent=1)
        + "\n"
    )
    inputs = [(i.name, i.shape) for i in session.get_inputs()]
    outputs = [(o.name, o.shape) for o in session.get_outputs()]
    print(f"python {platform.python_version()}, onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}")
    print(f"{file}: {file.stat().st_size} bytes, input {inputs}, output {outputs}")
    print(f"furthest score from the original model, {len(scores)} pictures: {furthest:.1e}")
    assert furthest < 1e-5, "the ONNX file does not compute what the model computes"
