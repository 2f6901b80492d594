"""Runs in LIBERO's interpreter, with numpy and the package only: what the tests in ours ask for."""

from itertools import count

import numpy as np

from robovlms.evaluation.failures import failure_of
from robovlms.worlds.libero.env import InitialState, Libero
from robovlms.worlds.libero.expert import Expert
from robovlms.worlds.libero.package import load, silence
from robovlms.worlds.libero.simulator import REST

SIZE = 128


def actions(count):
    """Down to the table, here and there, opening and closing."""
    rng = np.random.default_rng(0)
    return np.clip(rng.uniform(-1, 1, (count, 7)) - [0, 0, 0.4, 0, 0, 0, 0], -1, 1)


def package_loop(suite, number, state, seed, steps):
    """What the package's own environment shows, turned by 180 degrees: state and both images, step by step."""
    tasks = load("libero.libero.benchmark").get_benchmark(suite)
    with silence():
        task, states = tasks(0).get_task(number), tasks(0).get_task_init_states(number)
        folder = load("libero.libero").get_libero_path("bddl_files")
        scene = f"{folder}/{task.problem_folder}/{task.bddl_file}"
        env = load("libero.libero.envs").OffScreenRenderEnv(
            bddl_file_name=scene, camera_heights=SIZE, camera_widths=SIZE
        )
        env.seed(seed)
        env.reset()
    found = env.set_init_state(states[state])
    for _ in range(10):
        found = env.step(REST)[0]
    seen = [_seen(found)]
    for action in actions(steps):
        found = env.step(action)[0]
        seen.append(_seen(found))
    env.close()
    return seen


def our_loop(suite, number, state, seed, steps):
    world = Libero(suite, SIZE)
    name = world.tasks[number]
    world.reset(InitialState(name, (state + 9) % 50), seed + 1, render=False)  # which must leave no trace
    for action in actions(5):
        world.step(action, render=False)
    seen = [world.reset(InitialState(name, state), seed)]
    seen += [world.step(action).observation for action in actions(steps)]
    return [(one.state, one.images["image"], one.images["wrist_image"]) for one in seen]


def differences(suite, number, state=3, seed=7, steps=25):
    """Largest difference of states, number of different pixel values, and whether anything moved at all."""
    pairs = list(
        zip(our_loop(suite, number, state, seed, steps), package_loop(suite, number, state, seed, steps), strict=True)
    )
    return {
        "state": max(float(np.abs(ours[0] - theirs[0]).max()) for ours, theirs in pairs),
        "pixels": sum(int((ours[n] != theirs[n]).sum()) for ours, theirs in pairs for n in (1, 2)),
        "moved": float(np.abs(pairs[-1][0][0] - pairs[0][0][0]).max()),
    }


def comes_back(suite, numbers):
    """Whether a snapshot shows the same again and goes on the same, after another task's scene was on stage."""
    world = Libero(suite, SIZE, most_open=1)
    one, other = (world.tasks[number] for number in numbers)
    world.reset(InitialState(one, 5), 1)
    world.begin_task(one)
    for action in actions(10):
        last = world.step(action).observation
    kept = world.snapshot()
    future = [world.step(action).observation for action in actions(20)[10:]]
    world.reset(InitialState(other, 0), 0)
    again = world.restore(kept)
    return all(map(_same, [last, *future], [again, *(world.step(a).observation for a in actions(20)[10:])]))


def _seen(found):
    turn = load("robosuite.utils.transform_utils").quat2axisangle(found["robot0_eef_quat"].copy())
    state = np.concatenate([found["robot0_eef_pos"], turn, found["robot0_gripper_qpos"]])
    return state, found["agentview_image"][::-1, ::-1], found["robot0_eye_in_hand_image"][::-1, ::-1]


def _same(one, other):
    same = all((one.images[name] == other.images[name]).all() for name in one.images)
    same = same and (one.images["agentview_rgb"][:, ::-1] == one.images["image"]).all()
    return bool(same and (one.state == other.state).all())


def named(suite, number, mistake, steps=200):
    """How a mistake made on purpose in a task is called, where the task does not succeed."""
    world = Libero(suite)
    name = world.tasks[number]
    world.reset(InitialState(name, 0), 0, render=False)
    world.begin_task(name)
    trace = [world.moment()]
    for action, _ in zip(MISTAKES[mistake](world), range(steps), strict=False):
        assert not world.step(action, render=False).success
        trace.append(world.moment())
    return failure_of(world.aim(), trace, 20.0)


def rests(world):
    while True:
        yield REST


def wanders(world):
    for step in count():
        yield np.array([np.cos(step / 8), np.sin(step / 8), step < 5, 0, 0, 0, -1.0])


def drops(world):
    """The expert's actions until its object is well up, then an open gripper."""
    (thing,) = world.aim().objects
    start = world.moment().objects[thing][2]
    for action in Expert(world)._actions():
        if world.moment().held == thing and world.moment().objects[thing][2] > start + 0.08:
            break
        yield action
    yield from wanders(world)


def takes_another(world):
    """What the expert does, with an object that the task does not name."""
    aim, goal = world.aim(), world.simulator.env.parsed_problem["goal_state"][0]
    graspable = world.simulator.env.objects_dict.keys()
    other = min(graspable - aim.objects - aim.goals)
    yield from Expert(world)._carry(other, goal[2])
    yield from wanders(world)


MISTAKES = {"rests": rests, "wanders": wanders, "drops": drops, "takes_another": takes_another}
