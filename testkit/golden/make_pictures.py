"""Writes the pictures in this folder, and hashes of TensorFlow's results for each: `pictures.json`.

Needs tensorflow (2.x), numpy and pillow; run in this folder. Everything is synthetic and seeded.
`decoded` and `prepared` are SHA-256 of TensorFlow's arrays: RGB bytes; float32 [224, 224, 3], little-endian.
"""

import hashlib
import io
import json
import pathlib
import struct
import zlib

import numpy as np
import tensorflow as tf
from PIL import Image, ImageCms

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "pictures"
rng = np.random.default_rng(1)


def smooth(height, width, channels=1, top=256):
    """A picture with soft shapes, so that the files stay small."""
    few = lambda length: max(length // 40, min(length, 6))
    coarse = rng.integers(0, 256, (few(height), few(width), channels), dtype=np.uint8)
    planes = [
        np.asarray(Image.fromarray(coarse[..., c]).resize((width, height), Image.BICUBIC), dtype=np.float64)
        for c in range(channels)
    ]
    values = np.stack(planes, -1) / 255 * (top - 1)
    return values.round().astype(np.uint16 if top > 256 else np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels, depth, colour, before=b"", interlaced=False):
    """A PNG of any kind; `pixels` is [height, width, samples], unpacked."""
    height, width = pixels.shape[:2]

    def packed(image):
        rows = b""
        for row in image:
            if depth == 16:
                rows += b"\0" + row.astype(">u2").tobytes()
            elif depth == 8:
                rows += b"\0" + row.astype("u1").tobytes()
            else:
                bits = "".join(format(int(v), f"0{depth}b") for v in row.ravel())
                bits += "0" * (-len(bits) % 8)
                rows += b"\0" + bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
        return rows

    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        parts = [pixels[y::dy, x::dx] for y, x, dy, dx in passes]
        data = b"".join(packed(part) for part in parts if part.size)
    else:
        data = packed(pixels)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + before
        + chunk(b"IDAT", zlib.compress(data, 9))
        + chunk(b"IEND", b"")
    )


def jpeg(pixels, **options):
    out = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(out, "JPEG", **options)
    return out.getvalue()


def gif(pixels, **options):
    out = io.BytesIO()
    Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(out, "GIF", **options)
    return out.getvalue()


def pam(pixels, maxval):
    height, width, depth = pixels.shape
    kind = "GRAYSCALE" if depth == 1 else "RGB"
    header = f"P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {depth}\nMAXVAL {maxval}\nTUPLTYPE {kind}\nENDHDR\n"
    return header.encode() + pixels.astype(">u2" if maxval > 255 else "u1").tobytes()


def profile(data):
    return chunk(b"iCCP", b"profile\0\0" + zlib.compress(data))


