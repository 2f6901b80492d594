"""What a task is still about and where its things stand, for naming failures; read from the package's own state.

Things have the package's names. A part of a fixture, such as a drawer, goes by the fixture's name and stands where the
package has the part, so that two drawers of one cabinet are not told apart.
"""

import numpy as np

from robovlms.core.trace import Aim, Moment, Point
from robovlms.worlds.contacts import Contacts, tree_of
from robovlms.worlds.libero.simulator import Simulator

Goal = list[str]
"""A predicate, a thing, and where the predicate has two arguments a place: ``["on", "bowl_1", "plate_1"]``."""


class Sensing:
    """Names and contacts of a task's scene; built once, read at every step."""

    def __init__(self, simulator: Simulator):
        self._env, self._data, model = simulator.env, simulator.data, simulator.model
        self._goals: list[Goal] = self._env.parsed_problem["goal_state"]
        robot = tree_of(model, int(model.body_rootid[model.body("gripper0_leftfinger").id]))
        left, right = (tree_of(model, int(model.body(f"gripper0_{side}finger").id)) for side in ("left", "right"))
        table = self._env.workspace_name
        roots = {name: int(root) for name, root in self._env.obj_body_id.items() if name != table}
        things = {body: name for name, root in roots.items() for body in tree_of(model, root)}
        self._contacts = Contacts(model, self._data, robot, (left, right), things)
        named = {name for goal in self._goals for name in goal[1:]}
        self._parts = {name: name for name in named} | {self._thing(name): name for name in named}
        self._names = {name: name for name in roots} | self._parts

    def aim(self) -> Aim:
        """What of the task does not hold yet; what does is ``done``. Nothing need be lifted to a place on the table."""
        left = [goal for goal in self._goals if not self._env._eval_predicate(goal)]
        things, places = {self._thing(goal[1]) for goal in left}, {goal[2] for goal in left if goal[2:]}
        lifted = bool(left) and all(goal[2:] and self._thing(goal[2]) != self._env.workspace_name for goal in left)
        return Aim(
            objects=frozenset(things),
            grasp=lifted,
            carry=lifted,
            goals=frozenset(places | set(map(self._thing, places))),
            done=frozenset(self._parts) - things,
        )

    def moment(self, closed: bool) -> Moment:
        """This moment; ``closed`` is what the gripper was told last."""
        touched, pinched = self._contacts.read()
        return Moment(
            tool=np.array(self._data.site_xpos[self._env.robots[0].eef_site_id]),
            closed=closed,
            held=min(pinched, default=None) if closed else None,
            touched=touched,
            objects={name: self._position(part) for name, part in self._names.items()},
        )

    def _thing(self, name: str) -> str:
        """The object or fixture that a name is, or is a part of."""
        return getattr(self._env.object_states_dict[name], "parent_name", name)

    def _position(self, name: str) -> Point:
        return np.array(self._env.object_states_dict[name].get_geom_state()["pos"], dtype=float)
