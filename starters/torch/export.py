# Owned by you: written once, an update never touches it.
"""What is compiled: the components of {{ plugin_name }}, exported from PyTorch.

A start to replace with your model: each component is a network of two layers with
random weights, the same ones on every machine.
"""

import torch
from tvmplug.export import Case, Component

COMPONENTS = [
{%- for component in components %}
    "{{ component }}",
{%- endfor %}
]
FEATURES, HIDDEN, SCORES = 16, 32, 4


def export() -> list[Component]:
    """Return every component; the toolkit compiles them in this order."""
    return [component(name, seed) for seed, name in enumerate(COMPONENTS)]


def component(name: str, seed: int) -> Component:
    """Build one component, with example inputs and the original model's outputs."""
    torch.manual_seed(seed)
    network = Network().eval()
    features = torch.randn(1, FEATURES)
    with torch.no_grad():
        scores = network(features)
    return Component(
        name=name,
        module=torch.export.export(network, (features,)),
        cases=[
            Case(
                inputs={"features": features.numpy()},
                outputs={"scores": scores.numpy()},
            )
        ],
    )


class Network(torch.nn.Module):
    """A network to replace with your own."""

    def __init__(self) -> None:
        """Draw the weights."""
        super().__init__()
        self.first = torch.nn.Linear(FEATURES, HIDDEN)
        self.second = torch.nn.Linear(HIDDEN, SCORES)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """Features, (1, FEATURES), to scores, (1, SCORES)."""
        return self.second(torch.relu(self.first(features)))
