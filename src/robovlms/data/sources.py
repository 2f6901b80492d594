"""Where training data comes from: the settings of every format."""

from typing import Annotated

from pydantic import Field

from robovlms.data.bdrbench.config import BDRBenchConfig
from robovlms.data.calvin.config import CALVINConfig
from robovlms.data.hdf5.config import HDF5Config
from robovlms.data.lerobot.config import LeRobotConfig
from robovlms.data.oxe.config import RLDSConfig

DataConfig = Annotated[
    LeRobotConfig | RLDSConfig | HDF5Config | CALVINConfig | BDRBenchConfig, Field(discriminator="kind")
]
