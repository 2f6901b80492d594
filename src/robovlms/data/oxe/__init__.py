"""Open X-Embodiment: what the numbers of its data sets mean, as tables, and its named mixtures.

| file | what |
| --- | --- |
| ``bridge``, ``rtx``, ``franka``, ``others`` | the tables: one row a data set |
| ``oddities`` | what has to be done to numbers, one function each |
| ``convention``, ``components``, ``numbers`` | what a row is made of |
| ``tables``, ``choose`` | all rows by name; which one a folder is read by |
| ``mixtures`` | named mixtures with weights; RT-Partial |
| ``dataset``, ``frames``, ``finite`` | episodes |
"""

from robovlms.data.oxe.bridge import BRIDGE
from robovlms.data.oxe.dataset import OXEDataset
from robovlms.data.oxe.mixtures import MIXTURES, mixture, rt_partial
from robovlms.data.oxe.tables import CONVENTIONS, convention_of

__all__ = ["BRIDGE", "CONVENTIONS", "MIXTURES", "OXEDataset", "convention_of", "mixture", "rt_partial"]
