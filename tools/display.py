"""A screen that nobody sees, to run an app on and use it as a person would.

An X server (Xvfb), the app and the tools that type, click and take screenshots run in the
desktop's root, in namespaces of their own. When the display is closed, or this process dies,
all of them end. The demo and the tests call this.
"""

from __future__ import annotations

import queue
import shlex
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tools.running import App, descendants
from tools.sandbox import command_inside
from tools.toolchain import Desktop
from tvmplug.errors import ToolError

__all__ = ["App", "Display"]

_SERVER = """\
Xvfb -displayfd 3 -screen 0 {width}x{height}x24 -nolisten tcp -noreset \
3>/tmp/display >/tmp/xvfb.log 2>&1 &
while [ ! -s /tmp/display ] && kill -0 $!; do sleep 0.05; done
[ -s /tmp/display ] || {{ cat /tmp/xvfb.log; false; }}
DISPLAY=:$(cat /tmp/display)
export DISPLAY
"""
_ENVIRONMENT = {
    # No session bus and no accessibility bridge: the app must not wait for them.
    "DBUS_SESSION_BUS_ADDRESS": "disabled:",
    "NO_AT_BRIDGE": "1",
    "GSETTINGS_BACKEND": "keyfile",
}
# Without a session bus Flutter goes by the theme's name.
_DARK = "[org/gnome/desktop/interface]\ncolor-scheme='prefer-dark'\ngtk-theme='Adwaita-dark'\n"


