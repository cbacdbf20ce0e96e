"""The explorer in a notebook: an anywidget whose choices can be read, and set, from Python."""

from dataclasses import fields

import anywidget
import traitlets

from attention_lab.explorer import script, style
from attention_lab.explorer_choices import Shown
from attention_lab.explorer_subject import View
from attention_lab.wording import number


class Explorer(anywidget.AnyWidget):
    """What `explore` returns. `layer`, `head`, `token`, `divisor`, `mask` and `real` follow the figure, and it them.

    `weights` (n, n) are those that are shown. Where no widget can be shown, the still figure stands in.
    """

    _esm = script()
    _css = style()
    data = traitlets.Dict().tag(sync=True)
    layer = traitlets.Int().tag(sync=True)
    head = traitlets.Int().tag(sync=True)
    token = traitlets.Int().tag(sync=True)
    divisor = traitlets.Float().tag(sync=True)
    mask = traitlets.Unicode().tag(sync=True)
    real = traitlets.Int().tag(sync=True)

    def __init__(self, shown: Shown):
        self._first = shown
        super().__init__(data=shown.as_json(), **vars(shown.view))

    @property
    def _shown(self) -> Shown:
        return self._first.at(View(*(getattr(self, field.name) for field in fields(View))))

    @property
    def weights(self):
        """The weights that are shown, (n, n): rows look, columns are looked at."""
        return self._shown.weights

    @traitlets.validate("layer", "head", "token", "real", "mask")
    def _known(self, proposal):
        name, value, subject = proposal["trait"].name, proposal["value"], self._first.subject
        tokens = len(subject.tokens)
        known = {
            "layer": [layer.name for layer in subject.layers],
            "head": range(subject.num_heads),
            "token": range(tokens),
            "real": range(1, tokens + 1) if subject.source == "model" else [self._first.view.real],
            "mask": list(self._first.masks),
        }[name]
        if value not in known:
            raise traitlets.TraitError(f"there is no {name} {value!r} here: choose one of {', '.join(map(str, known))}")
        return value

    @traitlets.validate("divisor")
    def _positive(self, proposal):
        if not 0 < proposal["value"] < float("inf"):
            raise traitlets.TraitError(f"divisor is {number(proposal['value'])}: give a positive number")
        return proposal["value"]

    def _repr_mimebundle_(self, **options):
        data, metadata = super()._repr_mimebundle_(**options)
        picture = self._shown.picture()
        return {**data, "text/html": picture._repr_html_(), "text/plain": picture.alt}, metadata

    def __repr__(self):
        return self._shown.picture().alt
