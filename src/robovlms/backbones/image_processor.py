"""A directory's image processor, drawing with PIL: torchvision is no dependency, and its wheels want CUDA.

The class is imported from its own module, because the name that transformers 5.17 exports asks for torchvision.
"""

from pathlib import Path
from typing import Any

from transformers.models.auto.image_processing_auto import AutoImageProcessor

from robovlms.core.errors import UserError


def read_image_processor(directory: str | Path) -> Any:
    """Read the image processor of a directory or hub id.

    Raises:
        OSError: there is none.
        UserError: there is one that this environment cannot run.
    """
    try:
        return AutoImageProcessor.from_pretrained(directory, backend="pil")
    except ImportError as error:
        why = " ".join(str(error).split())
        raise UserError(
            f"The image processor of {directory} does not work here: {why} Newer versions of transformers need less."
        ) from None
