"""The exceptions of KEC+ Studio.

KecError                    anything a person can act on; its text is one sentence for them
├── InputError              a value, file or option given by the person is not usable (also a ValueError)
│   └── ShapeError          an array has the wrong shape, dtype or holds NaN
├── ResourceMissing         WordNet, weights or demo photos are not on this machine
├── StoreError              a project folder is damaged, locked, full or from a newer version
├── EngineError             the cluster of machines that does the work failed; finished work is kept
├── Cancelled               the person stopped a running job; finished work is kept
└── LLMError                a language-model endpoint could not answer
    ├── LLMAuthError        refused for the key or the quota: never retried
    ├── LLMReplyError       answered, but not usably; keeps the raw reply
    └── LLMBudgetError      the budget cap was reached; answers received are kept

Every message says what was expected, what came, and what to do.
"""


class KecError(Exception):
    """Base of every error that a person can act on."""


class InputError(KecError, ValueError):
    """A value, file or option from the person is not usable."""


class ShapeError(InputError):
    """An array has the wrong shape or dtype, or holds values that are not finite."""


class ResourceMissing(KecError):  # noqa: N818 - reads as a statement in messages and code
    """A resource (WordNet, weights, demo photos) is not on this machine."""


class StoreError(KecError):
    """A project folder is damaged, locked, full, or written by a newer version."""


class EngineError(KecError):
    """The cluster of machines that does the work failed; what is finished is kept."""


class Cancelled(KecError):  # noqa: N818 - the field's name for it
    """The person stopped the work; what is already stored is kept."""


class LLMError(KecError):
    """A language-model endpoint could not answer."""


class LLMAuthError(LLMError):
    """The endpoint refused the key or the quota; retrying cannot help."""


class LLMBudgetError(LLMError):
    """The budget cap was reached before every question was asked."""


class LLMReplyError(LLMError):
    """The endpoint answered, but the answer is not usable.

    Attributes:
        reply: the raw text that came back.
    """

    def __init__(self, message: str, reply: str = "") -> None:
        super().__init__(message)
        self.reply = reply
