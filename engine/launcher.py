"""Starts the embedded local AWS: MiniStack, on loopback only, with what wraps.py changes, and ends with its caller.

    python launcher.py --data DIR [--remove-data] [--concurrency N] [--async-slots N]

Standard output carries one JSON object per line: {"event": "ready", "port", "pid"} or {"event": "error", "message"},
then one answer per command. Standard input takes commands, {"id": 1, "iam": true}; its end is the order to stop.

Nothing outlives the caller: when standard input ends (the caller stopped or was killed) the engine kills its workers and
exits; when the engine itself is killed, a guardian process, forked at the start, sees its pipe close and kills the engine's process
group. (Linux's PR_SET_PDEATHSIG is no help: it fires when the thread that started a worker ends.)
"""

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import threading

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))


class Guardian:
    """A small process that waits for this one to die, then kills its process group and removes its files."""

    def __init__(self, remove):
        self._remove = remove
        ours, self._alarm = os.pipe()   # closes when we die
        self._pulse, theirs = os.pipe()  # closes when the guardian dies
        group = os.getpgrp()
        self.pid = os.fork()
        if self.pid == 0:
            self._guard(group, ours, theirs)
        os.close(ours)
        os.close(theirs)

    def _guard(self, group, alarm, pulse):
        os.setsid()
        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
        # Keeps standard error open: a caller that waits for its end waits for the guardian, too.
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.close(self._alarm)
        os.close(self._pulse)
        if os.read(alarm, 1) == b"":  # not dismissed: it was killed
            try:
                os.killpg(group, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
            if self._remove:
                shutil.rmtree(self._remove, ignore_errors=True)
        os._exit(0)

    def watch(self, on_death):
        def wait():
            os.read(self._pulse, 1)
            on_death()
        threading.Thread(target=wait, daemon=True, name="guardian-watch").start()

    def dismiss(self):
        try:
            os.write(self._alarm, b"q")
            os.waitpid(self.pid, 0)
        except OSError:
            pass  # it is gone already


class Engine:
    def __init__(self, options):
        self.options = options
        self._answers = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)  # whatever else prints must not disturb the answers
        self._ending = threading.Lock()
        self._write = threading.Lock()
        self._guardian = Guardian(options.data if options.remove_data else None)

    def say(self, **message):
        with self._write:
            try:
                self._answers.write(json.dumps(message) + "\n")
            except OSError:
                pass  # the caller is gone: standard input ends as well

    def end(self):
        """Kills every worker and waits for it, so that init need not collect any; then the whole group, this process too."""
        if not self._ending.acquire(blocking=False):
            return
        runtime = sys.modules.get("ministack.core.lambda_runtime")
        workers = [w for pool in list(runtime._workers.values()) for w in list(pool)] if runtime else []
        processes = [w._proc for w in workers if w._proc is not None]
        for process in processes:
            process.kill()
        for process in processes:
            try:
                process.wait(timeout=2)
            except Exception:
                pass
        if self.options.remove_data:
            shutil.rmtree(self.options.data, ignore_errors=True)
        self._guardian.dismiss()
        # Ourselves, and whatever else is left in the group: workers that were just starting, children of workers.
        os.killpg(os.getpgrp(), signal.SIGKILL)

    def obey(self):
        for line in sys.stdin:
            try:
                command = json.loads(line)
                answer = {"id": command.get("id")}
                if "iam" in command:
                    answer["modules"] = self._wraps.enforce_iam(bool(command["iam"]), self._runtime)
                else:
                    answer["error"] = f"unknown command: {line.strip()}"
                self.say(**answer)
            except Exception as error:
                self.say(id=None, error=f"{type(error).__name__}: {error}")
        self.end()

    def run(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: threading.Thread(target=self.end).start())
        self._guardian.watch(self.end)

        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(("127.0.0.1", 0))  # kept open from here on: nobody can take the port in between
        listener.listen(512)
        port = listener.getsockname()[1]
        _configure(self.options, port)

        sys.path.insert(0, HERE)
        import self_test
        import wraps

        from ministack import app
        from ministack.core import lambda_runtime

        self._wraps, self._runtime = wraps, lambda_runtime
        wraps.apply(self.options.async_slots)
        threading.Thread(target=self.obey, daemon=True, name="commands").start()

        def prove():
            try:
                self_test.run(port, self.options.concurrency, os.path.join(self.options.data, "tmp"))
            except BaseException as error:
                self.say(event="error", message=f"self-test failed: {error}")
                self.end()
                return
            self.say(event="ready", port=port, pid=os.getpid(), concurrency=self.options.concurrency,
                     asyncSlots=self.options.async_slots)

        async def serve():
            from hypercorn.asyncio import serve as hypercorn_serve
            from hypercorn.config import Config

            config = Config()
            config.bind = [f"fd://{listener.detach()}"]
            config.keep_alive_timeout = 75
            config.backlog = 512
            config.loglevel = "WARNING"
            threading.Thread(target=prove, daemon=True, name="self-test").start()
            await hypercorn_serve(app.app, config, shutdown_trigger=asyncio.Event().wait)

        asyncio.run(serve())


def _configure(options, port):
    """The engine's settings: read from the environment when it is imported."""
    temporary = os.path.join(options.data, "tmp")
    os.makedirs(temporary, exist_ok=True)
    os.environ.update({
        "TMPDIR": temporary,
        "STATE_DIR": os.path.join(options.data, "state"),
        "S3_DATA_DIR": os.path.join(options.data, "s3"),
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_ACCOUNT_ID": "000000000000",
        "MINISTACK_REGION": "us-east-1",
        "LAMBDA_EXECUTOR": "local",
        "LAMBDA_ACCOUNT_CONCURRENCY": str(options.concurrency),
        "LOG_LEVEL": os.environ.get("BURST_ENGINE_LOG_LEVEL", "WARNING"),
        # listeners of their own, on all interfaces
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "AUTH": "false",
        "NO_PROXY": "127.0.0.1,localhost",
    })
    import tempfile
    tempfile.tempdir = temporary


def main():
    parser = argparse.ArgumentParser(description="Embedded local AWS")
    parser.add_argument("--data", required=True, help="folder for temporary files and state")
    parser.add_argument("--remove-data", action="store_true", help="remove that folder at the end")
    parser.add_argument("--concurrency", type=int, default=16, help="how many functions may run at a time")
    parser.add_argument("--async-slots", type=int, default=3, help="how many asynchronous invokes may run at a time")
    options = parser.parse_args()
    options.data = os.path.abspath(options.data)
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    engine = Engine(options)
    try:
        engine.run()
    except BaseException as error:
        engine.say(event="error", message=f"{type(error).__name__}: {error}")
        engine.end()


if __name__ == "__main__":
    main()
