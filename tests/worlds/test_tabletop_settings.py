"""Settings: each changes what it says and nothing else, shows what training never did, and can still be solved."""

import hashlib
from itertools import chain

import numpy as np
import pytest

from robovlms.core.errors import UnknownName
from robovlms.worlds.tabletop import Tabletop
from robovlms.worlds.tabletop.chains import chains
from robovlms.worlds.tabletop.expert_table import attempt, measure
from robovlms.worlds.tabletop.initial import InitialState
from robovlms.worlds.tabletop.language import instructions
from robovlms.worlds.tabletop.scene import mjcf
from robovlms.worlds.tabletop.scenes import BLOCK_RGB, SCENES
from robovlms.worlds.tabletop.settings import DISTRACTORS, SETTINGS, UNSEEN_BLOCKS, UNSEEN_SCENE, setting_of
from robovlms.worlds.tabletop.tasks import TASKS

PHYSICAL = ("unseen_distractor", "unseen_object", "unseen_scene")
"""The others change nothing that touches."""
RECORDED = {"A": "9c21356b9e3a85c5", "B": "4b0bbdf81b689a58", "C": "c940b656722f89f0", "D": "2dcf6176ca526d75"}
"""Digests of the scenes' XML from before there were settings, with the inertia that MuJoCo 3.3.0 asks for."""


def settled(setting, index=0, scene="D"):
    world, begin = Tabletop(scene, setting=setting), chains(index + 1)[index]
    world.reset(begin.initial_state, begin.seed, render=False)
    return world


@pytest.mark.parametrize("scene", SCENES)
def test_a_simple_scene_is_what_it_was_before_there_were_settings(scene):
    text, _ = mjcf(setting_of("simple").change(SCENES[scene]))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == RECORDED[scene]


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_same_initial_state_stands_the_same_wherever_a_setting_changes_nothing(setting):
    """Fixtures by their distance from where the scene has them, blocks on the table and tool as they are."""
    for index in range(4):
        plain, other = settled("simple", index), settled(setting, index)
        for name, place in plain.simulation.nominal.items():
            offsets = [w.simulation.model.body(name).pos - w.simulation.nominal[name] for w in (plain, other)]
            np.testing.assert_allclose(*offsets, atol=1e-12)
            moved = np.abs(other.simulation.nominal[name] - place).max() > 0.001
            assert moved == (setting == "unseen_scene")
        np.testing.assert_allclose(plain.robot_obs(), other.robot_obs(), atol=0.002)
        for name, block in plain.state().blocks.items():
            now = other.state().blocks[name]
            assert now.surface == block.surface
            if block.surface == "table":
                np.testing.assert_allclose(now.position[:2], block.position[:2], atol=0.002)


@pytest.mark.parametrize("setting", ["unseen_background", "novel_skill_description"])
def test_what_only_looks_or_sounds_new_plays_to_the_same_bit(setting):
    plain, other = settled("simple"), settled(setting)
    for action in np.random.default_rng(0).uniform(-1, 1, (20, 7)):
        one, two = plain.step(action, render=False), other.step(action, render=False)
        np.testing.assert_array_equal(one.observation.state, two.observation.state)
        np.testing.assert_array_equal(plain.scene_obs(), other.scene_obs())


def distance(rgb, others):
    return min(float(np.linalg.norm(np.subtract(rgb, other))) for other in others)


def colours(look):
    return [getattr(look, name) for name in ("table", "cabinet", "door", "drawer", "handle", "floor", "console")]


