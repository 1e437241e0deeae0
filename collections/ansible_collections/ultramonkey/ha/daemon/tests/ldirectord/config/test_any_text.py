"""Whatever is in the file, reading it ends with an answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from names import Names
from ultramonkey_ldirectord.config.configuration import parse
from ultramonkey_ldirectord.config.directives import NAMES

WORDS = st.sampled_from(
    [
        '"',
        "#",
        "=",
        " ",
        "\t",
        "->",
        "192.0.2.1",
        ":80",
        "gate",
        "masq",
        "[::1]",
        "yes",
        "5",
        "l:1",
        "\r",
        "\u3000",
        "(",
    ]
)
LINES = st.tuples(
    st.sampled_from(["", " ", "\t", "    "]),
    st.sampled_from(NAMES),
    st.just("="),
    st.lists(WORDS, max_size=6).map("".join),
).map("".join)


@given(
    st.one_of(
        st.text(), st.lists(st.one_of(LINES, st.just("virtual=192.0.2.9:80")), max_size=12).map("\n".join)
    )
)
def test_reading_ends_and_refuses_exactly_when_there_is_an_error(text):
    loaded = parse(text, "ld.cf", Names())
    assert (loaded.configuration is None) == any(p.severity.value == "error" for p in loaded.problems)
    assert all("\n" not in str(p) and p.file == "ld.cf" for p in loaded.problems)
