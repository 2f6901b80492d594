import numpy as np
import pytest

from robovlms.core.errors import CorruptData, UserError
from robovlms.pretraining.disguise import Disguise, arrangement
from robovlms.pretraining.frames import POINTS
from robovlms.pretraining.pool import SHARD, disguised, held_out_frames, open_pool, ready_frames, teleported, write_pool
from robovlms.pretraining.rollouts import rolled_out, rolled_out_disguised
from robovlms.pretraining.stage import Stage, Truth
from robovlms.pretraining.teleport import Teleporter
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.initial import InitialState
from robovlms.worlds.tabletop.scenes import scene_spec
from robovlms.worlds.tabletop.simulation import Simulation

pytestmark = pytest.mark.render


@pytest.fixture(scope="module", autouse=True)
def drawing():
    try:
        Tabletop("A").render("static")
    except UserError:
        pytest.skip("no OpenGL backend")


@pytest.fixture(scope="module")
def frames():
    return held_out_frames("AD", 3, 40, (teleported,))


def test_frames_are_what_the_world_shows():
    world = Tabletop("B")
    world.reset(InitialState(red="drawer", drawer="open", led=True), seed=4)
    stage = Stage("B", world.simulation)
    record = stage.frame(_truth(world)).record
    stage.close()
    for index, camera in enumerate(("static", "wrist")):
        np.testing.assert_array_equal(record["images"][index], world.render(camera, 64))
        pixels, inside = world.project(record["points"], camera, 64)
        np.testing.assert_allclose(record["pixels"][index][inside], pixels[inside], atol=1e-3)
        assert not record["visible"][index][~inside].any()
    for name, place in world.fixtures().items():
        np.testing.assert_allclose(record["points"][POINTS.index(name)], place, atol=1e-6)
    assert (record["led"], record["bulb"], record["held"]) == (True, False, -1)
    world.close()


def _truth(world):
    return Truth.of(world.state())


def test_a_block_shows_in_its_colour_where_it_is_said_to_be(frames):
    tint = {"red": (0,), "blue": (2,)}
    checked = 0
    for frame in frames:
        for block, (channel,) in tint.items():
            if frame.sees("static", block) and frame.held is None:
                column, row = frame.pixel("static", block).astype(int)
                patch = frame.images[0, max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3].astype(int)
                others = [c for c in range(3) if c != channel]
                checked += 1
                assert (patch[..., channel] - patch[..., others].max(-1)).max() > 40
    assert checked > 40


def test_teleported_states_vary(frames):
    records = np.array([frame.record for frame in frames])
    assert len({tuple(row) for row in records["surface"]}) > 5
    assert records["points"][:, POINTS.index("gripper")].std(0).min() > 0.05
    assert 0 < records["bulb"].mean() < 1
    assert records["visible"][:, 0, :3].mean() > 0.8


def test_shut_drawers_hide_their_block():
    world = Tabletop("A")
    world.reset(InitialState(red="drawer"), seed=0)
    stage = Stage("A", world.simulation)
    frame = stage.frame(_truth(world))
    stage.close()
    world.close()
    assert frame.surface("red") == "drawer"
    assert not frame.shown("red")
    assert frame.shown("blue")


def test_rollouts_show_hands_at_work_and_repeat():
    frames = list(rolled_out("C", np.random.default_rng(1), 25))
    again = list(rolled_out("C", np.random.default_rng(1), 25))
    assert len(frames) == 25
    assert all(one.record.tobytes() == other.record.tobytes() for one, other in zip(frames, again, strict=True))
    assert min(np.linalg.norm(f.offset(p)) for f in frames for p in POINTS if p != "gripper") < 0.05


def test_a_pool_continues_where_it_stopped(tmp_path, monkeypatch):
    calls = []

    def source(scene, rng, number):
        calls.append(scene)
        return held_out_frames("A", int(rng.integers(100)), 2, (teleported,)) * (number // 2)

    monkeypatch.setattr("robovlms.pretraining.pool.SHARD", 4)
    path = tmp_path / "pool.bin"
    write_pool(path, 8, 0, "AB", (source,))
    assert calls == ["A", "B"]
    assert ready_frames(path) == 8
    first = open_pool(path)[:8].copy()
    write_pool(path, 8, 0, "AB", (source,))
    assert calls == ["A", "B"]
    np.testing.assert_array_equal(open_pool(path)[:8], first)
    path.write_bytes(b"x")
    with pytest.raises(CorruptData, match="delete it"):
        open_pool(path)
    assert SHARD == 250


def test_nothing_is_inside_the_hand():
    stage = Stage("A", Simulation(scene_spec("A")))
    teleporter = Teleporter(stage, np.random.default_rng(0))
    collided = 0
    for _ in range(40):
        teleporter.scatter()
        collided += teleporter._collides()
    stage.close()
    assert collided <= 2


def test_disguises_keep_what_means_something_and_come_off():
    stage = Stage("A", Simulation(scene_spec("A")))
    before = stage.model.geom_rgba.copy(), stage.model.mat_rgba.copy()
    disguise = Disguise(stage.simulation)
    disguise.put_on(np.random.default_rng(0))
    for name in ("red", "blue", "pink", "cap", "lever_tip", "bulb", "led", "palm"):
        geom = stage.model.geom(name).id
        np.testing.assert_array_equal(stage.model.geom_rgba[geom], before[0][geom])
    assert (stage.model.geom("door").rgba != before[0][stage.model.geom("door").id]).any()
    assert (stage.model.mat_rgba != before[1]).any()
    disguise.take_off()
    np.testing.assert_array_equal(stage.model.geom_rgba, before[0])
    np.testing.assert_array_equal(stage.model.mat_rgba, before[1])
    stage.close()


def test_arrangements_keep_fixtures_apart_and_on_the_table():
    rng = np.random.default_rng(0)
    for places in (arrangement(rng) for _ in range(200)):
        x = {name: place[0] for name, place in places.items()}
        assert abs(x["switch"] - x["cabinet"]) > 0.23
        assert abs(x["button"] - x["cabinet"]) > 0.23
        assert abs(x["switch"] - x["button"]) > 0.10
        assert max(map(abs, x.values())) < 0.34


def test_disguised_frames_tell_the_truth_too():
    for frame in (
        *disguised("B", np.random.default_rng(0), 6),
        *rolled_out_disguised("B", np.random.default_rng(0), 6),
    ):
        assert frame.sees("static", "button") or frame.images.std() > 10
        assert np.isfinite(frame.record["points"]).all()
