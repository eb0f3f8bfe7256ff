"""What a command says on standard error when it can't do what it is for."""


def complain(sentence: str) -> None:
    """Print a line on standard error.

    Args:
        sentence: what is wrong.
    """
    import typer  # noqa: PLC0415 - most starts have nothing to complain of

    typer.echo(sentence, err=True)