def test_nothing_of_a_setting_was_seen_in_training():
    seen = list(chain.from_iterable(colours(scene.look) for scene in SCENES.values()))
    background = SETTINGS["unseen_background"].change(SCENES["D"]).look
    for colour in (background.table, background.floor, *colours(UNSEEN_SCENE.look)):
        assert distance(colour, seen) > 0.1
    assert {background.pattern, UNSEEN_SCENE.look.pattern}.isdisjoint(scene.look.pattern for scene in SCENES.values())
    for block, old in zip(UNSEEN_BLOCKS, SCENES["D"].blocks, strict=True):
        assert block.name == old.name
        assert block.half != old.half
        assert distance(block.rgb, BLOCK_RGB.values()) > 0.2
        assert min(BLOCK_RGB, key=lambda name: distance(block.rgb, [BLOCK_RGB[name]])) == block.name
    assert all(distance(part.rgb, [*seen, *BLOCK_RGB.values()]) > 0.2 for one in DISTRACTORS for part in one.parts)


def test_the_unseen_scene_is_a_new_arrangement_within_the_range_of_the_others():
    def arrangement(scene):
        return np.array([*scene.cabinet, scene.drawer_x, *scene.switch, *scene.button])

    seen, new = np.array([arrangement(scene) for scene in SCENES.values()]), arrangement(UNSEEN_SCENE)
    assert (seen.min(0) <= new).all()
    assert (new <= seen.max(0)).all()
    assert np.abs(seen - new).max(axis=1).min() > 0.1


def test_novel_sentences_are_new_in_every_word_that_counts():
    """Each holds a word of neither split, and no task shares a sentence with another or with another split."""
    known = [s for task in TASKS for split in ("train", "validation") for s in instructions(task, split)]
    words = {word for sentence in known for word in sentence.split()}
    novel = [sentence for task in TASKS for sentence in instructions(task, "novel")]
    assert len(novel) == len(set(novel)) == 3 * len(TASKS)
    assert set(novel).isdisjoint(known)
    assert [sentence for sentence in novel if set(sentence.split()) <= words] == []


def test_distractors_lie_loose_on_the_table_clear_of_the_blocks_and_come_back():
    world = Tabletop("D", setting="unseen_distractor")
    for seed in range(20):
        world.reset(InitialState(drawer="open"), seed, render=False)
        spots = [world.simulation.free(one.name) for one in DISTRACTORS]
        blocks = [block.position for block in world.state().blocks.values()]
        assert all(abs(spot[2]) < 0.002 for spot in spots)
        assert min(np.linalg.norm(spot[:2] - block[:2]) for spot in spots for block in blocks) > 0.09
    saved = world.snapshot()
    world.reset(InitialState(), 99, render=False)
    world.restore(saved, render=False)
    np.testing.assert_array_equal([world.simulation.free(one.name) for one in DISTRACTORS], spots)


@pytest.mark.render
@pytest.mark.parametrize("setting", sorted(SETTINGS.keys() - {"simple", "novel_skill_description"}))
def test_a_policy_sees_what_is_new(setting):
    """At the size policies look at, by more than a few shades over more than a few pixels."""
    plain, other = settled("simple"), settled(setting)
    difference = np.abs(plain.render("static", 64).astype(int) - other.render("static", 64)).max(axis=-1)
    assert (difference > 40).sum() >= 20
    plain.close()
    other.close()


@pytest.mark.parametrize("setting", PHYSICAL)
def test_every_task_can_still_be_done(setting):
    assert all(one.success for task in TASKS for one in measure(task, resets=1, setting=setting))


@pytest.mark.parametrize("setting", PHYSICAL)
def test_chains_can_still_be_done(setting):
    world = Tabletop("D", setting=setting)
    for one in chains(3):
        world.reset(one.initial_state, one.seed, render=False)
        assert all(attempt(world, task).success for task in one.tasks)


@pytest.mark.slow
@pytest.mark.parametrize("setting", SETTINGS)
def test_experts_solve_95_percent_of_every_setting(setting):
    attempts = [one for task in TASKS for one in measure(task, resets=20, setting=setting)]
    assert np.mean([one.success for one in attempts]) >= 0.95


def test_an_unknown_setting_names_the_nearest():
    with pytest.raises(UnknownName, match="unseen_object"):
        Tabletop("D", setting="unseen_objects")
