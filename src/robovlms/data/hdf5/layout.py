"""Where HDF5 files of robot data keep what: one settings model for each known layout; every path can be overridden.

Sources: ``docs/datasets/overview.md`` and ``scripts/dataset_states_to_obs.py`` of robomimic;
``scripts/create_dataset.py`` and ``libero/libero/utils/video_utils.py`` of LIBERO; ``record_sim_episodes.py`` of ACT
(tonyzhaozh/act) and ``compress_data.py`` of MarkFzp/act-plus-plus.
"""

from typing import Annotated, Literal

from pydantic import Field

from robovlms.core.config import Config


class HDF5Layout(Config):
    """What all layouts say. Paths are relative to the group of an episode."""

    episodes: str | None
    """Group of the file with one group for each episode; None where a file is one episode."""
    actions: str
    """The actions, one row a step."""
    images: str
    """Group with one array for each camera: pixels, or JPEG or PNG files, padded or not."""
    state: str
    """Group with one array for each state component."""
    main_cameras: tuple[str, ...] = ()
    """Cameras used when none are named; all that are found where the file has none of them."""
    main_state: tuple[str, ...] = ()
    """The same for the state."""
    convention: str | None = None
    """What the actions mean where the settings do not say it."""
    flip: Literal["none", "vertical", "rotate_180"] = "none"
    """What makes the images upright."""
    channels: Literal["rgb", "bgr"] = "rgb"
    """Order of the colours; ``bgr`` also for image files that OpenCV made from RGB arrays."""
    observed: Literal["before", "after"] = "before"
    """Whether a row's observation was made before or after its action was executed. After: the first action and the
    last observation have no partner and are left out."""
    language_in_name: bool = False
    """Whether a file's name tells the instruction where the file itself does not."""


class LIBEROLayout(HDF5Layout):
    """LIBERO's published demonstrations, made by its ``create_dataset.py``: upside down, observed after the action.

    Files that OpenVLA's ``regenerate_libero_dataset.py`` made look the same but need ``observed: before``.
    """

    kind: Literal["libero"] = "libero"
    episodes: str | None = "data"
    actions: str = "actions"
    images: str = "obs"
    state: str = "obs"
    main_cameras: tuple[str, ...] = ("agentview_rgb", "eye_in_hand_rgb")
    main_state: tuple[str, ...] = ("ee_pos", "ee_ori", "gripper_states")
    convention: str | None = "libero"
    flip: Literal["none", "vertical", "rotate_180"] = "vertical"
    observed: Literal["before", "after"] = "after"
    language_in_name: bool = True


class RobomimicLayout(HDF5Layout):
    """robomimic and what was made with it (MimicGen, RoboCasa): upright, observed before the action."""

    kind: Literal["robomimic"] = "robomimic"
    episodes: str | None = "data"
    actions: str = "actions"
    images: str = "obs"
    state: str = "obs"
    main_cameras: tuple[str, ...] = ("agentview_image", "robot0_eye_in_hand_image")
    main_state: tuple[str, ...] = ("robot0_eef_pos", "robot0_eef_quat", "robot0_gripper_qpos")
    convention: str | None = "robosuite_osc_pose"


class ACTLayout(HDF5Layout):
    """ACT and ALOHA: one episode a file, absolute joint positions of whatever robot it was."""

    kind: Literal["act"] = "act"
    episodes: str | None = None
    actions: str = "action"
    images: str = "observations/images"
    state: str = "observations"
    main_state: tuple[str, ...] = ("qpos",)


Layout = Annotated[LIBEROLayout | RobomimicLayout | ACTLayout, Field(discriminator="kind")]
