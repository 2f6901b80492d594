"""Sentences of the setting ``novel_skill_description``: each has a word that no sentence of training or validation has.

Colours and sides keep their names, since nothing else tells one task from another; verbs, things and phrases are new.
"""

NOVEL: dict[str, tuple[str, ...]] = {
    "rotate": (
        "swivel the {color} brick {clock}",
        "pivot the {color} piece {clock} where it lies",
        "reorient the {color} block by a right angle {clock}",
    ),
    "push": (
        "scoot the {color} brick {side}",
        "displace the {color} piece to your {side}",
        "budge the {color} block a hand further {side}",
    ),
    "move_slider": (
        "draw the panel of the cupboard {side}",
        "glide the panel to the {side} end of its rail",
        "relocate the sliding panel {side}",
    ),
    "open_drawer": (
        "unclose the compartment below the table",
        "extend the drawer towards yourself",
        "tug at the tray so that its inside can be seen",
    ),
    "close_drawer": (
        "seal the compartment below the table",
        "retract the drawer away from yourself",
        "thrust the tray home so that its inside is hidden",
    ),
    "lift_table": (
        "hoist the {color} brick from the desk",
        "elevate the {color} piece lying on the desk",
        "collect the {color} block resting upon the worktop",
    ),
    "lift_slider": (
        "hoist the {color} brick from the cupboard",
        "extract the {color} piece from the cupboard",
        "retrieve the {color} block stored within the cupboard",
    ),
    "lift_drawer": (
        "hoist the {color} brick from the tray",
        "extract the {color} piece from the tray",
        "retrieve the {color} block stored within the tray",
    ),
    "place_in_slider": (
        "deposit the brick in the cupboard",
        "stow your piece within the cupboard",
        "deliver whatever you carry to the cupboard",
    ),
    "place_in_drawer": (
        "deposit the brick in the tray",
        "stow your piece within the tray",
        "deliver whatever you carry to the tray",
    ),
    "push_into_drawer": (
        "tip the brick off the desk so that the tray catches it",
        "scoot the piece across the brink and into the tray",
        "topple the block from the desk down to the tray",
    ),
    "stack_block": (
        "balance your brick atop its neighbour",
        "assemble a two storey tower",
        "rest your piece upon the remaining brick",
    ),
    "unstack_block": (
        "dismantle the tower",
        "separate the bricks so that each touches the desk",
        "demote the uppermost brick to the desk",
    ),
    "turn_on_lightbulb": (
        "illuminate the round lamp with the toggle",
        "activate the yellow bulb",
        "tilt the joystick away so that the round lamp glows",
    ),
    "turn_off_lightbulb": (
        "extinguish the round lamp with the toggle",
        "deactivate the yellow bulb",
        "tilt the joystick back so that the round lamp dims",
    ),
    "turn_on_led": (
        "illuminate the green lamp with the knob",
        "activate the diode",
        "tap the purple knob so that the diode glows",
    ),
    "turn_off_led": (
        "extinguish the green lamp with the knob",
        "deactivate the diode",
        "tap the purple knob so that the diode dims",
    ),
}
