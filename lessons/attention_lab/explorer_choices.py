"""What `explore` is asked for: checked once, refused in words, and made a subject with a view of it."""

import math
import numbers
from dataclasses import dataclass

import numpy as np

from attention_lab.explorer_subject import (
    ANSWERS,
    D_K,
    MASKS,
    PROJECTED,
    SCORES,
    Subject,
    View,
    of_function,
    of_model,
    of_weights,
    real_tokens,
    weights_in,
)
from attention_lab.plots.arguments import position
from attention_lab.sentences import Sentence, load_sentence
from attention_lab.wording import number

CONTROLS = ("layer", "head", "scale", "mask")
SCALES = {"none": 1.0, "sqrt_d_k": math.sqrt(D_K), "d_k": float(D_K)}


@dataclass(frozen=True)
class Shown:
    """A subject, a view of it, and what may be changed."""

    subject: Subject
    view: View
    controls: tuple[str, ...]

    def at(self, view: View) -> "Shown":
        return Shown(self.subject, view, self.controls)

    @property
    def masks(self) -> tuple[str, ...]:
        """The masks that can be chosen."""
        layers = self.subject.layers
        return MASKS if any(layer.kind == SCORES or len(layer.arrays) > 1 for layer in layers) else MASKS[:1]

    @property
    def weights(self) -> np.ndarray:
        """The weights that are shown, (n, n): rows look, columns are looked at."""
        return weights_in(self.subject, self.view)

    def as_json(self) -> dict:
        return {**self.subject.as_json(), "controls": list(self.controls)}

    def title(self) -> str:
        """What is shown, in words."""
        view, source = self.view, self.subject.source
        head = f"head {view.head}"
        if source == "weights":
            return f"Own weights, {head}" if self.subject.num_heads > 1 else "Own weights"
        said = [f"Layer {view.layer}, {head}"]
        if source == "function":
            said.append(self.subject.function)
        elif view.divisor != SCALES["sqrt_d_k"]:
            said.append("not scaled" if view.divisor == 1 else f"÷ {number(view.divisor)}")
        if view.mask != "none":
            said.append("causal" if view.mask == "causal" else f"the last {self._padded()} tokens are padding")
        return ", ".join(said)

    def _padded(self):
        return len(self.subject.tokens) - self.view.real

    def picture(self):
        """The still figure: the links of the token that looks."""
        from attention_lab.plots.links import plot_links  # Matplotlib only for who needs it

        return plot_links(self.weights, self.subject.tokens, self.view.token, title=self.title())


def shown_of(
    sentence=None,
    *,
    layer=None,
    head=None,
    token=None,
    scale=None,
    mask="none",
    controls=None,
    tokens=None,
    weights=None,
    attention=None,
) -> Shown:
    """Everything that `explore` may be given, checked once."""
    subject = _subject(sentence, tokens, weights, attention)
    own = subject.source == "weights"
    if own and layer is not None:
        raise ValueError("your own weights have no layers: leave out layer=…, and give (heads, n, n) for several heads")
    names = [known.name for known in subject.layers]
    layer = _one_of("layer", (0 if own else 3) if layer is None else layer, names)
    head = _one_of("head", (0 if own else 1) if head is None else head, list(range(subject.num_heads)))
    if mask not in MASKS:
        raise ValueError(f"there is no mask {mask!r}: choose one of {', '.join(MASKS)}")
    _changeable(subject, layer, scale, mask)
    n = len(subject.tokens)
    view = View(layer, head, _first_token(subject.tokens, token), _divisor(scale), mask, real_tokens(n))
    return Shown(subject, view, _controls(subject, controls))


def _subject(sentence, tokens, weights, attention):
    if weights is not None and attention is not None:
        raise ValueError("weights=… and attention=… exclude each other: give your numbers, or your function")
    if tokens is not None and weights is None:
        raise ValueError("tokens=… need weights=…: the model's weights are known for the course's sentences alone")
    if tokens is not None and sentence is not None:
        raise ValueError("give a sentence of the course or tokens=… of your own, not both")
    if weights is not None and tokens is None and sentence is None:
        raise ValueError("weights=… need tokens=…, as many as there are columns")
    if tokens is not None:
        return of_weights(tokens, weights)
    if not isinstance(sentence, Sentence):
        sentence = load_sentence("tired" if sentence is None else sentence)
    if weights is not None:
        return of_weights(sentence.tokens, weights, sentence.text)
    return of_model(sentence) if attention is None else of_function(sentence, attention)


def _one_of(what, value, known):
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value not in known:
        raise ValueError(f"there is no {what} {value!r} here: choose one of {', '.join(map(str, known))}")
    return int(value)


def _changeable(subject, layer, scale, mask):
    """Refuses a scale or a mask where there are no scores to apply it to."""
    kind = subject.layer(layer).kind
    if kind == ANSWERS and scale is not None:
        raise ValueError(f"{subject.function} scales as it was written: leave out scale=…")
    if kind == ANSWERS and mask not in subject.layer(layer).arrays:
        raise ValueError(f"{subject.function} takes no mask: it needs a fourth parameter")
    if kind in (SCORES, ANSWERS) or (scale in (None, "sqrt_d_k") and mask == "none"):
        return
    if subject.source == "weights":
        raise ValueError("your own weights are shown as they are: leave out scale=… and mask=…")
    where = " and ".join(map(str, PROJECTED))
    raise ValueError(f"scale and mask can be changed in the layers {where}: of layer {layer} only weights are known")


def _divisor(scale):
    if scale is None:
        return SCALES["sqrt_d_k"]
    if isinstance(scale, str) and scale in SCALES:
        return SCALES[scale]
    if isinstance(scale, numbers.Real) and not isinstance(scale, bool) and 0 < scale < math.inf:
        return float(scale)
    raise ValueError(f"scale is {scale!r}: give none, sqrt_d_k, d_k or a positive number that divides the scores")


def _first_token(tokens, asked):
    """The token that looks at first: the one asked for, else "it", else the first that is a word."""
    if asked is not None:
        return position(asked, tokens)
    return tokens.index("it") if "it" in tokens else min(1, len(tokens) - 1) if tokens[0] == "[CLS]" else 0


def _controls(subject, asked):
    """Those that have a meaning here, in their order."""
    if isinstance(asked, str) or (asked is not None and not set(asked) <= set(CONTROLS)):
        raise ValueError(f"controls is {asked!r}: give a list of names, any of {', '.join(CONTROLS)}")
    meant = {
        "layer": len(subject.layers) > 1,
        "head": subject.num_heads > 1,
        "scale": any(layer.kind == SCORES for layer in subject.layers),
        "mask": any(layer.kind == SCORES or len(layer.arrays) > 1 for layer in subject.layers),
    }
    return tuple(name for name in CONTROLS if meant[name] and (asked is None or name in asked))
