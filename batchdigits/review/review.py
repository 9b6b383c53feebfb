"""A review of a table: what the page asks for and what it answers, in types that JSON has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from threading import Lock
from typing import Literal

from batchdigits.inference.decide import Status
from batchdigits.output.review_answers import ROUNDS, Answer, Given, Mode, Round
from batchdigits.output.review_log import ReviewLog
from batchdigits.output.table import TableRow
from batchdigits.review.requests import Json, RequestError, asked_row, given_answer
from batchdigits.review.rows import Filter, Rows
from batchdigits.review.setting import Setting
from batchdigits.text import as_unicode

MODEL = "model"  # who gave the prediction


class Review:
    """A table, its log and a person. Several requests may come at the same time.

    Attributes:
        rows: the rows.
        setting: how the review goes.
        own_rows: in the second round, the rows that the same person keyed in the first, which are not shown.
    """

    def __init__(
        self, rows: Rows, log: ReviewLog, setting: Setting, digest_of: Callable[[str], str] = lambda path: ""
    ) -> None:
        """Begin, or go on, as the log says.

        Args:
            rows: the rows.
            log: the log.
            setting: how the review goes.
            digest_of: gives the digest of a source, or an empty text; see `ScanFiles.digest`.
        """
        self.rows, self.setting = rows, setting
        self._log, self._lock, self._digest_of = log, Lock(), digest_of
        everything = range(len(rows))
        # In the second round only what another person answered in the first is shown.
        first = [self._given(position, "first") for position in everything] if setting.is_second else []
        own = {position for position, given in enumerate(first) if given and self._is_own(given)}
        others = {position for position, given in enumerate(first) if given} - own
        self.own_rows = len(own)
        self._shown: Collection[int] = others if setting.is_second else everything
        self._answers: dict[int, Answer] = {}  # what the cards show
        self._answered: Counter[str] = Counter()  # rows with an answer, by their label
        self._unsure: set[int] = set()
        self._requests: dict[str, str] = {}  # the name of each tab's last answers
        self._open_review = {p for p in self._shown if rows.rows[p].status == Status.REVIEW and not setting.is_blind}
        self._update(dict.fromkeys(path for line in log.touched for path in line))

    def state(self) -> Json:
        """The table and how far its review is."""
        with self._lock:
            return {**self._about(), **self._progress()}

    def cards(
        self,
        wanted: Filter,
        answered: str = "all",
        differences: bool = False,
        start: int = 0,
        count: int = 48,
        at: int | Literal["open"] | None = None,
    ) -> Json:
        """The cards of the rows that are asked for, how many there are, and where these begin.

        Args:
            wanted: which rows.
            answered: of these `all`, those that are `open`, `done`, or `unsure`.
            differences: of these only the rows that two persons, or a person and the model, answered differently.
            start: the first card.
            count: the most cards.
            at: a row, or `open` for the first one without an answer; if it is among those asked for, the cards are
                those of its page.

        Raises:
            RequestError: `answered` is something else.
        """
        if answered not in _ANSWERED:
            raise RequestError(f"answered is one of {', '.join(_ANSWERED)}")
        if self.setting.is_blind:
            wanted = Filter(text=wanted.text, in_table_order=True)
        has = _ANSWERED[answered]
        with self._lock:
            found = [
                position
                for position in self.rows.matching(wanted)
                if position in self._shown
                and has(self._answers.get(position))
                and (not differences or self._differs(position))
            ]
            if at == "open":
                at = next((position for position in found if position not in self._answers), None)
            if at in found:
                start = found.index(at) // max(1, count) * count
            cards = [self._card(position, differences) for position in found[start : start + count]]
            return {"total": len(found), "start": start, "cards": cards, "last_action": self._log.last}

    def neighbours(self, row: int, count: int) -> Json:
        """The cards of the rows beside one, see `Rows.neighbours`.

        Raises:
            RequestError: there is no such row.
        """
        self.row(row)
        with self._lock:
            before, after = self.rows.neighbours(row, count)
            cards = {"before": list(map(self._card, before)), "after": list(map(self._card, after))}
            return {**cards, "last_action": self._log.last}

    def row(self, position: int) -> TableRow:
        """A row.

        Raises:
            RequestError: there is no such row.
        """
        return asked_row(self.rows, position)

    def answer(self, tab: str, mode: Mode, view: str, answers: Sequence[Json], since: int, request: str = "") -> Json:
        """Write answers that were given together to the log, and tell what has changed since an action.

        Args:
            tab: the tab of the browser.
            mode: how it shows the rows.
            view: `differences` if both answers are seen.
            answers: each with `row`, `kind` and, for the kind `label`, `label`.
            since: the last action that the tab knows.
            request: a name of these answers. A tab that got no reply sends them again, and they are written once.

        Raises:
            RequestError: one is no answer, or a row has two.
            BatchdigitsError: they cannot be written.
        """
        if not answers:
            raise RequestError("there is no answer")
        seen = view == "differences"
        shown: Mode = "single" if seen and mode == "blind" else mode
        round_: Round = "agreed" if seen and self.setting.is_second else self.setting.round
        given = [given_answer(self.rows, fields, self._digest_of) for fields in answers]
        if len({fields["row"] for fields in answers}) < len(answers):
            raise RequestError("a row has one answer")
        with self._lock:
            if not request or self._requests.get(tab) != request:
                self._log.add(self.setting.reviewer, tab, shown, round_, given)
                self._update(answer.path for answer in given)
                self._requests[tab] = request
            return self._changes(since)

    def undo(self, tab: str, since: int) -> Json:
        """Take back the last action of a tab, and tell what has changed since another.

        Raises:
            BatchdigitsError: it cannot be written.
        """
        with self._lock:
            action = self._log.undo(self.setting.reviewer, tab)
            paths = [answer.path for answer in action.answers] if action else []
            self._update(paths)
            undone = [position for path in paths for position in self.rows.positions(path)[:1]]
            return {"undone": undone, **self._changes(since)}

    def changes(self, since: int) -> Json:
        """What has changed since an action."""
        with self._lock:
            return self._changes(since)

    def _about(self) -> Json:
        table, reviewer, mode, _, sample = self.setting
        about = {
            "table": as_unicode(table),
            "sample": as_unicode(sample),
            "mode": mode,
            "round": self.setting.round,
            "reviewer": reviewer,
            "rows": len(self._shown),
            "classes": self.rows.classes,
            "are_numbers": self.rows.are_numbers,
        }
        return {**about, "statuses": {} if self.setting.is_blind else self.rows.statuses()}

    def _progress(self) -> Json:
        groups = [
            {"label": label, "rows": len(positions), "answered": self._answered[label]}
            for label, positions in ({} if self.setting.is_blind else self.rows.groups).items()
        ]
        return {
            "groups": groups,
            "answered": len(self._answers),
            "unsure": len(self._unsure),
            "open_review": len(self._open_review),
            "last_action": self._log.last,
        }

    def _changes(self, since: int) -> Json:
        paths = dict.fromkeys(path for line in self._log.touched[max(0, since) :] for path in line)
        changes = [
            {"row": position, "answer": _fields(self._answers.get(position))}
            for path in paths
            for position in self.rows.positions(path)
        ]
        return {"changes": changes, **self._progress()}

    def _card(self, position: int, differences: bool = False) -> Json:
        row = self.rows.rows[position]
        answer = self._answers.get(position)
        card: Json = {"row": position, "path": as_unicode(row.path), "answer": _fields(answer)}
        card["has_changed"] = bool(answer and answer.is_about_another_image(self._digest_of(row.source)))
        if not self.setting.is_blind:
            card |= {"label": row.label, "score": row.score, "status": row.status, "detail": row.detail}
            card["digits"] = self.rows.digits.get(row.field)
        if differences:
            card["others"] = self._others(position)
        return card

    def _others(self, position: int) -> list[Json]:
        """What the model and the persons said of a row."""
        row, answers = self.rows.rows[position], self._log.answers
        given = [answers.given(row.path, name) for name in ("first", "second")]
        people = [{"who": one.action.reviewer, **_known(one.answer)} for one in given if one]
        model = {"who": MODEL, **_known(Answer(row.path, "label" if row.label else "blank", row.label))}
        return people if self.setting.is_second else [model, *people]

    def _update(self, paths: Iterable[str]) -> None:
        """Take in what has changed of some images."""
        for position in (position for path in paths for position in self.rows.positions(path)):
            answer = self._answer(position)
            self._answered[self.rows.rows[position].label] += (answer is not None) - (position in self._answers)
            if answer is None:
                self._answers.pop(position, None)
            else:
                self._answers[position] = answer
            _put(self._unsure, position, answer is not None and answer.kind == "unsure")
            is_review = self.rows.rows[position].status == Status.REVIEW and not self.setting.is_blind
            _put(self._open_review, position, is_review and answer is None)

    def _answer(self, position: int) -> Answer | None:
        """The answer that a card shows: the own one in the second round, else what counts."""
        path = self.rows.rows[position].path
        if self.setting.is_second:
            given = [one for name in ROUNDS[1:] if (one := self._given(position, name))]
            return max(given, key=lambda one: one.action.number).answer if given else None
        settled = self._log.answers.settled(path)
        return settled.answer if settled else None

    def _differs(self, position: int) -> bool:
        """Whether a question is open: two persons differ, or what was keyed blind is not what the model said."""
        row, answers = self.rows.rows[position], self._log.answers
        if self.setting.is_second:
            settled = answers.settled(row.path)
            second = self._given(position, "second")
            return bool(second and second.answer.kind != "unsure" and settled and settled.answer.kind == "unsure")
        first = self._given(position, "first")
        return bool(first and first.action.mode == "blind" and not _agrees(first.answer, row.label))

    def _given(self, position: int, round_: Round) -> Given | None:
        return self._log.answers.given(self.rows.rows[position].path, round_)

    def _is_own(self, given: Given) -> bool:
        return _name_key(given.action.reviewer) == _name_key(self.setting.reviewer)


_ANSWERED: dict[str, Callable[[Answer | None], bool]] = {
    "all": lambda answer: True,
    "open": lambda answer: answer is None,
    "done": lambda answer: answer is not None,
    "unsure": lambda answer: answer is not None and answer.kind == "unsure",
}


def _agrees(answer: Answer, predicted: str) -> bool:
    """Whether a person says what the model says; a row without a label agrees with `blank` and `not_digit`."""
    if predicted:
        return answer.kind == "label" and answer.label == predicted
    return answer.kind in ("blank", "not_digit")


def _name_key(name: str) -> str:
    """The same for all ways to write a name."""
    return " ".join(name.split()).casefold()


def _put(positions: set[int], position: int, is_in: bool) -> None:
    (positions.add if is_in else positions.discard)(position)


def _fields(answer: Answer | None) -> Json | None:
    return _known(answer) if answer else None


def _known(answer: Answer) -> Json:
    return {"kind": answer.kind, "label": answer.label} if answer.kind == "label" else {"kind": answer.kind}
