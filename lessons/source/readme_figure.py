"""Draw the figure of the README from the references: `python lessons/source/readme_figure.py`."""

import io
from pathlib import Path

from attention_lab import load_attention, load_head, load_sentence, plot_links
from PIL import Image

from solutions.intuition import plain_self_attention
from solutions.queries_keys_values import attention, project

PLACE = Path(__file__).with_name("it_finds_animal.png")


def draw() -> bytes:
    """Where "it" looks, in three stages of the course, one below the other → a PNG."""
    sentence, head = load_sentence("tired"), load_head(3, 1)
    x = sentence.hidden[3]
    _, plain = plain_self_attention(x)
    _, unscaled = attention(
        project(x, head.w_q, head.b_q), project(x, head.w_k, head.b_k), project(x, head.w_v, head.b_v)
    )
    stages = {
        "Lesson 1: plain self-attention. “it” finds itself": plain,
        "Lesson 2: queries, keys, values. “it” finds “animal”, and is too sure": unscaled,
        "Lesson 3: what the model itself computes": load_attention("tired")[3, 1],
    }
    pictures = [plot_links(weights, sentence.tokens, "it", title=title) for title, weights in stages.items()]
    images = [Image.open(io.BytesIO(picture.png)) for picture in pictures]
    whole = Image.new("RGB", (max(i.width for i in images), sum(i.height for i in images)), "white")
    top = 0
    for image in images:
        whole.paste(image, (0, top))
        top += image.height
    file = io.BytesIO()
    whole.save(file, "PNG", optimize=True)
    return file.getvalue()


if __name__ == "__main__":
    PLACE.write_bytes(draw())
    print(f"wrote {PLACE.name}")
