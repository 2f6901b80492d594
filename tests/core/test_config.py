"""Configuration: digests, overrides in any order, and errors that name the nearest field."""

from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field

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


@pytest.mark.parametrize(
    "arguments", [["value"], ["--name"], ["--name="], ["--=3"], ["--name", "{a: 1"], ["--name", "2026-01-01"]]
)
def test_overrides_that_cannot_be_read_are_refused(arguments):
    with pytest.raises(UserError):
        parse_overrides(arguments)


@given(st.permutations([("inner.rate", 3.0), ("inner.kind", "b"), ("name", "z")]))
def test_the_order_of_overrides_never_matters(pairs):
    assert merge({"inner": {"kind": "a", "old": 1}}, dict(pairs)) == {"inner": {"kind": "b", "rate": 3.0}, "name": "z"}


def test_a_group_inside_another_keeps_its_own_kind():
    given = {"outer.inner.kind": "d", "outer.kind": "b"}
    assert merge({"outer": {"kind": "a", "inner": {"kind": "c"}}}, given) == {
        "outer": {"kind": "b", "inner": {"kind": "d"}}
    }


def test_an_override_below_a_value_is_refused():
    with pytest.raises(UserError, match="'name' is a value"):
        merge({"name": "x"}, {"name.deep": 1})


def test_a_number_is_a_place_in_a_list():
    assert merge({"data": [{"path": "a"}, {"path": "b"}]}, {"data.1.path": "c"}) == {
        "data": [{"path": "a"}, {"path": "c"}]
    }


@pytest.mark.parametrize(
    ("path", "message"),
    [("data.2.path", "'2', expected one of the 2"), ("data.x.path", "'x', expected"), ("data.0", "'data' is a list"),
     ("data.1.path", "'data.1.path': '1' is a value")],
)  # fmt: skip
def test_an_override_beside_a_list_is_refused(path, message):
    with pytest.raises(UserError, match=message):
        merge({"data": [{"path": "a"}, 3]}, {path: 1})


def test_files_are_yaml_or_json_mappings(tmp_path):
    (tmp_path / "a.yaml").write_text("name: y\n")
    (tmp_path / "b.json").write_text('{"name": "y"}')
    assert read_file(tmp_path / "a.yaml") == read_file(tmp_path / "b.json") == {"name": "y"}
    (tmp_path / "c.yaml").write_text("- 1\n")
    (tmp_path / "d.yaml").write_text("a: [\n")
    for name, message in (
        ("c.yaml", "expected a mapping"),
        ("d.yaml", "not hold settings"),
        ("e.yaml", "does not exist"),
    ):
        with pytest.raises(UserError, match=message):
            read_file(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("name: x\nname: y\n", "'name' stands twice"),
        ("inner: {rate: 1, rate: 2}\n", "'rate' stands twice"),
        ("name: 2026-01-01\n", "not JSON serializable"),
        ("a: &a [*a]\n", "Circular"),
        ("a: !!python/object:os.system x\n", "could not determine a constructor"),
        ("", "got NoneType at the top"),
    ],
)
def test_files_with_odd_content_are_refused(content, message, tmp_path):
    (tmp_path / "odd.yaml").write_text(content)
    with pytest.raises(UserError, match=message):
        read_file(tmp_path / "odd.yaml")
    with pytest.raises(UserError, match="is a folder"):
        read_file(tmp_path)


def test_anchors_and_merge_keys_are_ordinary_yaml(tmp_path):
    (tmp_path / "a.yaml").write_text("base: &base {rate: 1}\ninner: {<<: *base, rate: 2}\n")
    assert read_file(tmp_path / "a.yaml")["inner"] == {"rate": 2}


@pytest.mark.parametrize("rate", [float("nan"), float("inf"), "nan"])
def test_numbers_are_finite(rate):
    with pytest.raises(UserError, match=r"'inner\.rate'.*finite"):
        validate(Outer, {"inner": {"rate": rate}})


class Left(Config):
    kind: Literal["left"] = "left"
    size: int = 1


class Right(Config):
    kind: Literal["right"] = "right"


class Either(Config):
    side: Annotated[Left | Right, Field(discriminator="kind")] = Left()
    colour: Literal["red", "blue"] = "red"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"side": {"size": 2}}, "Setting 'side' has no kind: got {'size': 2}. Add 'kind: NAME'"),
        ({"side": {"kind": "rihgt"}}, "Unknown side.kind 'rihgt'. Did you mean 'right'"),
        ({"side": {"kind": "left", "size": "big"}}, "Setting 'side.size'"),
        ({"side": {"kind": "left", "sise": 2}}, "Did you mean 'side.size'"),
        ({"side": {"kind": "right", "size": 2}}, "Unknown field 'side.size'.*Choices:.* side.kind.*with another kind"),
        ({"colour": "bleu"}, "Unknown colour 'bleu'. Did you mean 'blue'"),
    ],
)
def test_errors_in_a_choice_use_the_names_of_options(given, message):
    with pytest.raises(UserError, match=message):
        validate(Either, given)
