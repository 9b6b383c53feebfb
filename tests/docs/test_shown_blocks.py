"""The reader of shown blocks sees what is there, and refuses what it does not understand."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.shown_blocks import Block, blocks_of, commands_of, matches

PAGE = Path("page.md")


def test_blocks_are_read_with_their_marks() -> None:
    text = """
<!-- test: slow, exit 3 -->
```sh
false
```

```python
print(1)
```

```text
1
```

<!-- test: none, needs a cluster -->
```console
$ ray up
```

```text
no command
```
"""
    assert blocks_of(PAGE, text) == [
        Block(PAGE, 3, "sh", "false\n", exit_code=3, slow=True),
        Block(PAGE, 7, "python", "print(1)\n", shown="1\n"),
        Block(PAGE, 16, "console", "$ ray up\n", why_not="needs a cluster"),
    ]


@pytest.mark.parametrize("mark", ["none", "none,", "fast", "exit", "slow exit 3"])
def test_a_mark_that_says_nothing_is_refused(mark: str) -> None:
    with pytest.raises(ValueError, match=r"page\.md"):
        blocks_of(PAGE, f"<!-- test: {mark} -->\n```sh\ntrue\n```\n")


def test_a_mark_away_from_its_block_is_refused() -> None:
    with pytest.raises(ValueError, match="1 marks stand before no block"):
        blocks_of(PAGE, "<!-- test: none, a reason -->\n\n```sh\ntrue\n```\n")


def test_commands_may_take_several_lines() -> None:
    text = "# a comment\n\none \\\n  --more\ncat <<EOF > x\n# text\nEOF\nlast\n"
    commands = commands_of(Block(PAGE, 1, "sh", text))
    assert commands == [("one \\\n  --more", None), ("cat <<EOF > x\n# text\nEOF", None), ("last", None)]


def test_what_a_command_prints_follows_it() -> None:
    block = Block(PAGE, 1, "console", "$ one\na\nb\n$ two \\\n    --more\n$ three\nc\n")
    assert commands_of(block) == [("one", ["a", "b"]), ("two \\\n    --more", []), ("three", ["c"])]
    with pytest.raises(ValueError, match="begins with a command"):
        commands_of(Block(PAGE, 1, "console", "a\n"))


def test_a_block_in_a_list_is_read() -> None:
    text = "- an item\n\n  <!-- test: exit 1 -->\n  ```python\n  if True:\n      exit(1)\n  ```\n"
    assert blocks_of(PAGE, text) == [Block(PAGE, 4, "python", "if True:\n    exit(1)\n", exit_code=1)]


@pytest.mark.parametrize("text", ["```sh\ntrue\n", "- an item\n\n  ```sh\n  true\n```\n"])
def test_a_block_that_does_not_end_where_it_began_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not closed"):
        blocks_of(PAGE, text)


@pytest.mark.parametrize("fence", ["```bash", "```shell", "~~~py", "~~~sh", "  ```py"])
def test_a_block_that_would_go_untested_is_refused(fence: str) -> None:
    with pytest.raises(ValueError, match=r"page\.md:2"):
        blocks_of(PAGE, f"- an item\n{fence}\ntrue\n")


@pytest.mark.parametrize(
    ("shown", "stdout", "stderr", "equal"),
    [
        (["a", "b"], "a \n\n  b\n", "", True),
        (["a"], "a\nb\n", "", False),
        (["a", "b"], "a\n", "", False),
        (["b", "a"], "a\nb\n", "", False),
        (["a", "..."], "a\nb\nc\n", "", True),
        (["...", "c"], "a\nb\nc\n", "", True),
        (["a", "...", "b"], "a\nb\n", "", True),
        (["...", "d"], "a\nb\nc\n", "", False),
        (["...", "..."], "a\nb\n", "c\n", True),
        (["took … s"], "took 1.5 s\n", "", True),
        (["took … s"], "took 1.5 m\n", "", False),
        (["a … b"], "a\nb\n", "", False),
        (["a.b"], "axb\n", "", False),
        ([], "a\n", "", False),
        ([], "", "a\n", False),
        (["using …", "a", "b", "done"], "a\nb\n", "using x\ndone\n", True),
        (["a", "b", "using …", "done"], "a\nb\n", "using x\ndone\n", True),
        (["a", "b", "done", "using …"], "a\nb\n", "using x\ndone\n", False),
        (["a", "b"], "a\nb\n", "using x\n", False),
    ],
)
def test_what_is_shown_is_compared(shown: list[str], stdout: str, stderr: str, equal: bool) -> None:
    assert matches(shown, stdout, stderr) is equal
