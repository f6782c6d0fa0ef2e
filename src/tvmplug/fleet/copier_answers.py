"""Copier's answers and questions, which say the same sooner: `copier_worker` puts them in place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copier._types import AnyByStrDict
from copier._user_data import DEFAULT_DATA, AnswersMap, Question

from tvmplug.fleet.copier_cache import FleetEnvironment


class FleetAnswers(AnswersMap):
    """Answers that are combined ten times as fast as by ChainMap, to the same."""

    @property
    def combined(self) -> Mapping[str, Any]:
        """All answers, those of higher priority last; see `AnswersMap.combined`."""
        everything = dict(DEFAULT_DATA)
        everything["_external_data"] = self.external
        for answers in (self.user_defaults, self.last, self.metadata, self.init, self.user):
            everything.update(answers)
        return everything


class FleetQuestion(Question):
    """A question whose plain values are taken as they are."""

    def render_value(self, value: Any, extra_answers: AnyByStrDict | None = None) -> Any:
        """Render a value; see `Question.render_value`."""
        if value is None or isinstance(value, (bool, int, float, dict)):
            return value  # Jinja would raise TypeError
        if isinstance(value, list):
            return [self.render_value(item) for item in value]
        if type(value) is str and isinstance(self.jinja_env, FleetEnvironment):
            text = self.jinja_env.constant(value)
            if text is not None:
                return text
        return super().render_value(value, extra_answers)
