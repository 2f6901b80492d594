"""Holds a policy with slots against a kit: what the head reads and says, losses, gradients, streams."""

import torch
from torch import Tensor

from robovlms.architectures.sharing import distinct_prompts
from robovlms.architectures.upstream import UpstreamPrompt
from robovlms.architectures.upstream_layout import write
from robovlms.backbones.prompt import Text
from robovlms.core.batch import Batch
from robovlms.heads.head import Losses
from robovlms.policies.vla import VLA
from robovlms.upstream.kit import Comparison, Kit
from robovlms.upstream.kit_batch import batch_of, frames_of, observation, recorded


def compare_case(vla: VLA, network: UpstreamPrompt, kit: Kit, case: str, found: Comparison) -> Losses:
    """A training case, with the original's padding; returns the losses."""
    batch = batch_of(vla, kit, case)
    network.config = network.config.model_copy(update={"padding": "counted"})
    with recorded(network.backbone, "think") as thoughts, recorded(network.head, "outputs") as said:
        losses = network.loss(batch)
    (sequence, *_), (hidden, _) = thoughts[0].arguments, thoughts[0].result
    poses, logits = said[0].result
    rows = distinct_prompts(batch)[3]
    flat = rows.flatten()
    text = text_of(network, batch.instructions)
    found.add(f"{case}.text", text.ids, kit.inputs[f"{case}.text"])
    found.add(f"{case}.text_mask", text.valid, kit.inputs[f"{case}.text_mask"])
    each = len(flat) // len(kit.outputs[f"{case}.lm_inputs_embeds"])  # the kit keeps the first frame of each window
    found.add(f"{case}.lm_inputs_embeds", sequence.embeds[flat[::each]])
    found.add(f"{case}.lm_attention_mask", sequence.layout.valid[flat])
    read = torch.stack([hidden[row][network.read_out(sequence)[row]] for row in flat])
    found.add(f"{case}.head_input", read.unflatten(0, rows.shape))
    found.add(f"{case}.arm", poses)
    found.add(f"{case}.gripper_logit", logits)
    found.add(f"{case}.loss_arm_act", losses.parts["pose"])
    found.add(f"{case}.loss_gripper_act", losses.parts["gripper"])
    found.add(f"{case}.acc_gripper_act", gripper_accuracy(logits, batch))
    return losses


def compare_stream(vla: VLA, network: UpstreamPrompt, kit: Kit, stream: str, found: Comparison) -> None:
    """A stream through the policy, one frame a control step, playing the first action of each plan."""
    assert kit.cases is not None
    settings, frames = kit.cases["streams"][stream], frames_of(vla, kit)
    text = text_of(network, [settings["text"]])
    found.add(f"{stream}.text", text.ids, kit.inputs[f"{stream}.text"])
    policy = vla.policy("first", batch_size=1)
    policy.start(stream, settings["text"], seed=0)
    steps: dict[str, list[Tensor]] = {name: [] for name in ("head_input", "arm", "gripper_logit", "env_action")}
    for number in settings["frames"]:
        with recorded(network.backbone, "think") as thoughts, recorded(network.head, "outputs") as said:
            decision = policy.act({stream: observation(frames, number)})[stream]
        (sequence, *_), (hidden, _) = thoughts[0].arguments, thoughts[0].result
        poses, logits = said[0].result
        steps["head_input"].append(hidden[0, network.read_out(sequence)[0]])
        steps["arm"].append(poses[0, -1])
        steps["gripper_logit"].append(logits[0, -1])
        steps["env_action"].append(torch.from_numpy(decision.action))
        embeds = sequence.embeds[:, sequence.layout.valid[0]]
    for name, values in steps.items():
        found.add(f"{stream}.{name}", torch.stack(values))
    found.add(f"{stream}.last_lm_inputs_embeds", embeds)


def gripper_accuracy(logits: Tensor, batch: Batch) -> Tensor:
    """Share of the valid actions whose gripper is told right."""
    right = (torch.sigmoid(logits[..., 0]) > 0.5).float() == batch.actions[..., -1]
    return right[batch.action_mask].float().mean()


def text_of(network: UpstreamPrompt, instructions: tuple[str, ...] | list[str]) -> Text:
    """Instructions as the original hands them to its model."""
    return write(network.backbone, network.config.template, instructions, network.config.special_tokens)
