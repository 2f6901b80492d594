"""Vision-language co-training: questions about images among a run's batches of robots."""

from robovlms.architectures.answer_loss import require_askable
from robovlms.architectures.architecture import Architecture
from robovlms.architectures.model import vlm
from robovlms.data.cotraining import CoTraining, VLLoader
from robovlms.data.loader import Loader
from robovlms.policies.vla import VLA
from robovlms.training.experiment import Experiment


def require_questions(experiment: Experiment, network: Architecture) -> None:
    """Open the vision-language data of an experiment, if it has some, and see that its VLM can be asked all of it.

    Raises:
        UserError: a text holds a special token.
        CorruptData: the data is damaged or an image is missing.
    """
    backbone = vlm(network)
    if experiment.vl_data is not None and experiment.asks:
        assert backbone is not None, "the experiment was validated"
        questions = experiment.vl_data.open().questions
        require_askable(backbone, {text for question in questions for text in (question.text, question.answer)})


def with_questions(experiment: Experiment, robots: Loader, vla: VLA) -> Loader | CoTraining:
    """The batches of a run: those of robots, and questions where the experiment asks some."""
    config, training = experiment.vl_data, experiment.training
    if config is None or not experiment.asks:
        return robots
    return CoTraining(robots, VLLoader(config.open(), config, vla.image_spec, training.batch_size, training.seed))
