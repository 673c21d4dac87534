"""What a rendering may take, and the tolls that are paid of it: by loops, values, texts and filters, before they take
time or memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sized
from contextvars import ContextVar
from functools import wraps
from types import GeneratorType as Generator
from types import NoneType
from typing import NamedTuple, TypeVar

from jinja2 import Undefined, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context

#: Of one text made by a template, whether it is sent or only kept in a variable.
MOST_TEXT_MADE_CHARACTERS = 1024 * 1024
#: Of one value, lists included: an element counts as `CHARACTERS_PER_STEP`.
MOST_VALUE_CHARACTERS = 8 * 1024 * 1024
#: Copying or comparing so many characters takes about as long as one step.
CHARACTERS_PER_STEP = 64
#: Of a whole number.
MOST_BITS = 256
MOST_RANGE = 1000
T = TypeVar("T")


class Overspent(SecurityError):
    """A rendering needs more than it may."""


class Allowance:
    """What one rendering may still take: steps (a step is what one element of a text costs when it is evaluated, some
    tenth of a microsecond) and characters of output."""

    __slots__ = ("steps", "characters")

    def __init__(self, steps: int, characters: int) -> None:
        self.steps, self.characters = steps, characters

    def spend(self, steps: int, characters: int = 0) -> None:
        """Take from it; Overspent when so much is not left."""
        self.steps -= steps
        self.characters -= characters
        if self.steps < 0 or self.characters < 0:
            raise Overspent("rendering the text takes too many steps; make its loops and its values smaller")


#: Of the rendering that is under way.
ALLOWANCE: ContextVar[Allowance] = ContextVar("allowance")


def paid(value: object) -> int:
    """Pay for looking at all of a value, and return how large it is; Overspent where it is larger than any may be."""
    if isinstance(value, str):
        size = len(value)
        if size > MOST_TEXT_MADE_CHARACTERS:
            raise Overspent("a text becomes longer than 1 MB")
        ALLOWANCE.get().spend(1 + size // CHARACTERS_PER_STEP)
        return size
    size = _size(value, MOST_VALUE_CHARACTERS)
    ALLOWANCE.get().spend(size // CHARACTERS_PER_STEP)
    return size


def _size(value: object, most: int) -> int:
    """Return how large a value is when each element is counted wherever it stands; it stops at `most`."""
    if isinstance(value, str):
        return CHARACTERS_PER_STEP + len(value)
    if isinstance(value, int) and value.bit_length() > MOST_BITS:
        raise Overspent("a number becomes too large")
    if isinstance(value, int | float | NoneType | Undefined):
        return CHARACTERS_PER_STEP
    if isinstance(value, range):
        return CHARACTERS_PER_STEP * len(value)
    if not isinstance(value, list | tuple | dict):
        raise SecurityError("only texts, numbers and lists can be used here")
    size = CHARACTERS_PER_STEP
    for item in value:
        size += _size(item, most - size)
        if isinstance(value, dict):
            size += _size(value[item], most - size)
        if size > most:
            raise Overspent("a value becomes too large")
    return size


def paid_value(value: T) -> T:
    """Pay for a value and give it back."""
    paid(value)
    return value


def rounds(value: object, steps: int, characters: int) -> object:
    """Pay for all rounds of a loop; nothing ends one early."""
    if isinstance(value, Undefined):
        return value
    if not isinstance(value, str | list | tuple | dict | range):
        raise SecurityError("only texts, lists and range() can be looped over")
    ALLOWANCE.get().spend(1 + len(value) * (steps + 2), len(value) * characters)
    return value


def joined(parts: list[object]) -> str:
    """Write values one behind the other (`~`)."""
    if sum(map(paid, parts)) > MOST_VALUE_CHARACTERS:
        raise Overspent("a value becomes too large")
    return paid_value("".join(map(str, parts)))


@pass_context
def shown(context: Context, value: object) -> str:
    """Return the text that stands for a value in the output."""
    text = value if type(value) is str else str(paid_value(value))
    size, allowance = len(text), ALLOWANCE.get()
    # As `spend` does: every output of every text comes here.
    allowance.steps -= 1 + size // CHARACTERS_PER_STEP
    allowance.characters -= size
    if allowance.steps < 0 or allowance.characters < 0:
        allowance.spend(0)
    return text


def numbers(*given: int) -> range:
    """Return what `range()` gives, if it is not too much."""
    found = range(*given)
    if len(found) > MOST_RANGE:
        raise Overspent(f"range() gives at most {MOST_RANGE} numbers")
    return found


class Cost(NamedTuple):
    """What a filter takes beyond looking at what it is given: steps, and characters that it makes."""

    steps: int = 0
    characters: int = 0


def _replaced(value: object, old: object, new: object, *count: object) -> Cost:
    times = str(value).count(str(old))
    return Cost(times, times * len(str(new)))


def _separated(value: object, separator: object = "", *attribute: object) -> Cost:
    count = _length(value)
    return Cost(count, count * len(str(separator)))


def _trimmed(value: object, *chars: object) -> Cost:
    return Cost(len(str(value)) * len(str(chars[0])) // CHARACTERS_PER_STEP if chars else 0)


def _per_element(steps: int) -> Callable[..., Cost]:
    return lambda value, *how: Cost(steps * _length(value))


def _length(value: object) -> int:
    return len(value) if isinstance(value, Sized) else 0


#: Of the filters that take more than looking at what they are given, by what that is.
BEYOND: Mapping[str, Callable[..., Cost]] = {
    "join": _separated,
    "list": _per_element(1),
    "replace": _replaced,
    "sort": _per_element(20),
    "trim": _trimmed,
    "unique": _per_element(8),
}


def paying_filter(name: str, work: Callable[..., object]) -> Callable[..., object]:
    """Return a filter that pays for what it is given and for what it gives, before it takes the memory for it."""
    first, beyond = int(hasattr(work, "jinja_pass_arg")), BEYOND.get(name)

    @wraps(work)
    def paying(*args: object, **named: object) -> object:
        given = (*args[first:], *named.values())
        for value in given:
            paid(value)
        if beyond:
            steps, characters = beyond(*given)
            ALLOWANCE.get().spend(steps + characters // CHARACTERS_PER_STEP)
            if characters > MOST_TEXT_MADE_CHARACTERS:
                raise Overspent("a text becomes longer than 1 MB")
        found = work(*args, **named)
        return paid_value(list(found) if isinstance(found, Generator) else found)

    return paying
