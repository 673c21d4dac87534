"""What JSON holds, as read or to be written."""

from typing import Any, TypeAlias

#: A value of JSON: who reads one checks its parts. (A recursive type would ask for a check at each step of the
#: way, also in what we wrote ourselves.)
Json: TypeAlias = Any
