"""Holds a policy with slots against a kit: what the head reads and says, losses, gradients, streams."""

import torch
from torch import Tensor

from robovlms.architectures.sharing import distinct_prompts
from robovlms.architectures.upstream import UpstreamPrompt
from robovlms.architectures.upstream_interleaved import UpstreamInterleaved
from robovlms.core.batch import Batch
from robovlms.heads.head import Losses
from robovlms.heads.upstream import UpstreamHead
from robovlms.policies.vla import VLA
from robovlms.upstream.kit import Comparison, Kit
from robovlms.upstream.kit_batch import Call, batch_of, frames_of, observation, recorded


def compare_case(vla: VLA, network: UpstreamPrompt, kit: Kit, case: str, found: Comparison) -> Losses:
    """A training case, with the original's padding; returns the losses."""
    batch = batch_of(vla, kit, case)
    network.config = network.config.model_copy(update={"padding": "counted"})
    with recorded(network, "hidden_states") as thoughts, recorded(network.head, "outputs") as said:
        losses = network.loss(batch)
    text = network.write(batch.instructions)
    found.add(f"{case}.text", text.ids, kit.inputs.get(f"{case}.text"))
    found.add(f"{case}.text_mask", text.valid, kit.inputs.get(f"{case}.text_mask"))
    _compare_thought(network, batch, thoughts[0], case, found)
    poses, logits = said[0].result
    found.add(f"{case}.arm", poses)
    found.add(f"{case}.gripper_logit", logits)
    found.add(f"{case}.loss_arm_act", losses.parts["pose"])
    found.add(f"{case}.loss_gripper_act", losses.parts["gripper"])
    found.add(f"{case}.acc_gripper_act", gripper_accuracy(logits, batch))
    return losses


def _compare_thought(network: UpstreamPrompt, batch: Batch, thought: Call, case: str, found: Comparison) -> None:
    """What went into the language model, and what the head reads of what came out."""
    (prompt,), hidden = thought.arguments, thought.result
    num_windows, num_steps = batch.frame_index.shape
    if isinstance(network, UpstreamInterleaved):
        prompts = torch.arange(num_windows)
        places = [(row, step) for row in range(num_windows) for step in range(num_steps)]
    else:
        prompts = distinct_prompts(batch)[3].flatten()
        places = [(row, 0) for row in prompts.tolist()]
    kept = len(found.expected.get(f"{case}.lm_inputs_embeds", prompts))  # of each window, the first
    embeds = prompt.embeds[prompts[:: len(prompts) // kept]] / network.config.slot_scale
    found.add(f"{case}.lm_inputs_embeds", embeds)
    found.add(f"{case}.lm_attention_mask", prompt.layout.valid[prompts])
    read = torch.stack([hidden[row, network.read_out(prompt, step)[row]] for row, step in places])
    found.add(f"{case}.head_input", read.unflatten(0, (num_windows, num_steps)))


def compare_stream(vla: VLA, network: UpstreamPrompt, kit: Kit, stream: str, found: Comparison) -> None:
    """A stream through the policy, one frame a control step, playing the first action of each plan."""
    assert kit.cases is not None
    settings, frames = kit.cases["streams"][stream], frames_of(vla, kit)
    text = network.write([settings["text"]])
    found.add(f"{stream}.text", text.ids, kit.inputs.get(f"{stream}.text"))
    policy = vla.policy("first", batch_size=1)
    policy.start(stream, settings["text"], seed=0)
    steps: dict[str, list[Tensor]] = {name: [] for name in ("head_input", "arm", "gripper_logit", "env_action")}
    for number in settings["frames"]:
        with recorded(network, "hidden_states") as thoughts, recorded(network.head, "predict") as plans:
            decision = policy.act({stream: observation(frames, number)})[stream]
        (prompt,), hidden = thoughts[0].arguments, thoughts[0].result
        played = int(prompt.layout.step[prompt.layout.valid[0]].min())  # the oldest, where there are several
        steps["head_input"].append(hidden[0, network.read_out(prompt, played)[0]])
        assert isinstance(network.head, UpstreamHead), "as it was built"
        poses, logits = network.head.outputs(plans[0].arguments[0])
        steps["arm"].append(poses[0, -1])
        steps["gripper_logit"].append(logits[0, -1])
        steps["env_action"].append(torch.from_numpy(decision.action))
        embeds = prompt.embeds[:, prompt.layout.valid[0]] / network.config.slot_scale
    for name, values in steps.items():
        found.add(f"{stream}.{name}", torch.stack(values))
    found.add(f"{stream}.last_lm_inputs_embeds", embeds)


def gripper_accuracy(logits: Tensor, batch: Batch) -> Tensor:
    """Share of the valid actions whose gripper is told right."""
    right = (torch.sigmoid(logits[..., 0]) > 0.5).float() == batch.actions[..., -1]
    return right[batch.action_mask].float().mean()
