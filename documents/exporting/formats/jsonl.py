"""JSON lines: each document as it is rendered, exact to the digit."""


class Jsonl:
    def begin(self) -> bytes:
        return b""

    def write(self, rendered: str) -> bytes:
        return rendered.encode() + b"\n"

    def end(self) -> bytes:
        return b""
