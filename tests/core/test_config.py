"""Configuration: digests, overrides in any order, and errors that name the nearest field."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from robovlms.core.config import Config, digest_of, merge, parse_overrides, read_file, validate
from robovlms.core.errors import UnknownName, UserError


class Inner(Config):
    rate: float = 1.0
    kind: str = "a"


class Outer(Config):
    inner: Inner = Inner()
    name: str = "x"


def test_the_digest_follows_the_content_and_not_the_order():
    one = validate(Outer, {"name": "y", "inner": {"rate": 2}})
    other = validate(Outer, {"inner": {"rate": 2.0}, "name": "y"})
    assert one.digest() == other.digest() != Outer().digest()
    assert one.digest() == digest_of(one.canonical())


def test_a_configuration_is_frozen():
    with pytest.raises(ValueError, match="frozen"):
        Outer().name = "z"  # ty: ignore[invalid-assignment]


@pytest.mark.parametrize(("wrong", "right"), [({"nmae": "y"}, "name"), ({"inner": {"rtae": 1}}, "inner.rate")])
def test_an_unknown_field_names_the_nearest(wrong, right):
    with pytest.raises(UnknownName, match=f"Did you mean '{right}'"):
        validate(Outer, wrong)


def test_a_wrong_value_names_field_and_value():
    with pytest.raises(UserError, match=r"'inner\.rate'.*got 'fast'"):
        validate(Outer, {"inner": {"rate": "fast"}})


def test_overrides_are_parsed_as_yaml():
    parsed = parse_overrides(["--inner.rate", "2e-3", "--name=y", "--flags", "[1, 2]", "--off", "false"])
    assert parsed == {"inner.rate": "2e-3", "name": "y", "flags": [1, 2], "off": False}
    assert validate(Outer, merge({}, {"inner.rate": parsed["inner.rate"]})).inner.rate == 0.002


@pytest.mark.parametrize("arguments", [["value"], ["--name"]])
def test_overrides_that_cannot_be_read_are_refused(arguments):
    with pytest.raises(UserError):
        parse_overrides(arguments)


@given(st.permutations([("inner.rate", 3.0), ("inner.kind", "b"), ("name", "z")]))
def test_the_order_of_overrides_never_matters(pairs):
    assert merge({"inner": {"kind": "a", "old": 1}}, dict(pairs)) == {"inner": {"kind": "b", "rate": 3.0}, "name": "z"}


def test_an_override_below_a_value_is_refused():
    with pytest.raises(UserError, match="'name' is a value"):
        merge({"name": "x"}, {"name.deep": 1})


def test_files_are_yaml_or_json_mappings(tmp_path):
    (tmp_path / "a.yaml").write_text("name: y\n")
    (tmp_path / "b.json").write_text('{"name": "y"}')
    assert read_file(tmp_path / "a.yaml") == read_file(tmp_path / "b.json") == {"name": "y"}
    (tmp_path / "c.yaml").write_text("- 1\n")
    (tmp_path / "d.yaml").write_text("a: [\n")
    for name, message in (("c.yaml", "expected a mapping"), ("d.yaml", "neither YAML"), ("e.yaml", "does not exist")):
        with pytest.raises(UserError, match=message):
            read_file(tmp_path / name)
