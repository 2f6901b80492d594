"""Sentences of every task: those for training, the canonical one first, and two that are held out."""

Sentences = tuple[tuple[str, ...], tuple[str, ...]]
"""For training, and held out."""

SENTENCES: dict[str, Sentences] = {
    "assembly-v3": (
        (
            "put the ring of the tool over the peg",
            "pick up the tool and slip its ring onto the peg",
            "slide the round nut down the peg",
            "place the tool so that the peg is inside its ring",
        ),
        ("lower the ring onto the peg", "pick up the nut and slip it over the peg"),
    ),
    "basketball-v3": (
        (
            "throw the ball into the basket",
            "put the basketball through the hoop",
            "pick up the ball and drop it in the basket",
            "make the ball go through the ring",
        ),
        ("put the ball in the basket", "drop the ball through the hoop"),
    ),
    "bin-picking-v3": (
        (
            "move the block to the other bin",
            "pick the block out of one bin and put it in the other",
            "carry the cube over to the empty bin",
            "take the block from its bin and drop it in the next one",
        ),
        ("carry the block to the other bin", "put the block in the bin beside it"),
    ),
    "box-close-v3": (
        (
            "put the lid on the box",
            "close the box with its lid",
            "pick up the lid and cover the box",
            "set the cover on top of the box",
        ),
        ("cover the box", "take the lid and shut the box with it"),
    ),
    "button-press-topdown-v3": (
        (
            "press the button from above",
            "push the red button down",
            "press down on the button",
            "move onto the button and push it down",
            "reach over the button and press it",
        ),
        ("push down the button from above", "press the red button down"),
    ),
    "button-press-topdown-wall-v3": (
        (
            "press the button behind the wall from above",
            "reach over the wall and push the button down",
            "go over the wall and press down on the button",
            "push down the red button beyond the wall",
        ),
        ("get past the wall and press the button down", "press the button on the far side of the wall from the top"),
    ),
    "button-press-v3": (
        (
            "press the button on the front of the box",
            "push the button in",
            "move forward and press the button",
            "press the red button on the side",
        ),
        ("push in the button in front", "press the button away from you"),
    ),
    "button-press-wall-v3": (
        (
            "press the button behind the wall",
            "go around the wall and push the button in",
            "get over the wall and press the button on the front",
            "push in the red button beyond the wall",
        ),
        ("move past the wall to press the button", "press in the button behind the wall"),
    ),
    "coffee-button-v3": (
        (
            "press the button of the coffee machine",
            "start the coffee machine",
            "push the button on the coffee maker",
            "turn the coffee machine on with its button",
        ),
        ("turn the coffee maker on", "press the button to start the coffee machine"),
    ),
    "coffee-pull-v3": (
        (
            "pull the mug away from the coffee machine",
            "take the cup out of the coffee machine",
            "drag the mug from under the coffee maker",
            "move the mug out to the mark",
        ),
        ("get the cup from the coffee maker", "pull the coffee mug towards you"),
    ),
    "coffee-push-v3": (
        (
            "push the mug under the coffee machine",
            "move the cup into the coffee machine",
            "slide the mug below the coffee maker",
            "put the mug where the coffee comes out",
        ),
        ("bring the cup to the coffee maker", "push the coffee mug to the machine"),
    ),
    "dial-turn-v3": (
        (
            "turn the dial",
            "rotate the dial half a turn",
            "turn the knob around",
            "move the pointer of the dial to the other side",
        ),
        ("turn the dial around", "rotate the knob"),
    ),
    "disassemble-v3": (
        (
            "take the ring of the tool off the peg",
            "lift the nut off the peg",
            "pull the tool up until its ring leaves the peg",
            "remove the round nut from the peg",
        ),
        ("get the ring off the peg", "raise the tool from the peg"),
    ),
    "door-close-v3": (
        (
            "close the door",
            "push the door shut",
            "shut the door of the safe",
            "swing the open door back",
        ),
        ("shut the door", "push the door until it is closed"),
    ),
    "door-lock-v3": (
        (
            "lock the door",
            "turn the lock of the door to locked",
            "turn the handle down to lock the door",
            "close the lock on the door",
        ),
        ("turn the lock to lock the door", "rotate the lock so that the door is locked"),
    ),
    "door-open-v3": (
        (
            "open the door",
            "pull the door open",
            "pull the handle to open the door",
            "open the door of the safe",
            "swing the door out by its handle",
        ),
        ("pull the door out", "open the door by its handle"),
    ),
    "door-unlock-v3": (
        (
            "unlock the door",
            "turn the lock of the door to unlocked",
            "turn the handle up to unlock the door",
            "open the lock on the door",
        ),
        ("turn the lock to unlock the door", "rotate the lock so that the door is unlocked"),
    ),
    "drawer-close-v3": (
        (
            "close the drawer",
            "push the drawer in",
            "push the drawer shut",
            "shut the green drawer",
            "slide the drawer back into the cabinet",
        ),
        ("shut the drawer", "push the green drawer into the cabinet"),
    ),
    "drawer-open-v3": (
        (
            "open the drawer",
            "pull the drawer out",
            "pull the handle to open the drawer",
            "open the green drawer",
            "slide the drawer out of the cabinet",
        ),
        ("pull the green drawer open", "slide the drawer open by its handle"),
    ),
    "faucet-close-v3": (
        (
            "close the faucet",
            "turn the tap off",
            "turn the handle of the faucet to the off side",
            "shut the tap",
        ),
        ("turn the faucet off", "turn the tap to the off side"),
    ),
    "faucet-open-v3": (
        (
            "open the faucet",
            "turn the tap on",
            "turn the handle of the faucet to the on side",
            "let the tap run",
        ),
        ("turn the faucet on", "turn the tap to the on side"),
    ),
    "hammer-v3": (
        (
            "hammer the nail into the wall",
            "pick up the hammer and drive the nail in",
            "hit the nail with the hammer",
            "knock the nail in with the hammer",
        ),
        ("drive in the nail", "take the hammer and hit the nail"),
    ),
    "hand-insert-v3": (
        (
            "put the block into the hole",
            "pick up the block and lower it into the hole in the table",
            "insert the gripper with the block into the hole",
            "take the block down the hole",
        ),
        ("lower the block into the hole", "stick the hand with the block in the hole"),
    ),
    "handle-press-side-v3": (
        (
            "press the handle at the side down",
            "push down the handle on the side",
            "press down the lever beside the box",
            "move over to the side handle and push it down",
        ),
        ("lower the side handle", "push the handle beside the box down"),
    ),
    "handle-press-v3": (
        (
            "press the handle down",
            "push down the handle in front",
            "press down the lever of the box",
            "move onto the handle and push it down",
        ),
        ("lower the handle", "push the handle of the box down"),
    ),
    "handle-pull-side-v3": (
        (
            "pull the handle at the side up",
            "lift the handle on the side",
            "raise the lever beside the box",
            "get hold of the side handle and pull it up",
        ),
        ("pull up the sideways handle", "raise the side handle to the top"),
    ),
    "handle-pull-v3": (
        (
            "pull the handle up",
            "lift the handle in front",
            "raise the lever of the box",
            "get under the handle and pull it up",
        ),
        ("pull the handle to the top", "raise the handle"),
    ),
    "lever-pull-v3": (
        (
            "pull the lever up",
            "turn the lever up",
            "raise the long lever",
            "swing the lever to the top",
        ),
        ("lift the lever", "pull the long lever to the top"),
    ),
    "peg-insert-side-v3": (
        (
            "insert the peg into the hole from the side",
            "put the green peg into the box",
            "pick up the peg and push it into the hole",
            "slide the peg sideways into the hole of the box",
            "place the stick in the hole of the block",
        ),
        ("stick the peg into the box", "pick up the green peg and put it into the hole"),
    ),
    "peg-unplug-side-v3": (
        (
            "unplug the peg",
            "pull the peg out of the hole sideways",
            "take the plug out of the box",
            "draw the peg out of its socket",
        ),
        ("remove the peg from the hole", "pull out the plug to the side"),
    ),
    "pick-out-of-hole-v3": (
        (
            "pick the puck out of the hole",
            "take the puck out of the hole and bring it to the mark",
            "lift the puck from the hole",
            "get the object out of the hole in the table",
        ),
        ("get the puck out of the hole", "raise the puck out of its hole"),
    ),
    "pick-place-v3": (
        (
            "pick up the puck and hold it at the blue ball",
            "lift the puck to the blue target",
            "carry the red puck to the blue mark in the air",
            "grasp the puck and bring it to the goal",
            "pick and place the puck",
        ),
        ("lift the red puck and hold it at the blue target", "carry the puck to the blue ball in the air"),
    ),
    "pick-place-wall-v3": (
        (
            "pick up the puck and take it over the wall to the goal",
            "lift the puck across the wall",
            "carry the puck over the wall and hold it at the mark",
            "grasp the puck and bring it past the wall",
        ),
        ("get the puck over the wall", "move the puck through the air to the far side of the wall"),
    ),
    "plate-slide-back-side-v3": (
        (
            "slide the plate out of the cabinet to the side",
            "drag the plate sideways out of the goal",
            "pull the plate to the side and out of the cabinet",
            "take the plate out at the side",
        ),
        ("move the plate sideways to get it out", "slide the plate out at the side"),
    ),
    "plate-slide-back-v3": (
        (
            "slide the plate back out of the cabinet",
            "drag the plate backwards out of the goal",
            "pull the plate towards you and out of the cabinet",
            "take the plate out at the front",
        ),
        ("move the plate back to get it out", "slide the plate out towards you"),
    ),
    "plate-slide-side-v3": (
        (
            "slide the plate into the cabinet from the side",
            "push the plate sideways into the goal",
            "move the plate to the side and into the cabinet",
            "shove the plate in sideways",
        ),
        ("get the plate in from the side", "slide the plate sideways into the cabinet"),
    ),
    "plate-slide-v3": (
        (
            "slide the plate into the cabinet",
            "push the plate forward into the goal",
            "move the plate ahead and into the cabinet",
            "shove the plate in from the front",
        ),
        ("get the plate in from the front", "slide the plate forward into the cabinet"),
    ),
    "push-back-v3": (
        (
            "push the block back to the mark",
            "pull the block towards you to the goal",
            "move the block backwards to the target",
            "drag the wooden block back",
        ),
        ("bring the block back to the goal", "slide the block back to the target"),
    ),
    "push-v3": (
        (
            "push the puck to the green ball",
            "slide the puck to the green target",
            "push the red puck over the table to the mark",
            "move the puck along the table to the goal",
            "shove the puck to the green mark",
        ),
        ("push the puck over the table to the green mark", "slide the red puck along the table to the green ball"),
    ),
    "push-wall-v3": (
        (
            "push the puck around the wall to the goal",
            "slide the block past the wall to the mark",
            "move the puck along the table and around the wall",
            "push the object to the far side of the wall",
        ),
        ("get the puck around the wall", "shove the puck past the wall to the target"),
    ),
    "reach-v3": (
        (
            "reach the red ball",
            "move the gripper to the red ball",
            "bring the hand to the red target",
            "go to the red mark in the air",
            "touch the red goal with the gripper",
        ),
        ("bring the gripper to the red mark", "move the hand to the red target in the air"),
    ),
    "reach-wall-v3": (
        (
            "reach the goal behind the wall",
            "move the gripper over the wall to the mark",
            "bring the hand past the wall to the target",
            "go around the wall to the red ball",
        ),
        ("bring the hand over the wall to the goal", "move past the wall to the mark"),
    ),
    "shelf-place-v3": (
        (
            "put the block on the shelf",
            "pick up the block and place it on the shelf",
            "lift the cube onto the shelf",
            "set the block down on the board of the shelf",
        ),
        ("place the cube on the shelf", "pick up the cube and put it on the shelf"),
    ),
    "soccer-v3": (
        (
            "push the ball into the goal",
            "kick the ball into the net",
            "score a goal with the soccer ball",
            "roll the ball into the goal",
        ),
        ("get the soccer ball in the net", "kick the ball into the goal"),
    ),
    "stick-pull-v3": (
        (
            "pull the thermos with the stick",
            "pick up the stick, hook the handle and pull the container back",
            "use the stick to drag the container to the mark",
            "take the stick and pull the box by its handle",
        ),
        ("drag the container back with the stick", "hook the thermos with the stick and pull"),
    ),
    "stick-push-v3": (
        (
            "push the thermos with the stick",
            "pick up the stick and push the container to the mark",
            "use the stick to shove the container away",
            "take the stick and push the box with it",
        ),
        ("shove the thermos along with the stick", "take the stick and move the container with it"),
    ),
    "sweep-into-v3": (
        (
            "sweep the block into the hole",
            "push the cube over the table and into the hole",
            "wipe the block into the square hole",
            "move the block until it falls into the hole",
        ),
        ("get the cube into the hole in the table", "wipe the cube into the hole"),
    ),
    "sweep-v3": (
        (
            "sweep the block off the table",
            "push the cube over the edge of the table",
            "wipe the block to the side and off the table",
            "move the block until it is off the table",
        ),
        ("push the cube off the table", "sweep the block over the edge"),
    ),
    "window-close-v3": (
        (
            "close the window",
            "push the window shut",
            "slide the window closed",
            "push the handle of the window to the left",
            "shut the window by its handle",
        ),
        ("shut the window", "push the window closed"),
    ),
    "window-open-v3": (
        (
            "open the window",
            "push the window open",
            "slide the window open",
            "push the handle of the window to the right",
            "open the window by its handle",
        ),
        ("slide the window open by its handle", "push the handle to open the window"),
    ),
}