class Display:
    """The screen. Use it in a `with` statement.

    Args:
        desktop: The root with the X server and its tools.
        shown: Folders that apps may see and change: their bundles, and where screenshots go.
        width: In pixels.
        height: In pixels.
    """

    def __init__(
        self, desktop: Desktop, shown: Sequence[Path], *, width: int = 1280, height: int = 800
    ) -> None:
        self._desktop = desktop
        self._shown = shown
        self._size = (width, height)
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._asked = 0
        self._apps = 0

    def __enter__(self) -> Display:
        self._folder = tempfile.TemporaryDirectory(prefix="tvmplug-display-")
        work = Path(self._folder.name)
        command = command_inside(
            self._desktop.root,
            ["sh"],
            shown=[*self._shown, work],
            cwd=work,
            env=_ENVIRONMENT,
        )
        # The shell is the first process of its namespace: when its input ends, all others do.
        self._shell = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        threading.Thread(target=self._read, daemon=True).start()
        try:
            self.run(_SERVER.format(width=self._size[0], height=self._size[1]))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()

    def start(
        self,
        program: Path,
        arguments: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        dark: bool = False,
        timeout_s: float = 60,
    ) -> App:
        """Start an app, wait for its window, and let it fill the screen.

        Args:
            program: In one of the folders that are shown.
            arguments: For it.
            env: Variables for it.
            dark: Tell it that the person prefers dark colours.
            timeout_s: Seconds until its window must be there.

        Raises:
            ToolError: It ended, or showed no window in time.
        """
        self._apps += 1
        printed = Path(self._folder.name, f"app-{self._apps}")
        settings = _DARK if dark else ""
        self.run("mkdir -p /tmp/.config/glib-2.0/settings")
        self.run(f"printf %s {shlex.quote(settings)} > /tmp/.config/glib-2.0/settings/keyfile")
        variables = [f"{name}={value}" for name, value in (env or {}).items()]
        command = shlex.join(["env", *variables, str(program), *arguments])
        inner = int(self.run(f"{command} >{printed} 2>&1 & echo $!"))
        app = App(self._outer(inner, printed), printed)
        window = self._window(app, inner, timeout_s)
        self.run(
            f"xdotool windowmove {window} 0 0 windowsize --sync {window} "
            f"{self._size[0]} {self._size[1]} windowfocus --sync {window}"
        )
        self._painted(app, timeout_s)
        return app

    def type(self, text: str) -> None:
        """Type some text into what has the focus.

        Args:
            text: Characters of a US keyboard. xdotool would lend a key to any other character
                for a moment, and a busy app looks at the key when the moment is over.

        Raises:
            ToolError: It has other characters.
        """
        if not (text.isascii() and text.isprintable()):
            raise ToolError(f"no keys for {text!r}: only what a US keyboard has can be typed")
        self.run(f"xdotool type --delay 30 -- {shlex.quote(text)}")

    def key(self, *keys: str) -> None:
        """Press keys one after the other, by X11's names: `Return`, `Tab`, `ctrl+a`."""
        self.run(shlex.join(["xdotool", "key", "--delay", "30", *keys]))

    def click(self, x: int, y: int) -> None:
        """Click with the first button at a place in pixels from the upper left corner."""
        self.run(f"xdotool mousemove --sync {x} {y} sleep 0.1 click 1")

    def screenshot(self, picture: Path) -> None:
        """Save what the screen shows as a PNG, in one of the folders that are shown."""
        making = picture.with_name(f".{picture.name}.making")
        self.run(f"import-im7.q16 -silent -window root png:{shlex.quote(str(making))}")
        making.replace(picture)

    def settle(self, *, timeout_s: float = 3) -> None:
        """Wait until the screen looks the same twice in a row, or for so long."""
        deadline = time.monotonic() + timeout_s
        before = ""
        while time.monotonic() < deadline:
            now = self.run("import-im7.q16 -silent -window root rgb:- | sha256sum")
            if now == before:
                return
            before = now
            time.sleep(0.1)

    def wait_for_brightness(self, lowest: float, highest: float, *, timeout_s: float = 30) -> None:
        """Wait until the screen's mean lies between two values from 0 (black) to 1 (white).

        A change of theme takes some frames, which a busy machine paints whenever it can: that two
        screens in a row are the same does not tell the last one.

        Raises:
            ToolError: It did not in that time.
        """
        deadline = time.monotonic() + timeout_s
        command = "import-im7.q16 -silent -window root -colorspace Gray -format %[fx:mean] info:-"
        while not lowest <= (mean := float(self.run(command))) <= highest:
            if time.monotonic() > deadline:
                raise ToolError(f"the screen's brightness stays at {mean:.2f} for {timeout_s:g} s")
            time.sleep(0.1)

    def run(self, command: str, *, timeout_s: float = 60) -> str:
        """Run a shell command beside the X server; return what it printed.

        Raises:
            ToolError: It failed, or took too long.
        """
        self._asked += 1
        mark = f"@answer {self._asked} "
        if self._shell.stdin is None:
            raise ToolError("the display is closed")
        try:
            self._shell.stdin.write(f"{command}\necho; echo {shlex.quote(mark)}$?\n")
            self._shell.stdin.flush()
        except BrokenPipeError:
            pass  # what it printed last says why
        printed: list[str] = []
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise ToolError(f"no answer in {timeout_s:g} s: {command}") from None
            if line is None:
                raise ToolError(f"the display has ended: {' '.join(printed)}")
            if line.startswith(mark):
                text = "\n".join(printed).strip()
                if int(line.removeprefix(mark)) != 0:
                    raise ToolError(f"{command.strip()} failed on the display: {text}")
                return text
            printed.append(line)

    def _read(self) -> None:
        for line in self._shell.stdout or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _window(self, app: App, inner: int, timeout_s: float) -> str:
        """The number of an app's window."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            search = f"xdotool search --onlyvisible --pid {inner} || true"
            if found := self.run(search).split():
                return found[-1]
            if not app.running:
                raise ToolError("the app has ended:\n" + "\n".join(app.lines()[-20:]))
            time.sleep(0.1)
        raise ToolError(f"no window in {timeout_s:g} s:\n" + "\n".join(app.lines()[-20:]))

    def _painted(self, app: App, timeout_s: float) -> None:
        """Wait until the screen has several colours: before its first frame a window is black."""
        deadline = time.monotonic() + timeout_s
        while self.run("import-im7.q16 -silent -window root -format %k info:-") == "1":
            if not app.running or time.monotonic() > deadline:
                raise ToolError("the app painted nothing:\n" + "\n".join(app.lines()[-20:]))
            time.sleep(0.1)

    def _outer(self, inner: int, printed: Path) -> int:
        """The process id, as seen here, of one in the display's namespace."""
        for pid in descendants(self._shell.pid):
            status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            ids = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()
            if ids[-1] == str(inner):
                return pid
        raise ToolError(f"the app has ended:\n{printed.read_text(encoding='utf-8')}")

    def _close(self) -> None:
        if self._shell.stdin is not None:
            self._shell.stdin.close()
        try:
            self._shell.wait(5)
        except subprocess.TimeoutExpired:
            self._shell.kill()
            self._shell.wait()
        self._folder.cleanup()
