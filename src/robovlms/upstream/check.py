"""Whether an imported policy does what the published code did, by a kit of recorded outputs.

The original's errors are repeated for the comparison, whatever the checkpoint says: padding that counts in training,
the scale of the gripper. Attention is a product, a softmax and a product, as there: a fused kernel rounds otherwise.
"""

from pathlib import Path

from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from robovlms.architectures.model import vlm
from robovlms.architectures.upstream import UpstreamPrompt
from robovlms.architectures.upstream_interleaved import UpstreamInterleaved
from robovlms.architectures.upstream_tokens import UpstreamTokensPrompt
from robovlms.backbones.pretrained import PretrainedBackbone
from robovlms.core.config import validate
from robovlms.core.errors import UserError
from robovlms.heads.head import Losses
from robovlms.heads.upstream import UpstreamHead
from robovlms.policies.vla import VLA
from robovlms.upstream import check_continuous, check_tokens
from robovlms.upstream.families import action_base, num_special
from robovlms.upstream.kit import Comparison, Kit, read_kit
from robovlms.upstream.kit_batch import fitted, frames_of
from robovlms.upstream.model_config import gripper_commands
from robovlms.upstream.names import our_name
from robovlms.upstream.settings import UpstreamSettings, read_settings


@sdpa_kernel(SDPBackend.MATH)
def check_policy(checkpoint: Path, directory: Path) -> Comparison:
    """Compare a checkpoint of ours with a kit.

    Raises:
        UserError: the kit is damaged, or of another policy.
    """
    kit, vla = read_kit(directory), VLA.from_pretrained(checkpoint)
    network, found = vla.network, Comparison(kit.outputs)
    if kit.cases is None:
        raise UserError(f"{directory} has no cases.json: it is a kit of heads, not of a policy.")
    if not isinstance(network, UpstreamPrompt | UpstreamTokensPrompt):
        raise UserError(f"{checkpoint} was not imported from a published checkpoint.")
    _require_same_policy(vla, kit)
    if isinstance(network.head, UpstreamHead):
        commands = gripper_commands(read_settings(directory / "config.json"))
        network.head.config = network.head.config.model_copy(update={"gripper_commands": commands})
    if isinstance(network, UpstreamInterleaved):
        network.acts_on = "oldest"
    _compare_pixels(vla, kit, found)
    for case in kit.cases["cases"]:
        if isinstance(network, UpstreamPrompt):
            losses = check_continuous.compare_case(vla, network, kit, case, found)
        else:
            losses = check_tokens.compare_case(vla, network, kit, case, found)
        _compare_losses(network, kit, case, losses, found)
    for stream in kit.cases["streams"]:
        if isinstance(network, UpstreamPrompt):
            check_continuous.compare_stream(vla, network, kit, stream, found)
        else:
            check_tokens.compare_stream(vla, network, kit, stream, found)
    _compare_tokenizer(network, found)
    return found


def _require_same_policy(vla: VLA, kit: Kit) -> None:
    imported, recorded = (
        validate(UpstreamSettings, config).model_dump() for config in (vla.provenance["imported"]["config"], kit.config)
    )
    if other := [name for name, value in recorded.items() if imported[name] != value]:
        raise UserError(
            f"{kit.directory} is a kit of another policy: {', '.join(other)} differ from the configuration that was "
            "imported. Check with the kit that was recorded with this checkpoint."
        )


def _compare_pixels(vla: VLA, kit: Kit, found: Comparison) -> None:
    for camera, frames in frames_of(vla, kit).items():
        name = "hand" if camera != vla.manifest.observation_spec.camera_names[-1] else "static"
        reference = kit.inputs.get(f"frames.{name}_preprocessed")
        backbone = vlm(vla.network)
        assert isinstance(backbone, PretrainedBackbone), "an imported policy"
        found.add(f"frames.{name}_preprocessed", backbone.pixels(fitted(frames, vla.image_spec)), reference)


def _compare_losses(
    network: UpstreamPrompt | UpstreamTokensPrompt, kit: Kit, case: str, losses: Losses, found: Comparison
) -> None:
    for name in ("loss", "loss_act"):
        found.add(f"{case}.{name}", losses.total)
    prefix = f"{case}.grad.model."
    wanted = {name: name.removeprefix(prefix) for name in kit.outputs if name.startswith(prefix)}
    if not wanted:
        return
    network.zero_grad()
    losses.total.backward()
    parameters = dict(network.named_parameters())
    for name, theirs in wanted.items():
        ours = theirs.replace("backbone.", "backbone.model.", 1) if theirs.startswith("backbone.") else our_name(theirs)
        if ours in parameters and (gradient := parameters[ours].grad) is not None:
            found.add(name, gradient)


def _compare_tokenizer(network: UpstreamPrompt | UpstreamTokensPrompt, found: Comparison) -> None:
    tokenizer = network.backbone.tokenizer
    values = {
        "action_base": action_base(tokenizer),
        "special_tokens_count": num_special(tokenizer),
        "vocab_size": tokenizer.vocab_size,
    }
    for name, value in values.items():
        if f"tokenizer.{name}" in found.expected:
            found.add(f"tokenizer.{name}", Tensor([value]).squeeze())
