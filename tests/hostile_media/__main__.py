from tests.hostile_media import table

print(table(), end="")  # noqa: T201 - it is what the command is for
