"""Strategies: JSON values, and JSON objects spelled in every way that JSON allows."""

import json

from hypothesis import strategies as st

names = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=6)
scalars = (
    st.none()
    | st.booleans()
    | st.integers(min_value=-(10**30), max_value=10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: _encodable(value))

NUMBERS = ["1.0", "1e3", "-0", "0.10", "1E+2", "123456789012345678901234567890", "1e400"]


def _encodable(value):
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


class Spelling:
    """Writes a value with white space, escapes and number spellings drawn one by one."""

    def __init__(self, draw):
        self.draw = draw
        self.tidy = draw(st.booleans())
        self.newline = draw(st.sampled_from(["\n", "\r\n", "\r", ""]))
        self.unit = draw(st.sampled_from(["  ", "\t", "    ", " "]))
        self.colon = draw(st.sampled_from([":", ": ", " : "]))

    def space(self, depth=None):
        if not self.tidy:
            return self.draw(st.text(" \t\r\n", max_size=3))
        return "" if depth is None or not self.newline else self.newline + self.unit * depth

    def write(self, value, depth=0):
        if isinstance(value, dict):
            items = [self.text(key) + self.mid() + self.write(item, depth + 1) for key, item in value.items()]
            return self.wrap("{", items, "}", depth)
        if isinstance(value, list):
            return self.wrap("[", [self.write(item, depth + 1) for item in value], "]", depth)
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, int) and not isinstance(value, bool) and self.draw(st.integers(0, 5)) == 0:
            return self.draw(st.sampled_from(NUMBERS))
        return json.dumps(value)

    def mid(self):
        return self.colon if self.tidy else self.space() + ":" + self.space()

    def text(self, value):
        return json.dumps(value, ensure_ascii=self.draw(st.booleans()))

    def wrap(self, opening, items, closing, depth):
        if not items:
            return opening + self.draw(st.sampled_from(["", "", " ", "\n", "\r\n\t"])) + closing
        parts = [self.space(depth + 1) + item + ("" if self.tidy else self.space()) for item in items]
        return opening + ",".join(parts) + self.space(depth) + closing


@st.composite
def documents(draw, contents=None):
    """The text of an object: with or without a byte order mark, and with anything around it."""
    plain = draw(contents if contents is not None else st.dictionaries(names, values, max_size=4))
    spelling = Spelling(draw)
    mark = draw(st.sampled_from(["", "", "\ufeff"]))
    return mark + spelling.space() + spelling.write(plain) + draw(st.sampled_from(["", "\n", "\r\n", "\n\n"]))