def wide_profile():
    """An sRGB profile with exchanged red and blue primaries, so that its use is visible."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = data.index(b"rXYZ", 128), data.index(b"bXYZ", 128)
    data[red + 4 : red + 12], data[blue + 4 : blue + 12] = data[blue + 4 : blue + 12], data[red + 4 : red + 12]
    return bytes(data)


def pictures():
    icc = wide_profile()
    rotated = Image.Exif()
    rotated[0x0112] = 6
    grey, colour = smooth(53, 37), smooth(48, 61, 3)
    palette = chunk(b"PLTE", rng.integers(0, 256, (16, 3), dtype=np.uint8).tobytes())
    indices = rng.integers(0, 16, (40, 33, 1), dtype=np.uint8)
    yield "grey.png", png(grey, 8, 0)
    yield "grey-1x1.png", png(smooth(1, 1), 8, 0)
    yield "grey-1x300.png", png(smooth(1, 300), 8, 0)
    yield "grey-300x1.png", png(smooth(300, 1), 8, 0)
    yield "grey-224.png", png(smooth(224, 224), 8, 0)
    yield "grey-223x225.png", png(smooth(223, 225), 8, 0)
    yield "grey-large.png", png(smooth(401, 377), 8, 0)
    yield "grey-noise.png", png(rng.integers(0, 256, (91, 83, 1), dtype=np.uint8), 8, 0)
    yield "grey-bit1.png", png(rng.integers(0, 2, (21, 19, 1), dtype=np.uint8), 1, 0)
    yield "grey-bit2.png", png(rng.integers(0, 4, (21, 19, 1), dtype=np.uint8), 2, 0)
    yield "grey-bit4.png", png(rng.integers(0, 16, (21, 19, 1), dtype=np.uint8), 4, 0)
    yield "grey-16.png", png(smooth(47, 61, 1, 65536), 16, 0)
    yield "grey-16-noise.png", png(rng.integers(0, 65536, (31, 29, 1), dtype=np.uint16), 16, 0)
    yield "grey-alpha.png", png(rng.integers(0, 256, (31, 29, 2), dtype=np.uint8), 8, 4)
    yield "grey-alpha-16.png", png(rng.integers(0, 65536, (31, 29, 2), dtype=np.uint16), 16, 4)
    yield "grey-transparent.png", png(grey, 8, 0, chunk(b"tRNS", struct.pack(">H", int(grey[0, 0, 0]))))
    yield "grey-gamma.png", png(grey, 8, 0, chunk(b"gAMA", struct.pack(">I", 100_000)))
    yield "grey-rotated.png", png(grey, 8, 0, chunk(b"eXIf", rotated.tobytes().removeprefix(b"Exif\0\0")))
    yield "grey-interlaced.png", png(grey, 8, 0, interlaced=True)
    yield "rgb.png", png(colour, 8, 2)
    yield "rgb-16.png", png(smooth(33, 44, 3, 65536), 16, 2)
    yield "rgb-profile.png", png(colour, 8, 2, profile(icc))
    yield "rgb-transparent.png", png(colour, 8, 2, chunk(b"tRNS", struct.pack(">HHH", *map(int, colour[0, 0]))))
    yield "rgb-interlaced.png", png(colour, 8, 2, interlaced=True)
    yield "rgba.png", png(rng.integers(0, 256, (31, 29, 4), dtype=np.uint8), 8, 6)
    yield "rgba-16.png", png(rng.integers(0, 65536, (31, 29, 4), dtype=np.uint16), 16, 6)
    yield "palette.png", png(indices, 8, 3, palette)
    yield "palette-bit4.png", png(indices, 4, 3, palette)
    yield "palette-transparent.png", png(indices, 8, 3, palette + chunk(b"tRNS", bytes(range(0, 256, 16))))

    yield "grey.jpg", jpeg(smooth(181, 203), quality=92)
    yield "grey-progressive.jpg", jpeg(smooth(181, 203), quality=80, progressive=True)
    yield "grey-1x1.jpg", jpeg(smooth(1, 1))
    yield "grey-profile.jpg", jpeg(grey, quality=95, icc_profile=icc)
    for name, subsampling in ("444", 0), ("422", 1), ("420", 2):
        yield f"rgb-{name}.jpg", jpeg(smooth(83, 97, 3), quality=90, subsampling=subsampling)
    yield "rgb-progressive.jpg", jpeg(smooth(83, 97, 3), quality=75, progressive=True)
    yield "rgb-profile.jpg", jpeg(colour, quality=90, icc_profile=icc)
    yield "rgb-untransformed.jpg", jpeg(colour, quality=90, keep_rgb=True)
    yield "rgb-restart.jpg", jpeg(colour, quality=85, restart_marker_blocks=2)
    yield "rgb-rotated.jpg", jpeg(colour, quality=85, exif=rotated.tobytes())
    # Where sums leave 16 bits, machine code gives other levels than C.
    extremes = np.random.default_rng(2).integers(0, 2, (96, 96, 1), dtype=np.uint8) * 255
    yield "grey-extremes.jpg", jpeg(extremes, quality=10)
    yield "rgb-trailing.jpg", jpeg(colour, quality=85) + b"trailing"

    yield "grey.gif", gif(grey)
    yield "palette.gif", gif(colour)
    yield "palette-transparent.gif", gif(indices, transparency=3)


def decode(data, name):
    """Decodes as label_image.py does: by the suffix of the file name."""
    if name.endswith(".png"):
        return tf.io.decode_png(data, channels=3)
    if name.endswith(".gif"):
        return tf.squeeze(tf.io.decode_gif(data), 0)
    return tf.io.decode_jpeg(data, channels=3)


def prepare(image):
    batch = tf.expand_dims(tf.cast(image, tf.float32), 0)
    resized = tf.compat.v1.image.resize_bilinear(batch, [224, 224])
    return tf.divide(tf.subtract(resized, [128]), [128])


def expectation(image):
    sha256 = lambda array: hashlib.sha256(array.tobytes()).hexdigest()
    return {
        "height": image.shape[0],
        "width": image.shape[1],
        "decoded": sha256(image.numpy()),
        "prepared": sha256(prepare(image).numpy().astype("<f4")),
    }


def main():
    FOLDER.mkdir(exist_ok=True)
    expected = {}
    for name, data in pictures():
        (FOLDER / name).write_bytes(data)
        expected[name] = expectation(decode(data, name))
    # TensorFlow cannot read PAM, so PAM is compared with a PNG of the same pixels.
    grey, wide, colour = smooth(45, 38), smooth(45, 38, 1, 65536), smooth(45, 38, 3)
    for name, pixels, depth, kind in ("grey", grey, 8, 0), ("grey-16", wide, 16, 0), ("rgb", colour, 8, 2):
        (FOLDER / f"{name}.pam").write_bytes(pam(pixels, 2**depth - 1))
        expected[f"{name}.pam"] = expectation(decode(png(pixels, depth, kind), "same.png"))
    text = json.dumps({"tensorflow": tf.__version__, "pictures": expected}, indent=1)
    (HERE / "pictures.json").write_text(text + "\n")


main()
