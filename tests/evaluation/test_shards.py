"""Parts of an evaluation and their joining: the whole's results byte for byte, in any order, or a clear refusal."""

import itertools
import shutil

import pytest
from test_evaluate import evaluate
from toy_policy import CHECKPOINT, ToyPolicy, toy_protocol

from robovlms.core.errors import UserError
from robovlms.evaluation.merging import merge
from robovlms.evaluation.opening import open_store
from robovlms.evaluation.results import Checkpoint, load
from robovlms.evaluation.shards import Shard
from robovlms.evaluation.stopping import Rival
from robovlms.evaluation.store import EpisodeStore


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12])
def test_parts_are_the_whole_and_nothing_twice(count):
    items = list(range(10))
    parts = [Shard(number, count).of(items) for number in range(1, count + 1)]
    assert sorted(itertools.chain(*parts)) == items
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


@pytest.mark.parametrize("text", ["0/2", "3/2", "1/0", "2", "a/b", "1/2/3", "-1/2", " 1/2", ""])
def test_nonsense_is_no_part(text):
    with pytest.raises(UserError, match=r"Got shard .* I/N"):
        Shard.parse(text)
    assert Shard.parse("2/12") == Shard(2, 12)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    evaluate(out / "run", video=4)
    return out / "run"


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    out = tmp_path_factory.mktemp("parts")
    for number in (3, 1, 2):
        evaluate(out / str(number), shard=Shard(number, 3), video=4)
    return [out / str(number) for number in (1, 2, 3)]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_parts_in_any_order_make_the_whole(tmp_path, whole, parts, order):
    results, missing = merge([parts[index] for index in order], tmp_path / "merged")
    assert not missing
    assert len(results.episodes) == 9
    for name in ("results.json", "videos/index.json"):
        assert (tmp_path / "merged" / name).read_bytes() == (whole / name).read_bytes()
    assert len(list((tmp_path / "merged" / "videos").glob("*.mp4"))) == 4


def test_merging_leaves_the_parts_as_they_were(tmp_path, parts):
    def contents():
        return {path: path.read_bytes() for folder in parts for path in folder.rglob("*") if path.is_file()}

    before = contents()
    merge(parts, tmp_path / "merged")
    assert contents() == before


def test_a_part_lists_what_is_missing_and_can_be_completed(tmp_path, whole, parts):
    assert not (parts[0] / "results.json").exists()
    _, missing = merge([parts[0], parts[2]], tmp_path / "merged")
    assert missing == ["toy-001", "toy-004", "toy-007"]
    assert not (tmp_path / "merged" / "results.json").exists()
    evaluate(tmp_path / "merged", resume=True)
    assert (tmp_path / "merged" / "results.json").read_bytes() == (whole / "results.json").read_bytes()


def test_overlapping_parts_agree(tmp_path, whole, parts):
    again = shutil.copytree(parts[1], tmp_path / "again")
    merge([whole, parts[1], again], tmp_path / "merged")
    assert (tmp_path / "merged" / "results.json").read_bytes() == (whole / "results.json").read_bytes()


def test_a_disagreement_is_refused_and_named(tmp_path, parts):
    evaluate(tmp_path / "other", policy=ToyPolicy(executor="first"), shard=Shard(1, 3))
    with pytest.raises(UserError, match=r"Episode toy-00\d has another result.*\n.*tasks: "):
        merge([parts[0], tmp_path / "other"], tmp_path / "merged")
    assert [path.name for path in tmp_path.iterdir()] == ["other"]


def test_an_interrupt_leaves_nothing_either(tmp_path, parts, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("robovlms.evaluation.merging.write_video_index", interrupted)
    with pytest.raises(KeyboardInterrupt):
        merge(parts, tmp_path / "merged")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"protocol": toy_protocol(9, seed=4)}, r"1 and .*other hold different evaluations:\n.*seed: 0, there 4"),
        ({"checkpoint": Checkpoint("toy", "toy-2")}, r"checkpoint: toy \(toy-1\), there toy \(toy-2\)"),
    ],
)
def test_another_evaluation_is_refused(tmp_path, parts, settings, said):
    evaluate(tmp_path / "other", shard=Shard(2, 3), **settings)
    with pytest.raises(UserError, match=said):
        merge([parts[0], tmp_path / "other"], tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_other_libraries_are_another_evaluation(tmp_path, parts, monkeypatch):
    monkeypatch.setattr("robovlms.evaluation.results.versions", lambda: {"numpy": "1.0.0"})
    evaluate(tmp_path / "other", shard=Shard(2, 3))
    with pytest.raises(UserError, match=r"version of numpy: '2.*', there '1.0.0'"):
        merge([parts[0], tmp_path / "other"], tmp_path / "merged")
    monkeypatch.undo()
    results, _ = merge([tmp_path / "other"], tmp_path / "merged")
    assert results.versions == {"numpy": "1.0.0"}  # those that played, not those that merge


def test_the_checkpoint_may_lie_elsewhere(tmp_path, whole, parts):
    elsewhere = Checkpoint("zoo/toy", CHECKPOINT.digest)
    evaluate(tmp_path / "other", shard=Shard(2, 3), checkpoint=elsewhere)
    for number, order in enumerate(itertools.permutations([parts[0], tmp_path / "other", parts[2]])):
        merge(order, tmp_path / f"merged-{number}")
        assert (tmp_path / f"merged-{number}" / "results.json").read_bytes() == (whole / "results.json").read_bytes()


def test_a_result_elsewhere_takes_the_place_of_an_infrastructure_error(tmp_path, whole, parts):
    (sound,) = [episode for episode in load(whole).episodes if episode.id == "toy-003"]
    broken = sound.model_copy(update={"status": "infrastructure_error", "tasks": (), "error": "died"})
    with EpisodeStore(parts[0]) as store:
        agenda = store.agenda
    with open_store(tmp_path / "broken", agenda) as store:
        store.record([broken])
    for number, order in enumerate(itertools.permutations([parts[0], parts[1], parts[2], tmp_path / "broken"])):
        if number % 5 == 0:
            merge(order, tmp_path / f"merged-{number}")
            found = (tmp_path / f"merged-{number}" / "results.json").read_bytes()
            assert found == (whole / "results.json").read_bytes()


def test_a_part_cannot_know_when_to_stop(tmp_path, whole):
    with pytest.raises(UserError, match="part 1/2 of an evaluation that stops"):
        evaluate(tmp_path / "run", shard=Shard(1, 2), rival=Rival(load(whole)))
    assert not (tmp_path / "run").exists()


def test_folders_that_cannot_be_merged(tmp_path, whole):
    with pytest.raises(UserError, match="no folders"):
        merge([], tmp_path / "merged")
    with pytest.raises(UserError, match=r"Folder .*nowhere does not exist"):
        merge([whole, tmp_path / "nowhere"], tmp_path / "merged")
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"taken already exists and is not empty"):
        merge([whole], tmp_path / "taken")
    assert not (tmp_path / "nowhere").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty holds no episodes"):
        merge([whole, tmp_path / "empty"], tmp_path / "merged")


def test_what_a_killed_merge_left_is_in_no_ones_way(tmp_path, whole, parts):
    (tmp_path / ".merged.partial").mkdir()
    (tmp_path / ".merged.partial" / "episodes.sqlite").write_text("half")
    merge(parts, tmp_path / "merged")
    assert (tmp_path / "merged" / "results.json").read_bytes() == (whole / "results.json").read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["merged"]
