"""``RoboVLMs``: every backbone in every structure by one call; checkpoints with adapters, resampler and bfloat16."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import robovlms
from robovlms.architectures.model import VLAConfig, structures
from robovlms.backbones.adapters import is_adapter, is_vlm_weight
from robovlms.backbones.load import FAMILIES
from robovlms.core.batch import Batch
from robovlms.core.errors import UnknownName, UserError
from robovlms.core.types import Observation
from robovlms.policies.create import RoboVLMs
from robovlms.policies.vla import VLA
from robovlms.training.optimizer import OptimizerConfig

STRUCTURE = "policy_head_continuous"
RESAMPLER = {"num_latents": 9, "depth": 1, "num_heads": 2, "head_dim": 8}


def create(family, seed=0, **backbone):
    torch.manual_seed(seed)
    return RoboVLMs({"size": "tiny", "backbone": backbone}).create_vla(family, STRUCTURE)


def observation(vla, seed=0):
    spec = vla.manifest.observation_spec
    rng = np.random.default_rng(seed)
    images = {c.name: rng.integers(0, 256, (c.height, c.width, 3), dtype=np.uint8) for c in spec.cameras}
    return Observation(images, rng.normal(size=spec.state_dims))


def plans(vla):
    policy = vla.policy("first", batch_size=2)
    for name in "ab":
        policy.start(name, f"open drawer {name}", seed=0)
    decisions = policy.act({name: observation(vla, seed) for seed, name in enumerate("ab")})
    return np.stack([decisions[name].plan.actions for name in "ab"])


def batch(vla):
    size, rng = vla.image_spec.size, np.random.default_rng(0)
    chunk = vla.manifest.model.architecture.chunk
    images = {
        camera.name: torch.from_numpy(rng.integers(0, 256, (2, size, size, 3), dtype=np.uint8))
        for camera in vla.manifest.observation_spec.cameras
    }
    return Batch(
        images=images,
        frame_id=torch.arange(2),
        frame_index=torch.arange(2)[:, None],
        frame_valid=torch.ones(2, 1, dtype=torch.bool),
        instructions=("open the drawer",),
        instruction_index=torch.zeros(2, dtype=torch.long),
        state=torch.randn(2, 1, vla.manifest.observation_spec.state_dims),
        actions=torch.rand(2, 1, chunk, vla.manifest.action_spec.dims),
        action_mask=torch.ones(2, 1, chunk, dtype=torch.bool),
        dataset_id=torch.zeros(2, dtype=torch.long),
    )


@pytest.mark.parametrize("family", [family.id for family in FAMILIES])
def test_every_backbone_in_every_structure_acts(family):
    factory = RoboVLMs({"size": "tiny"})
    assert factory.supported_backbones == [one.id for one in FAMILIES]
    assert factory.supported_architectures == list(structures())
    for structure in factory.supported_architectures:
        vla = factory.create_vla(family, structure)
        assert vla.manifest.model.architecture.kind == structure
        planned = plans(vla)
        assert np.isfinite(planned).all()
        if not structures()[structure].speaks:  # random models often find the same words likeliest
            assert np.abs(planned[0] - planned[1]).max() > 0
        backbone = vla.network.backbone
        assert backbone.hidden_size == backbone.read(torch.tensor([[5]])).shape[-1]
        for name in ("model", "word_embedding", "text_tower", "vision_tower"):
            assert isinstance(getattr(backbone, name), torch.nn.Module)
        assert hasattr(backbone.image_processor, "image_mean")
        assert backbone.config is backbone.model.config


def test_names_and_display_names_are_taken_and_others_refused():
    factory = RoboVLMs({"size": "tiny"})
    assert factory.create_vla("PaliGemma", STRUCTURE).manifest.model.backbone.path == "tiny:paligemma"
    with pytest.raises(UnknownName, match="Did you mean 'paligemma'"):
        factory.create_vla("paligema", STRUCTURE)
    with pytest.raises(UnknownName, match=f"Did you mean '{STRUCTURE}'"):
        factory.create_vla("llava", "policy_head_continous")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"sise": "tiny"}, "Did you mean 'size'"),
        ({"size": "small"}, "Unknown size 'small'"),
        ({"size": "tiny", "normalization": {"components": {"gripper": "clip"}}}, "a gripper is always 0"),
        ({"size": "tiny", "path": "x"}, "a miniature has no path"),
        ({"path": "tiny:paligemma"}, "tiny:paligemma is no LLaVA"),
        ({"size": "tiny", "observation_spec": {"cameras": [], "rate_hz": 10}}, "at least one camera"),
        ({"path": "no/where/here"}, "no Hugging Face model there"),
        ({"size": "tiny", "backbone": {"lora": {"rnak": 2}}}, "Did you mean 'backbone.lora.rank'"),
        ({"size": "tiny", "architecture": {"histroy": 2}}, "Did you mean 'architecture.history'"),
    ],
)
def test_bad_settings_are_user_errors(config, message):
    with pytest.raises(UserError, match=message):
        RoboVLMs(config).create_vla("llava", STRUCTURE)


def test_settings_of_every_group_are_taken():
    config = {"size": "tiny", "architecture": {"history": 2}, "head": {"kind": "mlp"}, "backbone": {"train": "text"}}
    model = RoboVLMs(config).create_vla("llava", STRUCTURE).manifest.model
    assert isinstance(model, VLAConfig)
    assert (model.architecture.history, model.head.kind, model.backbone.train) == (2, "mlp", ("text",))


def test_without_torch_until_it_is_needed():
    code = "import sys, robovlms; assert 'torch' not in sys.modules; robovlms.RoboVLMs; assert 'torch' in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError):
        robovlms.Robovlms  # noqa: B018


@pytest.mark.parametrize("family", ["llava", "blip2", "idefics"])
def test_adapters_and_resampler_train_and_come_back_from_a_checkpoint(family, tmp_path):
    settings = {"train": "nothing", "lora": {"rank": 2, "alpha": 4}, "resampler": RESAMPLER, "precision": "bfloat16"}
    vla = create(family, **settings)
    network = vla.network.train()
    before = {name: value.clone() for name, value in network.named_parameters()}
    optimizer = OptimizerConfig(backbone_scale=0.0, warmup=0.0).build(network)
    for _ in range(2):  # adapters begin as zero times something: the second step moves both factors
        vla.loss(batch(vla)).total.backward()
        optimizer.step()
        optimizer.zero_grad()
    moved = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    assert not {name for name in moved if is_vlm_weight(name)}
    assert all(any(test(name) for name in moved) for test in (is_adapter, lambda n: "resampler" in n))
    network.eval()
    vla.save_pretrained(tmp_path / "kept")
    again = VLA.from_pretrained(tmp_path / "kept")
    ours, theirs = dict(network.state_dict()), dict(again.network.state_dict())
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) and ours[name].dtype == theirs[name].dtype for name in ours)
    assert np.abs(plans(again) - plans(vla)).max() <= 1e-5


def test_merged_adapters_leave_an_ordinary_vlm(tmp_path):
    vla = create("llava", train="nothing", lora={"rank": 2})
    for name, parameter in vla.network.named_parameters():
        if is_adapter(name):
            parameter.data = 0.1 * torch.randn_like(parameter)
    planned = plans(vla)
    vla.merge_adapters()
    assert vla.manifest.model.backbone.lora is None
    assert np.abs(plans(vla) - planned).max() <= 1e-4
    vla.save_pretrained(tmp_path / "merged")
    assert np.abs(plans(VLA.from_pretrained(tmp_path / "merged")) - planned).max() <= 1e-4


@pytest.mark.parametrize("family", [family.id for family in FAMILIES])
def test_bfloat16_moves_an_action_by_little(family):
    plain, half = create(family), create(family, train="nothing", precision="bfloat16")
    half.network.load_state_dict({n: v for n, v in plain.network.state_dict().items() if not is_vlm_weight(n)}, False)
    planned = plans(plain)
    deviation = np.abs(plans(half) - planned).max()
    assert 0 < deviation <= 0.03 * np.abs(planned).max()
