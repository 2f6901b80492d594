"""How the action chunks a network plans become one action a control step.

``first`` replans every step and plays the first action. ``chunk:K`` plays K actions of a plan, then replans.
``ensemble:DECAY`` replans every step and averages what all overlapping plans say about now, the older plan weighing
more (ACT, Zhao et al. 2023, section IV-B). ``rtc:K`` is ``chunk:K`` for heads that can continue the running plan
(real-time chunking, arXiv 2506.07339).

``@D`` behind any of them is a latency of D control steps:

```
seen at step t, arrives at t + D       row j of a plan is for step t + j; the rows before D are never played
until then                             the rest of the plans that arrived before
no plan has arrived yet                hold_action; row 0 of the first plan is for the step it arrives at, as nothing
                                       has moved since it was made
```
A new instruction drops all plans, also those on their way. D may exceed the steps between two plans: the network then
works on several at once, as behind a wire. With ``rtc`` it may not.
"""

from functools import partial

from robovlms.actions.hold import hold_action
from robovlms.actions.spec import ActionSpec
from robovlms.core.errors import UnknownName, UserError
from robovlms.policies.timeline import EnsembleExecutor, Executor


def parse_executor(text: str, action_spec: ActionSpec | None = None) -> Executor:
    """Build the executor a user wrote: ``first``, ``chunk:5``, ``ensemble:0.01`` or ``rtc:5``, each with ``@D`` or not.

    ``action_spec`` says what holding still means; only an executor with a latency needs it, to play.

    Raises:
        UserError: The name is unknown, its numbers are missing or out of range, or no action of this spec holds still.
    """
    plain, at, latency = text.partition("@")
    kind, _, value = plain.partition(":")
    delay = int(_number(text, latency, "@", at_least=1, whole=True)) if at else 0
    hold = partial(hold_action, action_spec) if action_spec and delay else None
    if hold:
        hold(None)
    if kind == "first" and not value:
        return Executor(text, 1, delay, hold=hold)
    if kind in ("chunk", "rtc"):
        every = int(_number(text, value, ":", at_least=1, whole=True))
        if kind == "rtc" and every < delay:
            raise UserError(
                f"Executor '{text}': a plan must arrive before the next one begins. Use rtc:{delay}@{delay}."
            )
        return Executor(text, every, delay, continues=kind == "rtc", hold=hold)
    if kind == "ensemble":
        return EnsembleExecutor(text, _number(text, value, ":", at_least=0), delay, hold=hold)
    raise UnknownName("executor", text, ["first", "chunk:5", "chunk:5@2", "ensemble:0.01", "rtc:5@2"])


def _number(text: str, value: str, mark: str, *, at_least: int, whole: bool = False) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not at_least <= number < float("inf") or (whole and number != int(number)):
        kind = "a whole number" if whole else "a number"
        raise UserError(f"Executor '{text}': got '{value}' after '{mark}', expected {kind} of at least {at_least}.")
    return number
