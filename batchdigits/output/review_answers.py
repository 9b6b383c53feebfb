"""What people answered when they reviewed a table, and what their answers come to."""

from __future__ import annotations

from collections import defaultdict
from typing import Literal, NamedTuple, get_args

Kind = Literal["label", "not_digit", "blank", "unsure"]
Mode = Literal["grid", "single", "blind"]
Round = Literal["first", "second", "agreed"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MODES: tuple[Mode, ...] = get_args(Mode)
ROUNDS: tuple[Round, ...] = get_args(Round)
MAX_LABEL = 64  # characters of a label that is not the row's own


class Answer(NamedTuple):
    """What a person says an image shows.

    Attributes:
        path: the source; rows with the same one have the same answer.
        kind: `label`, or why there is none; `unsure` is a question left open.
        label: the label; empty for another kind.
        predicted: the row's label when the answer was given; empty for none.
        status: the row's status then.
        digest: of the image's file then; empty where it is not known.
    """

    path: str
    kind: Kind
    label: str = ""
    predicted: str = ""
    status: str = ""
    digest: str = ""

    @property
    def is_accepted(self) -> bool:
        """Whether the row's own label was right."""
        return self.kind == "label" and self.label == self.predicted

    def is_about_another_image(self, digest: str) -> bool:
        """Whether the image has changed since, by the digest that it has now."""
        return bool(digest and self.digest) and digest != self.digest

    def says_the_same(self, other: Answer) -> bool:
        """Whether two answers about an image agree."""
        return (self.kind, self.label) == (other.kind, other.label)


class Action(NamedTuple):
    """One or more answers that were given, and are undone, together.

    Attributes:
        number: the line of the log, from 2.
        at: when, as ISO 8601 in UTC.
        reviewer: the name of the person.
        tab: the tab of the browser, whose last action `u` undoes.
        mode: how the page showed the rows; `blind` shows no prediction.
        round: `first`; `second`, by a second person; `agreed`, where these two differed.
        answers: one for each path.
    """

    number: int
    at: str
    reviewer: str
    tab: str
    mode: Mode
    round: Round
    answers: tuple[Answer, ...]


class Settled(NamedTuple):
    """What the answers about an image come to.

    Attributes:
        answer: the answer that counts. It is `unsure` where two persons differ and have not agreed since.
        reviewer: who gave it; two names, with ` + ` between, where two persons said the same.
        at: when.
        is_blind: whether whoever gave it, or first keyed the image, saw no prediction.
        is_changed: whether it was keyed blind and is another one since the prediction was shown.
    """

    answer: Answer
    reviewer: str
    at: str
    is_blind: bool
    is_changed: bool = False


class Given(NamedTuple):
    """An answer, and the action that it belongs to."""

    answer: Answer
    action: Action


class Answers:
    """All answers that are not undone."""

    def __init__(self) -> None:
        """Begin without any."""
        self._given: dict[Round, dict[str, list[Given]]] = {name: defaultdict(list) for name in ROUNDS}
        self._actions: dict[str, list[Action]] = defaultdict(list)  # by tab

    def add(self, action: Action) -> None:
        """Take the answers of an action."""
        self._actions[action.tab].append(action)
        for answer in action.answers:
            self._given[action.round][answer.path].append(Given(answer, action))

    def undo(self, action: Action) -> None:
        """Take an action back, so that what was answered before it counts again."""
        self._actions[action.tab].remove(action)
        for answer in action.answers:
            given = self._given[action.round]
            given[answer.path] = [earlier for earlier in given[answer.path] if earlier.action is not action]
            if not given[answer.path]:
                del given[answer.path]

    def last_action(self, tab: str) -> Action | None:
        """The last action of a tab that is not undone."""
        return self._actions[tab][-1] if self._actions[tab] else None

    def last_action_of(self, reviewer: str, until: int) -> Action | None:
        """The last action of a person, in any tab, up to the one with a number, that is not undone."""
        actions = (action for actions in self._actions.values() for action in actions)
        theirs = (action for action in actions if action.reviewer == reviewer and action.number <= until)
        return max(theirs, key=lambda action: action.number, default=None)

    def given(self, path: str, round_: Round) -> Given | None:
        """The last answer about an image in a round."""
        given = self._given[round_].get(path)
        return given[-1] if given else None

    def paths(self, round_: Round) -> list[str]:
        """The images with an answer in a round, in the order of their first answers."""
        return list(self._given[round_])

    @property
    def all_paths(self) -> list[str]:
        """The images with an answer, in the order of their first answers."""
        return list(dict.fromkeys(path for name in ROUNDS for path in self.paths(name)))

    def settled(self, path: str) -> Settled | None:
        """What the answers about an image come to; None if there is none."""
        first, second, agreed = (self.given(path, name) for name in ROUNDS)
        if agreed and any(given and given.action.number > agreed.action.number for given in (first, second)):
            agreed = None
        last = agreed or second or first
        if last is None:
            return None
        reviewer, answer = last.action.reviewer, last.answer
        if first and second and not agreed:
            if not answer.says_the_same(first.answer):
                answer = answer._replace(kind="unsure", label="")
            reviewer = " + ".join(dict.fromkeys([first.action.reviewer, reviewer]))
        is_blind, is_changed = self._keyed_blind(path)
        return Settled(answer, reviewer, last.action.at, is_blind, is_changed)

    def _keyed_blind(self, path: str) -> tuple[bool, bool]:
        """Whether an image was first keyed blind, and then got another answer by somebody who saw the prediction."""
        given = self._given["first"].get(path, [])
        if not given or given[0].action.mode != "blind":
            return False, False
        blind = [one for one in given if one.action.mode == "blind"]
        return True, not given[-1].answer.says_the_same(blind[-1].answer)
