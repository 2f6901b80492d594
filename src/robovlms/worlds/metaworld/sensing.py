"""What a task is about and where its table stands, for naming failures; read from the package's privileged state.

A table has one thing that its task is about, here called ``object``: a puck, a handle, a button. The package's
observation says where it is; whatever else on the table can move is called by the name of its body.
"""

from typing import TYPE_CHECKING

from robovlms.core.trace import Aim, Moment
from robovlms.worlds.contacts import Contacts, tree_of

if TYPE_CHECKING:
    from robovlms.worlds.metaworld.simulation import Simulation

OBJECT = "object"
_PLACE, _GOAL = slice(4, 7), slice(36, 39)
"""Where the object and the goal are in the package's observation."""

GRASPED = frozenset(
    {
        "assembly-v3",
        "basketball-v3",
        "bin-picking-v3",
        "box-close-v3",
        "disassemble-v3",
        "hammer-v3",
        "hand-insert-v3",
        "peg-insert-side-v3",
        "peg-unplug-side-v3",
        "pick-out-of-hole-v3",
        "pick-place-v3",
        "pick-place-wall-v3",
        "shelf-place-v3",
        "stick-pull-v3",
        "stick-push-v3",
    }
)
"""Tasks that take a grip: something has to be lifted, or pulled out."""
REACHED = frozenset({"reach-v3", "reach-wall-v3"})
"""Tasks that are about a place; the puck beside it is another object."""
BESIDE = {
    "coffee-button-v3": "obj",
    "coffee-pull-v3": "cmbutton",
    "coffee-push-v3": "cmbutton",
    "hammer-v3": "nail_link",
    "reach-v3": "obj",
    "reach-wall-v3": "obj",
    "stick-pull-v3": "",
    "stick-push-v3": "",
}
"""The body that can move and is not the object: of two things, the one that is worked on with the other."""
UNNAMED = "other"


def aim_of(task: str) -> Aim:
    """What a task is about."""
    return Aim(frozenset({OBJECT}), grasp=task in GRASPED, carry=task in GRASPED)


class Sensing:
    """Names and contacts of a task's table; built once, read at every step."""

    def __init__(self, simulation: "Simulation", task: str):
        model = simulation.model
        self._simulation, self._place = simulation, _GOAL if task in REACHED else _PLACE
        right, left = (tree_of(model, int(model.body(name).id)) for name in ("rightclaw", "leftclaw"))
        robot = tree_of(model, int(model.body_rootid[model.body("hand").id]))
        tops: dict[int, int] = {}  # what moves by itself, of each body that can move
        for body in range(model.nbody):
            if model.body_weldid[body] and body not in robot:
                tops[body] = tops.get(int(model.body_parentid[body]), body)
        names = {top: model.body(top).name for top in tops.values()}
        self._others = {top: name or UNNAMED for top, name in names.items() if name == BESIDE.get(task)}
        things = {body: self._others.get(top, OBJECT) for body, top in tops.items()}
        self._contacts = Contacts(model, simulation.data, robot, (right, left), things)

    def moment(self, closed: bool) -> Moment:
        """This moment; ``closed`` is what the gripper was told last."""
        touched, pinched = self._contacts.read()
        data = self._simulation.data
        places = {name: data.xpos[body].copy() for body, name in self._others.items()}
        return Moment(
            tool=self._simulation.env.tcp_center,
            closed=closed,
            held=min(pinched, default=None) if closed else None,
            touched=touched,
            objects={OBJECT: self._simulation.seen[self._place].copy(), **places},
        )
