"""The command ``minisim-guide``."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from minisim_guide import __version__
from minisim_guide.errors import GuideError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0 done, 1 cannot be done here, 2 asked wrongly."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0].startswith("-") and given[0] not in _ABOUT):
        given = ["serve", *given]
    options = _parser().parse_args(given)
    try:
        options.run(options)
    except GuideError as error:
        print(f"minisim-guide: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _serve(options: argparse.Namespace) -> None:
    from minisim_guide.serve import serve

    serve(options.host, options.port, options.base_url, options.preheat, not options.no_browser)


def _lab(options: argparse.Namespace) -> None:
    from minisim_guide.lab import lab

    lab(options.host, options.port, not options.no_browser)


def _warm(options: argparse.Namespace) -> None:
    from minisim_guide.warm import warm

    warm()


def _score(options: argparse.Namespace) -> None:
    from minisim_guide.score import score

    score(options.recording, options.estimate, options.json)


def _record(options: argparse.Namespace) -> None:
    from minisim_guide.record import record

    record(
        options.scene,
        options.output,
        format=options.format,
        duration_s=options.duration,
        changes=options.set,
        replace=options.replace,
    )


def _stills(options: argparse.Namespace) -> None:
    from minisim_guide.pages import folder
    from minisim_guide.stills import write_stills

    if options.check:
        _check_stills(options.places or [folder()])
        return
    for place in options.places or [folder()]:
        for page in write_stills(place):
            print(f"Wrote the stills and numbers of {page}")


def _check_stills(places: Sequence[Path]) -> None:
    from minisim_guide.staleness import stale
    from minisim_guide.stills import runs

    found = [f"{page.name}: {said}" for place in places for page in runs(place) for said in stale(page)]
    if found:
        raise GuideError("\n".join(["stale; `minisim-guide stills` renews them:", *found]))


def _build(options: argparse.Namespace) -> None:
    from minisim_guide.build import build

    for page in build(options.folder):
        print(f"Wrote {page}", flush=True)


_ABOUT = ["-h", "--help", "--version"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="minisim-guide", description="A guide to what a one-photon Miniscope recording is made of."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(metavar="command", title="commands")

    serve = commands.add_parser("serve", help="serve the guide and open it in a browser (the default)")
    _add_address(serve, port=8866)
    serve.add_argument("--base-url", type=_path, default="/", metavar="PATH", help="serve below this path")
    serve.add_argument("--preheat", type=int, metavar="N", help="keep kernels ready for N pages only")
    serve.set_defaults(run=_serve)

    lab = commands.add_parser("lab", help="open the guide's notebooks in JupyterLab, to edit and run")
    _add_address(lab, port=8888)
    lab.set_defaults(run=_lab)

    warm = commands.add_parser("warm", help="compile the engine now rather than at first use")
    warm.set_defaults(run=_warm)

    record = commands.add_parser("record", help="write a recording to disk, with its truth beside it")
    record.add_argument("scene", metavar="RECORDING", help="name of a preset, or JSON file of an experiment")
    record.add_argument("--duration", type=_duration, metavar="TIME", help="as 10s, 2min, 500ms or 1h")
    record.add_argument("--format", choices=("tiff", "zarr"), default="tiff", help="default: %(default)s")
    record.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="where to write; default: here"
    )
    record.add_argument(
        "--set", type=_change, action="append", default=[], metavar="NAME=VALUE",
        help="change a parameter, as motion.stride_um=4; may be given again",
    )  # fmt: skip
    record.add_argument("--replace", action="store_true", help="replace files of the same name")
    record.set_defaults(run=_record)

    score = commands.add_parser("score", help="score an analysis of a recording against its truth")
    score.add_argument(
        "recording", metavar="RECORDING", help="JSON file of an experiment, or name of a preset"
    )
    score.add_argument(
        "estimate", metavar="ESTIMATE.npz", type=Path,
        help="A (cells, y, x) or sparse parts A_…; if there are any: C, spikes (cells, frames) and "
        "shifts_px (frames, 2), where the tissue went, y and x",
    )  # fmt: skip
    score.add_argument("--json", action="store_true", help="print for a program")
    score.set_defaults(run=_score)

    stills = commands.add_parser("stills", help="run the pages and store stills and numbers in them")
    stills.add_argument("places", nargs="*", type=Path, help="pages or folders; default: the guide's own")
    stills.add_argument("--check", action="store_true", help="change nothing; say what is stale")
    stills.set_defaults(run=_stills)

    build = commands.add_parser("build", help="write the guide as files that need no server")
    build.add_argument(
        "folder", nargs="?", type=Path, default="minisim-guide-site", help="default: %(default)s"
    )
    build.set_defaults(run=_build)
    return parser


def _add_address(parser: argparse.ArgumentParser, port: int) -> None:
    parser.add_argument("--port", type=_port, default=port, help="default: %(default)s")
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is not a port: use a whole number from 0 to 65535")


def _duration(text: str) -> float:
    from minisim_guide.record import duration_s

    return _read(duration_s, text)


def _change(text: str) -> tuple[str, Any]:
    from minisim_guide.record import change

    return _read(change, text)


def _read(read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _path(text: str) -> str:
    return f"/{text.strip('/')}/".replace("//", "/")
