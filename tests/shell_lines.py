"""Runs the shell lines of a page inside this process: ``monitor`` by its own command line, ``curl`` against a server.

Just what the pages use: variables set from a command, comments, lines continued by a backslash, ``| grep`` of one word.
"""

import re
import shlex
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx
from typer.testing import CliRunner

from monitoring_pipeline.cli.main import app

SERVER = "http://127.0.0.1:8000"
ENDED_WELL = (0, 3)  # 3: rows stay refused, which is what some pages are about
_TAKES_A_VALUE = {"-X", "-H", "-d", "-o"}


@dataclass(kw_only=True)
class Shell:
    """A shell of its own variables, in a folder.

    Attributes:
        client: of the server that the pages call by its default address.
        folder: where files are written.
        variables: those that are set, by name.
    """

    client: httpx.Client
    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, block: str) -> str:
        """What the lines of a block print to stdout; each must succeed."""
        return "".join(self._line(line) for line in block.replace("\\\n", " ").splitlines())

    def _line(self, line: str) -> str:
        assigned = re.fullmatch(r"(\w+)=\$\((.*)\)", line)
        if assigned is None:
            return self._output(line)
        self.variables[assigned[1]] = self._output(assigned[2]).strip()
        return ""

    def _output(self, line: str) -> str:
        command, _, wanted = line.partition(" | grep ")
        for name, value in self.variables.items():
            command = command.replace(f"${name}", value)
        printed = self._command(shlex.split(command, comments=True))
        return "".join(line for line in printed.splitlines(keepends=True) if wanted in line)

    def _command(self, words: list[str]) -> str:
        match words:
            case [] | ["monitor", "serve", *_]:  # it serves already
                return ""
            case ["date", *_]:
                return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
            case ["monitor", *arguments]:
                result = CliRunner().invoke(app, arguments)
                assert result.exit_code in ENDED_WELL, (words, result.stderr)
                return result.stdout
            case ["curl", *arguments]:
                return self._curl(arguments)
        raise AssertionError(f"no page used {words[0]} so far")

    def _curl(self, arguments: list[str]) -> str:
        options: dict[str, list[str]] = {}
        words = iter(word for word in arguments if word != "-s")
        address = ""
        for word in words:
            if word in _TAKES_A_VALUE:
                options.setdefault(word, []).append(next(words))
            else:
                address = word
        assert address.startswith(SERVER), address
        headers = dict(header.split(": ", 1) for header in options.get("-H", []))
        body = options.get("-d", [None])[0]
        method = options.get("-X", ["GET" if body is None else "POST"])[0]
        reply = self.client.request(method, address.removeprefix(SERVER), headers=headers, content=body)
        assert reply.is_success, (address, reply.status_code, reply.text)
        if "-o" in options:
            (self.folder / options["-o"][0]).write_bytes(reply.content)
            return ""
        return f"{reply.text.rstrip()}\n"
