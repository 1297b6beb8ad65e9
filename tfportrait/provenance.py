"""Marks that say a picture was made by a model: for machines in its metadata, for people in a corner."""

import hashlib
import json
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import numpy as np

NAMESPACES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
    "tfportrait": "urn:tfportrait:1.0/",
}
SOURCE_TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
PRODUCER = "tfportrait"
LABEL, LABEL_WITHOUT_CHINESE = "AI生成 / AI-generated", "AI-generated"
LABEL_SHARE, LEAST_LABEL = 0.05, 11  # height of the letters: of the shorter side, and in pixels


def aigc(image: np.ndarray) -> str:
    """The field `AIGC` that China's GB 45438-2025 (annex E) asks for in the metadata of generated files, as JSON.

    Whoever publishes the picture is to enter themselves as the propagator.

    Args:
        image: uint8 (H, W, 3). Its number is made of the pixels.
    """
    number = hashlib.sha256(np.ascontiguousarray(image)).hexdigest()[:32]
    names = ("ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2")
    return json.dumps({"Label": "1", "ContentProducer": PRODUCER, "ProduceID": number} | dict.fromkeys(names, ""))


def source_type(recipe: dict[str, Any] | None) -> str:
    """IPTC's digital source type: made by a trained model, or composed of what it made and a given picture."""
    given = bool(recipe) and "input" in recipe
    return SOURCE_TYPES + ("compositeWithTrainedAlgorithmicMedia" if given else "trainedAlgorithmicMedia")


def write_xmp(image: np.ndarray, recipe: dict[str, Any] | None = None) -> bytes:
    """The XMP packet of a picture: both marks, and the recipe where there is one."""
    properties = {"Iptc4xmpExt:DigitalSourceType": source_type(recipe), "TC260:AIGC": aigc(image)}
    if recipe is not None:
        properties["tfportrait:recipe"] = json.dumps(recipe)  # in ASCII: XML has no word for some characters
    spaces = " ".join(f'xmlns:{name}="{address}"' for name, address in NAMESPACES.items() if name != "rdf")
    inside = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in properties.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="{NAMESPACES["rdf"]}"><rdf:Description rdf:about="" {spaces}>{inside}</rdf:Description>'
        '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def read_xmp(packet: bytes | str) -> dict[str, str]:
    """The properties that `write_xmp` writes, of anybody's packet: name without its namespace -> text.

    Raises: ValueError if it is no XML, or declares entities.
    """
    text = packet.decode("utf-8", "replace") if isinstance(packet, bytes) else packet
    if "<!" in text:
        raise ValueError("it declares entities, which XMP has not")
    try:
        root = ElementTree.fromstring(text.strip("\0 \n"))
    except ElementTree.ParseError as error:
        raise ValueError(str(error)) from error
    wanted = {f"{{{NAMESPACES[space]}}}{name}": name for space, name in _PROPERTIES}
    found = {wanted[element.tag]: element.text or "" for element in root.iter() if element.tag in wanted}
    for element in root.iter(f"{{{NAMESPACES['rdf']}}}Description"):  # simple properties may stand as attributes
        found |= {wanted[name]: value for name, value in element.attrib.items() if name in wanted}
    return found


_PROPERTIES = (("Iptc4xmpExt", "DigitalSourceType"), ("TC260", "AIGC"), ("tfportrait", "recipe"))


def draw_label(image: np.ndarray) -> np.ndarray:
    """The picture with a visible mark in its lower left corner, as GB 45438-2025 (5.2) asks for.

    Where no Chinese font is installed the mark is in English alone.

    Args:
        image: uint8 (H, W, 3).

    Returns: uint8 (H, W, 3).
    """
    from matplotlib import font_manager
    from PIL import Image, ImageDraw, ImageFont

    from tfportrait.fonts import chinese_font

    size = max(LEAST_LABEL, round(LABEL_SHARE * min(image.shape[:2])))
    name = chinese_font()
    wanted = name or "DejaVu Sans"  # which comes with matplotlib
    file = next(entry.fname for entry in font_manager.fontManager.ttflist if entry.name == wanted)
    font = ImageFont.truetype(file, size)
    text = LABEL if name else LABEL_WITHOUT_CHINESE
    picture = Image.fromarray(image)
    left, top, right, bottom = font.getbbox(text)
    while right - left > image.shape[1] - size and size > 6:  # a narrow picture
        size -= 1
        font = ImageFont.truetype(file, size)
        left, top, right, bottom = font.getbbox(text)
    pad = max(2, size // 4)
    box = (0, picture.height - (bottom - top) - 2 * pad, (right - left) + 2 * pad, picture.height)
    shade = Image.new("L", picture.size, 0)
    ImageDraw.Draw(shade).rectangle(box, fill=150)
    picture.paste((0, 0, 0), mask=shade)
    ImageDraw.Draw(picture).text((pad - left, box[1] + pad - top), text, font=font, fill=(255, 255, 255))
    return np.asarray(picture)
