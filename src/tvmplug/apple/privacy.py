"""The privacy manifest of a library, from the functions of the system that it really needs.

Apple's list of functions that need a reason, and the reasons:
https://developer.apple.com/documentation/bundleresources/describing-use-of-required-reason-api
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class _Category:
    name: str
    reason: str
    functions: frozenset[str]


# The reasons are those of a library that reads its app's own files and measures time.
_CATEGORIES = (
    _Category(
        "NSPrivacyAccessedAPICategoryDiskSpace",
        "E174.1",
        frozenset({"fstatfs", "fstatvfs", "statfs", "statvfs"}),
    ),
    _Category(
        "NSPrivacyAccessedAPICategoryFileTimestamp",
        "C617.1",
        frozenset(
            {
                *("fgetattrlist", "fstat", "fstatat", "getattrlist", "getattrlistat"),
                *("getattrlistbulk", "lstat", "stat"),
            }
        ),
    ),
    _Category(
        "NSPrivacyAccessedAPICategorySystemBootTime", "35F9.1", frozenset({"mach_absolute_time"})
    ),
)


def privacy_manifest(undefined: Collection[str]) -> dict[str, Any]:
    """Return the content of a `PrivacyInfo.xcprivacy`: no tracking, no data collected.

    Args:
        undefined: The symbols that the library needs, as C spells them.
    """
    # The x86-64 Mac spells some of them with a suffix: stat$INODE64.
    needed = {name.partition("$")[0] for name in undefined}
    return {
        "NSPrivacyAccessedAPITypes": [
            {
                "NSPrivacyAccessedAPIType": category.name,
                "NSPrivacyAccessedAPITypeReasons": [category.reason],
            }
            for category in _CATEGORIES
            if needed & category.functions
        ],
        "NSPrivacyCollectedDataTypes": [],
        "NSPrivacyTracking": False,
        "NSPrivacyTrackingDomains": [],
    }
