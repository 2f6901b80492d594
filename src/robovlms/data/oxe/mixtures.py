"""Named mixtures of Open X-Embodiment data sets, and the filter of instructions that upstream RoboVLMs calls by a flag.

Sources: ``mixtures.py`` of openvla (c8f03f4), which upstream's ``data_mix`` names; octo's differ a little. A weight is
how often a data set is drawn relative to its number of frames. RT-Partial: ``filter_langs`` in ``rlds/dataset.py`` of
lixinghang12/openvla (be038e2).
"""

from collections.abc import Mapping

from robovlms.core.errors import UnknownName

Mixture = tuple[tuple[str, float], ...]
EXTERNAL = "_converted_externally_to_rlds"

_RT_1 = ("fractal20220817_data", 0.54087122203)
_KUKA = ("kuka", 0.8341046294)
_BRIDGE = ("bridge_orig", 1.0)
_RTX: Mixture = (
    _RT_1,
    _KUKA,
    _BRIDGE,
    ("taco_play", 2.0),
    ("jaco_play", 2.0),
    ("berkeley_cable_routing", 3.0),
    ("roboturk", 1.0),
    ("viola", 2.0),
    ("berkeley_autolab_ur5", 1.0),
    ("toto", 1.0),
)
_LANGUAGE_TABLE = ("language_table", 0.1)
_SOUP: Mixture = (
    _RT_1,
    _KUKA,
    _BRIDGE,
    ("taco_play", 2.0),
    ("jaco_play", 1.0),
    ("berkeley_cable_routing", 1.0),
    ("roboturk", 2.0),
    ("viola", 2.0),
    ("berkeley_autolab_ur5", 2.0),
    ("toto", 1.0),
    _LANGUAGE_TABLE,
    (f"stanford_hydra_dataset{EXTERNAL}", 2.0),
    (f"austin_buds_dataset{EXTERNAL}", 1.0),
    (f"nyu_franka_play_dataset{EXTERNAL}", 3.0),
    (f"furniture_bench_dataset{EXTERNAL}", 0.1),
    (f"ucsd_kitchen_dataset{EXTERNAL}", 2.0),
    (f"austin_sailor_dataset{EXTERNAL}", 1.0),
    (f"austin_sirius_dataset{EXTERNAL}", 1.0),
    (f"dlr_edan_shared_control{EXTERNAL}", 1.0),
    (f"iamlab_cmu_pickup_insert{EXTERNAL}", 1.0),
    ("utaustin_mutex", 1.0),
    ("berkeley_fanuc_manipulation", 2.0),
    ("cmu_stretch", 1.0),
)
_PLUS: Mixture = (("bc_z", 0.2), ("fmb_dataset", 1.0), ("dobbe", 0.2))

MIXTURES: Mapping[str, Mixture] = {
    "bridge": (_BRIDGE,),
    "rt_1": (("fractal20220817_data", 1.0),),
    "bridge_rt_1": (_BRIDGE, ("fractal20220817_data", 1.0)),
    "rtx": _RTX,
    "oxe_magic_soup": _SOUP,
    "oxe_magic_soup_plus": (*_SOUP, *_PLUS, ("droid", 0.06)),
    "oxe_magic_soup_plus_minus": (
        ("fractal20220817_data", 1.0),
        *(part for part in _SOUP if part not in (_RT_1, _LANGUAGE_TABLE)),
        *_PLUS,
    ),
}

_NEAR = (
    ("blue plastic bottle", "pepsi can", "orange"),
    ("7up can", "apple", "sponge"),
    ("coke can", "redbull can", "apple"),
    ("sponge", "blue plastic bottle", "7up can"),
    ("orange", "pepsi can", "redbull can"),
)


def mixture(name: str) -> Mixture:
    """The data sets of a named mixture with their weights.

    Raises:
        UnknownName: There is no such mixture.
    """
    if name not in MIXTURES:
        raise UnknownName("mixture", name, MIXTURES)
    return MIXTURES[name]


def rt_partial(instruction: str) -> bool:
    """Whether an instruction of RT-1's data belongs to the tasks of SimplerEnv: RT-Partial."""
    text = instruction.lower()
    if text == "pick coke can" or "place apple into top drawer" in text:
        return True
    if "move" in text and "near" in text:
        return any(sum(thing in text for thing in things) == 2 for things in _NEAR)
    moves_drawer = ("open" in text or "close" in text) and "drawer" in text
    return moves_drawer and any(which in text for which in ("top", "middle", "bottom"))
