"""Every refusal of the kit. A message says where, what was asked, what was found and what to do."""

from __future__ import annotations


class CxkitError(Exception):
    """Anything the kit refuses to do; ``exit_code`` is what the command line ends with."""

    exit_code = 2

    def _render_traceback_(self) -> list[str]:
        """Show a refusal in a notebook as its message alone; IPython asks for this."""
        return [f"{type(self).__name__}: {self}"]


class ContractError(CxkitError):
    """The study.yml itself cannot be read as a study."""


class ColumnError(CxkitError):
    """A column that the study or the call asks for is not in the data."""


class ScaleError(CxkitError):
    """An answer lies outside the scale that was declared for it."""


class DataError(CxkitError):
    """The data contradict the study: every finding that stops the work, told at once."""


class MissingTableError(CxkitError):
    """A question needs a table that this study does not have."""


class ParameterError(CxkitError):
    """A report was asked for with a parameter its notebook does not have, or of the wrong type."""


class QuestionError(CxkitError):
    """The question cannot be answered from these data as it was asked."""


class ReportError(CxkitError):
    """A report that was started did not become whole."""

    exit_code = 1


class MachineError(CxkitError):
    """The machine lacks what a report needs: a kernel, a writable folder, space."""

    exit_code = 3
