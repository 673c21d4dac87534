"""What JSON holds, as read or to be written."""

from typing import Any, TypeAlias

#: A value of JSON that is read: who reads one checks its parts, for a recursive type asks for a check at each step of
#: the way, also in what we wrote ourselves (tried: 182 complaints, none of them a defect). What is only written or
#: handed on is `object`.
Json: TypeAlias = Any  # Any: a value of JSON may be of any kind
