"""The command says in one sentence what is wrong, and never shows a traceback."""

import socket
import webbrowser
from collections.abc import Iterator
from pathlib import Path

import pytest

import minisim_core
from minisim_guide import __version__, lab, pages, serve
from minisim_guide.cli import main
from minisim_guide.errors import GuideError


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def sentence(capsys: pytest.CaptureFixture[str]) -> str:
    """Return the one line that was printed as an error."""
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    lines = err.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def test_a_busy_port_is_named_with_a_way_out(busy_port: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", str(busy_port), "--no-browser"]) == 1
    assert sentence(capsys) == (
        f"minisim-guide: Port {busy_port} is taken, perhaps by another guide; try --port {busy_port + 1}."
    )


@pytest.mark.parametrize(
    ("host", "said"),
    [("no.such.host.invalid", "knows no host"), ("203.0.113.1", "not an address of this machine")],
)
@pytest.mark.parametrize("command", ["serve", "lab"])
def test_a_host_that_is_not_here_is_named(
    command: str, host: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--host", host, "--port", "0", "--no-browser"]) == 1
    error = sentence(capsys)
    assert host in error
    assert said in error


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--nonsense"], ["nonsense"]])
def test_a_wrong_request_ends_with_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert arguments[-1] in capsys.readouterr().err


def test_help_and_version_need_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    for flag, said in [("--help", "lab"), ("--version", __version__)]:
        with pytest.raises(SystemExit) as ended:
            main([flag])
        assert ended.value.code == 0
        assert said in capsys.readouterr().out


def test_interrupting_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(minisim_core, "warm", interrupted)
    assert main(["warm"]) == 130


def test_warm_says_what_it_took(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(minisim_core, "warm", lambda: 31.26)
    assert main(["warm"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "The engine is ready after 31.3 s."


def test_a_missing_browser_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_browser(url: str) -> bool:
        raise webbrowser.Error("could not locate runnable browser")

    monkeypatch.setenv("BROWSER", "somewhere")
    monkeypatch.setattr(webbrowser, "open", no_browser)
    serve._open_browser("http://127.0.0.1:1/")
    assert capsys.readouterr().out.startswith("No browser could be opened from here")


def test_a_terminal_without_a_screen_keeps_its_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(serve.sys, "platform", "linux")
    monkeypatch.setattr(webbrowser, "open", lambda url: pytest.fail("a text browser would take the terminal"))
    serve._open_browser("http://127.0.0.1:1/")
    assert "No browser" in capsys.readouterr().out


def test_lab_copies_the_pages_once_and_keeps_what_the_reader_changed(tmp_path: Path) -> None:
    copy = lab.copy_pages(tmp_path / "minisim-guide")
    assert (copy / "index.ipynb").read_bytes() == (pages.folder() / "index.ipynb").read_bytes()
    (copy / "index.ipynb").write_text("mine")
    (copy / "own.ipynb").write_text("mine too")
    lab.copy_pages(copy)
    assert (copy / "index.ipynb").read_text() == "mine"
    assert (copy / "own.ipynb").read_text() == "mine too"


def test_lab_in_a_folder_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GuideError, match="Cannot copy the notebooks"):
        lab.copy_pages(tmp_path / "file" / "minisim-guide")


def test_pages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(pages, "_PACKAGE", tmp_path / "minisim_guide")
    with pytest.raises(GuideError, match=r"pages are missing from .*install minisim-guide again"):
        pages.folder()


def test_pages_come_in_reading_order_with_the_contents_first() -> None:
    listed = pages.pages()
    assert listed[0].label == "Contents"
    assert not listed[0].runs
    assert [page.file.name for page in listed[1:]] == sorted(page.file.name for page in listed[1:])
    assert all(page.label[0].isdigit() and page.runs for page in listed[1:])
