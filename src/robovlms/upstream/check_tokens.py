"""Holds a policy of action tokens against a kit: the tokens told, logits, losses, and what it says when it acts."""

import torch
from torch import Tensor

from robovlms.architectures.upstream_tokens import UpstreamTokensPrompt
from robovlms.core.batch import Batch
from robovlms.heads.head import Losses
from robovlms.heads.upstream_tokens import IGNORED, UpstreamTokens
from robovlms.policies.vla import VLA
from robovlms.upstream.kit import Comparison, Kit
from robovlms.upstream.kit_batch import batch_of, frames_of, observation, recorded


def compare_case(vla: VLA, network: UpstreamTokensPrompt, kit: Kit, case: str, found: Comparison) -> Losses:
    """A training case; returns the losses. Logits at padding, which nothing reads, are not compared."""
    batch = batch_of(vla, kit, case)
    with recorded(network.backbone, "think") as thoughts:
        losses = network.loss(batch)
    (sequence, *_), (hidden, _) = thoughts[0].arguments, thoughts[0].result
    told = network.told(batch)
    found.add(f"{case}.instr_and_action_ids", told.ids[:, None], kit.inputs.get(f"{case}.instr_and_action_ids"))
    found.add(f"{case}.instr_and_action_mask", told.valid[:, None], kit.inputs.get(f"{case}.instr_and_action_mask"))
    labels = labels_of(network, batch, told.valid)
    found.add(f"{case}.instr_and_action_labels", labels[:, None], kit.inputs.get(f"{case}.instr_and_action_labels"))
    found.add(f"{case}.lm_inputs_embeds", sequence.embeds)
    found.add(f"{case}.lm_attention_mask", sequence.layout.valid)
    logits = network.backbone.speak(hidden)
    found.add(f"{case}.logits", logits, where=sequence.layout.valid)
    found.add(f"{case}.loss_arm_act", losses.total)
    shifted = logits[:, -labels.shape[1] : -1], labels[:, 1:]
    for name, value in metrics(network.answer, *shifted).items():
        found.add(f"{case}.{name}", value)
    return losses


def compare_stream(vla: VLA, network: UpstreamTokensPrompt, kit: Kit, stream: str, found: Comparison) -> None:
    """A stream through the policy. The original says one action whatever it was trained on: the first of ours."""
    assert kit.cases is not None
    settings, frames = kit.cases["streams"][stream], frames_of(vla, kit)
    policy = vla.policy("first", batch_size=1)
    policy.start(stream, settings["text"], seed=0)
    steps: dict[str, list[Tensor]] = {name: [] for name in ("generated_ids", "first_logits", "env_action")}
    for number in settings["frames"]:
        with recorded(network.backbone, "think") as thoughts, recorded(network, "act") as acts:
            decision = policy.act({stream: observation(frames, number)})[stream]
        logits = acts[0].result.logits[0, 0]
        steps["generated_ids"].append(logits.argmax(dim=-1)[: len(decision.action)])
        steps["first_logits"].append(logits[0])
        steps["env_action"].append(torch.from_numpy(decision.action))
        sequence = thoughts[0].arguments[0]
    for name, values in steps.items():
        found.add(f"{stream}.{name}", torch.stack(values))
    found.add(f"{stream}.last_lm_inputs_embeds", sequence.embeds[:, sequence.layout.valid[0]])


def labels_of(network: UpstreamTokensPrompt, batch: Batch, valid: Tensor) -> Tensor:
    """The label of each token of the told text; questions and padding have none."""
    labels = torch.full(valid.shape, IGNORED)
    answers = network.answer.labels(batch.actions, batch.action_mask)[:, 0]
    for row, (answer, length) in enumerate(zip(answers, valid.sum(dim=1), strict=True)):
        labels[row, length - len(answer) : length] = answer
    return labels


def metrics(head: UpstreamTokens, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Share of arm and gripper tokens told right, and the mean distance of the values they stand for."""
    actions = head.tokens.contains(labels)
    said, right = logits.argmax(dim=-1)[actions], labels[actions]
    hits = (said == right).float().reshape(-1, len(head.pose_columns) + len(head.gripper_columns))
    distance = (head.tokens.decode(said) - head.tokens.decode(right)).abs().mean()
    return {"acc_arm_act": hits[:, :-1].mean(), "acc_gripper_act": hits[:, -1].mean(), "action_l1": distance}
