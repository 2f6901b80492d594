import struct
from io import FileIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tfds_folder import example, frame, message, varint

from robovlms.core.errors import CorruptData
from robovlms.data.rlds.example import parse_example
from robovlms.data.rlds.tfrecord import masked_crc, read_record, record_places


@settings(max_examples=100, deadline=None)
@given(
    texts=st.lists(st.binary(max_size=300), max_size=5),
    floats=st.lists(st.floats(width=32, allow_nan=False), max_size=20),
    integers=st.lists(st.integers(-(2**63), 2**63 - 1), max_size=20),
)
def test_every_example_is_read_back(texts, floats, integers):
    data = example({"a": ("bytes", texts), "b/c": ("float", floats), "d": ("int", integers)})
    parsed = parse_example(data, "here")
    assert parsed["a"] == texts
    np.testing.assert_array_equal(parsed["b/c"], np.array(floats, np.float32))
    np.testing.assert_array_equal(parsed["d"], np.array(integers, np.int64))


def test_what_is_not_wanted_stays_unread():
    data = example({"a": ("bytes", [b"x"]), "b": ("float", [1.0])})
    assert parse_example(data, "here", {"b"}).keys() == {"a", "b"}
    assert parse_example(data, "here", {"b"})["a"] == []
    assert parse_example(data, "here", {"b"})["b"].tolist() == [1.0]


def test_unpacked_lists_are_read_too():
    floats = message(2, b"".join(varint(1 << 3 | 5) + struct.pack("<f", value) for value in (1.5, -2.0)))
    integers = message(3, b"".join(varint(1 << 3) + varint(value) for value in (7, 300)))
    entries = [message(1, b"f") + message(2, floats), message(1, b"i") + message(2, integers)]
    data = message(1, b"".join(message(1, entry) for entry in entries))
    parsed = parse_example(memoryview(data), "here")
    assert parsed["f"].tolist() == [1.5, -2.0]
    assert parsed["i"].tolist() == [7, 300]


def test_the_two_fields_of_an_entry_come_in_any_order():
    entry = message(2, message(3, message(1, varint(7)))) + message(1, b"i")
    assert parse_example(message(1, message(1, entry)), "here")["i"].tolist() == [7]


@pytest.mark.parametrize("size", [0, 127, 128, 16383, 16384, 2**21])
def test_lengths_of_every_number_of_bytes(size):
    texts = [b"first", bytes(size), b"last"]
    assert parse_example(example({"a": ("bytes", texts)}), "here")["a"] == texts
    assert parse_example(example({"a": ("float", [1.5] * (size // 4))}), "here")["a"].tolist() == [1.5] * (size // 4)


ITEM = message(1, b"x")


@pytest.mark.parametrize(
    "feature",
    [
        message(1, varint(1 << 3) + varint(5)),  # a number in a list of bytes
        message(1, ITEM + b"\x0a\x09x"),  # an item longer than its list
        message(1, ITEM + b"\x0a"),  # an item without a length
        message(1, message(2, b"x")),  # a field that lists do not have
        message(1, ITEM)[:-1] + b"",  # a list that is cut short
        message(1, ITEM) + message(1, ITEM),  # two lists
        message(4, ITEM),  # a list of no known kind
        message(2, message(1, b"123")),  # three quarters of a float
        message(2, varint(1 << 3 | 5) + b"123"),
    ],
)
def test_a_feature_that_is_none(feature):
    data = message(1, message(1, message(1, b"name") + message(2, feature)))
    with pytest.raises(CorruptData, match=r"here: not a tf.Example"):
        parse_example(data, "here")
    assert parse_example(data, "here", ()) == {"name": []}


@pytest.mark.parametrize("entry", [message(1, b"i"), message(1, b"i") + message(3, b""), varint(1 << 3) + varint(5)])
def test_an_entry_without_a_name_or_values(entry):
    with pytest.raises(CorruptData, match=r"here: not a tf.Example"):
        parse_example(message(1, message(1, entry)), "here")


@pytest.mark.parametrize("run", [b"\x80", b"\x01\xff", b"\xff" * 10 + b"\x01"])
def test_numbers_that_do_not_end(run):
    entry = message(1, b"i") + message(2, message(3, message(1, run)))
    with pytest.raises(CorruptData, match=r"here: not a tf.Example"):
        parse_example(message(1, message(1, entry)), "here")


def test_the_checksum_is_the_one_of_tensorflow():
    # RFC 3720, appendix B.4: CRC-32C of 32 zero bytes is 0x8a9136aa.
    crc = 0x8A9136AA
    assert masked_crc(bytes(32)) == (((crc >> 15) | (crc << 17 & 0xFFFFFFFF)) + 0xA282EAD8) % 2**32


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "x.tfrecord-00000-of-00001"
    path.write_bytes(b"".join(frame(example({"a": ("int", [i] * 10)})) for i in range(3)))
    return path


def read_all(path):
    with FileIO(path) as opened:
        return [parse_example(read_record(opened, place), place) for place in record_places(path)]


def test_records_in_order(file):
    assert [record["a"][0] for record in read_all(file)] == [0, 1, 2]


@pytest.mark.parametrize("missing", [1, 4, 20])
def test_truncation_names_file_and_record(file, missing):
    file.write_bytes(file.read_bytes()[:-missing])
    with pytest.raises(CorruptData, match=r"x.tfrecord-00000-of-00001, record 2: the file ends inside"):
        read_all(file)


def test_every_flipped_byte_is_noticed(file):
    good = file.read_bytes()
    record = len(good) // 3
    for position in range(record, 2 * record):
        bad = bytearray(good)
        bad[position] ^= 0x10
        file.write_bytes(bytes(bad))
        with pytest.raises(CorruptData, match=r"record 1: the (checksum|length|file)"):
            read_all(file)


def test_garbage(tmp_path):
    (tmp_path / "a").write_bytes(b"this is no record file at all")
    with pytest.raises(CorruptData, match="record 0: the length is damaged, or this is no TFRecord"):
        record_places(tmp_path / "a")
    with pytest.raises(CorruptData, match="is missing"):
        record_places(tmp_path / "b")
    with pytest.raises(CorruptData, match=r"here: not a tf.Example"):
        parse_example(b"\xff\xff\xff", "here")
    with pytest.raises(CorruptData, match=r"here: not a tf.Example"):
        parse_example(b"\x08\x01", "here")
