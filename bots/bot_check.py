"""What is wrong with a bot's class, or with a bot that was just made, before anything runs."""

import inspect
import logging
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from ..media import ReceivePath
from .bot import Bot
from .speaking import Synthesizer

#: What an account calls, and what a bot may call: coroutines, all of them.
HANDLERS = tuple(name for name in vars(Bot) if name.startswith("on_"))
VERBS = tuple(
    name
    for name, value in vars(Bot).items()
    if inspect.iscoroutinefunction(value) and name not in HANDLERS
)
#: What a bot may override that is no coroutine.
PLAIN = ("read_options",)
#: How near to a method's name, from 0 to 1, a name is a slip of the pen.
NEARLY = 0.85
#: What a bot has from the beginning.
ATTRIBUTES = ("account", "options", "folder", "is_replaced", "log", "_ref")


def class_faults(bot: type[Bot]) -> Iterator[str]:
    """Say what is wrong with a class, a sentence each.

    Args:
        bot: the class.
    """
    missing = sorted(getattr(bot, "__abstractmethods__", ()))
    if missing:
        yield f"{bot.__name__} is abstract: implement {', '.join(missing)}{_line(bot)}"
    for name in (*HANDLERS, *VERBS, *PLAIN):
        static = inspect.getattr_static(bot, name)
        if static is not vars(Bot)[name]:
            is_unbound = inspect.isfunction(static)
            yield from _method_faults(bot, name, getattr(bot, name), is_unbound=is_unbound)
    before = bot.__mro__[: bot.__mro__.index(Bot)]
    for name in ATTRIBUTES:
        if any(name in vars(one) for one in before):
            yield _hides(bot, name)
    for name in sorted({name for one in before for name in vars(one)}):
        yield from _misspelled(bot, name)
    static = inspect.getattr_static(bot, "path")
    if not inspect.isdatadescriptor(static):
        yield from _path_faults(bot, static)
    static = inspect.getattr_static(bot, "synthesizer")
    if not inspect.isdatadescriptor(static):
        yield from _synthesizer_faults(bot, static)


def bot_faults(bot: Bot, account: str, folder: Path) -> Iterator[str]:
    """Say what is wrong with a bot that was made, a sentence each.

    Args:
        bot: the bot; its class is sound.
        account: the bare JID that it was made with.
        folder: the folder that it was made with.
    """
    kind, own = type(bot), vars(bot)
    if not own.keys() >= set(ATTRIBUTES):
        first = "begin it with super().__init__(*given)"
        yield f"{kind.__name__}.__init__ does not call Bot's: {first}{_line(kind)}"
        return
    is_as_it_was = {
        "account": own["account"] == account,
        "options": isinstance(own["options"], Mapping),
        "folder": own["folder"] == folder,
        "is_replaced": own["is_replaced"] is False,
        "log": isinstance(own["log"], logging.Logger | logging.LoggerAdapter),
        "_ref": own["_ref"] is None,
    }
    for name in ATTRIBUTES:
        if not is_as_it_was[name]:
            yield _hides(kind, name)
    for name in (*HANDLERS, *VERBS, *PLAIN):
        if name in own:
            yield from _method_faults(kind, name, own[name], is_unbound=False)
    yield from _path_faults(kind, bot.path)
    yield from _synthesizer_faults(kind, bot.synthesizer)


def _method_faults(bot: type[Bot], name: str, found: Any, *, is_unbound: bool) -> Iterator[str]:
    """Say why a method can't be called as Bot's own is."""
    what = f"{bot.__name__}.{name}"
    innermost = inspect.unwrap(found) if callable(found) else found
    if inspect.isasyncgenfunction(innermost) or inspect.isgeneratorfunction(innermost):
        yield f"{what} contains 'yield', so it would never run: remove that{_line(innermost)}"
    elif name in PLAIN:
        if not callable(found):
            yield _hides(bot, name)
            return
        if inspect.iscoroutinefunction(innermost):
            yield f"{what} is async, so it would never run: begin it with 'def'{_line(innermost)}"
    elif not inspect.iscoroutinefunction(innermost):
        if name in VERBS or not callable(found):
            yield _hides(bot, name)
            return
        yield f"{what} is not async: begin it with 'async def {name}'{_line(innermost)}"
    wanted = inspect.signature(vars(Bot)[name])
    own = list(wanted.parameters.values())[1:]
    named = {one.name: None for one in own if one.kind is one.KEYWORD_ONLY}
    count = is_unbound + sum(one.default is one.empty for one in own if one.name not in named)
    try:
        inspect.signature(found).bind(*[None] * count, **named)
    except TypeError as error:
        shown = ", ".join(one.name for one in own)
        call = f"{name}({shown})"
        where = _line(innermost)
        yield f"{what} is called as {call}, which it does not accept ({error}){where}"
    except ValueError:
        return  # a built-in function: nothing is known of what it takes


def _path_faults(bot: type[Bot], path: object) -> Iterator[str]:
    paths = [one.value for one in ReceivePath]
    if path is not None and path not in paths:
        yield (
            f"{bot.__name__}.path is {path!r}, but path says how calls receive media: give "
            f"{', '.join(map(repr, paths))} or None, or choose another name{_line(bot)}"
        )


def _synthesizer_faults(bot: type[Bot], found: object) -> Iterator[str]:
    if found is not None and not isinstance(found, Synthesizer):
        yield (
            f"{bot.__name__}.synthesizer is {type(found).__name__}, but it says what speaks: give "
            f"a Synthesizer(function, rate=…) or None, or choose another name{_line(bot)}"
        )


def _misspelled(bot: type[Bot], name: str) -> Iterator[str]:
    """Say what nobody would call, though it has nearly the name of what is called."""
    found = getattr(bot, name, None)
    known = (*HANDLERS, *PLAIN)
    if name in vars(Bot) or not callable(found) or inspect.isclass(found):
        return
    plain = {one.replace("_", ""): one for one in known}
    for close in get_close_matches(name.replace("_", "").lower(), plain, 1, NEARLY):
        yield (
            f"{bot.__name__}.{name} is called by nobody: did you mean {plain[close]}? If not, "
            f"choose another name{_line(inspect.unwrap(found))}"
        )


def _hides(bot: type[Bot], name: str) -> str:
    return (
        f"{bot.__name__}.{name} hides Bot.{name}, which Callboard needs: choose another name"
        f"{_line(bot)}"
    )


def _line(found: Any) -> str:
    try:
        file, number = inspect.getsourcefile(found), inspect.getsourcelines(found)[1]
    except (OSError, TypeError):
        return ""
    return "" if file is None else f" ({Path(file).name}, line {number})"
